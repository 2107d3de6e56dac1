#!/usr/bin/env python3
"""The pipeline on three brokers that are restarted, killed, suspended or cut back: make test-cluster.

Topics with three copies, of which two must be in sync; two payaggs of one group, a cache, and two servers
that take POSTs; paygen pays as well. Each situation hurts the brokers of a cluster that all of them share,
on topics of its own. Then the topics are held against the oracle of the tortures (oracle.py):

  - each payment is there once where a sender was told so, and each POST is whole or absent;
  - every total that was committed is that of a prefix of its partition's payments, and the last one of each
    user is that of all of them; the cache says the same;
  - no process has ended by itself, or hangs; payments flow again in every partition within --limit;
  - in unclean and unclean-restart, where committed totals are lost, payagg publishes them again, or ends
    with status 3 and a command that mends it. Where the end of a transaction was lost, and it hangs for
    half a minute, it is ended by Kafka's own tool, and a line says so.

Prints a line a situation: its seconds, the payments in the topic and those acknowledged, the longest time
without a total in the topic, and the longest time that a payment waited for its total, which are not
judged. Exit status 1 if one fails, whose evidence stays in the folder that is named. --sabotage does harm
that must be found: each situation then fails, or the oracle is blind.
"""
import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
import oracle
from pipeline import WRITER_LIMIT_S, Pipeline, Shape
from situations import ON_TWO_BROKERS, SABOTAGES, SITUATIONS
from stack import PROJECT, Broker
from torture_common import wait_for

SHAPE = Shape(partitions=4, members=2, jobs=1, guarantee="exactly-once")
POSTERS = 3
LEADERS_BACK_S = 10  # after a broker is back it leads again; by default after up to five minutes


class Work(Pipeline):
    """A pipeline whose users keep all defaults, and pay at a pace."""

    paygen_volumes = (1, 3, 10, 30)

    def __init__(self, arguments, broker, folder, rng, tag, name):
        super().__init__(arguments.bin, broker, folder, rng, tag, SHAPE)
        self.seconds, self.recovery_limit_s = arguments.seconds, arguments.limit
        self.writer_limit_s = max(arguments.limit, arguments.seconds + WRITER_LIMIT_S)
        self.nodes = rng.sample(range(1, broker.nodes + 1), broker.nodes)
        self.on_two = name in ON_TWO_BROKERS
        self.delays, self.notes = ("", ""), []

    def note(self, text):
        """To be printed with the result."""
        self.say(text)
        self.notes.append(text)

    def topic_settings(self):
        """With the time when a broker wrote each message."""
        timed = "message.timestamp.type=LogAppendTime"
        stats = super().topic_settings()[self.stats_topic]
        if self.on_two:
            stats += ",min.insync.replicas=1,unclean.leader.election.enable=true"
        return {self.payments_topic: timed, self.stats_topic: f"{stats},{timed}"}

    def make_topics(self):
        if not self.on_two:
            super().make_topics()
            return
        settings = self.topic_settings()
        stats = settings.pop(self.stats_topic)
        self.create(settings)
        self.create({self.stats_topic: stats}, "--replicas", f"{self.nodes[0]},{self.nodes[2]}")

    def payers(self):
        return [self.keep_paying] + [self.keep_posting] * POSTERS

    def keep_posting(self, rng):
        super().keep_posting(rng)
        self.done.wait(rng.uniform(0.02, 0.06))

    # ---- The brokers

    def leader(self):
        """Of some partition of the payments."""
        part = self.payments_topic, self.rng.randrange(self.shape.partitions)
        known = wait_for(lambda: self.broker.partitions().get(part), f"a leader of {part}", self.recovery_limit_s, 0.1)
        return known[0]

    def transactional_id(self):
        """Of the member that has committed the offset of some partition."""
        def known():
            rows = self.broker.topics("committed", self.group, "--metadata") or []
            return [row for row in rows if int(row[1]) == number and row[3] != '""']

        number = self.rng.randrange(self.shape.partitions)
        [row] = wait_for(known, f"an offset of partition {number}", self.recovery_limit_s, 0.1)
        return row[3].strip('"').split("\\n")[0]

    def await_copies(self):
        def complete():
            known = self.broker.partitions()
            return known and all(in_sync == nodes for _, in_sync, nodes in known.values())

        wait_for(lambda: self.check_run() or complete(), "every copy of every partition to be in sync",
                 self.recovery_limit_s, 0.2)

    def pass_time(self, since):
        """Until so many seconds have passed; meanwhile no tool ends by itself."""
        while time.monotonic() < since + self.seconds:
            self.check_run()
            time.sleep(0.2)

    # ---- Course

    def play(self, situation, sabotage):
        self.start()
        self.recovered("start", time.monotonic())
        self.pass_time(time.monotonic() - self.seconds + self.rng.uniform(1, 3))
        situation(self)
        if sabotage:
            sabotage(self)
        self.settle()

    def judge(self):
        payments, stats = super().judge()
        self.delays = f"{longest_gap_s(stats):.1f} s", f"{longest_wait_s(payments, stats):.1f} s"
        return payments, stats


