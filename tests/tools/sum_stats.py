"""Prints "USERS SUM COUNT" of the stats lines on stdin, as the whole answer of the cache has them."""
import decimal
import json
import sys

decimal.getcontext().prec = 60
users, total, count = 0, decimal.Decimal(0), 0
for line in sys.stdin:
    row = json.loads(line, parse_float=decimal.Decimal, parse_int=int)
    users += 1
    total += decimal.Decimal(row["sum"])
    count += row["count"]
text = f"{total:f}".rstrip("0").rstrip(".") if "." in f"{total:f}" else f"{total:f}"
whole, _, fraction = text.partition(".")
print(users, f"{whole}.{fraction.ljust(2, '0')}", count)
