#!/usr/bin/env python3
"""Clients that want to exhaust paystats-serve: what they hold of its memory and of its places is bounded,
and meanwhile others are answered.

  attacks.py --bin build/release/bin [--attack NAME|all] [--full] [--rss-mb-max 32] [--answer-ms-max 0]

Each attack has a server of its own, with a log and a cache, which a process beside it asks for totals and
posts a payment to, each time on a new connection. In the end, for each attack:

  - the resident memory of the server was never over --rss-mb-max;
  - each of those requests was answered with 200 (or, after --answer-ms-max, in time);
  - no status was a 5xx but 503, for anybody;
  - the log has as many payments of that process as were acknowledged, and as many of the attackers.

By default an attack is small (some seconds for all of them together); --full is what is written about
it. It goes to loopback alone, and ends all that it has started.
"""
import argparse
import collections
import fcntl
import json
import multiprocessing
import os
import queue
import re
import resource
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from serving import Server, payagg  # noqa: E402
from torture_common import Difference, wait_for  # noqa: E402

MIB = 1 << 20
BODY_BYTES = MIB - 4096
PROBE_LIMIT_S = 15
CONNECTS_MAX = 5
USERS = 2500


def post_head(length, fields=""):
    return (f"POST /api/payments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {length}\r\n{fields}\r\n").encode()


def get(target):
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(body):
    return post_head(len(body)) + body


class Client:
    """One socket that never blocks. `reads`: it takes what comes, and notes the statuses."""

    def __init__(self, port, to_send=b"", reads=False, receive_bytes=0):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect_ex(("127.0.0.1", port))
        self.to_send, self.reads, self.received, self.open = memoryview(to_send), reads, b"", True

    def pump(self):
        try:
            while self.to_send:
                self.to_send = self.to_send[self.socket.send(self.to_send[:256 << 10]):]
            while self.reads:
                got = self.socket.recv(64 << 10)
                self.received += got[:4096]
                if not got:
                    self.open = False
                    return
        except BlockingIOError:
            pass
        except OSError:
            self.open = False

    def say(self, more):
        self.to_send = memoryview(bytes(self.to_send) + more)

    def close(self):
        self.socket.close()


def pump(clients, seconds, until=None, again=b""):
    """Lets them send (and read) for a time, or until all of them are as they should be. Whoever has sent
    all that it has begins `again`."""
    end = time.monotonic() + seconds
    poll = select.epoll()
    by_fd = {}
    for one in clients:
        by_fd[one.socket.fileno()] = one
        poll.register(one.socket.fileno(), select.EPOLLOUT | select.EPOLLIN | select.EPOLLET)
    while time.monotonic() < end and not (until and all(map(until, clients))):
        for fd, _ in poll.poll(0.05):
            one = by_fd[fd]
            if again and not one.to_send:
                one.to_send = memoryview(again)
            one.pump()
    poll.close()


def statuses(clients):
    found = collections.Counter()
    for one in clients:
        found.update(re.findall(rb"HTTP/1\.1 (\d+) ", one.received))
    return {int(status): count for status, count in found.items()}


def ask(port, request):
    """One request on a new connection: its status (0: none came), and how long it took in ms. A client
    that had no processor for longer than a newcomer has to say what it wants comes again."""
    begun = time.monotonic()
    answer = b""
    for _ in range(CONNECTS_MAX):
        try:
            with socket.create_connection(("127.0.0.1", port), PROBE_LIMIT_S) as one:
                one.settimeout(PROBE_LIMIT_S)
                one.sendall(request)
                answer = one.recv(4096)
        except OSError:
            continue
        if answer:
            break
    found = re.match(rb"HTTP/1\.1 (\d+) ", answer)
    return int(found[1]) if found else 0, (time.monotonic() - begun) * 1000


def probe(port, posts, stop, results):
    """Beside the attack, in a process of its own."""
    requests = [("get", get("/api/stats?limit=1"))]
    if posts:
        requests.append(("post", post(b'{"user":"probe","paymentAmt":1}')))
    seen = []
    while True:
        seen += [(name, *ask(port, request)) for name, request in requests]
        if stop.wait(0.05):
            break
    results.put(seen)


