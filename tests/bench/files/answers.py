"""Whether totals are right.

    wrong = compare(read(ours), read(theirs), exact=False)   # "" or what is wrong

The reference is payagg's own answer to the same file, and that is held against what paygen knows of
the whole file and, for the first payments of every set, against Python's json and decimal (oracle).
Doubles of others count as right within 1e-6 of the sum's size.
"""
import decimal
import json
import re

CLOSE = decimal.Decimal("1e-6")


def totals_of(row):
    """(user, sum, count) of one row, however a contender calls them."""
    user = total = count = None
    for key, value in row.items():
        if key == "user":
            user = value
        elif key.endswith("sum"):
            total = decimal.Decimal(value)
        elif key.endswith("count"):
            count = int(value)
    return user, total, count


def read(path):
    """{user: (sum, count)} of JSON lines; raises ValueError where they are none."""
    totals = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            user, total, count = totals_of(json.loads(line, parse_float=decimal.Decimal))
            if user in totals:
                raise ValueError(f"{user} twice")
            totals[user] = (total, count)
    return totals


def compare(want, got, exact):
    if len(want) != len(got):
        return f"{len(got):,} users instead of {len(want):,}"
    off = 0
    for user, (total, count) in want.items():
        other = got.get(user)
        if other is None or other[0] is None or other[1] != count:
            off += 1
        elif other[0] != total and (exact or abs(other[0] - total) > CLOSE * max(1, abs(total))):
            off += 1
    return f"{off:,} of {len(want):,} users" if off else ""


def scan_floor_verdict(said, users, payments, totals):
    """Of what the bare scan and add says it found; the sum only where all totals are known."""
    numbers = [int(digits) for digits in re.findall(r"[0-9]+", said)]
    if len(numbers) != 3 or numbers[:2] != [users, payments]:
        return f"wrong: {said.strip()}"[:120]
    if totals is not None and numbers[2] != sum(total for total, _ in totals.values()) * 100:
        return f"wrong: {said.strip()}"[:120]
    return "floor"


def as_payment(line):
    """(user, amount) of a line as these sets have them, or None where it is no payment."""
    try:
        row = json.loads(line, parse_float=decimal.Decimal)
        amount = decimal.Decimal(row["paymentAmt"])
        return row["user"], amount
    except (ValueError, KeyError, TypeError, decimal.InvalidOperation):
        return None


def oracle(path):
    """What Python makes of the payments of a file."""
    totals = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            payment = as_payment(line)
            if payment:
                total, count = totals.get(payment[0], (0, 0))
                totals[payment[0]] = (total + payment[1], count + 1)
    return totals
