"""kill -9 of several writers on one log, and of its followers, at seeded moments: paygen with batches,
paystats-serve with groups, and others who append by `flock LOG -c 'cat >> LOG'`. Each request that was
acknowledged is there, whole and once; so are the others, or not at all."""
import decimal
import os
import random
import signal
import subprocess
import threading
import time

import log_oracle
import running
from bench import LIMIT_S, Bench, Finding, Sent, check_log
from log_oracle import Batch
from scenarios import FOREIGN, batch_lines

# How others write a payment. All of it is JSON.
FOREIGN_FORMS = ('{"user":"%s","paymentAmt":%s}', ' { "paymentAmt" : "%s" , "user" : "%s" } ',
                 '{"note":"x","user":"%s","paymentAmt":%s}\t\r')


class Round:
    def __init__(self, tools, seed):
        self.rng = random.Random(seed)
        self.bench = Bench(tools)
        self.log = self.bench.put("log", FOREIGN)
        self.lock = threading.Lock()  # of `sent`: the poster is a thread
        self.sent = Sent()
        self.serve = self.port = self.follower = self.printed = None
        self.starts = 0

    def spawn(self, argv, **options):
        """A process in a group of its own, so that what it has started can be killed with it."""
        self.starts += 1
        path = os.path.join(self.bench.home, f"err-{self.starts}")
        with open(path, "wb") as err:
            process = subprocess.Popen(argv, stderr=err, start_new_session=True, **options)
        process.errors = path
        self.bench.processes.append(process)
        return process

    @staticmethod
    def said(process):
        with open(process.errors, encoding="utf-8", errors="replace") as file:
            return file.read()

    def start_serve(self):
        self.serve = self.spawn(self.bench.command(
            ["paystats-serve", "--listen", "127.0.0.1:0", "--stats", self.bench.path("socket"),
             "-o", self.log]))
        process = self.serve
        if not running.wait_until(lambda: running.port_of(self.said(process)), process, "the address"):
            raise Finding(f"paystats-serve: {self.said(process).strip()}")
        self.port = running.port_of(self.said(process))

    def start_follower(self):
        self.follower = self.spawn(self.bench.command(
            ["payagg", "-q", "--follow", "--trigger", "1ms", "--rejects",
             self.bench.path(f"rejects-{self.starts}"), self.log]), stdout=subprocess.PIPE)
        self.printed = running.Lines(self.follower.stdout)

    def some_batches(self, name, most):
        return [Batch(f"{name}-{i}" + "n" * self.rng.choice((0, 0, 900)),
                      decimal.Decimal(self.rng.randint(1, 9999)) / 100, self.rng.randint(1, 900))
                for i in range(self.rng.randint(1, most))]

    def start_paygen(self, name):
        requests = self.some_batches(name, 6)
        numbers = [self.add([batch]) for batch in requests]
        return self.fed(self.bench.command(["paygen", "-o", self.log]), batch_lines(requests)), numbers

    def start_other(self, name):
        lines, numbers = [], []
        for batch in self.some_batches(name, 30):
            form = self.rng.choice(FOREIGN_FORMS)
            user, amount = batch.user, str(batch.amount)
            lines.append(form % ((amount, user) if form.startswith(" ") else (user, amount)) + "\n")
            numbers.append(self.add([batch._replace(volume=1)]))
        command = ["flock", self.log, "-c", f"cat >> '{self.log}'"]
        return self.fed(command, "".join(lines).encode()), numbers

    def fed(self, command, data):
        process = self.spawn(command, stdin=subprocess.PIPE)
        try:
            process.stdin.write(data)
            process.stdin.close()
        except BrokenPipeError:
            pass
        return process

    def add(self, batches):
        with self.lock:
            return self.sent.add(batches)

    def post_all(self, groups):
        for number, group in groups:
            status, problem = running.post(self.port, group, f"key-{number}")
            with self.lock:
                if status == 200:
                    self.sent.promised.add(number)
                elif status is not None and "outcome-unknown" not in problem:
                    self.sent.refused.add(number)

    def step(self, number):
        """Several writers at once, and one crash."""
        groups = [self.some_batches(f"s{number}-{i}", 5) for i in range(self.rng.randint(1, 6))]
        poster = threading.Thread(
            target=self.post_all, args=([(self.add(group), group) for group in groups],))
        poster.start()
        writers = [self.start_paygen(f"w{number}-{i}") for i in range(self.rng.randint(1, 3))]
        writers += [self.start_other(f"o{number}-{i}") for i in range(self.rng.randint(1, 2))]
        time.sleep(self.rng.uniform(0, 0.015))  # a moment, not a condition: where the crash falls
        victim = self.rng.choice((self.serve, self.follower, *(writer for writer, _ in writers)))
        os.killpg(victim.pid, signal.SIGKILL)
        poster.join()
        for writer, requests in writers:
            status = self.bench.wait(writer, "a writer")
            if status == 0:
                self.sent.promised.update(requests)
            elif writer is not victim:
                raise Finding(f"an undisturbed writer: status {status}: {self.said(writer).strip()}")
        if victim is self.serve:
            self.start_serve()
        if victim is self.follower:
            self.start_follower()

    def play(self):
        self.start_serve()
        self.start_follower()
        for number in range(self.rng.randint(1, 4)):
            self.step(number)
        check_log(self.bench, "log", FOREIGN, self.sent)
        right = log_oracle.read_log(self.bench.get("log")).totals()
        if not running.wait_until(lambda: self.printed.totals() == right, self.follower,
                                  "the follower's totals"):
            raise Finding(f"payagg --follow: {self.said(self.follower).strip()}")
        for process in (self.serve, self.follower):
            process.send_signal(signal.SIGTERM)
            self.bench.wait(process, "a tool after SIGTERM", LIMIT_S)


def name_of(seed):
    return f"kills:{seed}"


def play(tools, seed):
    one = Round(tools, seed)
    try:
        one.play()
    finally:
        one.bench.close()


def play_named(tools, words):
    play(tools, int(words[0]))
