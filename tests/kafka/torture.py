#!/usr/bin/env python3
"""Crashes of the pipeline on Kafka, seeded and repeatable, on a broker of their own.

    paygen -o kafka:P, paygen --atomic, POSTs to two paystats-serve   ->   payagg kafka:P -o kafka:S
    (one, two, or one of two jobs; exactly once or at least once)  ->  paystats-cache kafka:S

Each round works on topics of its own with one partition or three, hurts the pipeline at random
moments, and then holds the topics against an oracle that shares nothing with it (oracle.py):

  - what is in the topic was sent, once; each POST and each --atomic batch is whole or absent; what
    paygen (status 0) or serve (200) acknowledged is there;
  - every total that was ever committed is that of a prefix of its partition's payments, and the last
    one of each user that of all of them;
  - a key is paid at most once, once where a client was told so, never where each was told that it is
    not; each request of a key has one answer, in order, that of the first (keyed_oracle.py);
  - the cache says the same, merged;
  - no process ends by itself or hangs: payments flow again within the limits below after each fault,
    and a signal ends each tool within its limit, also while there is no broker.

What is hurt (--only takes some of these, with commas between):

  payagg, serve, paygen, cache   kill -9 or SIGTERM, and the same again under the same name
  serve_away  one of two servers is killed and stays away: the other one pays for its keys
  serve_zombie   SIGSTOP of a server, mostly past its session's time-out, then SIGCONT or kill -9
  takeover    one of two payaggs is killed and stays away: the other one takes its partitions
  zombie      SIGSTOP past the session's time-out, then SIGCONT
  twin        a payagg of a name that is taken: the older one ends and says why
  broker      kill -9, SIGTERM or SIGSTOP; sometimes all tools are told to end meanwhile
  net         connections are slow, cut, deaf (requests arrive, answers do not) or swallow everything
  disk        the broker's disk fills (needs root, for a small tmpfs)
  leader      three brokers, one of which dies: leaders change (a cluster of its own; only by name)

A round in which nobody goes on, and a broker's log says that its own coordinator has broken, is told and is no
difference, unless there are more than two in a hundred.

Prints rounds, faults and differences; exit 1 if there is a difference, whose evidence stays in the
folder that is named. --seconds and --faults limit the run, whichever comes first.
"""
import argparse
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
from faults import FAULTS
from round import Round
from stack import Broker

KINDS = ["payagg", "takeover", "zombie", "twin", "serve", "serve_away", "serve_zombie", "paygen", "cache", "broker",
         "net", "disk"]


class SmallDisk:
    """A tmpfs for the broker's data, or the reason why there is none."""

    SIZE_MB = 300

    def __init__(self, folder):
        self.path = os.path.join(folder, "disk")
        os.makedirs(self.path, exist_ok=True)
        run = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.SIZE_MB}m", "tmpfs", self.path],
                             capture_output=True, check=False)
        self.reason = None if run.returncode == 0 else run.stderr.decode().strip() or "mount failed"

    def close(self):
        if self.reason is None:
            subprocess.run(["umount", "-l", self.path], check=False)


class Torture:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.kinds = arguments.only.split(",") if arguments.only else list(KINDS)
        unknown = set(self.kinds) - set(KINDS) - {"leader"}
        if unknown:
            sys.exit(f"torture: --only: {', '.join(sorted(unknown))}: no such fault; see --help")
        self.counts, self.key_counts = collections.Counter(), collections.Counter()
        self.recoveries = collections.defaultdict(list)
        self.rounds = self.differences = self.breaks = 0
        self.disk = None

    def open_broker(self):
        data = None
        if "disk" in self.kinds:
            self.disk = SmallDisk(self.folder)
            if self.disk.reason:
                print(f"skipped: disk: {self.disk.reason}", flush=True)
                self.kinds.remove("disk")
            else:
                data = self.disk.path
        broker = Broker(os.path.join(self.folder, "kafka"), 3 if "leader" in self.kinds else 1, data)
        if broker.nodes == 3:
            for kind in {"net", "disk"} & set(self.kinds):
                self.kinds.remove(kind)
        broker.start()
        return broker

    def run(self):
        limit = time.monotonic() + self.arguments.seconds
        broker = self.open_broker()
        try:
            while self.kinds and time.monotonic() < limit and sum(self.counts.values()) < self.arguments.faults:
                self.play(broker, limit)
        finally:
            broker.stop()
            if self.disk:
                self.disk.close()

    def play(self, broker, limit):
        number = self.rounds
        rng = random.Random(self.arguments.seed * 1_000_003 + number)
        folder = os.path.join(self.folder, f"round-{number}")
        os.makedirs(folder)
        self.rounds += 1
        most = self.arguments.faults - sum(self.counts.values())
        work = Round(self.arguments, broker, folder, rng, f"{os.path.basename(self.folder)}-{number}", self.kinds)

        def course():
            broker.start()  # where the round before ended without it
            work.play(FAULTS, min(most, rng.randint(4, 8)), limit)

        try:
            breaks = broker.breaks()
            difference = work.attempt(course)
            # It explains that nobody goes on, and nothing else.
            if difference and str(difference).startswith("waited") and broker.breaks() > breaks:
                self.breaks += 1
                print(f"THE BROKER BROKE, seed {self.arguments.seed} round {number} ({folder}): {difference}",
                      flush=True)
                broker.kill("KILL")
                broker.start()
            elif difference:
                self.differences += 1
                print(f"DIFFERENCE seed {self.arguments.seed} round {number} ({work.shape}; {folder}): {difference}",
                      flush=True)
        finally:
            self.counts.update(work.counts)
            self.key_counts.update(work.key_counts)
            for kind, times in work.recoveries.items():
                self.recoveries[kind] += times
        if self.arguments.verbose:
            print(f"round {number}: {work.shape}, {work.payments} payments, {dict(work.counts)}, "
                  f"{dict(work.key_counts)}", flush=True)

    def tell(self):
        for kind, times in sorted(self.recoveries.items()):
            times.sort()
            print(f"recovered after {kind}: median {times[len(times) // 2]:.1f} s, worst {times[-1]:.1f} s "
                  f"of {len(times)}")
        print(f"keyed: {dict(self.key_counts)}")
        print(f"rounds {self.rounds}, faults {sum(self.counts.values())} ({dict(sorted(self.counts.items()))}), "
              f"differences {self.differences}" + (f", and in {self.breaks} the broker broke" if self.breaks else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder of the built tools")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no round begins later")
    parser.add_argument("--faults", type=int, default=1 << 30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="kinds of faults, with commas between")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line a round")
    arguments = parser.parse_args()
    if arguments.seconds == float("inf") and arguments.faults == 1 << 30:
        parser.error("--seconds or --faults is needed")
    arguments.bin = os.path.abspath(arguments.bin)
    folder = tempfile.mkdtemp(prefix="paystats-torture-")
    torture = Torture(arguments, folder)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # what was started is ended, too
    try:
        torture.run()
    finally:
        torture.tell()
        if not torture.differences and not torture.breaks and sys.exc_info()[0] is None:
            shutil.rmtree(folder, ignore_errors=True)
    # A broker that often breaks is looked at by somebody.
    return 1 if torture.differences or torture.breaks > 1 + torture.rounds // 50 else 0


if __name__ == "__main__":
    sys.exit(main())
