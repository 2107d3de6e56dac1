#!/usr/bin/env python3
"""A retry never pays twice: four kinds of clients post payments with keys through a proxy that loses
requests and answers, to two servers of one log or one topic, until each has a certain answer.

  lost_answers.py --bin build/release/bin --seed 1 [--keys 250] [--seconds 0] [--bursts 3]
                  [--kafka HOST:PORT[,...] | --kafka-dir DIR]       of scripts/kafka

Clients: Python's http.client, Java's HttpURLConnection, Go's net/http and curl --retry; those of them
send again by themselves as well. Where Java or Go is missing this is said, and the others do the work.
Beside them many clients post one key at once, with no proxy. In the end:

  - each key of which a client was told 200 is in the output exactly once, every other at most once;
  - each client was told 200 in the end, unless it gave up, and sent twice means answered the same;
  - payagg's totals are those of the keys in the output, by decimal.

What becomes of a request is made from the seed, its key and how often it was seen.
"""
import argparse
import collections
import concurrent.futures
import decimal
import http.client
import json
import os
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "fault"))
sys.path.insert(0, os.path.join(HERE, "..", "kafka"))
from keyed_log import TAKEN, UNKNOWN, Ledger, outcome_of  # noqa: E402
from log_oracle import Batch  # noqa: E402
from losing_proxy import CLIENT_TIMEOUT_S, LosingProxy  # noqa: E402
from oracle import payment_of, read_topic  # noqa: E402
from serving import Server, payagg  # noqa: E402
from torture_common import Difference  # noqa: E402

THREADS = 8
LIMIT_S = 300
GIVES_UP_EACH = 20   # of Python's keys: one that is sent once, whatever the answer
CURL_KEYS = 4        # by one curl, over one connection
BURST = 50
PARTITIONS = 3       # of the topics
HEADERS = {"Content-Type": "application/json"}


def batch_of(key):
    return Batch(key, decimal.Decimal("1.25"), int(key.rpartition("-")[2]) % 7 + 1)


def body_of(key):
    return f'{{"user":"{key}","paymentAmt":1.25,"volume":{batch_of(key).volume}}}'


class Log:
    """Where the servers of a run write, as words for them and for payagg."""

    def __init__(self, folder):
        self.name, self.serve_words, self.payagg_words = os.path.join(folder, "payments.jsonl"), [], []

    def lines(self):
        """What is there, as a log has it."""
        with open(self.name, "rb") as file:
            return file.read()


