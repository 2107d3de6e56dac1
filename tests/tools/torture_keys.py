#!/usr/bin/env python3
"""A key is paid at most once, and exactly once where a client was told so, whatever fails: two servers
on one log, clients that send again with the same key, and faults, seeded.

  torture_keys.py --bin build/release/bin --seed 1 [--rounds 6] [--long 3] [--rotations 3] [--wall-clock LIBRARY]

Faults: `kill -9` or SIGTERM of a server, SIGSTOP of one (also while it holds the log's lock, and killed then),
`flock` held by others, a disk that is full for a while (a limit of the file's size), the time of day that jumps
by decades or by days, to and fro, for one server or both (with the library of tests/fault/wall_clock.cc), clients that
leave, and a job of paygen with keys that is killed and run again. In a long round one of them lasts longer than
a server lets a client wait. In a round of rotations the log is renamed (once, several times while a server is
stopped, while it is locked), and what was renamed is compressed; no writer is started anew then, since it
would read the new file alone. At the end, when the servers have ended:

  - each key is in the log at most once, with its own payments; once where a client was told 200;
  - one that was never answered but with "not taken" (503 busy, 507) is not in the log;
  - while it runs: other payments with a key that was taken are refused, and the question about it says so.
"""
import argparse
import collections
import concurrent.futures
import decimal
import fcntl
import gzip
import http.client
import json
import os
import random
import resource
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "fault"))
from keyed_job import Job  # noqa: E402
from keyed_log import NOT_TAKEN, TAKEN, UNKNOWN, Ledger, outcome_of  # noqa: E402
from log_oracle import Batch  # noqa: E402
from serving import Server, WallClock, payagg  # noqa: E402
from torture_common import Difference, wait_for  # noqa: E402

CLIENTS = 10
PATIENCE_S = 20      # of a client that waits for an answer: longer than a server lets it wait
LONG_S = 11.5        # of a fault, in a long round: longer than a server lets a client wait
KEYS_MAX = 2000      # of one client in a round
FAULTS = ("kill", "kill", "stop", "stop with the lock", "kill with the lock", "lock", "full", "full for all",
          "end", "end in a lock")
LONG_FAULTS = ("stop", "stop with the lock", "lock")
CLOCK_FAULTS = ("clock", "clock")
YEAR_S = 365 * 86400
ROTATIONS = ("rotate", "rotate twice", "rotate past a stopped server", "rotate in a lock", "compress", "stop", "lock")


class Clients:
    """So many, until they are to end: then each goes on until its last key is certain."""

    def __init__(self, servers, ledger, seed):
        self.ending = threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(CLIENTS)
        self.futures = [self.pool.submit(Client(servers, ledger, f"c{i}", seed).play, self.ending)
                        for i in range(CLIENTS)]

    def end(self):
        self.ending.set()
        for future in self.futures:
            future.result()


class Client:
    """Sends one key after the other, over connections that it keeps: a request that a server answered
    with "not taken" may not be written because its client is still there."""

    def __init__(self, servers, ledger, name, seed):
        self.servers, self.ledger, self.name = servers, ledger, name
        self.rng = random.Random(f"{seed}/{name}")
        self.connections = {}  # {port: connection}

    def play(self, ending):
        rng = self.rng
        for number in range(KEYS_MAX):
            if ending.is_set():
                break
            key = f"{self.name}-{number}"
            self.ledger.add(key, Batch(key, decimal.Decimal(rng.randint(1, 999)) / 100, rng.randint(1, 5)))
            how = rng.choice(("patient", "hasty", "gone", "gone, comes back", "content", "content"))
            if how.startswith("gone"):
                self.leave(key)
            if how != "gone" and self.send_until_certain(key, how) and rng.random() < 0.2:
                self.ask_about(key)
            time.sleep(rng.uniform(0, 0.004))  # so that a long round is no long log
        for connection in self.connections.values():
            connection.close()

    def port(self):
        return wait_for(lambda: self.rng.choice(self.servers).port, "a server")

    def body(self, key, other=0):
        batch = self.ledger.sent[key]
        return json.dumps({"user": batch.user, "paymentAmt": str(batch.amount),
                           "volume": batch.volume + other})

    def ask(self, method, target, body=None, key=None, timeout=PATIENCE_S):
        """(status, answer); (None, {}) where none came."""
        port = self.port()
        connection = self.connections.setdefault(port, http.client.HTTPConnection("127.0.0.1", port))
        headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{key}"'} if body else {}
        try:
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(timeout)
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.connections.pop(port).close()
            return None, {}

    def leave(self, key):
        """Sends all of it, and does not wait for the answer."""
        body = self.body(key).encode()
        head = (f"POST /api/payments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n")
        self.ledger.tell(key, UNKNOWN)
        try:
            with socket.create_connection(("127.0.0.1", self.port()), PATIENCE_S) as client:
                client.sendall(head.encode() + body)
                time.sleep(self.rng.choice((0, self.rng.uniform(0, 0.02))))  # where it falls is random
        except OSError:
            pass

    def send_until_certain(self, key, how):
        """True: taken. `content` is content with "not taken" as well."""
        while True:
            hurries = how == "hasty" and self.rng.random() < 0.7
            timeout = self.rng.uniform(0.02, 0.5) if hurries else PATIENCE_S
            status, answer = self.ask("POST", "/api/payments", self.body(key), key, timeout)
            outcome = outcome_of(status, answer.get("type", ""))
            self.ledger.tell(key, outcome)
            if status in (400, 413, 415, 421, 422, 500, 501):
                raise Difference(f"{key}: refused with {status} {answer}")
            if status == 200 and answer != {"accepted": self.ledger.sent[key].volume}:
                raise Difference(f"{key}: taken, and answered {answer}")
            if outcome == TAKEN or (outcome == NOT_TAKEN and how == "content"):
                return outcome == TAKEN
            time.sleep(self.rng.uniform(0, 0.02))

    def ask_about(self, key):
        """What may be said of a key that was taken; no answer is as good."""
        status, answer = self.ask("GET", f"/api/payments/{key}")
        if status not in (200, None, 503):
            raise Difference(f"{key}: taken, and asked about {status} {answer}")
        status, answer = self.ask("POST", "/api/payments", self.body(key, other=1), key)
        if status not in (422, None, 503, 507):
            raise Difference(f"{key}: other payments with it, answered {status} {answer}")


