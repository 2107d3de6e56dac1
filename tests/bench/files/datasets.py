"""The payments that payagg and the others are measured on, the same bytes for a seed.

Each set is made of paygen's random payments of users of which few pay often (Zipf 1.0), by a
rewriting of whole blocks:

    ALL["escaped"].make(paygen, path, payments, seed)

`shape` says what a contender has to cope with: plain, long (names), escaped, mixed (spaces, any order,
further fields) or bad (1 % of the lines are no payments).
"""
import dataclasses
import os
import re
import subprocess
import zlib

BLOCK_BYTES = 4 << 20
USERS = 100_000
STEP = 7_368_787  # a prime: i * STEP mod n meets each of n once, unless it divides n
PAYMENT = re.compile(rb'\{"user":"([^"]*)","paymentAmt":([0-9.]+)\}\n')
FRONT = b'{"user":"user'


def blocks_of(stream):
    """Whole lines, some megabytes at a time."""
    rest = b""
    while block := stream.read(BLOCK_BYTES):
        end = block.rfind(b"\n") + 1
        yield rest + block[:end]
        rest = block[end:]
    if rest:
        yield rest


def long_names(block):
    return block.replace(FRONT, b'{"user":"' + b"a-name-of-two-hundred-bytes-" * 6 + b"and-of-this-one-by-a-number-")


def escaped(block):
    """A user's first digit says which way the name is written; user9... is left as it is."""
    for digit, front in enumerate((
            rb"J\u00fcrgen ", "Jürgen ".encode(), rb"the \"great\" ", rb"C:\\users\\", rb"\ud83d\ude00 ",
            "山田太郎 ".encode(), rb"north\/south ", "Ñandú Łódź ".encode()), 1):
        name = FRONT + b"%d" % digit
        block = block.replace(name, b'{"user":"' + front + b"%d" % digit)
    return block


def spaced(block):
    """Three ways to write a payment; the last digit of the amount says which."""
    def rewrite(match):
        user, amount = match.groups()
        way = amount[-1] % 3
        if way == 0:
            return b'{ "paymentAmt" : %b , "user" : "%b" }\n' % (amount, user)
        if way == 1:
            return b'{"paymentAmt":%b,"user":"%b"}\n' % (amount, user)
        return b'{"user": "%b", "paymentAmt": %b}\n' % (user, amount)
    return PAYMENT.sub(rewrite, block)


def ten_fields(block):
    """Of the ten most differ from line to line, as they do where somebody keeps what a shop says."""
    def rewrite(match):
        user, amount = match.groups()
        mixed = zlib.crc32(amount, zlib.crc32(user))
        return (b'{"user":"%b","id":"%08x-ee8a-3ca4-894e-%04x77e1603e","currency":"EUR","shop":%d,"note":"%b","gift":%b,'
                b'"paymentAmt":%b,"at":"2026-11-%02dT%02d:%02d:30.123Z","tags":["%b","new"],'
                b'"address":{"city":"%b","zip":"%04d"},"rate":0.%d,"ref":null}\n' % (
                    user, mixed, mixed & 0xFFFF, mixed % 5000, (b"two of these, please", b"")[mixed & 1],
                    (b"false", b"true")[mixed >> 3 & 1], amount, mixed % 28 + 1, mixed % 24, mixed % 60,
                    (b"web", b"phone")[mixed >> 5 & 1], (b"Oslo", b"Bergen", "Tromsø".encode())[mixed % 3], mixed % 10000,
                    mixed % 100 + 1))
    return PAYMENT.sub(rewrite, block)


def bad_lines(block):
    """Each hundredth line is cut off, no JSON, without an amount, or with a word for one."""
    lines = block.splitlines(keepends=True)
    for place in range(50, len(lines), 100):
        line = lines[place]
        lines[place] = (line[:len(line) // 2] + b"\n", b"no JSON at all\n", line.partition(b",")[0] + b"}\n",
                        line.partition(b":")[0] + b':"user1","paymentAmt":"many"}\n')[place // 100 % 4]
    return b"".join(lines)


def distinct(payments):
    """Each payment is of another user, in no order."""
    if payments % STEP == 0:
        raise ValueError(f"{payments} payments cannot be of as many users here: take another number")
    place = 0

    def rewrite(block):
        nonlocal place
        lines = block.split(b"\n")[:-1]
        block = b"".join([b'{"user":"user%d","paymentAmt%b\n' % ((place + i) * STEP % payments + 1,
                                                                 line.partition(b"paymentAmt")[2])
                          for i, line in enumerate(lines)])
        place += len(lines)
        return block
    return rewrite


@dataclasses.dataclass(frozen=True)
class DataSet:
    name: str
    title: str
    share: float = 0.2  # of the payments of the common set
    users: int = USERS
    shape: str = "plain"
    rewrite: object = None
    goal: float = 3.0  # times DuckDB, as many threads

    def payments(self, most):
        return max(1, int(most * self.share))

    def make(self, paygen, path, payments, seed):
        """Writes the set to `path`, and the exact totals beside it where paygen knows them."""
        expect = path + ".expect" if self.rewrite is None else None
        command = [paygen, "--random", str(payments), "--users", str(self.users), "--skew", "1.0", "--seed", str(seed)]
        command += ["--expect", expect] if expect else []
        rewrite = distinct(payments) if self.rewrite is distinct else self.rewrite
        with open(path, "wb") as out:
            if rewrite is None:
                subprocess.run(command, stdout=out, check=True)
                return expect
            with subprocess.Popen(command, stdout=subprocess.PIPE) as made:
                for block in blocks_of(made.stdout):
                    out.write(rewrite(block))
            if made.returncode != 0:
                raise OSError(f"paygen ended with status {made.returncode}")
        return expect


ALL = {each.name: each for each in (
    DataSet("common", "100 k users, skewed (Zipf 1.0)", share=1.0, goal=7.0),
    DataSet("one", "one user", users=1),
    DataSet("distinct", "as many users as payments", share=1.0, rewrite=distinct),
    DataSet("long", "names of 200 bytes", rewrite=long_names, shape="long"),
    DataSet("escaped", "escaped and non-ASCII names", rewrite=escaped, shape="escaped"),
    DataSet("spaced", "spaces and fields in any order", rewrite=spaced, shape="mixed"),
    DataSet("fields", "ten further fields", rewrite=ten_fields, shape="mixed"),
    DataSet("bad", "1 % bad lines", rewrite=bad_lines, shape="bad"),
)}


def prefix(path, out, lines):
    """The first `lines` lines of a file in another one; how many there were."""
    left = lines
    with open(path, "rb") as source, open(out, "wb") as sink:
        for block in blocks_of(source):
            count = block.count(b"\n")
            if count >= left:
                end = -1
                if left < count // 2:
                    for _ in range(left):
                        end = block.find(b"\n", end + 1)
                else:
                    end = len(block)
                    for _ in range(count - left + 1):
                        end = block.rfind(b"\n", 0, end)
                sink.write(block[:end + 1])
                return lines
            sink.write(block)
            left -= count
    return lines - left


def made_whole(path, payments):
    """Whether a kept file is the whole one: its last line says how long it must be."""
    try:
        with open(path + ".size", encoding="ascii") as file:
            return file.read() == f"{payments} {os.path.getsize(path)}"
    except OSError:
        return False


def mark_whole(path, payments):
    with open(path + ".size", "w", encoding="ascii") as file:
        file.write(f"{payments} {os.path.getsize(path)}")
