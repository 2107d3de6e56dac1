#!/usr/bin/env python3
"""What idempotency keys cost paystats-serve: requests with a key beside the same requests without one, and
a start with a million keys.

    tests/bench/net/keys.py --bin build/release/bin

`log`: POSTs into a log. `start`: a server whose log has --keys keys, beside one whose log has as many
payments without: how long it takes to know them, and their memory. `topic`: POSTs into a topic of a Kafka
broker that this starts and ends (scripts/kafka); those with keys take the way over payment-requests.
Prints a table of ratios: medians over the rounds, in which the contenders take turns. Needs wrk.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from bench import Lab, get, markdown, ready, resident_mb, row, stats_line, wait_for  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
RATE_IN_LOG, RATE_IN_TOPIC = 0.8, 0.5  # of the rate without keys: the goals
MEMORY_MB, START_S = 16, 1.0


def wrk_scripts(lab):
    """The same request without a key, and with one that is never the same, made by `begin()`."""
    plain = lab.folder / "plain.lua"
    head = ('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
            'wrk.body = \'{"user":"edgar","paymentAmt":1.0,"volume":1}\'\n')
    plain.write_text(head)
    made = 0

    def keyed():
        nonlocal made
        made += 1
        path = lab.folder / f"keyed-{made}.lua"
        path.write_text(head + f'local n = 0\nrequest = function()\n  n = n + 1\n'
                        f'  wrk.headers["Idempotency-Key"] = \'"bench-{made}-\' .. n .. \'"\'\n'
                        '  return wrk.format()\nend\n')
        return path
    return plain, keyed


def rate_rows(lab, rounds, server, where, goal):
    plain_script, keyed_script = wrk_scripts(lab)
    plain, keyed = [], []
    for _ in range(rounds):
        plain.append(lab.wrk(server, "/api/payments", plain_script))
        keyed.append(lab.wrk(server, "/api/payments", keyed_script()))
    rows = []
    for figure, unit, aim in ((0, "requests/s", goal), (1, "CPU µs/request", None)):
        floor, ours = [p[figure] for p in plain], [k[figure] for k in keyed]
        rows.append(row(f"POST a payment with a key, to a {where}", unit, "without a key", floor, ours,
                        [k / p for p, k in zip(floor, ours)], aim))
    return rows


def cache(lab):
    """A cache for the servers to ask: nothing is asked for here."""
    return lab.cache("keys.sock", [stats_line("nobody", 1)])


def log_rows(lab, options):
    running, path = cache(lab)
    server = lab.serve(path, "-o", lab.folder / "keyed.jsonl", "--keys-max", 10_000_000)
    wait_for(lambda: ready(server[1]), "a ready server")
    rows = rate_rows(lab, options.rounds, server, "log", RATE_IN_LOG)
    for process in (server[0], running):
        lab.end(process)
    return rows


def knows_all(port, keys):
    """It listens before it has read them."""
    kept = json.loads(get(f"http://127.0.0.1:{port}/api/idempotency"))
    return kept["complete"] and kept["keys"] == keys


def start_rows(lab, options):
    batches = b'{"user":"edgar","paymentAmt":1.0,"volume":1}\n' * options.keys
    running, path = cache(lab)
    logs = {}
    for name, words in (("plain", []), ("keyed", ["--idempotency-prefix", "job"])):
        logs[name] = lab.folder / f"start-{name}.jsonl"
        subprocess.run([lab.bin / "paygen", "-q", *words, "-o", logs[name]], input=batches, check=True)
    seconds, memory = {name: [] for name in logs}, {name: [] for name in logs}
    for _ in range(options.rounds):
        for name, log in logs.items():
            begun = time.monotonic()
            server, port = lab.serve(path, "-o", log, "--keys-max", options.keys)
            wait_for(lambda: knows_all(port, options.keys if name == "keyed" else 0), "a server that knows its keys")
            seconds[name].append(time.monotonic() - begun)
            memory[name].append(resident_mb(server.pid))
            lab.end(server)
    lab.end(running)
    more = [k - p for p, k in zip(memory["plain"], memory["keyed"])]
    return [row(f"from the start to {options.keys:,} known keys of the log", "s", "as many payments without",
                seconds["plain"], seconds["keyed"], [s / START_S for s in seconds["keyed"]], 1.0),
            row(f"memory of {options.keys:,} keys", "MB", "the goal", [MEMORY_MB], more,
                [m / MEMORY_MB for m in more], 1.0)]


def topic_rows(lab, options):
    kafka = [ROOT / "scripts/kafka"]
    folder = ["--dir", lab.folder / "kafka"]
    started = subprocess.run([*kafka, "start", "--optimized", *folder], check=True, capture_output=True, text=True)
    running, path = cache(lab)
    try:
        server = lab.serve(path, "-o", "kafka:payments", "--create-topics", "-b", started.stdout.strip(),
                           "--keys-max", 10_000_000)
        wait_for(lambda: ready(server[1]), "a ready server")
        rows = rate_rows(lab, options.rounds, server, "topic", RATE_IN_TOPIC)
        lab.end(server[0])
    finally:
        lab.end(running)
        subprocess.run([*kafka, "stop", "--now", "--wipe", *folder], check=True, capture_output=True)
    return rows


PARTS = {"log": log_rows, "start": start_rows, "topic": topic_rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", required=True, help="the folder of the tools")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keys", type=int, default=1_000_000, help="in the log of `start`")
    parser.add_argument("--json", help="write the figures there as well")
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args()
    lab = Lab(options.bin, options.bin)
    rows = []
    try:
        for name in options.only or PARTS:
            rows += PARTS[name](lab, options)
    finally:
        lab.close()
    title = "Requests with keys"
    markdown(title, rows)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"title": title, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
