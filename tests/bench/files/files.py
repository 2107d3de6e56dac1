"""The part `files`: every contender on every data set, in turn, several rounds.

    result = measure_set(lab, ALL["common"])   # plain dictionaries and lists, as JSON keeps them

A round is one run of each; the rounds follow each other, so what the neighbours do meets all alike.
Each finds the file in memory: it is read once before, or the first of a round would pay for what the
last one has driven out.
Slow contenders get the longest prefix that fits the limits, found by a probe, and one round.
"""
import filecmp
import os
import subprocess

import answers
import contenders
import datasets
import measure

CHECKED_PAYMENTS = 200_000  # by Python; and by everyone, where there are too many users for it
CHECKED_USERS = 200_000
PROBED_PAYMENTS = 20_000
SLOW_LIMIT_S = {"common": 20}
SLOW_LIMIT_ELSEWHERE_S = 5
SLOW_LIMIT_MB = 4096
RUN_LIMIT_S = 300


class Lab:
    """What a run of the bench has: folders, tools, how much and how often."""

    def __init__(self, options, folder, venv_python, say):
        self.bin, self.bench_bin, self.folder, self.say = options.bin, options.bench_bin, folder, say
        self.keep, self.rounds, self.most, self.seed = options.keep, options.rounds, options.payments, options.seed
        self.cores = len(os.sched_getaffinity(0))
        self.contenders = contenders.everyone(self.bin, self.bench_bin, venv_python, self.cores)

    def path(self, name):
        return os.path.join(self.folder, name)

    def data(self, data, payments=None):
        """(path, expected totals or None) of a set; one that was kept is taken again."""
        payments = payments or data.payments(self.most)
        path = os.path.join(self.keep or self.folder, f"{data.name}-{payments}-{self.seed}.jsonl")
        if not datasets.made_whole(path, payments):
            self.say(f"making {payments:,} payments: {data.title}")
            data.make(f"{self.bin}/paygen", path, payments, self.seed)
            datasets.mark_whole(path, payments)
        expect = path + ".expect"
        return path, expect if os.path.exists(expect) else None

    def drop(self, path):
        if not self.keep:
            for suffix in ("", ".size", ".expect"):
                if os.path.exists(path + suffix):
                    os.remove(path + suffix)

    def payagg(self, path, out):
        with open(out, "wb") as sink:
            subprocess.run([f"{self.bin}/payagg", "-q", "--jobs", "1", path], stdout=sink, stderr=subprocess.DEVNULL,
                           check=False)


def bring_in(path):
    measure.run(["cat", path])


def lines_in(path):
    with open(path, "rb") as file:
        return sum(block.count(b"\n") for block in datasets.blocks_of(file))


class Reference:
    """What the answer to one file must be: payagg's, as totals where there are not too many users."""

    def __init__(self, lab, path):
        out = path + ".reference"
        lab.payagg(path, out)
        self.users = lines_in(out)
        self.totals = answers.read(out) if self.users <= CHECKED_USERS else None
        self.out = out

    def verdict(self, out, count_only=False):
        """What a table says of an answer; "" where no more is known than the right number of users."""
        try:
            if self.totals is None or count_only:
                users = lines_in(out)
                return "" if users == self.users else f"wrong: {users:,} users instead of {self.users:,}"
            got = answers.read(out)
        except (OSError, ValueError, ArithmeticError) as error:
            return f"wrong: {error}"[:120]
        if not answers.compare(self.totals, got, exact=True):
            return "exact"
        wrong = answers.compare(self.totals, got, exact=False)
        return f"wrong: {wrong}" if wrong else "rounded"


def audit(lab, path, expect, reference):
    """What payagg itself was held against; the words say so, and what was wrong."""
    held = []
    if expect:
        held.append("byte for byte paygen's" if filecmp.cmp(expect, reference.out, shallow=False)
                    else "WRONG: other bytes than paygen's")
    head = path + ".head"
    count = datasets.prefix(path, head, CHECKED_PAYMENTS)
    lab.payagg(head, head + ".out")
    wrong = answers.compare(answers.oracle(head), answers.read(head + ".out"), exact=True)
    held.append(f"the first {count:,} as Python's decimal says" if not wrong else f"WRONG: {wrong} by Python's decimal")
    return "; ".join(held), head


