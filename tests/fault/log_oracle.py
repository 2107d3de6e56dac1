"""A strict reader of the durable log, by decimal and without the tools: what paystats-log(5) says.

    log = read_log(data)
    log.totals()      # {user: (sum, count)} of all that is counted
    log.tail          # the bytes behind the last newline

A line is a payment, a batch or a group, or it counts for nobody. White space, further fields and
their order mean nothing, and neither do `time` and `idempotencyKey`.
"""
import collections
import decimal
import json
import re

NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
READ_FIELDS = ("user", "paymentAmt", "volume", "payments")

Batch = collections.namedtuple("Batch", "user amount volume")


class NotCounted(ValueError):
    """This line is no payment, batch or group."""


def _object(pairs):
    fields = dict(pairs)
    names = [name for name, _ in pairs]
    if any(names.count(name) > 1 for name in READ_FIELDS):
        raise NotCounted("a field is there twice")
    return fields


def _constant(word):
    raise NotCounted(f"{word} is not JSON")


def parse_json(line):
    """The value of these bytes, its numbers as their text in decimal; NotCounted if it is not JSON."""
    if b"\0" in line:
        raise NotCounted("a NUL byte")
    try:
        return json.loads(line.decode(), parse_float=decimal.Decimal, parse_int=decimal.Decimal,
                          parse_constant=_constant, object_pairs_hook=_object)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise NotCounted(str(error)) from None


def _amount(value):
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = decimal.Decimal(value)
    if not isinstance(value, decimal.Decimal):
        raise NotCounted("paymentAmt is not a number")
    if abs(value) >= 10**15 or value != round(value, 9):
        raise NotCounted("paymentAmt has too many digits")
    return value


def _batch(value):
    if not isinstance(value, dict):
        raise NotCounted("not an object")
    user = value.get("user")
    if isinstance(user, decimal.Decimal) and re.fullmatch("-?[0-9]+", str(user)):
        user = str(user)
    if not isinstance(user, str) or not 0 < len(user.encode()) <= 1024:
        raise NotCounted("no user")
    volume = str(value.get("volume", "1"))
    if not re.fullmatch("[0-9]+", volume) or int(volume) == 0:
        raise NotCounted("volume is not a positive integer")
    return Batch(user, _amount(value.get("paymentAmt")), int(volume))


def read_line(line):
    """The batches of one line; NotCounted if they count for nobody."""
    value = parse_json(line)
    is_group = isinstance(value, dict) and "payments" in value and not (
        "user" in value or "paymentAmt" in value)
    group = value["payments"] if is_group else value
    if not isinstance(group, list):
        return [_batch(value)]
    if not group:
        raise NotCounted("an empty group")
    return [_batch(element) for element in group]


def is_whole(tail):
    """True of a last line that lacks nothing but its newline: an object or an array."""
    try:
        return isinstance(parse_json(tail), (dict, list))
    except NotCounted:
        return False


def totals_of(batches):
    """{user: (sum, count)}"""
    totals = collections.defaultdict(lambda: (decimal.Decimal(0), 0))
    for user, amount, volume in batches:
        total, count = totals[user]
        totals[user] = (total + amount * volume, count + volume)
    return dict(totals)


class Log:
    """What stands in a log: `counted`, the batches of each line that counts, and how many do not;
    `whole` are its bytes to the last newline, `tail` those behind it."""

    def __init__(self, data):
        end = data.rfind(b"\n") + 1
        self.whole, self.tail = data[:end], data[end:]
        self.counted, self.rejected = [], 0
        lines = self.whole.split(b"\n")[:-1]
        if self.tail and is_whole(self.tail):
            lines.append(self.tail)
        elif self.tail:
            self.rejected += 1
        for line in lines:
            if not line.strip(b" \t\r"):
                continue
            try:
                self.counted.append(read_line(line))
            except NotCounted:
                self.rejected += 1

    def totals(self):
        """{user: (sum, count)}"""
        return totals_of(batch for batches in self.counted for batch in batches)


def read_log(data):
    return Log(data)


def stats_totals(text):
    """{user: (sum, count)} of stats lines: the last line of a user counts."""
    totals = {}
    for line in text.splitlines():
        if line.strip():
            record = parse_json(line)
            totals[record["user"]] = (decimal.Decimal(record["sum"]), int(record["count"]))
    return totals


def lost_of(before, after, torn, cut=False):
    """What of a log is not kept, or None: its whole lines stay where they are, and what stands behind
    the last newline is closed by one if it is whole, or else is in the file of torn tails. A power cut
    may tear what is just being closed: then it may be in either."""
    old = read_log(before)
    if not after.startswith(old.whole):
        return "whole lines"
    rest = after[len(old.whole):]
    if not old.tail or rest == old.tail:
        return None
    if is_whole(old.tail) and not cut:
        return None if rest.startswith(old.tail + b"\n") else "a last line without its newline"
    pieces = [piece for piece in old.tail.split(b"\0") if piece]
    kept = rest.startswith(old.tail) or all(piece in torn for piece in pieces)
    return None if kept else "a torn tail"
