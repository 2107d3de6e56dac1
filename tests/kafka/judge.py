#!/usr/bin/env python3
"""Holds a topic of totals against its payments, by oracle.py: Python's decimal over committed reads.

  judge.py BROKERS PAYMENTS STATS [--at-least-once] [--unread] [--earlier FILE]

Every total that is committed is that of a prefix of its partition, and the newest ones include all
payments. --at-least-once: an older total may stand behind a newer one. --unread: the newest totals may
lack payments. --earlier FILE: payments that may have been removed since, as consume_all printed them.
Exit 1, with the first difference on stderr. A producer that has committed has ended, but its broker may
still have to mark that in each partition, before which nobody reads it: so the newest are waited for.
"""
import argparse
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
import oracle
from torture_common import Difference

LIMIT_S = 30  # for marks of transactions that have been committed


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    for name in ("brokers", "payments", "stats"):
        parser.add_argument(name)
    parser.add_argument("--at-least-once", action="store_true")
    parser.add_argument("--unread", action="store_true")
    parser.add_argument("--earlier")
    args = parser.parse_args()
    payments = oracle.read_topic(args.brokers, args.payments)
    if args.earlier:
        with open(args.earlier, encoding="utf-8", errors="surrogateescape") as file:
            earlier = oracle.messages_of(file.read())
        for partition, messages in earlier.items():
            known = {message.offset: message for message in messages + payments[partition]}
            payments[partition] = [known[offset] for offset in sorted(known)]
    if not any(payments.values()):
        raise Difference("there is no payment")
    truth = oracle.running_totals(payments)
    expected = oracle.expected_totals(truth)

    def newest():
        stats = oracle.read_topic(args.brokers, args.stats)
        oracle.check_prefixes(truth, stats, exactly_once=not args.at_least_once)
        return oracle.last_totals(stats)

    last, end = newest(), time.monotonic() + LIMIT_S
    while not args.unread and last != expected and time.monotonic() < end:
        time.sleep(0.2)
        last = newest()
    if args.unread or last == expected:
        return
    wrong = [key for key in sorted(last.keys() | expected.keys()) if last.get(key) != expected.get(key)]
    raise Difference(f"{len(wrong)} newest totals are not what they must be: (partition, user) {wrong[0]} has "
                     f"{last.get(wrong[0])}, and must have {expected.get(wrong[0])}")


try:
    main()
except Difference as difference:
    sys.exit(f"judge.py: {difference}")
