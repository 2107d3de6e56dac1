#!/usr/bin/env python3
"""How often the idle pipeline wakes, and what that takes of a core, with no client and a log that does
not grow:

    tests/bench/idle.py [--seconds 60] [--rounds 1] [--watched] BIN...

Starts paystats-cache, which runs payagg, and paystats-serve, as the units of deploy/systemd do, once
for each folder BIN of tools; pays a few payments, waits until nothing happens any more, and then counts. The
builds take turns. A wakeup is a switch to a thread of the process, as the kernel counts them
(/proc/PID/task/*/status); CPU is the time that its threads have run (/proc/PID/task/*/schedstat). --watched: with one
client of the event stream. It only prints: a timing is no verdict, and a virtual machine's even less.
"""
import argparse
import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

WAKEUPS, SHARE = 4, 0.3  # the goals: wakeups a second and percent of a core, of all three
PATIENCE_S, QUIET_S = 60, 5


def until(true, what):
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            sys.exit(f"idle: waited {PATIENCE_S} s for {what}")
        time.sleep(0.05)


class Pipeline(contextlib.ExitStack):
    """The three processes, by name, and the address of the page."""

    def __init__(self, tools):
        super().__init__()
        folder = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory(prefix="paystats-idle-")))
        log, socket, said = folder / "payments.jsonl", folder / "stats.sock", folder / "serve.err"
        with open(said, "wb") as errors:
            serve = self.start([tools / "paystats-serve", "--stats", socket, "--listen", "127.0.0.1:0", "-o", log], errors)
        until(lambda: b"listening on" in said.read_bytes() or serve.poll() is not None, "paystats-serve")
        self.url = said.read_text(encoding="utf-8").partition("listening on ")[2].split()[0]
        cache = self.start([tools / "paystats-cache", "-q", "--socket", socket, "--ready-line", "--run",
                            tools / "payagg", "-q", "--follow", "--ready-line", log], subprocess.DEVNULL)
        children = pathlib.Path(f"/proc/{cache.pid}/task/{cache.pid}/children")
        until(children.read_text, "payagg")
        self.pids = {"paystats-serve": serve.pid, "paystats-cache": cache.pid,
                     "payagg": int(children.read_text().split()[0])}

    def start(self, command, errors):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)

        def end():
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self.callback(end)
        return process

    def users(self):
        try:
            with urllib.request.urlopen(self.url + "api/stats", timeout=PATIENCE_S) as answer:
                return json.load(answer)["users"]
        except OSError:
            return 0

    def pay(self):
        batch = b'[{"user":"ann","paymentAmt":"1.50","volume":3},{"user":"bob","paymentAmt":"2","volume":1}]'
        request = urllib.request.Request(self.url + "api/payments", batch, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=PATIENCE_S).close()
        until(lambda: self.users() == 2, "the totals")

    def watch(self):
        self.enter_context(urllib.request.urlopen(self.url + "api/stream", timeout=PATIENCE_S))


def counted(pid):
    """Switches to its threads, and nanoseconds that they have run."""
    switches = ran = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        status = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
        switches += int(status["voluntary_ctxt_switches"]) + int(status["nonvoluntary_ctxt_switches"])
        ran += int((task / "schedstat").read_text().split()[0])
    return switches, ran


def measure(tools, options):
    with Pipeline(tools) as pipeline:
        pipeline.pay()
        if options.watched:
            pipeline.watch()
        time.sleep(QUIET_S)
        before = {name: counted(pid) for name, pid in pipeline.pids.items()}
        began = time.monotonic()
        time.sleep(options.seconds)
        took = time.monotonic() - began
        after = {name: counted(pid) for name, pid in pipeline.pids.items()}
    rows = {name: ((after[name][0] - before[name][0]) / took, (after[name][1] - before[name][1]) / took / 1e7)
            for name in before}
    rows["all"] = tuple(map(sum, zip(*rows.values())))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", nargs="+", metavar="BIN", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--watched", action="store_true")
    options = parser.parse_args()
    measured = [(tools, measure(tools, options)) for _ in range(options.rounds) for tools in options.bin]
    print("| tools | process | wakeups/s | % of a core |\n|---|---|---|---|")
    for tools, rows in measured:
        for name, (wakeups, share) in rows.items():
            print(f"| {tools} | {name} | {wakeups:.1f} | {share:.3f} |")
    print(f"\nThe goals, of all: {WAKEUPS} wakeups a second, {SHARE} % of a core.")


if __name__ == "__main__":
    main()
