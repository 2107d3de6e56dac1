#!/usr/bin/env python3
"""Bodies in chunks: the server reads them as a plain decoder does, and refuses all other framing.

  chunked.py --bin build/release/bin --seed 1 [--requests 3000]

Framings are made from the seed and damaged. Each goes to a server of its own connection, in pieces, with
a GET behind it. Where the decoder here says that it is a body, the POST is answered as that body is, and
then the GET; where it says that more must come, nothing is answered; else the answer is 400 or 413, the
connection ends, and the GET is not answered. The log has as many payments in the end as were accepted.
Then clients that stream: Python's http.client, and curl and Node where they are there.
"""
import argparse
import http.client
import json
import os
import random
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from serving import accepted_in, on_a_log, talk  # noqa: E402
from torture_common import LIMIT_S, Difference  # noqa: E402

HEAD = (b"POST /api/payments HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n")
GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
BODY_BYTES_MAX = 1 << 20


def decode(wire):
    """(verdict, body, how much of `wire` that was): verdict is body, more, malformed or large."""
    body, at = b"", 0
    while True:
        line = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n").match(wire, at)
        if not line:
            partial = re.fullmatch(rb"(?:[0-9A-Fa-f]{1,8}\r?)?", wire[at:])
            if partial and wire.endswith(b"\r") and len(body) + int(wire[at:-1], 16) > BODY_BYTES_MAX:
                return "large", b"", 0
            return ("more" if partial else "malformed"), b"", 0
        size, at = int(line[1], 16), line.end()
        if len(body) + size > BODY_BYTES_MAX:
            return "large", b"", 0
        body += wire[at:at + size]
        end = wire[at + size:at + size + 2]
        at += size + 2
        if not b"\r\n".startswith(end):
            return "malformed", b"", 0
        if end != b"\r\n":
            return "more", b"", 0
        if size == 0:
            return "body", body, at


def make_body(rng):
    batches = [{"user": f"u{rng.randrange(9)}", "paymentAmt": rng.randrange(1, 99), "volume": rng.randrange(1, 4)}
               for _ in range(rng.randrange(1, 6))]
    return json.dumps(batches, indent=rng.choice([None, 1])).encode(), sum(one["volume"] for one in batches)


def make_wire(rng, body):
    wire = b""
    while body:
        piece, body = body[:rng.randrange(1, 40)], body[:0] if rng.random() < 0.02 else body
        body = body[len(piece):]
        size = f"{len(piece):{rng.choice(['x', 'X', '03x', '08X'])}}".encode()
        wire += size + b"\r\n" + piece + b"\r\n"
    return wire + rng.choice([b"0", b"0", b"000"]) + b"\r\n\r\n"


PIECES = [b"\r", b"\n", b"\r\n", b"0", b"1", b"a", b";", b";x=y", b" ", b"\t", b"0x", b"+", b"-", b"0\r\n\r\n",
          b"00000000", b"ffffffff", b"FFFFFFFFFFFFFFFFF", b"\x00", b"\xff", b"X: y\r\n", b"5\r\nabcde\r\n", b"_", b"g"]


def damage(rng, wire):
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        at = rng.randrange(len(wire) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            wire = wire[:at] + rng.choice(PIECES) + wire[at:]
        elif kind == 1:
            wire = wire[:at] + wire[at + rng.randrange(1, 4):]
        elif kind == 2:
            wire = wire[:at] + wire[at:].replace(b"\r\n", rng.choice([b"\n", b"\r", b" \r\n", b"\r\n\r\n"]), 1)
        else:
            wire = wire[:at] + rng.choice(PIECES) + wire[at + 1:]
    return wire


def judge(wire, answer):
    """What is wrong with this answer to the framing with a GET behind it; and the payments taken."""
    verdict, body, used = decode(wire + GET)
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]
    accepted = accepted_in(answer)
    if verdict == "more":
        return ("an answer before the end" if statuses else None), accepted
    if verdict in ("malformed", "large"):
        expected = 413 if verdict == "large" else 400
        return (None if statuses == [expected] else f"{verdict}: {statuses}"), accepted
    try:
        right = sum(int(one.get("volume", 1)) for one in json.loads(body))
    except (ValueError, AttributeError, TypeError):
        right = 0
    rest = (wire + GET)[used:]
    gone = rest != GET and statuses[:1] == [503]  # the client ended its side before its turn
    if not statuses or (statuses[0] not in (200, 400, 422) and not gone) or (statuses[0] == 200 and accepted != right):
        return f"a body: {statuses}, accepted {accepted} of {right}", accepted
    if rest == GET and statuses[1:] != [200]:
        return f"what follows was not answered: {statuses}", accepted
    return None, accepted


def compare(options, server):
    rng = random.Random(options.seed)
    taken, whole = 0, 0
    for number in range(options.requests):
        body, _ = make_body(rng)
        wire = damage(rng, make_wire(rng, body))
        bytes_ = HEAD + wire + GET
        cuts = sorted(rng.randrange(len(bytes_)) for _ in range(rng.choice([0, 0, 1, 3])))
        pieces = [bytes_[a:b] for a, b in zip([0, *cuts], [*cuts, len(bytes_)])]
        verdict, _, used = decode(wire + GET)
        waits = verdict != "more" and (verdict != "body" or (wire + GET)[used:] == GET)
        answer = talk(server.port, pieces, waits)
        wrong, accepted = judge(wire, answer)
        if wrong:
            raise Difference(f"request {number} of seed {options.seed}: {wrong}\n{wire!r}\n->\n{answer!r}")
        taken += accepted
        whole += verdict == "body"
    print(f"{options.requests} framings, {whole} of them whole: the same as a plain decoder")
    return taken


def stream(server):
    """By clients that do not know how long their body is."""
    line, taken = b'{"user":"streamed","paymentAmt":1}', 0
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
    for _ in range(2):  # over one connection
        connection.request("POST", "/api/payments", iter([b"[", line, b",", line, b"]"]),
                           {"Content-Type": "application/json"}, encode_chunked=True)
        taken += json.loads(connection.getresponse().read())["accepted"]
    url = f"http://127.0.0.1:{server.port}/api/payments"
    commands = [["curl", "-sSf", url, "-H", "Content-Type: application/json", "-H", "Transfer-Encoding: chunked",
                 "-d", line.decode()],
                ["node", "-e", f"""const parts = ['[', '{line.decode()}', ']'];
fetch('{url}', {{method: 'POST', duplex: 'half', headers: {{'Content-Type': 'application/json'}},
  body: new ReadableStream({{pull(c) {{ parts.length ? c.enqueue(new TextEncoder().encode(parts.shift()))
    : c.close(); }}}})}}).then(r => r.text()).then(t => console.log(t))"""]]
    for command in commands:
        if not shutil.which(command[0]):
            print(f"chunked.py: {command[0]} is not there", file=sys.stderr)
            continue
        run = subprocess.run(command, capture_output=True, check=False, timeout=LIMIT_S)
        if run.returncode != 0 or run.stdout.strip() != b'{"accepted":1}':
            raise Difference(f"{command[0]}: {run.stdout!r} {run.stderr!r}")
        taken += 1
    print(f"{taken} payments by clients that stream")
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder of the built tools")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--requests", type=int, default=3000)
    options = parser.parse_args()
    on_a_log(options.bin, "chunked", lambda server: compare(options, server) + stream(server))


if __name__ == "__main__":
    main()
