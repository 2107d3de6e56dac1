#!/usr/bin/env python3
"""paystats-serve and paystats-cache against nginx and bare loops of system calls, in one run.

    tests/bench/net/bench.py --bin build/bench/bin --bench-bin build/bench/tests/bench/net

Prints tables of ratios: medians over the rounds, in each of which the contenders take turns, since
on a shared machine only ratios of one round can be compared. The server has one core (0), the
load another one (1). Needs nginx and wrk (Debian: nginx-light, wrk).
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

WRK_SECONDS = 2
STREAMS = 10_000
SERVER_CORE, LOAD_CORE = "0", "1"


def on_core(core, words):
    return ["taskset", "-c", core, *map(str, words)] if os.cpu_count() > 1 else list(map(str, words))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def resident_mb(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def cpu_seconds(pid):
    """Of a process and its children that live (nginx's worker is one)."""
    ticks = 0
    for task in [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]:
        ticks += sum(map(int, Path(f"/proc/{task}/stat").read_text().rsplit(")")[1].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def get(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read()


def wait_for(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"bench.py: error: {what} did not happen in {seconds} s")
        time.sleep(0.02)


class Lab:
    """A folder, the programs, and what has been started, which ends with it."""

    def __init__(self, bin_folder, bench_folder):
        self.bin, self.bench = Path(bin_folder).resolve(), Path(bench_folder).resolve()
        self.folder = Path(tempfile.mkdtemp())
        self.started = []

    def start(self, words, core=SERVER_CORE, **more):
        process = subprocess.Popen(on_core(core, words), cwd=self.folder, **more)
        self.started.append(process)
        return process

    def end(self, process, by=signal.SIGTERM):
        if process.poll() is None:
            process.send_signal(by)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.started.remove(process)

    def close(self):
        for process in list(self.started):
            self.end(process)
        shutil.rmtree(self.folder)

    def cache(self, name, lines, **more):
        """A cache that holds these lines of stats; more may be written to its stdin."""
        path = self.folder / name
        process = self.start([self.bin / "paystats-cache", "--socket", path], core=LOAD_CORE,
                             stdin=subprocess.PIPE, **more)
        process.stdin.write("".join(lines).encode())
        process.stdin.flush()
        return process, path

    def serve(self, stats, *words):
        """A server; it has said on which port it listens. Its address is the second result."""
        log = self.folder / f"serve-{len(self.started)}.err"
        with open(log, "wb") as err:
            process = self.start([self.bin / "paystats-serve", "--stats", stats, "--listen",
                                  "127.0.0.1:0", "--connections-max", STREAMS + 100, *words],
                                 stderr=err, stdout=subprocess.DEVNULL)
        wait_for(lambda: process.poll() is not None or b"listening" in log.read_bytes(), "a server")
        found = re.search(r"listening on http://127.0.0.1:(\d+)/", log.read_text())
        if not found:
            sys.exit(log.read_text())
        return process, int(found[1])

    def nginx(self, root):
        port = free_port()
        # A worker of root's would become somebody who may not read this folder.
        user = "user root; " if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(f"""
{user}daemon off; worker_processes 1; error_log stderr crit; pid {self.folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
  types {{ text/css css; application/json json; }}
  client_body_temp_path {self.folder}/nginx-body; proxy_temp_path {self.folder}/nginx-proxy;
  fastcgi_temp_path {self.folder}/nginx-f; uwsgi_temp_path {self.folder}/nginx-u;
  scgi_temp_path {self.folder}/nginx-s;
  server {{
    listen 127.0.0.1:{port}; root {root};
    location = /api/payments {{ return 200; }}
  }}
}}""")
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        process = self.start([program, "-p", self.folder, "-c", self.folder / "nginx.conf"],
                             stderr=subprocess.DEVNULL)
        wait_for(lambda: answers(port), "nginx")
        return process, port

    def wrk(self, server, target, script=None):
        """Requests a second, and microseconds of the server's CPU time a request."""
        process, port = server
        before = cpu_seconds(process.pid)
        words = ["wrk", "-t1", "-c64", f"-d{WRK_SECONDS}s", *(["-s", script] if script else []),
                 f"http://127.0.0.1:{port}{target}"]
        text = subprocess.run(on_core(LOAD_CORE, words), check=True, capture_output=True,
                              text=True).stdout
        if "Non-2xx" in text:
            sys.exit(f"bench.py: error: refused:\n{text}")
        requests = int(re.search(r"(\d+) requests in", text)[1])
        cpu = (cpu_seconds(process.pid) - before) * 1e6 / requests
        return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), cpu


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def row(what, unit, floor_name, floor, ours, ratios, goal):
    return {"what": what, "unit": unit, "floor_name": floor_name,
            "floor": statistics.median(floor) if floor else None,
            "ours": statistics.median(ours),
            "ratio": statistics.median(ratios) if ratios else None, "goal": goal}


def stats_line(user, sum_):
    return f'{{"user":"{user}","sum":{sum_}.00,"count":{sum_}}}\n'


def http_rows(lab, rounds):
    www = lab.folder / "www"
    www.mkdir()
    (www / "index.html").write_text("<!doctype html>")
    (www / "page.css").write_text("/* ten kilobytes */\n" * 512)
    cache, path = lab.cache("http.sock", [stats_line(f"user{i:05}", 10_000 + i)
                                          for i in range(1000)])
    quick = lab.serve(path, "-o", "/dev/null", "--www", www)
    durable = lab.serve(path, "-o", lab.folder / "payments.jsonl", "--www", www)
    wait_for(lambda: ready(quick[1]) and ready(durable[1]), "a ready cache")
    stats = "/api/stats?limit=330"
    (www / "stats.json").write_bytes(get(f"http://127.0.0.1:{quick[1]}{stats}"))
    nginx = lab.nginx(www)
    lua = lab.folder / "post.lua"
    lua.write_text('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
                   'wrk.body = \'{"user":"edgar","paymentAmt":1.0,"volume":1}\'\n')
    post = "/api/payments"
    bare = "nginx, a bare `return 200`"
    contests = [
        ("GET a static file of 10 KB", "nginx, the same file", 0.95, "/page.css", "/page.css",
         quick, None),
        ("GET /api/stats, 20 KB", "nginx, a file of the same bytes", 0.95, "/stats.json", stats,
         quick, None),
        ("POST a payment, to /dev/null", bare, 0.5, post, post, quick, lua),
        ("POST a payment, to a file with fdatasync", bare, None, post, post, durable, lua),
    ]
    taken = [([], []) for _ in contests]
    for _ in range(rounds):
        for (_, _, _, theirs, ours, server, script), (floor, mine) in zip(contests, taken):
            floor.append(lab.wrk(nginx, theirs, script))
            mine.append(lab.wrk(server, ours, script))
    for process in (quick[0], durable[0], nginx[0], cache):
        lab.end(process)
    rows = []
    for (what, name, goal, *_), (floor, mine) in zip(contests, taken):
        for figure, unit, aim in ((0, "requests/s", goal), (1, "CPU µs/request", None)):
            theirs, ours = [f[figure] for f in floor], [m[figure] for m in mine]
            rows.append(row(what, unit, name, theirs, ours,
                            [m / f for f, m in zip(theirs, ours)], aim))
    return rows


def ready(port):
    try:
        return get(f"http://127.0.0.1:{port}/readyz") is not None
    except OSError:
        return False


class EventClients:
    """Many clients of one stream, and the time that an event takes to all of them."""

    def __init__(self, lab, port, count, target, trigger):
        self.process = lab.start([lab.bench / "event_clients", port, count, target],
                                 core=LOAD_CORE, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 text=True, bufsize=1, pass_fds=(3,) if trigger == 3 else (),
                                 preexec_fn=lambda: os.dup2(trigger, 3), close_fds=False)
        if self.process.stdout.readline() != "open\n":
            sys.exit("bench.py: error: the clients of a stream did not start")

    def fire(self, line):
        self.process.stdin.write(line + "\n")
        first, last, size = map(int, self.process.stdout.readline().split())
        return first, last, size


def stream_rows(lab, rounds):
    cache, path = lab.cache("stream.sock", [stats_line(f"user{i}", 1000 + i) for i in range(100)])
    server, port = lab.serve(path, "-o", "/dev/null")
    wait_for(lambda: ready(port), "a ready cache")
    idle = resident_mb(server.pid)
    ours = EventClients(lab, port, STREAMS, "/api/stream?limit=10", cache.stdin.fileno())
    resident = resident_mb(server.pid)
    size = ours.fire(stats_line("someone", 5000).strip())[2]
    loop = lab.start([lab.bench / "send_loop", STREAMS, size], stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE, text=True, bufsize=1)
    floor = EventClients(lab, int(loop.stdout.readline()), STREAMS, "/", loop.stdin.fileno())
    theirs, mine = [], []
    for i in range(2 * rounds + 1):
        theirs.append(floor.fire("go")[1] / 1000)
        mine.append(ours.fire(stats_line("someone", 6000 + i).strip())[1] / 1000)
    resident = max(resident, resident_mb(server.pid))
    for process in (ours.process, floor.process, loop, server, cache):
        lab.end(process)
    return [row(f"{STREAMS:,} event streams, resident memory of the server ({idle:.0f} MB without)",
                "MB", "the goal", [40.0], [resident], [resident / 40], 1.0),
            row(f"one event of {size} bytes to {STREAMS:,} streams", "ms", "a loop of send(2)",
                theirs, mine, [m / f for f, m in zip(theirs, mine)], 1.5)]


def cache_rows(lab, rounds, users=1_000_000, rate=1_000_000, seconds=4):
    """A rest of a millisecond behind each answer: without it most questions would fall into the
    pauses between two bursts."""
    p99s, p50s, rates, memory = [], [], [], []
    for burst_ms in (10, 100):
        for _ in range(max(1, rounds // 2)):
            path = lab.folder / f"flood-{burst_ms}-{len(p99s)}.sock"
            flood = lab.start([lab.bench / "stats_flood", users, rate, seconds, burst_ms],
                              core="0,1", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            cache = lab.start([lab.bin / "paystats-cache", "--socket", path, "--hold"], core="0,1",
                              stdin=flood.stdout)
            flood.stdout.close()
            if flood.stderr.readline() != "flood\n":
                sys.exit("bench.py: error: the flood of stats did not begin")
            time.sleep(0.5)
            memory.append(resident_mb(cache.pid))
            asked = subprocess.run([lab.bench / "ask_cache", path, '{"limit":50}', str(seconds - 1), "1000"],
                                   check=True, capture_output=True, text=True).stdout.split()
            rates.append(float(flood.stderr.readline()) / 1e6)
            p50s.append(int(asked[1]) / 1000)
            p99s.append(int(asked[2]) / 1000)
            lab.end(flood)
            lab.end(cache)
    return [row("cache, 1 M users: updates taken", "M/s", "offered", [rate / 1e6], rates,
                [r / (rate / 1e6) for r in rates], 0.99),
            row("a top-50 question meanwhile, p50", "ms", "", [], p50s, [], None),
            row("a top-50 question meanwhile, p99", "ms", "the goal", [1.0], p99s, p99s, 1.0),
            row("memory of a user with a name of 10 bytes", "bytes", "", [],
                [m * 1024 * 1024 / users for m in memory], [], None)]


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def markdown(title, rows):
    print(f"### {title}\n")
    print("| what | floor | floor's figure | ours | unit | ratio | goal |")
    print("|---|---|---:|---:|---|---:|---:|")
    for r in rows:
        goal = "-" if r["goal"] is None else f"{r['goal']:g}"
        print(f"| {r['what']} | {r['floor_name']} | {number(r['floor'])} | {number(r['ours'])} | "
              f"{r['unit']} | {'-' if r['ratio'] is None else format(r['ratio'], '.2f')} | {goal} |")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", required=True, help="the folder of the tools")
    parser.add_argument("--bench-bin", required=True, help="the folder of the programs beside this")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="write the figures there as well")
    parser.add_argument("--only", choices=("http", "streams", "cache"), action="append")
    options = parser.parse_args()
    parts = {"http": http_rows, "streams": stream_rows, "cache": cache_rows}
    lab = Lab(options.bin, options.bench_bin)
    title = "The server and the cache"
    rows = []
    try:
        for name in options.only or parts:
            rows += parts[name](lab, options.rounds)
    finally:
        lab.close()
    markdown(title, rows)
    if options.json:
        Path(options.json).write_text(json.dumps({"title": title, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