def longest_gap_s(stats):
    """The longest time in which no total was written, in all partitions together."""
    times = sorted(message.time for messages in stats.values() for message in messages)
    return max((after - before for before, after in zip(times, times[1:])), default=0) / 1000


def longest_wait_s(payments, stats):
    """The longest time from a payment, as it came into the topic, to a total that includes it."""
    totals, longest = {}, 0
    for partition, messages in stats.items():
        for message in messages:
            includes = int(oracle.parse(message.value)["offset"])
            totals.setdefault((partition, message.key), []).append((includes, message.time))
    for messages in payments.values():
        for message in messages:
            waiting = totals[message.partition, message.key]
            while waiting[0][0] < message.offset:
                waiting.pop(0)
            longest = max(longest, waiting[0][1] - message.time)
    return longest / 1000


class Run:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.broker = Broker(os.path.join(folder, "kafka"), 3,
                             settings=[f"leader.imbalance.check.interval.seconds={LEADERS_BACK_S}"])
        self.passed = self.failed = 0

    def play(self, name):
        folder = os.path.join(self.folder, name)
        os.makedirs(folder)
        rng = random.Random(f"{self.arguments.seed} {name}")
        work = Work(self.arguments, self.broker, folder, rng, f"{os.path.basename(self.folder)}-{name}", name)
        since = time.monotonic()

        def course():
            self.broker.start()  # where the situation before ended without all of them
            work.play(SITUATIONS[name], SABOTAGES.get(self.arguments.sabotage))

        try:
            found = work.attempt(course)
        except Exception as error:  # of a command that the test needs; the folder says which
            found = repr(error)
        self.tell(name, time.monotonic() - since, work, found)

    def tell(self, name, seconds, work, found):
        gap, wait = work.delays
        acknowledged = sum(batch.volume for unit in work.ledger.units if unit.acknowledged
                           for batch in unit.batches)
        print(f"{name:20} {seconds:5.0f} s  {work.payments:6} payments ({acknowledged:6} acknowledged)  "
              f"longest gap {gap or '-':>7}  longest wait {wait or '-':>7}  {'FAILED' if found else 'passed'}",
              flush=True)
        print("".join(f"  {note}\n" for note in work.notes), end="", flush=True)
        if found:
            print(f"  {found}\n  {work.folder}", flush=True)
        if self.arguments.verbose:
            print("".join(f"  {kind}: {seconds:.1f} s\n" for kind, times in work.recoveries.items()
                          for seconds in times), end="", flush=True)
        self.failed += bool(found)
        self.passed += not found


def names_of(arguments):
    names = arguments.only.split(",") if arguments.only else list(SITUATIONS)
    for name in names:
        if name not in SITUATIONS:
            sys.exit(f"cluster: --only: {name}: no such situation; see --list")
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(PROJECT, "build", "release", "bin"),
                        help="folder of the built tools")
    parser.add_argument("--only", help="situations, with commas between")
    parser.add_argument("--list", action="store_true", help="the situations")
    parser.add_argument("--seed", type=int, default=1, help="of payments, nodes and moments")
    parser.add_argument("--seconds", type=float, default=20, help="how long brokers are away or suspended")
    parser.add_argument("--limit", type=float, default=240, help="seconds, of anything that is waited for")
    parser.add_argument("--sabotage", choices=SABOTAGES, help="harm that must be found")
    parser.add_argument("-v", "--verbose", action="store_true", help="how long it took until payments flowed")
    arguments = parser.parse_args()
    if arguments.list:
        print("".join(f"{name:20} {function.__doc__}\n" for name, function in SITUATIONS.items()), end="")
        return 0
    names = names_of(arguments)
    arguments.bin = os.path.abspath(arguments.bin)
    folder = tempfile.mkdtemp(prefix="paystats-cluster-")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # what was started is ended, too
    run = Run(arguments, folder)
    try:
        run.broker.start()
        for name in names:
            run.play(name)
    finally:
        run.broker.stop()
        if not run.failed and sys.exc_info()[0] is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{run.passed} passed, {run.failed} failed")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
