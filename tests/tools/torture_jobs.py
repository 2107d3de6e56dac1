#!/usr/bin/env python3
"""A job that runs again pays once: `paygen --idempotency-prefix P -o LOG INPUT` is killed at random
moments and run again until it ends, seeded and repeatable.

  torture_jobs.py --bin build/release/bin --seed 1 [--rounds 12]

In each round one job does so, or two of one prefix at once, while one of them may be stopped for a
while, the log's tail may be cut as a power failure would, or another writer appends. In the end each
batch of the job is in the log once, in order, one more run adds nothing, and payagg's totals are those.
"""
import argparse
import collections
import concurrent.futures
import os
import random
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "fault"))
from keyed_job import Job  # noqa: E402
from keyed_log import Ledger  # noqa: E402
from serving import payagg  # noqa: E402
from torture_common import Difference  # noqa: E402

KINDS = ("one", "one at random", "two", "two", "two with a stop", "one with cuts", "one among others")


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def stop_for_a_while(job, rng, longest_s):
    process = job.start()
    time.sleep(rng.uniform(0, longest_s))
    process.send_signal(signal.SIGSTOP)
    time.sleep(rng.uniform(0, 0.3))
    process.send_signal(signal.SIGKILL if rng.random() < 0.5 else signal.SIGCONT)
    if not job.ended(process):
        job.run()


def play_cuts(job, log, rng, longest_s):
    for _ in range(rng.randint(1, 4)):
        job.run(rng.uniform(0, longest_s))
        size = len(read(log))
        if size:
            os.truncate(log, rng.randint(max(0, size - 300_000), size))
    job.run()


def play_others(bin_dir, job, log, folder, rng, longest_s):
    """Another job beside it, with a prefix that begins as its own does."""
    other = Job(bin_dir, log, folder, job.prefix + "-7", rng.randint(1, 3000), rng)
    at_once([lambda: job.run_until_it_ends(random.Random(1), rng.randint(1, 5), longest_s),
             lambda: other.run_until_it_ends(random.Random(2), rng.randint(1, 5), longest_s)])
    return [job, other]


def at_once(works):
    with concurrent.futures.ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(work) for work in works]:
            future.result()


def play_round(bin_dir, folder, rng, kind, counts):
    log = os.path.join(folder, "payments.jsonl")
    large = rng.randint(10_000, 30_000)  # several commits
    count = rng.choice([rng.randint(1, 10), rng.randint(1000, 5000), large, large])
    job = Job(bin_dir, log, folder, f"job-{rng.randint(1, 99)}", count, rng)
    if kind == "one at random":
        job.make_random(count, rng)
    jobs, longest_s = [job], job.run_undisturbed()
    if kind in ("one", "one at random"):
        job.run_until_it_ends(rng, rng.randint(3, 8), longest_s)
    elif kind == "one with cuts":
        play_cuts(job, log, rng, longest_s)
    elif kind == "one among others":
        jobs = play_others(bin_dir, job, log, folder, rng, longest_s)
    else:
        rngs = [random.Random(rng.random()) for _ in range(2)]
        works = [lambda r=r: job.run_until_it_ends(r, r.randint(0, 5), longest_s) for r in rngs]
        if kind == "two with a stop":
            works[0] = lambda: stop_for_a_while(job, rngs[0], longest_s)
        at_once(works)
    ledger = Ledger()
    data = read(log)
    for each in jobs:
        each.enter(ledger)
        each.all_taken(ledger)
        each.check(data)
        counts["runs"] += each.runs
        counts["kills"] += each.kills
        counts["kills in the middle"] += each.cut_short
    ledger.check(data, payagg(bin_dir, log))
    job.run()
    if read(log) != data:
        raise Difference("a job that had ended ran again and changed the log")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", required=True, help="the folder of the tools")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts, differences = collections.Counter(), 0
    for number in range(options.rounds):
        kind = KINDS[number % len(KINDS)]
        # In memory syncing takes no time: kills fall into all that is beside it.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) and number % 3 else None
        folder = tempfile.mkdtemp(prefix="torture-jobs-", dir=memory)
        try:
            play_round(os.path.abspath(options.bin), folder,
                       random.Random(f"{options.seed}/{number}"), kind, counts)
            shutil.rmtree(folder)
        except Difference as difference:
            differences += 1
            print(f"torture_jobs: seed {options.seed}, round {number}, {kind} ({folder}): {difference}",
                  flush=True)
    print(f"torture_jobs: rounds {options.rounds}, {dict(counts)}, differences {differences}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
