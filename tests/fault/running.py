"""What is played with a fault in it: tools that run on until they are stopped."""
import decimal
import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time

import log_oracle
import preload
from bench import LIMIT_S, Ended, Finding, Sent, check_log
from log_oracle import Batch
from scenarios import FOREIGN, STATS, TAILS, old_log
from torture_common import ask_cache, cache_totals


def wait_until(condition, process, what):
    """True once it holds, False once the process has ended; the limit is a finding."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        if process.poll() is not None:
            return condition()
        if time.monotonic() > end:
            raise Finding(f"{what}: not within {LIMIT_S} s, and the tool runs on")
        time.sleep(0.002)
    return True


def stop(bench, process, tool, done):
    """Ends it by SIGTERM and judges how it went; one that has ended before has failed at something,
    unless it was `done`."""
    ended_before = process.poll() is not None
    if not ended_before:
        process.send_signal(signal.SIGTERM)
    status = bench.wait(process, tool)
    if ended_before and not done and status not in (2, 3):
        raise Finding(f"{tool}: ended by itself with status {status}: {bench.stderr().strip()}")
    normal = 1 if status == 1 and not ended_before else 0  # bad records alone are no failure
    bench.judge_ending(tool, Ended(status, b"", bench.stderr()), normal=normal)


class Lines:
    """The newest totals of what a follower prints, read in a thread of its own."""

    def __init__(self, stream):
        self.newest, self.lock = {}, threading.Lock()
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        for line in stream:
            if line.endswith(b"\n"):
                with self.lock:
                    self.newest.update(log_oracle.stats_totals(line))

    def totals(self):
        with self.lock:
            return dict(self.newest)


def append_locked(path, data):
    """As `flock LOG -c 'cat more >> LOG'` does it."""
    with open(path, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(data)
        file.flush()
        os.fdatasync(file.fileno())


def start_follower(bench, log):
    process = bench.start("payagg", "-q", "--follow", "--trigger", "0", "--rejects",
                          bench.path("rejects"), log, stdout=subprocess.PIPE)
    return process, Lines(process.stdout)


def wait_totals(bench, process, printed):
    """False where the follower has ended before it said what the oracle says."""
    right = log_oracle.read_log(bench.get("log")).totals()
    return wait_until(lambda: printed.totals() == right, process, "the totals")


def end_follower(bench, process, printed):
    stop(bench, process, "payagg --follow", False)
    printed.thread.join(LIMIT_S)
    right = log_oracle.read_log(bench.get("log")).totals()
    for user, (_, count) in printed.totals().items():
        if user not in right or count > right[user][1]:
            raise Finding(f"payagg --follow: {user} is counted too often")


def follow(bench):
    """payagg --follow of a log to which others append, into a pipe."""
    log = bench.put("log", FOREIGN)
    process, printed = start_follower(bench, log)
    for step in range(3):
        if not wait_totals(bench, process, printed):
            break
        append_locked(log, b'{"user":"more","paymentAmt":0.5}\n' * (step + 1) + b'not JSON\n')
    end_follower(bench, process, printed)


def follow_repair(bench):
    """payagg --follow of a log whose torn tail it has looked at several times when a writer cuts it off."""
    log = bench.put("log", FOREIGN + TAILS["torn-tail"])
    process, printed = start_follower(bench, log)
    alive = wait_until(lambda: printed.totals() == log_oracle.read_log(FOREIGN).totals(), process,
                       "the totals")
    for part in (b"a", b"b"):
        looks = preload.read_counts(bench.counts_path)["lock"]
        with open(log, "ab") as file:
            file.write(part)
        alive = alive and wait_until(
            lambda n=looks: preload.read_counts(bench.counts_path)["lock"] > n, process, "a look")
    run = bench.plain("paygen", "-q", "--user", "more", "--amount", "1", "-o", log)
    if run.status != 0:
        raise Finding(f"the next writer: status {run.status}: {run.err.strip()}")
    if alive:
        wait_totals(bench, process, printed)
    end_follower(bench, process, printed)


def cache_socket(bench):
    """paystats-cache on a socket, with metrics: each answer is exact, or there is none."""
    path = bench.path("socket")
    process = bench.start("paystats-cache", "-q", "--socket", path, "--hold", "--metrics",
                          bench.path("metrics"), bench.put("stats", STATS))
    right = log_oracle.stats_totals(STATS)

    def agrees():
        try:
            answer = ask_cache(path, {"user": "s1"})
            if not answer or not answer.get("ready"):
                return False
            totals = cache_totals(path)
        except (OSError, ValueError, KeyError):
            return False
        if totals is not None and totals != right:
            raise Finding("paystats-cache: ready, and its totals differ from the oracle")
        return totals is not None

    wait_until(agrees, process, "the cache's answer")
    stop(bench, process, "paystats-cache --socket", False)


POSTS = ((Batch("p1", decimal.Decimal("1.25"), 7),),
         (Batch("p2", decimal.Decimal("3"), 2), Batch("p3", decimal.Decimal("0.5"), 300),
          Batch("p4", decimal.Decimal("0.01"), 1)),
         (Batch("p5", decimal.Decimal("2"), 2000),))


def post(port, batches, key=None):
    """(HTTP status, type of the problem) of one request; (None, reason) where no answer came."""
    body = [{"user": user, "paymentAmt": str(amount), "volume": volume}
            for user, amount, volume in batches]
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = f'"{key}"'
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    try:
        connection.request("POST", "/api/payments", json.dumps(body[0] if len(body) == 1 else body),
                           headers)
        response = connection.getresponse()
        answer = json.loads(response.read() or b"{}")
        return response.status, answer.get("type", "")
    except socket.timeout:
        raise Finding(f"paystats-serve: no answer within {LIMIT_S} s") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        return None, str(error)
    finally:
        connection.close()


def port_of(text):
    """The port that the server says it listens on, or None."""
    _, found, rest = text.partition("listening on http://127.0.0.1:")
    return int(rest.split("/", 1)[0]) if found and "/" in rest else None


def posted(sent, batches, answer):
    """Takes down what an answer promises."""
    number = sent.add(list(batches))
    status, problem = answer
    if status == 200:
        sent.promised.add(number)
    elif status is not None and "outcome-unknown" not in problem:
        sent.refused.add(number)
    return status


def start_serve(bench, log, adopted=False):
    """A server on any free port that writes to this log: by its name, or as the stdout of its shell."""
    argv = ["paystats-serve", "--listen", "127.0.0.1:0", "--stats", bench.path("socket")]
    if not adopted:
        return bench.start(*argv, "-o", log)
    with open(log, "ab") as file:
        return bench.start(*argv, stdout=file)


def serve(tail, adopted=False):
    """POSTs into a log."""
    def play(bench):
        log, before = old_log(bench, tail)
        process = start_serve(bench, log, adopted)
        sent, taken = Sent(), 0
        if wait_until(lambda: port_of(bench.stderr()), process, "the server's address"):
            port = port_of(bench.stderr())
            for number, batches in enumerate(POSTS):
                taken += posted(sent, batches, post(port, batches, f"key-{number}")) == 200
        if bench.harmless() and taken != len(POSTS):
            raise Finding(f"paystats-serve: {taken} of {len(POSTS)} requests were taken: "
                          f"{bench.stderr().strip()}")
        stop(bench, process, "paystats-serve", False)
        check_log(bench, "log", before, sent)
    return play


def get(port, target):
    """(HTTP status, body) of one answer; (None, reason) where none came as a whole."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        return response.status, response.read()
    except socket.timeout:
        raise Finding(f"paystats-serve: no answer within {LIMIT_S} s") from None
    except (OSError, http.client.HTTPException) as error:
        return None, str(error)
    finally:
        connection.close()


