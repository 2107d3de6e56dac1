#!/usr/bin/env python3
"""Requests that are damaged, on connections of their own: whatever they become, each is answered with a
status that a server of bounds may give, or not at all, and what was accepted is in the log.

  mutated.py --bin build/release/bin --seed 1 [--requests 3000]

Requests of every kind are made from the seed and damaged: bytes, lines, numbers and parts of another
request. The client then ends its side. In the end:

  - nothing was a 5xx but 503, and the server has ended no connection by itself without an answer where
    a whole head had come;
  - the log has as many payments as were accepted;
  - the server lives, answers, and ends with 0 when told to.
"""
import argparse
import collections
import os
import random
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from serving import accepted_in, on_a_log, talk  # noqa: E402
from torture_common import Difference  # noqa: E402

TARGETS = ["/", "/healthz", "/readyz", "/metrics", "/api/stats?limit=3", "/api/stats/edgar", "/api/payments/key",
           "/api/openapi.json", "/app.js", "/nothing"]
WORDS = [b"\r\n", b"\r", b"\n", b"\x00", b"\xff", b" ", b"\t", b":", b",", b";", b"/", b"..", b"%2f", b"%", b"?", b"#",
         b"0", b"-1", b"1e99", b"99999999999999999999", b"0x10", b'"', b"\\u0000", b"\\", b"{", b"}", b"[", b"]",
         b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2.0", b"PUT", b"HEAD", b"OPTIONS", b"Content-Length: 5\r\n",
         b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n",
         b"Expect: 100-continue\r\n", b"Host: evil\r\n", b"Host:\r\n", b"Origin: http://evil\r\n", b"Upgrade: h2c\r\n",
         b"Connection: close\r\n", b"X: " + b"x" * 9000 + b"\r\n", b"x" * 70000]


def make_body(rng, number):
    batch = '{{"user":"{}","paymentAmt":{},"volume":{}}}'
    batches = [batch.format(f"u{number}", rng.choice(["1", "0.25", '"3.50"', "1e1"]), rng.randrange(1, 5))
               for _ in range(rng.choice([1, 1, 2, 30]))]
    return (batches[0] if len(batches) == 1 else "[" + ",".join(batches) + "]").encode()


def make_request(rng, number):
    fields = [b"Host: 127.0.0.1"]
    if rng.random() < 0.3:
        method = rng.choice(["GET", "GET", "HEAD", "OPTIONS"])
        return f"{method} {rng.choice(TARGETS)} HTTP/1.1\r\n".encode() + b"\r\n".join(fields) + b"\r\n\r\n"
    body = make_body(rng, number)
    fields.append(b"Content-Type: application/json")
    if rng.random() < 0.3:
        fields.append(b'Idempotency-Key: "%032x"' % rng.getrandbits(128))
    if rng.random() < 0.3:
        fields.append(b"Transfer-Encoding: chunked")
        cut = rng.randrange(1, len(body))
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:cut], body[cut:])) + b"0\r\n\r\n"
    else:
        fields.append(b"Content-Length: %d" % len(body))
    rng.shuffle(fields)
    return b"POST /api/payments HTTP/1.1\r\n" + b"\r\n".join(fields) + b"\r\n\r\n" + body


def damage(rng, wire, other):
    for _ in range(rng.choice([0, 1, 1, 1, 2, 4])):
        at = rng.randrange(len(wire) + 1)
        kind = rng.randrange(7)
        if kind == 0:
            wire = wire[:at] + rng.choice(WORDS) + wire[at:]
        elif kind == 1:
            wire = wire[:at] + wire[at + rng.randrange(1, 9):]
        elif kind == 2:
            wire = wire[:at] + bytes([rng.randrange(256)]) + wire[at + 1:]
        elif kind == 3:
            numbers = list(re.finditer(rb"\d+", wire))
            if numbers:
                one = rng.choice(numbers)
                wire = wire[:one.start()] + rng.choice([b"0", b"1", b"00", b"-1", b"1048577", b"18446744073709551616",
                                                        b"9" * 40]) + wire[one.end():]
        elif kind == 4:
            lines = wire.split(b"\r\n")
            lines.insert(rng.randrange(len(lines) + 1), rng.choice(other.split(b"\r\n")))
            wire = b"\r\n".join(lines)
        elif kind == 5:
            lines = wire.split(b"\r\n")
            del lines[rng.randrange(len(lines))]
            wire = b"\r\n".join(lines)
        else:
            wire = wire[:at] + other[rng.randrange(len(other)):]
    return wire


def judge(wire, answer):
    """What is wrong with the answers to it, and their statuses."""
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
    if any(status >= 500 and status != 503 for status in statuses):
        return "a 5xx that is not 503", statuses
    if answer and not answer.startswith(b"HTTP/1.1 "):
        return "no HTTP", statuses
    first, head, _ = wire.lstrip(b"\r\n").partition(b"\r\n\r\n")
    whole = head and re.match(rb"(?:GET|HEAD|OPTIONS) /\S* HTTP/1\.1\r\n", first) and b"Transfer" not in first
    if whole and not statuses and b"Content-Length" not in first:
        return "a whole head without an answer", statuses
    return None, statuses


def play(options, server):
    rng = random.Random(options.seed)
    seen, taken, other = collections.Counter(), 0, b"GET / HTTP/1.1\r\n\r\n"
    for number in range(options.requests):
        request = make_request(rng, number)
        wire = damage(rng, request, other)
        if rng.random() < 0.2:
            wire += make_request(rng, number)
        cuts = sorted(rng.randrange(len(wire) + 1) for _ in range(rng.choice([0, 0, 0, 1, 3])))
        pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)])]
        answer = talk(server.port, pieces, False)
        wrong, statuses = judge(wire, answer)
        if wrong:
            raise Difference(f"request {number} of seed {options.seed}: {wrong}\n{wire[:3000]!r}\n->\n{answer[:3000]!r}")
        taken += accepted_in(answer)
        seen.update(statuses or [0])
        other = request
    print(f"{options.requests} damaged requests: {taken} payments accepted; statuses "
          f"{dict(sorted(seen.items()))} (0: no answer)")
    if b"HTTP/1.1 200 " not in talk(server.port, [b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"], False):
        raise Difference("no answer in the end")
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder of the built tools")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--requests", type=int, default=3000)
    options = parser.parse_args()
    on_a_log(options.bin, "mutated", lambda server: play(options, server))


if __name__ == "__main__":
    main()
