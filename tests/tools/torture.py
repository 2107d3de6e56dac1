#!/usr/bin/env python3
"""Crashes of the durable pipeline, seeded and repeatable.

    paygen -o LOG (several at once)      payagg --follow LOG | paystats-cache --socket SOCK

Each round sends `kill -9` to processes of it in the middle of their work, or cuts the log's tail at
a random byte as a power failure would, starts them again and then holds the result against an
oracle of its own (Python's decimal over the log's lines):

  - every batch is in the log whole or not at all, and no payment that nobody sent;
  - every batch that its writer acknowledged (exit status 0) is there, unless the tail was cut;
  - `payagg LOG`, and the cache behind `payagg --follow LOG`, say exactly what the oracle says.

Prints rounds, crashes and differences; exit 1 if there is a difference.
"""
import argparse
import collections
import decimal
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from torture_common import LIMIT_S, Difference, cache_totals, totals_of, wait_for

class Pipeline:
    """payagg --follow LOG | paystats-cache --socket SOCK."""

    def __init__(self, bin_dir, folder):
        self.bin_dir = bin_dir
        self.log = os.path.join(folder, "payments.jsonl")
        self.socket_path = os.path.join(folder, "stats.sock")
        self.errors = open(os.path.join(folder, "errors"), "ab")
        self.payagg = self.cache = None

    def start(self):
        self.payagg = subprocess.Popen(
            [f"{self.bin_dir}/payagg", "--follow", self.log, "--trigger", "5ms"],
            stdout=subprocess.PIPE, stderr=self.errors)
        self.cache = subprocess.Popen(
            [f"{self.bin_dir}/paystats-cache", "--socket", self.socket_path],
            stdin=self.payagg.stdout, stderr=self.errors)
        self.payagg.stdout.close()

    def kill(self, which):
        victim = self.payagg if which == "payagg" else self.cache
        victim.kill()
        # The other one ends by itself: its input or its output is gone.
        for process in (self.payagg, self.cache):
            wait_for(lambda p=process: p.poll() is not None, f"the end of the pipe after {which}")

    def stop(self):
        if self.payagg is not None and self.payagg.poll() is None:
            self.payagg.send_signal(signal.SIGTERM)
        for process in (self.payagg, self.cache):
            if process is not None:
                wait_for(lambda p=process: p.poll() is not None, "the end of the pipe")

    def end(self):
        for process in (self.payagg, self.cache):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        self.errors.close()

    def totals(self):
        """{user: (sum, count)} of all users in the cache."""
        return cache_totals(self.socket_path)


class Writer:
    """A paygen with some batches, each of a user of its own, so that a batch can be recognised."""

    def __init__(self, bin_dir, log, rng, name, errors):
        self.batches = {}
        for i in range(rng.randint(1, 4)):
            volume = rng.choice([1, 2, 3, rng.randint(1, 50), rng.randint(1000, 30000)])
            self.batches[f"{name}-{i}"] = (decimal.Decimal(rng.randint(1, 99999)) / 100, volume)
        lines = "".join(
            json.dumps({"user": user, "paymentAmt": str(amount), "volume": volume}) + "\n"
            for user, (amount, volume) in self.batches.items())
        self.process = subprocess.Popen([f"{bin_dir}/paygen", "-o", log], stdin=subprocess.PIPE,
                                        stderr=errors)
        try:
            self.process.stdin.write(lines.encode())
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.acknowledged = False

    def wait(self):
        wait_for(lambda: self.process.poll() is not None, "a paygen")
        self.acknowledged = self.process.returncode == 0


def read_log(path):
    with open(path, "rb") as file:
        data = file.read()
    if data and not data.endswith(b"\n"):
        raise Difference("the log ends in a torn line after a writer has mended it")
    return data.decode().splitlines()


def check(pipeline, sent, must_have):
    """Holds log, payagg and cache against the oracle. All writers have ended."""
    oracle = totals_of(read_log(pipeline.log))
    for user, (total, count) in oracle.items():
        if user not in sent:
            raise Difference(f"{user} is in the log and was never sent")
        amount, volume = sent[user]
        if count != volume or total != amount * volume:
            raise Difference(f"{user}: {count} of the {volume} payments of one batch")
    for user in must_have:
        if user not in oracle:
            raise Difference(f"{user} was acknowledged and is not in the log")
    run = subprocess.run([f"{pipeline.bin_dir}/payagg", pipeline.log], capture_output=True,
                         check=False, timeout=LIMIT_S)
    if run.returncode != 0:
        raise Difference(f"payagg LOG: status {run.returncode}: {run.stderr.decode()}")
    final = {}
    for line in run.stdout.decode().splitlines():
        record = json.loads(line, parse_float=decimal.Decimal)
        final[record["user"]] = (record["sum"], record["count"])
    if final != oracle:
        raise Difference("payagg LOG differs from the oracle")
    last = [None]

    def cache_agrees():
        last[0] = pipeline.totals()
        return last[0] == oracle

    try:
        wait_for(cache_agrees, "the cache")
    except Difference:
        raise Difference(f"the cache differs from the oracle: {len(last[0] or {})} users of "
                         f"{len(oracle)}") from None


def play_round(bin_dir, folder, rng, counts):
    pipeline = Pipeline(bin_dir, folder)
    sent, must_have, cut = {}, set(), False
    try:
        pipeline.start()
        for step in range(rng.randint(1, 3)):
            writers = [Writer(bin_dir, pipeline.log, rng, f"w{step}-{i}", pipeline.errors)
                       for i in range(rng.randint(1, 3))]
            for writer in writers:
                sent.update(writer.batches)
            time.sleep(rng.uniform(0, 0.02))  # a moment, not a condition: where the crash falls
            victim = rng.choice(["paygen", "paygen", "payagg", "cache", "cut"])
            counts[victim] += 1
            if victim in ("paygen", "cut"):
                rng.choice(writers).process.kill()
            else:
                pipeline.kill(victim)
                pipeline.start()
            for writer in writers:
                writer.wait()
                if writer.acknowledged:
                    must_have.update(writer.batches)
            if victim == "cut" and os.path.exists(pipeline.log):
                # What a power failure may leave. The follower has applied what is cut off, so it
                # must say so and end; started again, it is right again.
                size = os.path.getsize(pipeline.log)
                os.truncate(pipeline.log, rng.randint(max(0, size - 3000), size))
                cut = True
                pipeline.kill("payagg")
                pipeline.start()
        # One more writer, undisturbed: it mends what the crashes left.
        last = Writer(bin_dir, pipeline.log, rng, "last", pipeline.errors)
        last.wait()
        if not last.acknowledged:
            raise Difference(f"an undisturbed paygen: status {last.process.returncode}")
        sent.update(last.batches)
        check(pipeline, sent, set(last.batches) if cut else must_have | set(last.batches))
        pipeline.stop()
    finally:
        pipeline.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--bin", required=True, help="folder of the built tools")
    parser.add_argument("--rounds", type=int, default=100, help="crashes come in rounds of 1 to 3")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    counts = collections.Counter()
    differences = 0
    for number in range(arguments.rounds):
        seed = arguments.seed * 1_000_003 + number
        folder = tempfile.mkdtemp(prefix="paystats-torture-")
        try:
            play_round(os.path.abspath(arguments.bin), folder, random.Random(seed), counts)
            shutil.rmtree(folder)
        except Difference as difference:
            differences += 1
            print(f"seed {arguments.seed} round {number} ({folder}): {difference}", flush=True)
    print(f"rounds {arguments.rounds}, crashes {sum(counts.values())} ({dict(sorted(counts.items()))}),"
          f" differences {differences}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