def fitting_prefix(lab, one, data, path, payments):
    """How many payments a slow contender gets."""
    tiny, probe, out = path + ".tiny", path + ".probe", path + ".probe-out"
    datasets.prefix(path, tiny, 10)
    limit_s = SLOW_LIMIT_S.get(data.name, SLOW_LIMIT_ELSEWHERE_S)
    idle = one.run(tiny, out, data, RUN_LIMIT_S)
    probed, taken = min(PROBED_PAYMENTS, payments), None
    while True:
        datasets.prefix(path, probe, probed)
        taken = one.run(probe, out, data, RUN_LIMIT_S)
        # Long enough to be told from the start of the process.
        if taken.wall_s > limit_s / 20 or probed == payments or taken.status not in one.statuses:
            break
        probed = min(payments, probed * 5)
    lab.say(f"{one.name}: {probed:,} payments take {taken.wall_s:.2f} s, {taken.peak_mb:.0f} MB")
    return measure.prefix_that_fits(payments, probed, taken.wall_s, taken.peak_mb, idle.wall_s, idle.peak_mb,
                                    limit_s, SLOW_LIMIT_MB)


class Entry:
    """One contender on one set: his file, the right answer to it, and what his runs took."""

    def __init__(self, lab, one, data, path, reference):
        self.one, self.data, self.path, self.reference = one, data, path, reference
        self.payments = data.payments(lab.most)
        self.taken, self.answer = [], one.missing
        reason = one.cannot.get(data.shape)
        if reason and not self.answer:
            self.answer = f"cannot: {reason}"
        if not self.answer and one.slow:
            fits = fitting_prefix(lab, one, data, path, self.payments)
            if fits < self.payments:
                self.payments, self.path = fits, f"{path}.{one.family}"
                datasets.prefix(path, self.path, fits)
                self.reference = Reference(lab, self.path)
        self.once = one.slow and self.payments < data.payments(lab.most)

    def run(self, lab, head, head_reference):
        """One round; a contender that failed is out."""
        if self.one.missing or self.answer.startswith(("cannot", "failed")):
            return
        out = lab.path("answer")
        bring_in(self.path)
        taken = self.one.run(self.path, out, self.data, RUN_LIMIT_S)
        if taken.status not in self.one.statuses:
            what = taken.said.strip().splitlines()[-1:] or [f"status {taken.status}"]
            self.answer = f"failed: {what[0]}"[:120]
            return
        self.taken.append(taken)
        if self.one.family == "scan":
            with open(out, encoding="utf-8", errors="replace") as file:
                self.answer = answers.scan_floor_verdict(file.read(), self.reference.users, self.payments,
                                                         self.reference.totals)
        if self.one.floor:
            self.answer = self.answer or "floor"
            return
        # The whole in the first round, its size in the others.
        verdict = self.reference.verdict(out, count_only=bool(self.answer))
        if not verdict and not self.answer:
            # Too many users to hold here: the number of them was right, the head is looked at closely.
            self.one.run(head, out, self.data, RUN_LIMIT_S)
            verdict = head_reference.verdict(out)
        if verdict and not self.answer.startswith("wrong"):
            self.answer = verdict if verdict.startswith("wrong") or not self.answer else self.answer

    def row(self):
        return {"name": self.one.name, "threads": self.one.threads, "family": self.one.family, "floor": self.one.floor,
                "payments": self.payments, "answer": self.answer, "walls": [t.wall_s for t in self.taken],
                "cpus": [t.cpu_s for t in self.taken], "peaks": [t.peak_mb for t in self.taken]}


def measure_set(lab, data):
    path, expect = lab.data(data)
    reference = Reference(lab, path)
    audited, head = audit(lab, path, expect, reference)
    head_reference = Reference(lab, head) if reference.totals is None else None
    entries = [Entry(lab, one, data, path, reference) for one in lab.contenders]
    for number in range(lab.rounds):
        lab.say(f"{data.title}: round {number + 1} of {lab.rounds}")
        for entry in entries:
            if number == 0 or not entry.once:
                entry.run(lab, head, head_reference)
    result = {"set": data.name, "title": data.title, "payments": data.payments(lab.most),
              "bytes": os.path.getsize(path), "users": reference.users, "goal": data.goal, "audit": audited,
              "rounds": lab.rounds, "seed": lab.seed,
              "rows": [entry.row() for entry in entries]}
    for name in os.listdir(os.path.dirname(path)):
        if name.startswith(os.path.basename(path) + ".") and not name.endswith((".size", ".expect")):
            os.remove(os.path.join(os.path.dirname(path), name))
    lab.drop(path)
    return result


def measure_growth(lab):
    """One job, the same users: the common set once, twice and four times."""
    path, _ = lab.data(datasets.ALL["common"], max(1, lab.most // 4))
    taken = {times: [] for times in (1, 2, 4)}
    for _ in range(lab.rounds):
        for times, runs in taken.items():
            bring_in(path)
            runs.append(measure.run([f"{lab.bin}/payagg", "-q", "--jobs", "1", *[path] * times]))
    lab.drop(path)
    return {"payments": max(1, lab.most // 4), "rounds": lab.rounds, "seed": lab.seed, "rows": [
        {"times": times, "walls": [t.wall_s for t in runs], "cpus": [t.cpu_s for t in runs],
         "peaks": [t.peak_mb for t in runs]} for times, runs in taken.items()]}
