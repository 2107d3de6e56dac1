#!/usr/bin/env python3
"""Holds amount_verdicts against Python's decimal on seeded amounts, a million by default.

  against_python_decimal.py AMOUNT_VERDICTS    PAYSTATS_FUZZ_SEED=1 PAYSTATS_FUZZ_AMOUNTS=1000000
"""
import collections
import os
import random
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "lib"))
import decimal_oracle as oracle  # noqa: E402

SUM_EDGES = [2**127 - 1, 2**127, -2**127, -2**127 - 1, 10**39 - 1, 2**128, 2**64, 2**64 - 1]


def digits(rng, size):
    return "".join(rng.choices("0123456789", k=size))


def whole(rng, size):
    text = digits(rng, size).lstrip("0")
    return text or "0"


def common(rng):
    return f"{rng.randrange(100000)}.{rng.randrange(100):02d}"


def any_shape(rng):
    """Any sizes of its parts, with zeros that do not matter here and there."""
    text = "-" if rng.random() < 0.3 else ""
    text += whole(rng, rng.choice([1, 1, 2, 5, 8, 14, 15, 16, 30, 31]))
    text += "0" * rng.choice([0, 0, 0, 1, 5, 40])
    if rng.random() < 0.7:
        text += "." + "0" * rng.choice([0, 0, 0, 1, 8, 40])
        text += digits(rng, rng.choice([1, 2, 3, 8, 9, 10])) + "0" * rng.choice([0, 0, 0, 2, 30])
    if rng.random() < 0.6:
        text += rng.choice("eE") + rng.choice(["", "+", "-"]) + "0" * rng.choice([0, 0, 0, 3, 50])
        text += str(rng.choice([0, 1, 2, 5, 9, 14, 15, 16, 29, 30, 31, 40, rng.randrange(60)]))
    return text


def at_limit(rng):
    """Around 10^15, 10^-9 and the ends of a sum, from both sides, the point shifted about."""
    if rng.random() < 0.5:
        number = 10**24 + rng.choice([-10**9, -1, 0, 1, -10**8]) if rng.random() < 0.5 else \
            rng.choice([1, 9, 10, 99]) * 10**rng.randrange(3)
    else:
        number = rng.choice(SUM_EDGES) + rng.choice([-1, 0, 0, 1])
    sign, text = ("-" if number < 0 or rng.random() < 0.3 else ""), str(abs(number))
    shift = rng.randrange(-50, 50)  # value = number * 10^-9, written as text * 10^shift
    if rng.random() < 0.3:
        shift = -9 + rng.choice([-1, 0, 1])
        return f"{sign}{text}e{shift}"
    point = rng.randrange(1, len(text) + 1)
    mantissa = text[:point] + ("." + text[point:] if point < len(text) else "")
    exponent = -9 + len(text) - point + rng.choice([0, 0, 0, 0, 1, -1])
    zeros = "0" * rng.choice([0, 0, 20])
    if "." in mantissa:
        mantissa += zeros
    return f"{sign}{mantissa}e{exponent:+d}"


def giant_exponent(rng):
    mantissa = rng.choice(["0", "-0", "0.00", "1", "-1.5", "0.000", "123.456", "0." + "0" * 300])
    return f"{mantissa}e{rng.choice(['', '+', '-'])}{'0' * rng.choice([0, 400])}" \
           f"{digits(rng, rng.choice([18, 19, 20, 30, 300]))}"


def broken(rng):
    """A number with one byte changed, most often no number any more."""
    text = list(rng.choice([common, any_shape])(rng))
    for _ in range(rng.choice([1, 1, 2])):
        place = rng.randrange(len(text) + 1)
        byte = rng.choice("0123456789.-+eE ,\t:/aNxX\u0661\"")
        if rng.random() < 0.4:
            text.insert(place, byte)
        elif place < len(text):
            text[place] = byte if rng.random() < 0.7 else ""
    return "".join(text)


KINDS = [(common, 25), (any_shape, 35), (at_limit, 15), (giant_exponent, 3), (broken, 22)]


def expected(text):
    amount, amount_nanos = oracle.judge_amount(text)
    total, total_nanos = oracle.judge_sum(text)
    return [
        amount, "-" if amount_nanos is None else str(amount_nanos),
        total, "-" if total_nanos is None else str(total_nanos),
        "-" if total_nanos is None else oracle.formatted(total_nanos),
        "-" if amount_nanos is None else oracle.plain(text, amount_nanos)]


def agrees(answer, want):
    return len(answer) == len(want) and answer[0] in want[0].split("|") and \
        answer[1] == want[1] and answer[2] in want[2].split("|") and answer[3:] == want[3:]


def main():
    program = sys.argv[1]
    seed = int(os.environ.get("PAYSTATS_FUZZ_SEED", "1"))
    count = int(os.environ.get("PAYSTATS_FUZZ_AMOUNTS", "1000000"))
    print(f"seed {seed}, {count} amounts", flush=True)
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    rng = random.Random(seed)
    makers, weights = zip(*KINDS)
    verdicts = collections.Counter()
    differences = 0
    while count > 0:
        part = min(count, 100000)
        count -= part
        texts = [make(rng) for make in rng.choices(makers, weights, k=part)]
        run = subprocess.run([program], input="\n".join(texts) + "\n", capture_output=True,
                             encoding="utf-8", check=True)
        answers = run.stdout.split("\n")[:-1]
        if len(answers) != part:
            sys.exit(f"{part} amounts, {len(answers)} verdicts")
        for text, answer in zip(texts, answers):
            want = expected(text)
            answer = answer.split(" ")
            verdicts[answer[0]] += 1
            if not agrees(answer, want):
                differences += 1
                if differences <= 10:
                    print(f"{text!r}\n  is    {answer}\n  wants {want}")
    print(dict(verdicts), f"{differences} differences")
    few = [name for name in ("ok", "not-a-number", "too-large", "too-fine")
           if verdicts[name] * 50 < sum(verdicts.values())]
    if few:
        sys.exit(f"too few amounts are {few}: this has tested little")
    sys.exit(1 if differences else 0)


main()
