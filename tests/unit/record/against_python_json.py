#!/usr/bin/env python3
"""Holds record_verdicts, by both paths, against Python's json and decimal on seeded lines.

  against_python_json.py RECORD_VERDICTS      PAYSTATS_FUZZ_SEED=1 PAYSTATS_FUZZ_LINES=300000
"""
import collections
import os
import random
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "lib"))
import record_oracle as oracle  # noqa: E402

NAMES = {"payment": ["user", "paymentAmt"], "batch": ["user", "paymentAmt", "volume"],
         "stats": ["user", "sum", "count", "partition", "offset"]}
USERS = ["edgar", "a", "J\u00fcrgen", "\u20ac", "\U0001f600", "a b", "\x7f", "user", "0123456789abcdef",
         "\ufeff", "\u2028", "\"", "\\", "\t", "\x00", "x" * 1023, "\u00e9" * 512, "x" * 1025, ""]
NUMBERS = ["1.0", "12.50", "7", "0", "-0", "-3.25", "1e2", "125e-2", "0e999999999", "1E+3", "1e15",
           "999999999999999.999999999", "1e-9", "1e-10", "1e400", "-1e-400", "01", "1.", ".5", "+1",
           "NaN", "Infinity", "-Infinity", "1." + "0" * 30, "18446744073709551615", "1e", "--1",
           "18446744073709551616", "170141183460469231731687303715.884105727", "1_0", "0x1",
           "170141183460469231731687303715.884105728", "9223372036854775807", "2147483648",
           "1e99999999999999999999999", "1e-99999999999999999999999", "\u0661", "1 2", "123456789"]
ESCAPES = ["\\n", "\\/", "\\\"", "\\\\", "\\u0041", "\\u20ac", "\\ud83d\\ude00", "\\ud800", "\\udfff",
           "\\ud800\\u0041", "\\x", "\\u12", "\\uD83D\\uDE0", "\\u00e9", "\\u0000", "\\u+041"]
BYTES = [b"\"", b"\\", b"{", b"}", b"[", b"]", b":", b",", b"0", b"9", b".", b"-", b"+", b"e", b" ",
         b"\t", b"\r", b"\x00", b"\x01", b"\x0b", b"\x1f", b"\x7f", b"\x80", b"\xbf", b"\xc0\x80",
         b"\xc3", b"\xc3\xa9", b"\xe2\x82", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xf4\x90\x80\x80",
         b"\xff", b"u", b"n", b"\\u", b"//", b"null", b"\xc2\xa0", b"\xe2\x80\xa8"]