class Lab:
    """A server and what it needs, for one attack."""

    def __init__(self, options, name, words=(), user_bytes=0):
        self.folder = tempfile.mkdtemp(prefix="attack.")
        self.log = os.path.join(self.folder, "log.jsonl")
        self.full, self.name, self.options = options.full, name, options
        self.connections_max = 1024 if options.full else 64
        self.server, self.cache, self.clients, self.probing = None, None, [], None
        self.statuses = collections.Counter()
        self.acknowledged = 0  # payments of attackers
        try:
            self.start_cache(user_bytes)
            self.server = Server(options.bin, self.log, self.folder, "serve",
                                 ["--connections-max", str(self.connections_max), "--allow-host", "localhost", *words])
            wait_for(lambda: ask(self.server.port, get("/readyz"))[0] == 200, "a server that is ready")
        except BaseException:
            self.close()
            raise

    @property
    def port(self):
        return self.server.port

    def start_cache(self, user_bytes):
        # Server names that socket.
        path = os.path.join(self.folder, "none.sock")
        self.cache = subprocess.Popen([f"{self.options.bin}/paystats-cache", "--socket", path],
                                      stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for i in range(USERS if user_bytes else 10):
            self.set_total("\x01" * (user_bytes - 8) + f"user{i:04}", i + 1)
        self.cache.stdin.flush()

    def set_total(self, user, euros):
        line = json.dumps({"user": user, "sum": f"{euros}.00", "count": 1}).replace(f'"{euros}.00"', f"{euros}.00")
        self.cache.stdin.write(line.encode() + b"\n")

    def begin(self, posts=True):
        self.stop, self.results = multiprocessing.Event(), multiprocessing.Queue()
        self.probing = multiprocessing.Process(target=probe, args=(self.port, posts, self.stop, self.results))
        self.probing.start()

    def attackers(self, count, *words, **more):
        more_of_them = [Client(self.port, *words, **more) for _ in range(count)]
        self.clients += more_of_them
        return more_of_them

    def attackers_on_pages(self, target, times=1):
        """More than there are places for. Each asks for a large page of its own, so many times, and reads nothing."""
        clients = []
        for i in range(self.connections_max + 76):
            clients += self.attackers(1, get(f"{target}?limit={1000 - i % 7}&offset={i}") * times, receive_bytes=4096)
        return clients

    def judge(self):
        """Ends the attack; what is wrong raises a Difference."""
        self.stop.set()
        try:
            seen = self.results.get(timeout=3 * PROBE_LIMIT_S)
        except queue.Empty:
            raise Difference(f"{self.name}: others are not answered") from None
        self.probing.join()
        self.statuses.update(statuses(self.clients))
        for one in self.clients:
            for accepted in re.findall(rb'{"accepted":(\d+)}', one.received):
                self.acknowledged += int(accepted)
            one.close()
        wait_for(lambda: ask(self.port, get("/healthz"))[0] == 200, "an answer after the attack")
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as status:
            peak_mb = int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024
        self.server.stop()
        slowest = max(took for _, _, took in seen)
        print(f"{self.name}: at most {peak_mb:.1f} MB; {len(seen)} others answered, the slowest in {slowest:.0f} ms; "
              f"attackers got {dict(sorted(self.statuses.items()))}", flush=True)
        bad = collections.Counter((name, status) for name, status, _ in seen if status != 200)
        wrong = []
        if peak_mb > self.options.rss_mb_max:
            wrong.append(f"{peak_mb:.1f} MB were resident")
        if bad:
            wrong.append(f"of {len(seen)} others these were not answered: {dict(bad)}")
        if 0 < self.options.answer_ms_max < slowest:
            wrong.append(f"one waited for {slowest:.0f} ms")
        if set(self.statuses) & (set(range(500, 600)) - {503}):
            wrong.append("a 5xx that is not 503")
        posted = sum(1 for name, status, _ in seen if name == "post" and status == 200)
        self.compare_log(posted, wrong)
        if wrong:
            raise Difference(f"{self.name}: {'; '.join(wrong)}")

    def compare_log(self, posted, wrong):
        if not os.path.exists(self.log):
            return
        counts = collections.Counter()
        for line in payagg(self.options.bin, "--output-mode", "final", self.log).splitlines():
            total = json.loads(line)
            counts["probe" if total["user"] == "probe" else "attackers"] += total["count"]
        if counts["probe"] != posted:
            wrong.append(f"{posted} payments were acknowledged, the log has {counts['probe']}")
        if counts["attackers"] != self.acknowledged:
            wrong.append(f"{self.acknowledged} payments of attackers were acknowledged, "
                         f"the log has {counts['attackers']}")

    def close(self):
        if self.probing and self.probing.is_alive():
            self.probing.kill()
        for one in self.clients:
            one.close()
        if self.server:
            self.server.end()
        if self.cache:
            self.cache.kill()
            self.cache.wait()
            self.cache.stdin.close()
        shutil.rmtree(self.folder)


def half_sent_posts(options):
    """Most of a body of 1 MB each, and then nothing."""
    lab = Lab(options, "half-sent-posts")
    yield lab
    lab.begin()
    clients = lab.attackers(1000 if lab.full else 60, post_head(BODY_BYTES) + b"[" + b" " * (BODY_BYTES - 1000), reads=True)
    pump(clients, 5 if lab.full else 1)
    lab.judge()


def half_read_heads(options):
    """Most of a head of 8 KiB, from more clients than there are places."""
    lab = Lab(options, "half-read-heads")
    yield lab
    lab.begin()
    head = get("/healthz")[:-2] + b"X: " + b"x" * 8000
    clients = lab.attackers(lab.connections_max + 76, head, reads=True)
    pump(clients, 0.3)
    clients += lab.attackers(40, head, reads=True)  # for the places that were free for a moment
    pump(clients, 3 if lab.full else 0.6)
    lab.judge()


def slowloris(options):
    """A line of a head now and then, for ever, by clients that come again when they are cut off."""
    lab = Lab(options, "slowloris")
    yield lab
    lab.begin()
    clients = lab.attackers(lab.connections_max + 20, get("/healthz")[:-2], reads=True)
    for _ in range(40 if lab.full else 4):
        pump(clients, 0.3)
        for i, one in enumerate(clients):
            if one.open:
                one.say(b"X-a: b\r\n")
                one.pump()
            else:
                lab.statuses.update(statuses([one]))
                one.close()
                clients[i] = lab.attackers(1, get("/healthz")[:-2], reads=True)[0]
    lab.judge()


def slow_posts(options):
    """A body that comes byte by byte, from more clients than there are places."""
    lab = Lab(options, "slow-posts")
    yield lab
    lab.begin()
    clients = lab.attackers(lab.connections_max + 76, post_head(100_000) + b"[", reads=True)
    for _ in range(40 if lab.full else 4):
        pump(clients, 0.3)
        for one in clients:
            if one.open:
                one.say(b" ")
                one.pump()
    lab.judge()


def slow_readers(options):
    """Each asks for a large page of its own, many times, and reads nothing."""
    lab = Lab(options, "slow-readers", user_bytes=1000)
    yield lab
    lab.begin()
    clients = lab.attackers_on_pages("/api/stats", times=20)
    pump(clients, 6 if lab.full else 1.2)
    lab.judge()


def slow_streams(options):
    """Each watches a large page of its own and reads nothing, while totals change."""
    lab = Lab(options, "slow-streams", user_bytes=200)
    yield lab
    lab.begin()
    clients = lab.attackers_on_pages("/api/stream")
    for i in range(30 if lab.full else 4):
        pump(clients, 0.3)
        lab.set_total("edgar", i + 1)
        lab.cache.stdin.flush()
    lab.judge()


def many_connections(options):
    """All at once, of which most say nothing."""
    lab = Lab(options, "many-connections")
    yield lab
    lab.begin()
    clients = lab.attackers(5000 if lab.full else 500, reads=True)
    pump(clients, 3 if lab.full else 1)
    lab.judge()


def stalled_output(options):
    """Large posts, while another process has the lock of the log for longer than they may wait."""
    lab = Lab(options, "stalled-output")
    yield lab
    ask(lab.port, post(b'{"user":"first","paymentAmt":1}'))
    lab.acknowledged = 1
    with open(lab.log, "rb") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        lab.begin(posts=False)
        body = b"[" + b",".join([b'{"user":"a","paymentAmt":1}'] * (BODY_BYTES // 28)) + b"]"
        clients = lab.attackers(200 if lab.full else 40, post(body), reads=True)
        small = post(b'{"user":"b","paymentAmt":1}')
        clients += lab.attackers(lab.connections_max + 76, small, reads=True)
        pump(clients, 20 if lab.full else 1)
    pump(clients, 20, until=lambda one: one.received or not one.open)
    lab.judge()


def many_elements(options):
    """Bodies of 1 MB whose elements are as many as there can be: bad ones, and good ones."""
    lab = Lab(options, "many-elements")
    yield lab
    lab.begin()
    numbers = b"[" + b",".join([b"1"] * (BODY_BYTES // 2)) + b"]"
    batches = b"[" + b",".join([b'{"user":"a","paymentAmt":1}'] * 12000) + b"]"
    clients = lab.attackers(30 if lab.full else 10, post(numbers), reads=True)
    clients += lab.attackers(30 if lab.full else 10, post(batches), reads=True)
    pump(clients, 30, until=lambda one: one.received or not one.open)
    lab.judge()


def control_characters(options):
    """Pages of 6 MB, as their names are control characters: asked for, and watched."""
    lab = Lab(options, "control-characters", user_bytes=1024)
    yield lab
    lab.begin()
    clients = []
    for i in range(100 if lab.full else 12):
        clients += lab.attackers(1, get(f"/api/stats?limit=1000&offset={i}"), reads=i % 2 == 0)
        clients += lab.attackers(1, get(f"/api/stream?limit=1000&offset={1000 + i}"), reads=i % 2 == 0)
    pump(clients, 15 if lab.full else 1.5)
    lab.judge()


def pipelined_metrics(options):
    """Each sends the same request many times, one behind another, and again when it has its answers."""
    lab = Lab(options, "pipelined-metrics")
    yield lab
    lab.begin()
    request = get("/metrics") * 800
    clients = lab.attackers(600 if lab.full else 40, request, reads=True)
    pump(clients, 10 if lab.full else 1.2, again=request)
    lab.judge()


def everything(options):
    """All kinds at once, while another process has the lock of the log. Whoever is closed comes again."""
    lab = Lab(options, "everything", user_bytes=1024)
    yield lab
    ask(lab.port, post(b'{"user":"first","paymentAmt":1}'))
    lab.acknowledged = 1
    many = 1 if lab.full else 1 / 16
    large = b"[" + b",".join([b'{"user":"a","paymentAmt":1}'] * (BODY_BYTES // 28)) + b"]"
    numbers = b"[" + b",".join([b"1"] * (BODY_BYTES // 2)) + b"]"
    whole_posts = [lambda _: post(large), lambda _: post(numbers), lambda _: post(b'{"user":"b","paymentAmt":1}')]
    kinds = [  # how many; what each sends, by its number; whether it reads
        (60, lambda i: get(f"/api/stats?limit=1000&offset={i}"), False),
        (60, lambda i: get(f"/api/stats?limit={90 + i % 9}&offset={i}") * 20, False),
        (60, lambda i: get(f"/api/stream?limit=1000&offset={1000 + i}"), False),
        (100, lambda i: get(f"/api/stream?limit={90 + i % 9}&offset={i}"), False),
        (60, lambda i: get(f"/api/stats?limit=1000&offset={i}"), True),
        (40, whole_posts[0], True),
        (30, whole_posts[1], True),
        (200, whole_posts[2], True),
        (200, lambda i: post_head(BODY_BYTES) + b"[" + b" " * (BODY_BYTES - 1000), True),
        (100, lambda i: get("/metrics") * 800, True),
        (300, lambda i: get("/healthz")[:-2] + b"X: " + b"x" * 8000, True),
    ]
    greedy = [(what, i, reads) for count, what, reads in kinds for i in range(max(1, int(count * many)))]

    def begin(what, i, reads):
        return lab.attackers(1, what(i), reads=reads, receive_bytes=0 if reads else 4096)[0]

    with open(lab.log, "rb") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        lab.begin(posts=False)
        clients = [begin(*one) for one in greedy]
        for turn in range(80 if lab.full else 8):
            pump(clients, 0.3)
            lab.set_total("edgar", turn + 1)
            lab.cache.stdin.flush()
            for place, one in enumerate(clients):
                if not one.open:
                    one.close()
                    clients[place] = begin(*greedy[place])
    posting = [one for one, (what, _, _) in zip(clients, greedy) if what in whole_posts]
    pump(posting, 20, until=lambda one: one.received or not one.open)
    lab.judge()


ATTACKS = {attack.__name__.replace("_", "-"): attack
           for attack in (half_sent_posts, half_read_heads, slowloris, slow_posts, slow_readers, slow_streams,
                          many_connections, stalled_output, many_elements, control_characters, pipelined_metrics,
                          everything)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder of the built tools")
    parser.add_argument("--attack", default="all", choices=["all", *ATTACKS])
    parser.add_argument("--full", action="store_true", help="as large as they are described; some minutes")
    parser.add_argument("--rss-mb-max", type=float, default=32)
    parser.add_argument("--answer-ms-max", type=float, default=0, help="0: however long")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    failed = []
    for name in ATTACKS if options.attack == "all" else [options.attack]:
        attack = ATTACKS[name](options)
        lab = next(attack)
        try:
            next(attack, None)
        except Difference as difference:
            print(f"attacks.py: {difference}", file=sys.stderr, flush=True)
            failed.append(name)
        finally:
            lab.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
