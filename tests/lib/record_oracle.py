"""What a payment, a batch or a line of stats is, by Python's json and decimal: the oracle for
lib/record.

judge(b'{"user":"edgar","paymentAmt":1.0,"volume":7}', "payment") -> ("edgar", 7000000000)
judge(b'...', "batch") -> (user, nanos, amount text, volume)
judge(b'...', "stats") -> (user, nanos, count, partition, offset), the last two None where absent
A record that is refused is None.
"""
import json
import re

import decimal_oracle

NESTING_MAX = 64
LINE_BYTES_MAX = 1 << 20
USER_BYTES_MAX = 1024
SUM_MAX = 2**127 - 1
COUNT_MAX = 2**64 - 1
DEFAULT_FIELDS = ("user", "paymentAmt")
DIGITS = re.compile(r"0|[1-9][0-9]*", re.ASCII)
INTEGER = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)


class Refused(Exception):
    """The text is not one that JSON allows."""


class Pairs(list):
    """An object as json found it: its members in order, duplicates and all."""


class Number(str):
    """A number's own characters."""


def refuse_constant(name):
    raise Refused(name)


DECODER = json.JSONDecoder(object_pairs_hook=Pairs, parse_float=Number, parse_int=Number,
                           parse_constant=refuse_constant, strict=True)


def check(value, depth):
    """Surrogates that have no partner, and nesting: json lets both pass."""
    if isinstance(value, str):
        value.encode("utf-8")  # a lone surrogate cannot be
    elif isinstance(value, list):
        if depth >= NESTING_MAX:
            raise Refused("too deep")
        for item in value:
            if isinstance(value, Pairs):
                item[0].encode("utf-8")
                item = item[1]
            check(item, depth + 1)


def parse(line):
    """The value of a text, or None."""
    if len(line) > LINE_BYTES_MAX:
        return None
    try:
        text = line.decode("utf-8")
        value = DECODER.decode(text)
        check(value, 0)
    except (ValueError, Refused, RecursionError):
        return None
    return value


def once(pairs, name):
    """(how often, the value) of a field."""
    values = [value for key, value in pairs if key == name]
    return len(values), values[0] if values else None


def user_of(pairs, field="user"):
    """A string, or an integer by its digits."""
    times, user = once(pairs, field)
    if times != 1 or not isinstance(user, str):
        return None
    if isinstance(user, Number) and not INTEGER.fullmatch(user):
        return None
    return str(user) if 1 <= len(user.encode("utf-8")) <= USER_BYTES_MAX else None


def fits(nanos, volume):
    """Whether so many payments have a sum that can be counted."""
    return -SUM_MAX - 1 <= nanos * volume <= SUM_MAX


def amount_of(pairs, field):
    """(nanos, the number as it was written)."""
    times, text = once(pairs, field)
    if times != 1 or not isinstance(text, str):
        return None, None
    verdict, nanos = decimal_oracle.judge_amount(text)
    return (nanos, str(text)) if verdict == "ok" else (None, None)


def digits_of(text, most):
    if not isinstance(text, str) or not DIGITS.fullmatch(text) or len(text) > 30:
        return None
    return int(text) if int(text) <= most else None


def batch_of(value, fields=DEFAULT_FIELDS):
    """(user, nanos, amount text, volume). A volume is one beside the default fields alone."""
    if not isinstance(value, Pairs):
        return None
    user, (nanos, text) = user_of(value, fields[0]), amount_of(value, fields[1])
    times, volume = once(value, "volume") if fields == DEFAULT_FIELDS else (0, None)
    volume = 1 if times == 0 else digits_of(volume, COUNT_MAX)
    if user is None or nanos is None or times > 1 or not volume or not fits(nanos, volume):
        return None
    return user, nanos, text, volume


def number_of(pairs, name, most):
    times, text = once(pairs, name)
    return digits_of(text, most) if times == 1 and isinstance(text, Number) else None


def stats_of(pairs):
    user, count = user_of(pairs), number_of(pairs, "count", COUNT_MAX)
    times, total = once(pairs, "sum")
    if user is None or count is None or times != 1 or not isinstance(total, Number):
        return None
    verdict, nanos = decimal_oracle.judge_sum(total)
    if verdict != "ok":
        return None
    place = (None, None)
    if once(pairs, "partition")[0] or once(pairs, "offset")[0]:
        place = (number_of(pairs, "partition", 2**31 - 1), number_of(pairs, "offset", 2**63 - 1))
        if None in place:
            return None
    return (user, nanos, count, *place)


def judge(line, kind):
    pairs = parse(line)
    if not isinstance(pairs, Pairs):
        return None
    if kind == "stats":
        return stats_of(pairs)
    batch = batch_of(pairs)
    if kind == "batch" or batch is None:
        return batch
    user, nanos, _, volume = batch
    return user, nanos * volume


def is_blank(line):
    return not line.strip(b" \t\r\n")


# ---- Requests: what payagg counts of a line, whole or not at all

def without_texts(batches):
    return None if None in batches else [(user, nanos, volume) for user, nanos, _, volume in batches]


def judge_request(line, fields=DEFAULT_FIELDS):
    """[(user, nanos, volume), ...] of a payment, a batch or a group, or None for a reject."""
    value = parse(line)
    if isinstance(value, Pairs):
        names = [name for name, _ in value]
        times, group = once(value, "payments")
        if times == 0 or fields[0] in names or fields[1] in names:
            return without_texts([batch_of(value, fields)])
        value = group if times == 1 else None
    if not isinstance(value, list) or isinstance(value, Pairs) or not value:
        return None
    return without_texts([batch_of(each, fields) for each in value])