class Rotation:
    """Names of the log: `old` are those of the files that were it, the oldest first."""

    def __init__(self, log, rng):
        self.log, self.rng, self.old, self.number = log, rng, [], 0

    def rotate(self):
        """As logrotate does, with a number that goes up, or by moving all of them on. False: nobody has
        written anything meanwhile."""
        end = time.monotonic() + 1
        while not os.path.exists(self.log) or os.path.getsize(self.log) == 0:
            if time.monotonic() > end:
                return False
            time.sleep(0.001)
        self.number += 1
        if self.rng.random() < 0.5:
            moved = []
            for path in self.old:
                moved.append(f"{path}.{self.number}")
                os.rename(path, moved[-1])
            self.old = moved
        self.old.append(f"{self.log}.{self.number}")
        os.rename(self.log, self.old[-1])
        return True

    def compress(self, servers):
        """What all servers have seen."""
        instances = {keys_of(server)["instance"] for server in servers}
        if not self.rotate():
            return

        def all_see_it():
            now = {keys_of(server)["instance"] for server in servers}
            return len(now) == 1 and not now & instances

        wait_for(all_see_it, "the servers to see the rotation")
        path = self.old[-1]
        with open(path, "rb") as file, gzip.open(f"{path}.gz", "wb") as packed:
            shutil.copyfileobj(file, packed)
        os.remove(path)
        self.old[-1] = f"{path}.gz"

    def read(self):
        """All of it, from the oldest on."""
        data = b""
        for path in [*self.old, self.log]:
            if os.path.exists(path):
                with (gzip.open if path.endswith("gz") or ".gz." in path else open)(path, "rb") as file:
                    data += file.read()
        return data


