#!/usr/bin/env python3
"""The same bytes give the same totals, rejects and line numbers by every road into payagg: a file
read by one thread and by two, a pipe, stdin that is a file, a file that is followed, and one that
grows line by line while it is. What is right, Python's json and decimal say (tests/lib/record_oracle.py), also of sums and counts that would
overflow.

  roads.py --bin build/release/bin --seed 1 [--rounds 24] [--large 2]

Each round is made from the seed and its number alone; a failure names both and keeps the file.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import decimal_oracle  # noqa: E402
import record_oracle as oracle  # noqa: E402

LIMIT_S = 120
MARK = b"\xef\xbb\xbf"
SEGMENT_BYTES = 2 << 20  # of lib/stream/parallel.h; two threads take files of 4 MiB and more
LARGE_BYTES = 5 * SEGMENT_BYTES // 2
FIELDS = [oracle.DEFAULT_FIELDS] * 3 + [("who", "much"), ("a \"b\\", "\u20ac\u00e9")]

USERS = ["edgar", "anna", "J\u00fcrgen", "\u20ac", "\U0001f600", "a b", "\"q\"", "b\\s", "\t", "x" * 1024,
         "\u2028", "0123456789abcdef", "7", "user"]
AMOUNTS = ["1.0", "12.50", "7", "0", "-0", "-3.25", "1e2", "125e-2", "0e999999999", "1E+3", "0.1",
           "\"2.50\"", "\"1e-9\"", "100000000000000", "0.000000001", "1." + "0" * 30]
BAD_AMOUNTS = ["1e15", "1e-10", "01", "1.", ".5", "+1", "NaN", "null", "true", "\"\"", "\"1 \"", "\"1,5\"",
               "[]", "--1", "1_0"]
OTHERS = ["\"note\":\"a\"", "\"deep\":{\"a\":[1,{\"b\":null}],\"c\":\"}\"}", "\"time\":\"2026-01-02T03:04:05.678Z\"",
          "\"idempotencyKey\":\"k-1\"", "\"n\":-1.5e-3", "\"t\":true", "\"s\":\"\\u20ac\\n\\\"\""]
# Bad on their own, wherever they stand.
FOREIGN = [b"nonsense", b"user,paymentAmt", b"edgar,1.0", b"\x1e{\"user\":\"a\",\"paymentAmt\":1}",
           b"\x00\x00\x00\x00\x0c{\"user\":\"a\",\"paymentAmt\":1}", b"\x00" * 700, b"null", b"1", b"\"a\"",
           b"{}", b"}", b"]", b"  \"user\": \"a\",", b"{\"user\":\"a\",\"paymentAmt\":1},",
           b"{\"user\":\"a\",\"paymentAmt\":1}{\"user\":\"b\",\"paymentAmt\":2}", b"{\"user\":\"a\",\"payme",
           MARK + b"{\"user\":\"a\",\"paymentAmt\":1}", b"{\"user\":\"\xff\",\"paymentAmt\":1}",
           b"{\"user\":\"\\ud800\",\"paymentAmt\":1}", b"{\"user\":\"a\x00\",\"paymentAmt\":1}",
           b"{\"user\":\"a\",\"paymentAmt\":1}\x00\x00", b"[" * 70 + b"]" * 70, b"{\"user\":\"a\",\"x\":NaN}",
           b"\x1f\x8b\x08\x00x", b"\xff\xfe{\x00\"\x00", b"\x0c", b"\x0b{}"]
# As first lines these are where one JSON text over several lines begins, or were cut short.
BAD_BRACKETS = [b"{", b"[", b"[{", b"{\"payments\":[", b"{\"user\":\"a\",", b"[{\"user\":\"a\",\"paymentAmt\":1},", b" [ "]
# Batches of these, of few users, overflow soon, and come back where some are negative.
ENORMOUS = [("100000000000000", 17 * 10**14), ("-100000000000000", 17 * 10**14), ("100000000000000", 9 * 10**14),
            ("-1e14", 6 * 10**14), ("0", 2**64 - 1), ("1", 2**63), ("0.5", 2**62)]
BLANK = [b"", b" ", b"\t", b"\r", b" \t \r"]
# Of such a beginning payagg counts nothing, by no road.
FOREIGN_STARTS = [b"\x1f\x8b\x08\x00\n", b"\x28\xb5\x2f\xfdx\n", b"\xff\xfe{\x00\"\x00\n\x00", b"\xfe\xff\x00{\n"]
FOREIGN_ARRAYS = [(b"[\n", b"]\n"), (b" [ \r\n", b" ]\r\n"), (b"{\"payments\":[\n", b"]}\n"), (MARK + b"[\n", b"\n]\n"),
                  (b"\n[{\"a\":1},\n", b",{\"a\":1}]\n"), (b"{\n\"a\":", b"}\n")]
# What somebody wrote into the beginning of a log: rejects, and the lines behind it count.
PRETTY = [b"{", b"  \"user\": \"x\",", b"  \"paymentAmt\": 3", b"}"]
LOG_BEGINNINGS = [PRETTY, PRETTY + [b""] + PRETTY, [b"{\"payments\":[", b"{\"user\":\"c\","], [b"{", b"\"a\":1,"],
                  [b"[", *PRETTY, b"]"], [b"[", b"{\"user\":\"a\"}", b"]"], [b"[", b"{},", b"{}", b"]", b"7"]]
LAST_USER = "the last one"  # of a file that grows


class Difference(Exception):
    """A road does not give what is right."""


class Lines:
    """Lines in many shapes, most of them right, from a generator of random numbers."""

    def __init__(self, rng, fields):
        self.rng, self.fields = rng, fields
        self.is_default = fields == oracle.DEFAULT_FIELDS
        self.white_rate = rng.choice([0.0, 0.0, 0.2])
        self.escape_rate = rng.choice([0.0, 0.0, 0.1])
        self.end = rng.choice([b"", b"", b"\r"])
        self.enormous_rate = rng.choice([0.0, 0.0, 0.03, 0.3]) if self.is_default else 0.0

    def white(self):
        if self.rng.random() >= self.white_rate:
            return ""
        return "".join(self.rng.choices(" \t\r", k=self.rng.randrange(1, 3)))

    def string(self, text):
        out = []
        for c in text:
            if c in "\"\\" or c < " " or self.rng.random() < self.escape_rate:
                units = c.encode("utf-16-be")
                out += [f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2)]
            else:
                out.append(c)
        return "\"" + "".join(out) + "\""

    def user(self):
        if self.rng.random() < 0.1:
            return self.rng.choice(["7", "0", "123456789012345678901234567890"])
        if self.rng.random() < 0.3:
            return self.string(f"u{self.rng.randrange(300)}")
        return self.string(self.rng.choice(USERS))

    def amount(self):
        if self.rng.random() < 0.6:
            return f"{self.rng.randrange(10000)}.{self.rng.randrange(100):02d}"
        return self.rng.choice(AMOUNTS)

    def member(self, name, value):
        return self.white() + self.string(name) + self.white() + ":" + self.white() + value + self.white()

    def enormous(self):
        amount, volume = self.rng.choice(ENORMOUS)
        members = [self.member("user", self.string(self.rng.choice(USERS[:3]))), self.member("paymentAmt", amount),
                   self.member("volume", str(volume))]
        return "{" + ",".join(members) + "}"

    def batch(self, bad=False):
        if not bad and self.rng.random() < self.enormous_rate:
            return self.enormous()
        user, amount = self.user(), self.amount()
        members = []
        flaw = self.rng.randrange(5) if bad else -1
        if flaw == 0:
            amount = self.rng.choice(BAD_AMOUNTS)
        elif flaw == 1:
            user = self.rng.choice(["\"\"", "null", "1.5", "1e2", "{}", self.string("x" * 1025)])
        elif flaw == 2:
            members.append(self.member(self.fields[self.rng.randrange(2)], "1"))
        if flaw != 3:
            members.append(self.member(self.fields[0], user))
        members.append(self.member(self.fields[1], amount))
        if self.is_default and (flaw == 4 or self.rng.random() < 0.3):
            members.append(self.member("volume", self.volume(flaw == 4)))
        elif flaw == 4:
            members.append("\"x\":tru")
        if not self.is_default and self.rng.random() < 0.2:
            members.append(self.member("volume", self.rng.choice(["1200", "0", "\"many\"", "null"])))
        if self.rng.random() < 0.2:
            members += self.rng.sample(OTHERS, self.rng.randrange(1, 4))
        if self.rng.random() < 0.3:
            self.rng.shuffle(members)
        return "{" + ",".join(members) + "}"

    def volume(self, bad):
        if bad:
            return self.rng.choice(["0", "-1", "1.0", "1e1", "\"\"", "\" 1\"", "null", "\"x\"", "01"])
        text = str(self.rng.choice([1, 2, 7, self.rng.randrange(1, 10**6)]))
        return f"\"{text}\"" if self.rng.random() < 0.3 else text

    def group(self, bad=False):
        count = self.rng.choice([1, 1, 2, 2, 3, 9, 60, 400])
        which = self.rng.randrange(count) if bad else -1
        array = "[" + ",".join(self.white() + self.batch(i == which) for i in range(count)) + "]"
        if bad and self.rng.random() < 0.3:
            array = self.rng.choice(["[]", "[[" + self.batch() + "]]", "[{\"payments\":[" + self.batch() + "]}]",
                                     "[" + self.batch() + ",]"])
        if self.rng.random() < 0.4:
            return array
        members = [self.member("payments", array)]
        if self.rng.random() < 0.5:
            members = OTHERS[2:4] + members
        return "{" + ",".join(members) + "}"

    def mutated(self, line):
        line = bytearray(line)
        for _ in range(self.rng.randrange(1, 4)):
            at = self.rng.randrange(len(line) + 1)
            line[at:at + self.rng.randrange(3)] = self.rng.choice(
                [b"", b"\"", b"\\", b"{", b"}", b",", b"0", b"\x00", b"\x80", b"\x1f", b"e", b" "])
        return bytes(line).replace(b"\n", b"")

    def good(self):
        if self.is_default and self.rng.random() < 0.15:
            return self.group().encode()
        return self.batch().encode()

    def any(self):
        kind = self.rng.random()
        if kind < 0.75:
            line = self.good()
        elif kind < 0.80:
            line = self.batch(bad=True).encode()
        elif kind < 0.83 and self.is_default:
            line = self.group(bad=True).encode()
        elif kind < 0.87:
            line = self.mutated(self.good())
        elif kind < 0.93:
            line = self.rng.choice(FOREIGN + BAD_BRACKETS)
        else:
            return self.rng.choice(BLANK)
        if self.rng.random() < 0.1:
            line += self.rng.choice([b" ", b"  \t", b" " * 300])
        line += self.end
        # What looks like a marked group where spaces are not yet white space as elsewhere.
        return line

    def long(self):
        """About 1 MiB: the limit is between the first two."""
        name = self.string(self.fields[0]) + ":\"a\"," + self.string(self.fields[1]) + ":1,\"x\":\""
        front = ("{" + name).encode()
        size = self.rng.choice([1 << 20, (1 << 20) + 1, 3 << 20, (1 << 20) - 1])
        return front + b"y" * (size - len(front) - 2) + b"\"}"


def make_foreign(rng, lines):
    """Of this payagg counts nothing."""
    kind = rng.random()
    if kind < 0.6:
        start, end = rng.choice([(start, b"") for start in FOREIGN_STARTS] + FOREIGN_ARRAYS)
        return start + lines.good() + b"\n" + end
    if kind < 0.8:
        return b"[\n" + b",\n".join(lines.batch().encode() for _ in range(rng.choice([2, 40, 2000]))) + b"\n]\n"
    return (b"\n".join(PRETTY) + b"\n") * rng.choice([1, 2, 3000])


def make_file(rng, fields, large):
    """(bytes, whether payagg refuses them as a whole)."""
    lines = Lines(rng, fields)
    if large:  # of which each line is there hundreds of times
        lines.enormous_rate /= 30
    if not large and rng.random() < 0.2:
        return make_foreign(rng, lines), True
    some = [lines.any() for _ in range(rng.choice([1, 3, 30, 300]) if not large else 1500)]
    if large:
        size = sum(len(line) + 1 for line in some)
        some = [rng.choice(some) for _ in range(LARGE_BYTES * len(some) // size)]
    if large or rng.random() < 0.15:
        for _ in range(rng.randrange(1, 4)):
            some.insert(rng.randrange(len(some) + 1), lines.long())
    # The first line must not by chance be one that refuses the whole: behind one that was cut short
    # come two that do not go on from it.
    first = [rng.choice([lines.good(), b"nonsense", b"", b"\x00" * 20, b"{}"])]
    if rng.random() < 0.2:
        first = [rng.choice(BAD_BRACKETS), b"", lines.good(), lines.good()]
    elif rng.random() < 0.2:
        first = rng.choice(LOG_BEGINNINGS) + [lines.good(), lines.good()]
    elif rng.random() < 0.05:
        first = [lines.long()]
    some[:0] = first
    data = b"".join(line + b"\n" for line in some)
    if rng.random() < 0.05:
        data = b""
    return (MARK if rng.random() < 0.25 else b"") + data, False


class Right:
    """What payagg is to make of the bytes, one line after the other."""

    def __init__(self, data, fields):
        self.totals = {}    # {user: (nanos, count)}
        self.rejected = []  # the number of each such line
        self.nanos = self.count = 0  # of all, by magnitude: what no order can exceed
        known = {}
        for number, line in enumerate(data.removeprefix(MARK).split(b"\n")[:-1], 1):
            if oracle.is_blank(line) and len(line) <= oracle.LINE_BYTES_MAX:
                continue
            if line not in known:
                known[line] = oracle.judge_request(line, fields)
            if known[line] is None or not self.add(known[line]):
                self.rejected.append(number)

    def add(self, batches):
        """All of them, or False."""
        after = {}
        for user, nanos, volume in batches:
            self.nanos += abs(nanos * volume)
            self.count += volume
            total, count = after.get(user) or self.totals.get(user, (0, 0))
            after[user] = (total + nanos * volume, count + volume)
            if not oracle.fits(after[user][0], 1) or after[user][1] > oracle.COUNT_MAX:
                return False
        self.totals.update(after)
        return True

    def order_may_matter(self):
        return self.nanos >= 2**126 or self.count >= 2**63


class Road:
    """One way of payagg to the bytes: its options, and how they reach it. Of a pipe several threads
    refuse what depends on the order of the payments."""

    def __init__(self, name, options, by):
        self.name, self.options, self.by = name, options, by
        self.may_refuse = by == "pipe" and options != []

    def source(self, path):
        return path + ".grown" if self.by == "growth" else path

    def run(self, payagg, options, path, fields):
        """(status, stdout, words on stderr)."""
        command = [payagg, *self.options, *options]
        if self.by == "growth":
            return follow_growth([*command, "--follow", "--ready-line", self.source(path)], path, fields)
        if self.by == "follow":
            return follow([*command, "--follow", "--ready-line", path], path)
        if self.by == "two files":
            with open(path + ".empty", "wb"):
                pass
            command.append(path + ".empty")
        if self.by in ("file", "two files"):
            done = subprocess.run([*command, path], capture_output=True, timeout=LIMIT_S, check=False)
        elif self.by == "stdin":
            with open(path, "rb") as file:
                done = subprocess.run(command, stdin=file, capture_output=True, timeout=LIMIT_S, check=False)
        else:
            with open(path, "rb") as file:
                done = subprocess.run(command, input=file.read(), capture_output=True, timeout=LIMIT_S,
                                      check=False)
        return done.returncode, done.stdout, done.stderr


def follow(command, path):
    """Reads until it says that all that was there is out, and ends it."""
    with open(path + ".err", "w+b") as words:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words) as process:
            out = bytearray()
            for line in process.stdout:
                if line == b"\n":
                    process.send_signal(signal.SIGTERM)
                else:
                    out += line
            status = process.wait(LIMIT_S)
        words.seek(0)
        return status, bytes(out), words.read()


def wait_until_read(process, count):
    """Until it has read so many bytes more than `count`: steps are apart as far as that tells."""
    deadline = time.monotonic() + LIMIT_S
    while bytes_read(process) < count and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.0005)


def bytes_read(process):
    try:
        with open(f"/proc/{process.pid}/io", encoding="ascii") as file:
            return int(file.readline().split()[1])
    except OSError:  # it has ended
        return 1 << 60


def follow_growth(command, path, fields):
    """Follows a file that is empty at first, gets the first lines one by one, then all others and a
    payment of LAST_USER, which says that all has been read."""
    with open(path, "rb") as file:
        steps = file.read().split(b"\n", 8)
    steps = [line + b"\n" for line in steps[:-1]] + [steps[-1] + b'{%s:"%s",%s:1}\n' % (
        json.dumps(fields[0]).encode(), LAST_USER.encode(), json.dumps(fields[1]).encode())]
    with open(command[-1], "wb", buffering=0) as grown, open(path + ".err", "w+b") as words:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words) as process:
            out = bytearray()
            for line in process.stdout:
                if line == b"\n":
                    for step in steps:
                        count = bytes_read(process) + len(step)
                        grown.write(step)
                        if step is not steps[-1]:
                            wait_until_read(process, count)
                elif LAST_USER.encode() in line:
                    process.send_signal(signal.SIGTERM)
                else:
                    out += line
            status = process.wait(LIMIT_S)
        words.seek(0)
        return status, bytes(out), words.read()


ROADS = [Road("a file, one thread", ["--jobs", "1"], "file"),
         Road("a file, two threads", ["--jobs", "2"], "file"),
         Road("a small file, two threads", ["--jobs", "2"], "two files"),
         Road("a pipe", [], "pipe"),
         Road("a pipe, two threads", ["--jobs", "2"], "pipe"),
         Road("stdin that is a file", [], "stdin"),
         Road("a file that is followed", ["--output-mode", "update"], "follow"),
         Road("a file that grows while it is followed", ["--output-mode", "update"], "growth")]


def read_totals(out):
    """Of each user the last line: an update tells what there is now."""
    totals = {}
    for line in out.splitlines():
        stats = json.loads(line, parse_float=str, parse_int=str)
        totals[stats["user"]] = (stats["sum"], int(stats["count"]))
    return totals


def read_rejects(path, source):
    rejects = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for line in file:
                reject = json.loads(line)
                if reject.pop("source") not in ("-", source):
                    raise Difference(f"a reject of another source: {line}")
                rejects.append(reject)
    return rejects


def check_road(road, payagg, path, fields, expected):
    """What is right by this road as well: its rejects, and whether they are all."""
    rejects_path = path + ".rejects"
    if os.path.exists(rejects_path):
        os.unlink(rejects_path)
    options = ["--rejects", rejects_path]
    if fields != oracle.DEFAULT_FIELDS:
        options += ["--user-field", fields[0], "--amount-field", fields[1]]
    status, out, words = road.run(payagg, options, path, fields)
    told = words.decode(errors="replace")[-2000:]
    rejects = read_rejects(rejects_path, road.source(path))
    if expected is None:
        if (status, out.strip(), rejects) != (2, b"", []):
            raise Difference(f"{road.name}: not refused as a whole: {status}, {out[:500]}, {rejects[:5]}, {told}")
        return rejects, True
    if status == 2 and road.may_refuse and expected.order_may_matter():
        if out or "--jobs 1 counts what does" not in told:
            raise Difference(f"{road.name}: refused for another reason, or not as a whole: {out[:500]}, {told}")
        return rejects, False
    totals, lines = expected.totals, expected.rejected
    if status != (1 if lines else 0):
        raise Difference(f"{road.name}: status {status}, {len(lines)} rejects expected: {told}")
    got_lines = [reject["line"] for reject in rejects]
    if got_lines != lines:
        odd = sorted(set(got_lines) ^ set(lines))
        raise Difference(f"{road.name}: rejects of other lines: {odd[:20]}")
    wanted = {user: (decimal_oracle.formatted(nanos), count) for user, (nanos, count) in totals.items()}
    got = read_totals(out)
    if got != wanted:
        odd = [(user, wanted.get(user), got.get(user)) for user in {*wanted, *got}
               if wanted.get(user) != got.get(user)]
        raise Difference(f"{road.name}: other totals (user, right, got): {odd[:5]}")
    return rejects, True


def play(payagg, folder, seed, number, large):
    rng = random.Random(f"{seed}/{number}/{large}")
    fields = rng.choice(FIELDS + [("symbol", "volume")])
    data, refused = make_file(rng, fields, large)
    path = os.path.join(folder, "payments.jsonl")
    with open(path, "wb") as file:
        file.write(data)
    expected = None if refused else Right(data, fields)
    first = None
    for road in ROADS:
        if refused and road.by == "growth":
            continue  # a log that is followed is not refused for lines that come
        rejects, all_of_them = check_road(road, payagg, path, fields, expected)
        first = rejects if first is None else first
        if rejects != (first if all_of_them else first[:len(rejects)]):
            odd = [pair for pair in zip(first, rejects) if pair[0] != pair[1]]
            raise Difference(f"{road.name}: other rejects than {ROADS[0].name}: {str(odd[:1])[:2000]}")
    return len(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", required=True, help="the folder of the tools")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=60, help="small files")
    parser.add_argument("--large", type=int, default=2, help="files of several segments")
    options = parser.parse_args()
    payagg = os.path.join(options.bin, "payagg")
    folder = tempfile.mkdtemp(prefix="roads-")
    total = 0
    for number in range(options.rounds + options.large):
        large = number >= options.rounds
        try:
            total += play(payagg, folder, options.seed, number, large)
        except (Difference, subprocess.TimeoutExpired) as difference:
            print(f"roads: seed {options.seed}, round {number}: {difference}\nkept in {folder}", file=sys.stderr)
            return 1
    shutil.rmtree(folder)
    print(f"roads: {options.rounds + options.large} files, {total} bytes, {len(ROADS)} roads each: the same")
    return 0


if __name__ == "__main__":
    sys.exit(main())
