"""A job of paygen with --idempotency-prefix, which is killed and run again until it ends."""
import decimal
import json
import os
import subprocess
import time

from keyed_log import TAKEN, keyed_lines
from log_oracle import Batch
from torture_common import LIMIT_S, Difference


class Job:
    """`count` lines with a batch each, all of other users; batch N has the key PREFIX-N. The input has some
    empty lines, and some that are rejected: they have numbers as well, and no key."""

    def __init__(self, bin_dir, log, folder, prefix, count, rng):
        self.log, self.prefix, self.batches = log, prefix, {}
        self.runs = self.kills = self.cut_short = 0
        self.status = 0
        path = os.path.join(folder, f"{prefix}.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            for number in range(1, count + 1):
                if number > 1 and rng.random() < 0.01:
                    file.write("\n" if rng.random() < 0.5 else self.bad())
                    continue
                batch = Batch(f"{prefix}-u{number}", decimal.Decimal(rng.randint(1, 99999)) / 100,
                              rng.randint(1, 1000))
                self.batches[f"{prefix}-{number}"] = batch
                file.write(json.dumps({"user": batch.user, "paymentAmt": str(batch.amount),
                                       "volume": batch.volume}) + "\n")
        self.command = [f"{bin_dir}/paygen", "-q", "--idempotency-prefix", prefix, "-o", log, path]

    def make_random(self, count, rng):
        """In place of the input: a random workload, whose batches an undisturbed run has to tell."""
        self.command[-1:] = ["--random", str(count), "--users", "100", "--seed", str(rng.randint(1, 99))]
        self.batches, self.status = {}, 0

    def run_undisturbed(self):
        """Into a log of its own; how long that took."""
        own = self.log + ".first"
        begun = time.monotonic()
        self.ended(self.start([own if word == self.log else word for word in self.command]))
        took_s = time.monotonic() - begun
        if not self.batches:
            with open(own, "rb") as file:
                self.batches = {key: batches[0] for key, batches in keyed_lines(file.read())}
        return took_s

    def bad(self):
        self.status = 1
        return "not JSON\n"

    def start(self, command=None):
        self.runs += 1
        return subprocess.Popen(command or self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)

    def run(self, kill_after_s=None):
        """True once it has ended by itself."""
        process = self.start()
        if kill_after_s is not None:
            time.sleep(kill_after_s)  # a moment, not a condition: where the crash falls
            process.kill()
        return self.ended(process)

    def ended(self, process):
        try:
            told = process.communicate(timeout=LIMIT_S * 3)[1].decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            raise Difference(f"paygen {self.prefix} does not end") from None
        if process.returncode == -9:
            self.kills += 1
            self.cut_short += self.is_cut_short()
            return False
        if process.returncode != self.status:
            raise Difference(f"paygen {self.prefix}: status {process.returncode}: {told.strip()}")
        return True

    def is_cut_short(self):
        """A part of it is in the log, and a part is not."""
        try:
            with open(self.log, "rb") as file:
                lines = file.read().count(f'"idempotencyKey":"{self.prefix}-'.encode())
        except FileNotFoundError:
            return False
        return 0 < lines < len(self.batches)

    def run_until_it_ends(self, rng, kills, longest_s):
        for _ in range(kills):
            if self.run(rng.uniform(0, longest_s)):
                return
        self.run()

    def enter(self, ledger):
        """Before it runs: all of it will have been taken in the end."""
        for key, batch in self.batches.items():
            ledger.add(key, batch)

    def all_taken(self, ledger):
        for key in self.batches:
            ledger.tell(key, TAKEN)

    def check(self, data):
        """Each batch once, in order, whatever stands between them."""
        there = [(key, batches) for key, batches in keyed_lines(data)
                 if key.rpartition("-")[0] == self.prefix]
        right = [(key, [batch]) for key, batch in self.batches.items()]
        if there == right:
            return
        for at, (got, wanted) in enumerate(zip(there, right)):
            if got != wanted:
                raise Difference(f"job {self.prefix}: {got} in place of {wanted}, the batch at {at}")
        raise Difference(f"job {self.prefix}: {len(there)} of {len(right)} batches")