def keys_of(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    connection.request("GET", "/api/idempotency")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


class Faults:
    """`counts` says what was played."""

    def __init__(self, servers, clocks, log, rng, counts):
        self.servers, self.clocks, self.log, self.rng, self.counts = servers, clocks, log, rng, counts
        self.rotation = Rotation(log, rng)

    def play(self, name, longest_s):
        server, lasts_s = self.rng.choice(self.servers), self.rng.uniform(longest_s * 0.9, longest_s)
        self.counts[name] += 1
        if name == "kill":
            server.kill()
            server.start()
        elif name == "end":
            server.stop()
            server.start()
        elif name == "end in a lock":
            with open(self.log, "ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                time.sleep(self.rng.uniform(0, 0.2))
                server.stop()
            server.start()
        elif name == "clock":
            for clock in self.clocks if self.rng.random() < 0.5 else [self.rng.choice(self.clocks)]:
                clock.set(self.rng.choice((-int(time.time()), 75 * YEAR_S, 2 * 86400, -2 * 86400, 0)))
        elif name == "lock":
            self.hold_lock(lasts_s)
        elif name == "compress":
            self.rotation.compress(self.servers)
        elif name.startswith("rotate"):
            self.rotate(name, server, lasts_s)
        elif name.startswith("full"):
            self.fill_disk(self.servers if name == "full for all" else [server], lasts_s)
        else:
            self.stop(server, lasts_s, with_lock=name.endswith(" with the lock"), kill=name.startswith("kill"))
        time.sleep(self.rng.uniform(0, 0.2))

    def hold_lock(self, lasts_s):
        with open(self.log, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            time.sleep(lasts_s)

    def rotate(self, name, server, lasts_s):
        if name == "rotate in a lock":
            wait_for(lambda: os.path.exists(self.log), "the log")
            with open(self.log, "ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self.rotation.rotate()
                time.sleep(self.rng.uniform(0, lasts_s))
            return
        process = server.process
        if name == "rotate past a stopped server":
            process.send_signal(signal.SIGSTOP)
            assert os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT) is not None
        done = [self.rotation.rotate() for _ in range(1 if name == "rotate" else self.rng.randint(2, 3))]
        self.counts["of these, rotations"] += sum(done)
        process.send_signal(signal.SIGCONT)

    def fill_disk(self, servers, lasts_s):
        """No more room than a part of what is written next."""
        size = os.path.getsize(self.log) + self.rng.randint(0, 300)
        for server in servers:
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        time.sleep(min(lasts_s, 0.5))
        for server in servers:
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE,
                             (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def stop(self, server, lasts_s, with_lock, kill):
        process = server.process
        for _ in range(200 if with_lock else 1):
            process.send_signal(signal.SIGSTOP)
            stopped = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            assert stopped is not None
            if not with_lock or self.has_lock(process.pid):
                self.counts["of these, stopped with the lock"] += self.has_lock(process.pid)
                time.sleep(lasts_s)
                break
            process.send_signal(signal.SIGCONT)
            time.sleep(self.rng.uniform(0, 0.003))  # until it is stopped at another moment
        if kill:
            server.kill()
            server.start()
        else:
            process.send_signal(signal.SIGCONT)

    def has_lock(self, pid):
        if not os.path.exists(self.log):
            return False
        inode = os.stat(self.log).st_ino
        with open("/proc/locks", encoding="ascii") as file:
            rows = [line.split() for line in file]
        return any(row[1] == "FLOCK" and int(row[4]) == pid and int(row[5].split(":")[-1]) == inode
                   for row in rows if len(row) > 5 and row[1] != "->")


def play_round(bin_dir, wall_clock, folder, seed, kind, counts):
    rotates, long = kind == "rotations", kind if kind in LONG_FAULTS else None
    rng, log, ledger = random.Random(seed), os.path.join(folder, "payments.jsonl"), Ledger()
    servers = []
    try:
        clocks = [WallClock(wall_clock, os.path.join(folder, f"clock-{i}")) if wall_clock else None for i in range(2)]
        servers += [Server(bin_dir, log, folder, f"server-{i}", clock=clock) for i, clock in enumerate(clocks)]
        job = Job(bin_dir, log, folder, "job", rng.randint(1, 20000), rng)
        job.enter(ledger)
        clients = Clients(servers, ledger, seed)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            kills = 0 if rotates else rng.randint(1, 8)
            runs = pool.submit(job.run_until_it_ends, random.Random(seed), kills, 0.2)
            faults = Faults(servers, clocks, log, rng, counts)
            names = (ROTATIONS if rotates else FAULTS) + (CLOCK_FAULTS if wall_clock else ())
            for name in [long] if long else [rng.choice(names) for _ in range(rng.randint(4, 8))]:
                faults.play(name, LONG_S / 0.9 if long else 0.3)
            clients.end()
            runs.result()
        job.all_taken(ledger)
        for server in servers:
            if rotates:
                wait_for(lambda asked=server: keys_of(asked)["complete"], "a server to know all keys")
            server.stop()
        data = faults.rotation.read()
        with open(f"{log}.all", "wb") as file:
            file.write(data)
        job.check(data)
        ledger.check(data, payagg(bin_dir, f"{log}.all"))
    finally:
        for server in servers:
            server.end()
    for outcome in (TAKEN, NOT_TAKEN, UNKNOWN):
        counts[f"keys told {outcome}"] += ledger.count(outcome)
    counts["runs of a job"] += job.runs


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", required=True, help="the folder of the tools")
    parser.add_argument("--rounds", type=int, default=6, help="of 4 to 8 short faults each")
    parser.add_argument("--long", type=int, default=3, help="rounds with one long fault each, beside them")
    parser.add_argument("--rotations", type=int, default=3, help="rounds with 4 to 8 rotations each, beside them")
    parser.add_argument("--wall-clock", metavar="LIBRARY", help="libwall_clock.so: the time of day jumps as well")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    plan = [(f"{options.seed}/long/{i}", LONG_FAULTS[i % len(LONG_FAULTS)]) for i in range(options.long)]
    plan += [(f"{options.seed}/rotations/{i}", "rotations") for i in range(options.rotations)]
    plan += [(f"{options.seed}/{i}", None) for i in range(options.rounds)]
    counts, differences = collections.Counter(), []

    def play(seed, kind):
        folder = tempfile.mkdtemp(prefix="torture-keys-")
        try:
            play_round(os.path.abspath(options.bin), options.wall_clock, folder, seed, kind, counts)
            shutil.rmtree(folder)
        except Difference as difference:
            differences.append(seed)
            print(f"torture_keys: round {seed}, {kind or 'short'} ({folder}): {difference}", flush=True)

    # Long ones are mostly waiting.
    with concurrent.futures.ThreadPoolExecutor(min(3, max(1, options.long)) + 1) as pool:
        for future in [pool.submit(play, *each) for each in plan]:
            future.result()
    print(f"torture_keys: rounds {len(plan)}, {dict(sorted(counts.items()))}, "
          f"differences {len(differences)}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
