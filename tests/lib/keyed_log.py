"""What clients were told of their idempotency keys, and whether a log agrees.

    ledger = Ledger()
    ledger.add("k-1", Batch("u1", Decimal("1.25"), 3))      # it will be sent
    ledger.tell("k-1", outcome_of(503, "urn:paystats:problem:busy"))
    ledger.tell("k-1", TAKEN)
    ledger.check(log_bytes, stats_lines)                    # raises Difference
"""
import collections
import threading

import log_oracle
from torture_common import Difference

TAKEN, NOT_TAKEN, UNKNOWN = "taken", "not taken", "unknown"


def outcome_of(status, problem=""):
    """What an answer says about the request it answers; status 0 or None: there was none."""
    if status == 200:
        return TAKEN
    if not status or problem.endswith(("outcome-unknown", "key-under-way")):
        return UNKNOWN
    return NOT_TAKEN


def keyed_lines(data):
    """[(key, batches)...] of the lines of a log that have a key and count."""
    found = []
    for line in data.split(b"\n"):
        if b'"idempotencyKey"' not in line:
            continue
        try:
            found.append((log_oracle.parse_json(line)["idempotencyKey"], log_oracle.read_line(line)))
        except log_oracle.NotCounted:
            continue
    return found


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}                                # {key: batch}
        self.told = collections.defaultdict(set)      # {key: outcomes of its requests}

    def add(self, key, batch):
        with self.lock:
            self.sent[key] = batch

    def tell(self, key, outcome):
        with self.lock:
            self.told[key].add(outcome)

    def count(self, outcome):
        with self.lock:
            return sum(outcome in told for told in self.told.values())

    def check(self, data, stats):
        """`data`: the log, to which nobody writes any more; `stats`: what payagg makes of it."""
        times = collections.Counter()
        for key, batches in keyed_lines(data):
            times[key] += 1
            if batches != [self.sent.get(key)]:
                raise Difference(f"{key}: {batches} in place of {self.sent.get(key)}")
        for key in self.sent:
            told = self.told[key]
            if times[key] > 1:
                raise Difference(f"{key}: {times[key]} times in the log, told {sorted(told)}")
            if TAKEN in told and times[key] != 1:
                raise Difference(f"{key}: told that it is taken, and not in the log")
            if told == {NOT_TAKEN} and times[key] != 0:
                raise Difference(f"{key}: in the log, though every answer said that it was not taken")
        right = log_oracle.totals_of([batch for key, batch in self.sent.items() if times[key]])
        totals = log_oracle.stats_totals(stats)
        if totals != right:
            odd = sorted({*totals.items()} ^ {*right.items()})
            raise Difference(f"payagg: {len(totals)} users of {len(right)}: {odd[:4]}")