class LineMaker:
    """Valid lines in many shapes, and such as are almost valid."""

    def __init__(self, rng):
        self.rng = rng
        self.white_rate = 0.0

    def white(self):
        if self.rng.random() >= self.white_rate:
            return ""
        return "".join(self.rng.choices(" \t\r", k=self.rng.randrange(1, 4)))

    def string(self, text):
        escape = 0.3 if self.rng.random() < 0.15 else 0.0
        out = []
        for c in text:
            if c in "\"\\" or c < " " or self.rng.random() < escape:
                units = c.encode("utf-16-be")
                form = self.rng.choice(["\\u%04x", "\\u%04X"])
                out += [form % int.from_bytes(units[i:i + 2], "big")
                        for i in range(0, len(units), 2)]
            else:
                out.append(c)
        if self.rng.random() < 0.03:
            out.insert(self.rng.randrange(len(out) + 1), self.rng.choice(ESCAPES))
        return "\"" + "".join(out) + "\""

    def number(self):
        if self.rng.random() < 0.25:
            return self.rng.choice(NUMBERS)
        return f"{self.rng.randrange(100000)}.{self.rng.randrange(100):02d}"

    def integer(self):
        return self.rng.choice(NUMBERS) if self.rng.random() < 0.08 else str(self.rng.choice(
            [1, 1, 1, self.rng.randrange(1000), self.rng.randrange(2**40)]))

    def other(self, depth=3):
        kind = self.rng.randrange(8 if depth else 5)
        if kind == 0:
            return self.number()
        if kind == 1:
            return self.string(self.rng.choice(USERS))
        if kind in (2, 3):
            return self.rng.choice(["null", "true", "false", "nul", "True"] if
                                   self.rng.random() < 0.1 else ["null", "true", "false"])
        if kind == 4:
            depth = self.rng.randrange(60, 68) if self.rng.random() < 0.3 else 3
            pairs = [self.rng.choice([("[", "]"), ("{\"a\":", "}")]) for _ in range(depth)]
            return "".join(p[0] for p in pairs) + "1" + "".join(p[1] for p in reversed(pairs))
        if kind == 5:
            return "[" + self.white() + "]"
        if kind == 6:
            return "[" + ",".join(self.white() + self.other(depth - 1) + self.white()
                                  for _ in range(self.rng.randrange(1, 3))) + "]"
        return "{" + ",".join(self.member(self.rng.choice(["a", "user"]), self.other(depth - 1))
                              for _ in range(self.rng.randrange(3))) + "}"

    def member(self, name, value):
        return f"{self.white()}{self.string(name)}{self.white()}:{self.white()}{value}{self.white()}"

    def value_of(self, name):
        roll = self.rng.random()
        if roll < 0.03:
            return self.other()
        if name == "user":
            return self.string(self.rng.choice(USERS if roll < 0.5 else USERS[:9]))
        text = self.number() if name in ("paymentAmt", "sum") else self.integer()
        return self.string(text) if self.rng.random() < (0.02 if name == "sum" else 0.1) else text

    def make(self, kind):
        rng = self.rng
        self.white_rate = rng.choice([0.0, 0.02, 0.5])
        names = list(NAMES[kind])
        if kind != "payment" and rng.random() < 0.4:
            del names[2 if kind == "batch" else 3:]
        members = [(name, self.value_of(name)) for name in names]
        while rng.random() < 0.3:
            name = rng.choice(["a", "users", "", "volume", "user", "sum", "offset", "Volume", "\u00e9"])
            members.append((name, self.value_of("volume") if name == "volume" else self.other()))
        if rng.random() < 0.03:
            members.append(rng.choice(members))
        if rng.random() < 0.03:
            members.remove(rng.choice(members))
        if rng.random() < 0.5:
            rng.shuffle(members)
        text = "{" + ",".join(self.member(*member) for member in members) + "}"
        line = (self.white() + text + self.white()).encode("utf-8")
        if rng.random() < 0.35:
            for _ in range(rng.choice([1, 1, 2, 3])):
                line = self.mutate(line)
        return line.replace(b"\n", b" ")

    def mutate(self, line):
        rng = self.rng
        place = rng.randrange(len(line) + 1)
        kind = rng.randrange(7)
        if kind == 0:
            return line[:place] + rng.choice(BYTES) + line[place:]
        if kind == 1:
            return line[:place] + rng.choice(BYTES) + line[place + 1:]
        if kind == 2:
            return line[:place] + line[place + 1:]
        if kind == 3 and place < len(line):
            return line[:place] + bytes([line[place] ^ (1 << rng.randrange(8))]) + line[place + 1:]
        if kind == 4:
            other = rng.randrange(len(line) + 1)
            return line[:other] + line[place:place + rng.randrange(12)] + line[other:]
        if kind == 5:
            return line[:place] + line[place + rng.randrange(12):]
        return line[:place] if rng.random() < 0.2 else line + rng.choice(BYTES)


def expected(number, line, kind):
    record = oracle.judge(line, kind)
    if record is None:
        return f"{number} -"
    fields = [record[0].encode("utf-8").hex()]
    sign, nanos = ("-" if record[1] < 0 else ""), str(abs(record[1])).rjust(10, "0")
    fields.append(sign + nanos)
    fields += ["-" if field is None else str(field) for field in record[2:]]
    return " ".join([str(number), *fields])


def verdicts_of(program, arguments, data):
    run = subprocess.run([program, *arguments], input=data, capture_output=True, check=True)
    return run.stdout.decode("ascii").split("\n")[:-1]


def compare(program, kind, lines, tally):
    """How many of the lines are judged differently by the two."""
    data = b"\n".join(lines) + b"\n"
    answers = verdicts_of(program, [kind], data)
    differences = 0
    if answers != verdicts_of(program, [kind, "general"], data):
        print(f"{kind}: the two paths differ")
        differences += 1
    wanted = [expected(number, line, kind) for number, line in enumerate(lines)
              if not oracle.is_blank(line)]
    if len(wanted) != len(answers):
        sys.exit(f"{len(wanted)} records, {len(answers)} verdicts")
    for answer, want in zip(answers, wanted):
        tally[answer.endswith(" -") and answer.count(" ") == 1] += 1
        if answer != want:
            differences += 1
            if differences <= 10:
                print(f"{kind}: {lines[int(want.split(' ')[0])]!r}\n  is    {answer}\n  wants {want}")
    return differences


def main():
    program = sys.argv[1]
    seed = int(os.environ.get("PAYSTATS_FUZZ_SEED", "1"))
    count = int(os.environ.get("PAYSTATS_FUZZ_LINES", "150000"))
    print(f"seed {seed}, {count} lines", flush=True)
    maker = LineMaker(random.Random(seed))
    tally = collections.Counter()
    differences = 0
    made = 0
    while made < count:
        for kind in NAMES:
            part = min(20000, -(-count // 3))
            differences += compare(program, kind, [maker.make(kind) for _ in range(part)], tally)
            made += part
    print(f"{tally[False]} accepted, {tally[True]} rejected, {differences} differences")
    if min(tally[False], tally[True]) * 5 < made:
        sys.exit("too many are of one kind: this has tested little")
    sys.exit(1 if differences else 0)


main()