class Topic:
    """The same of Kafka: each key is a user of its own, so its payments there are those of the key."""

    def __init__(self, brokers, run_name):
        self.brokers, self.topic = brokers, f"payments-{run_name}"
        self.name = f"kafka:{self.topic}"
        self.serve_words = ["-b", brokers, "--create-topics", "--requests", f"requests-{run_name}",
                            "--answers", f"answers-{run_name}"]
        self.payagg_words = ["-b", brokers, "--available-now", "--output-mode", "final"]
        subprocess.run([f"{HERE}/../../scripts/kafka-topics", "-b", brokers, "create",
                        f"{self.topic}:{PARTITIONS}"], check=True, timeout=LIMIT_S)

    def lines(self):
        there = collections.Counter(
            payment_of(message) for part in read_topic(self.brokers, self.topic).values() for message in part)
        lines = []
        for (user, amount), count in there.items():
            volume = batch_of(user).volume
            if count % volume != 0:
                raise Difference(f"{user}: {count} payments, of a batch of {volume}")
            line = f'{{"user":"{user}","paymentAmt":{amount},"volume":{volume},"idempotencyKey":"{user}"}}\n'
            lines += [line] * (count // volume)
        return "".join(lines).encode()


class Run:
    """The keys of one client go by its name and their number."""

    def __init__(self, folder, bin_dir, seed, keys, output):
        self.folder, self.bin_dir, self.keys, self.output = folder, bin_dir, keys, output
        self.ledger, self.tries = Ledger(), collections.Counter()
        self.servers = [Server(bin_dir, output.name, folder, f"server-{i}", output.serve_words)
                        for i in range(2)]
        rng, lock = random.Random(seed), threading.Lock()

        def target():
            with lock:
                return rng.choice(self.servers).port
        self.proxy = LosingProxy(target, seed)

    def close(self):
        self.proxy.close()
        for server in self.servers:
            server.end()

    def names(self, client, count):
        keys = [f"{client}-{number}" for number in range(count)]
        for key in keys:
            self.ledger.add(key, batch_of(key))
        return keys

    def told(self, key, status, tries=1):
        self.ledger.tell(key, outcome_of(status))
        self.tries[key.partition("-")[0]] += tries
        if status != 200:
            raise Difference(f"{key}: answered {status}")


def ask(connection, key, headers):
    """(status, type of the problem); (None, "") where no answer came."""
    try:
        connection.request("POST", "/api/payments", body_of(key), {**HEADERS, **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()).get("type", "")
    except (OSError, http.client.HTTPException, ValueError):
        connection.close()
        return None, ""


def play_python(run):
    keys = run.names("python", run.keys)

    def play(some):
        connection = http.client.HTTPConnection("127.0.0.1", run.proxy.port, timeout=CLIENT_TIMEOUT_S)
        for key in some:
            status, tries = None, 0
            while status in (None, 503, 409):
                status, problem = ask(connection, key, {"Idempotency-Key": f'"{key}"'})
                tries += 1
                if status != 200 and int(key.rpartition("-")[2]) % GIVES_UP_EACH == 0:
                    run.ledger.tell(key, outcome_of(status, problem))
                    run.tries["python"] += tries
                    break
            else:
                run.told(key, status, tries)
        connection.close()
    side_by_side(play, [keys[i::THREADS] for i in range(THREADS)])


def play_program(run, client, command):
    """A client in another language, which says what it was told."""
    run.names(client, run.keys)
    done = subprocess.run(
        [*command, str(run.proxy.port), client, str(run.keys), str(THREADS),
         str(int(CLIENT_TIMEOUT_S * 1000))], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0:
        raise Difference(f"{client}: status {done.returncode}: {done.stderr[-1000:]}")
    lines = done.stdout.splitlines()
    if len(lines) != run.keys:
        raise Difference(f"{client}: {len(lines)} answers to {run.keys} keys")
    for line in lines:
        key, status, tries = line.split()
        run.told(key, int(status), int(tries))


def curl_config(run, keys):
    parts = []
    for key in keys:
        parts.append("\n".join([
            f'url = "http://127.0.0.1:{run.proxy.port}/api/payments"', "silent", 'output = "/dev/null"',
            "retry = 2", "retry-all-errors", f"max-time = {CLIENT_TIMEOUT_S}",
            rf'write-out = "{key} %{{http_code}}\n"', 'header = "Content-Type: application/json"',
            f'header = "Idempotency-Key: {key}"', f"data = {json.dumps(body_of(key))}"]))
    return "\nnext\n".join(parts)


def play_curl(run):
    """It waits a second before it sends again, so it gets fewer keys."""
    keys = run.names("curl", max(CURL_KEYS, run.keys // 5))

    def play(some):
        while some:  # curl says nothing of some transfers that failed
            done = subprocess.run(["curl", "--config", "-"], input=curl_config(run, some), text=True,
                                  capture_output=True, timeout=LIMIT_S, check=False)
            codes = {key: int(code) for key, code in map(str.split, done.stdout.splitlines())}
            for key in some:
                if (code := codes.get(key, 0)) not in (0, 409, 503):
                    run.told(key, code)
                else:
                    run.ledger.tell(key, UNKNOWN)
            some = [key for key in some if codes.get(key, 0) in (0, 409, 503)]
    side_by_side(play, [keys[i:i + CURL_KEYS] for i in range(0, len(keys), CURL_KEYS)], 2 * THREADS)


def play_burst(run, number):
    """Many at once with one key, half of them at each server: once, and all are told so."""
    key = run.names(f"burst{number}", 1)[0]
    barrier = threading.Barrier(BURST)

    def play(i):
        connection = http.client.HTTPConnection("127.0.0.1", run.servers[i % 2].port, timeout=LIMIT_S)
        connection.connect()
        barrier.wait(LIMIT_S)
        run.told(key, ask(connection, key, {"Idempotency-Key": key})[0])
        connection.close()
    side_by_side(play, range(BURST), BURST)


def side_by_side(work, parts, threads=THREADS):
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(work, part) for part in parts]:
            future.result()


def works(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    except OSError:
        return ""


def programs(folder):
    """{client: command} of those in other languages that this machine can run."""
    found = {}
    if "jdk.compiler" in works("java", "--list-modules"):
        # A JRE has the compiler and no javac.
        subprocess.run(["java", "-m", "jdk.compiler/com.sun.tools.javac.Main", "-d", folder, f"{HERE}/clients/Post.java"],
                       check=True, timeout=LIMIT_S)
        found["java"] = ["java", "-cp", folder, "Post"]
    if works("go", "version"):
        cache = {} if works("go", "env", "GOCACHE").strip() not in ("", "off") else {
            "GOCACHE": os.path.join(folder, "go")}
        subprocess.run(["go", "build", "-o", f"{folder}/post", f"{HERE}/clients/post.go"],
                       env={**os.environ, **cache}, check=True, timeout=LIMIT_S)
        found["go"] = [f"{folder}/post"]
    for client in {"java", "go"} - set(found):
        print(f"lost_answers: skipped: {client}, which this machine does not have")
    return found


def play(run, commands, bursts):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        players = [pool.submit(play_program, run, *item) for item in sorted(commands.items())]
        players += [pool.submit(play_python, run), pool.submit(play_curl, run)]
        for number in range(bursts):
            play_burst(run, number)
        for player in players:
            player.result()
    for server in run.servers:
        server.stop()
    if run.proxy.findings:
        raise Difference("; ".join(run.proxy.findings[:3]))
    run.ledger.check(run.output.lines(),
                     payagg(run.bin_dir, *run.output.payagg_words, run.output.name))
    if sum(run.proxy.passed.values()) <= len(run.proxy.passed):
        raise Difference("no request was sent to a server twice: the proxy has lost no answer")
    silent = [name for name, times in sent_by_library(run).items() if times == 0]
    if silent:
        raise Difference(f"the libraries of {' and '.join(silent)} sent nothing again by themselves: "
                         "no connection was ended as it has to be for that")


def sent_by_library(run):
    """{client: requests} that its library sent again, without a word to its program."""
    seen = collections.Counter()
    for key, times in run.proxy.seen.items():
        seen[key.partition("-")[0]] += times
    return {name: seen[name] - run.tries[name] for name in ("java", "go") if run.tries[name]}


def say(number, run, seconds):
    print(f"lost_answers: round {number}: {len(run.ledger.sent)} keys, {run.ledger.count(TAKEN)} taken, "
          f"{sum(run.proxy.passed.values())} requests passed on, sent again by the library alone "
          f"{sent_by_library(run)}, {seconds:.1f} s; {dict(sorted(run.proxy.played.items()))}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", required=True, help="the folder of the tools")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keys", type=int, default=250, help="of each client; curl has a fifth")
    parser.add_argument("--bursts", type=int, default=3, help="keys that many post at once")
    parser.add_argument("--seconds", type=float, default=0, help="more rounds, for so long")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--kafka", metavar="BROKERS", help="write to topics of this cluster")
    where.add_argument("--kafka-dir", metavar="DIR", help="the same, of a cluster of scripts/kafka")
    options = parser.parse_args()
    if options.kafka_dir:
        with open(os.path.join(options.kafka_dir, "bootstrap"), encoding="utf-8") as file:
            options.kafka = file.read().strip()
    home = tempfile.mkdtemp(prefix="lost-answers-")
    commands = programs(home)
    end, number, status = time.monotonic() + options.seconds, 0, 0
    while number == 0 or (time.monotonic() < end and status == 0):
        folder = os.path.join(home, str(number))
        os.mkdir(folder)
        begun = time.monotonic()
        output = Topic(options.kafka, f"lost-{secrets.token_hex(5)}") if options.kafka else Log(folder)
        run = Run(folder, os.path.abspath(options.bin), f"{options.seed}/{number}", options.keys, output)
        try:
            play(run, commands, options.bursts)
        except (Difference, subprocess.TimeoutExpired) as difference:
            print(f"lost_answers: seed {options.seed}, round {number}: {difference}\nkept in {folder}",
                  file=sys.stderr)
            status = 1
        finally:
            run.close()
        say(number, run, time.monotonic() - begun)
        number += 1
    if status == 0:
        shutil.rmtree(home)
    return status


if __name__ == "__main__":
    sys.exit(main())