def serve_answers(bench):
    """The ranking by HTTP, from a cache: the same large body several times, so that it goes out from
    a file in memory as well."""
    path = bench.path("socket")
    cache = bench.start_plain("paystats-cache", "-q", "--socket", path, "--hold",
                              bench.put("stats", STATS))
    wait_until(lambda: ready(path), cache, "the cache")
    process = start_serve(bench, bench.path("log"))
    right, agreed = log_oracle.stats_totals(STATS), 0
    if wait_until(lambda: port_of(bench.stderr()), process, "the server's address"):
        port = port_of(bench.stderr())
        wait_until(lambda: get(port, "/readyz")[0] == 200, process, "the link to the cache")
        for _ in range(4):
            status, body = get(port, "/api/stats?limit=1000")
            if status == 200:
                rows = log_oracle.parse_json(body)["stats"]
                if {row["user"]: (row["sum"], row["count"]) for row in rows} != {
                        user: (f"{total:.2f}", count) for user, (total, count) in right.items()}:
                    raise Finding("paystats-serve: a ranking that differs from the oracle")
                agreed += 1
    if bench.harmless() and agreed != 4:
        raise Finding(f"paystats-serve: {agreed} of 4 answers: {bench.stderr().strip()}")
    stop(bench, process, "paystats-serve", False)


def ready(path):
    try:
        return (ask_cache(path, {"user": "s1"}) or {}).get("ready")
    except (OSError, ValueError):
        return False


SCENARIOS = {
    "follow": follow,
    "follow-repair": follow_repair,
    "cache-socket": cache_socket,
    "serve-answers": serve_answers,
    "serve-new": serve("new"),
    "serve-torn-tail": serve("torn-tail"),
    "serve-adopted": serve("whole-tail", adopted=True),
}
