"""What a payment, a batch or a line of stats is, by Python's json and decimal: the oracle for
lib/record.

judge(b'{"user":"edgar","paymentAmt":1.0}', "payment") -> ("edgar", 1000000000)
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
DIGITS = re.compile(r"0|[1-9][0-9]*", re.ASCII)


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


def is_string(value):
    return isinstance(value, str) and not isinstance(value, Number)


def user_of(pairs):
    times, user = once(pairs, "user")
    if times != 1 or not is_string(user) or not 1 <= len(user.encode("utf-8")) <= USER_BYTES_MAX:
        return None
    return user


def amount_of(pairs):
    times, text = once(pairs, "paymentAmt")
    if times != 1 or not isinstance(text, str):
        return None, None
    verdict, nanos = decimal_oracle.judge_amount(text)
    return (nanos, str(text)) if verdict == "ok" else (None, None)


def digits_of(text, most):
    if not isinstance(text, str) or not DIGITS.fullmatch(text) or len(text) > 30:
        return None
    return int(text) if int(text) <= most else None


def batch_of(pairs):
    user, (nanos, text) = user_of(pairs), amount_of(pairs)
    times, volume = once(pairs, "volume")
    volume = 1 if times == 0 else digits_of(volume, 2**64 - 1)
    if user is None or nanos is None or times > 1 or not volume:
        return None
    return user, nanos, text, volume


def number_of(pairs, name, most):
    times, text = once(pairs, name)
    return digits_of(text, most) if times == 1 and isinstance(text, Number) else None


def stats_of(pairs):
    user, count = user_of(pairs), number_of(pairs, "count", 2**64 - 1)
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
    return batch[:2] if batch[3] == 1 else None


def is_blank(line):
    return not line.strip(b" \t\r\n")
