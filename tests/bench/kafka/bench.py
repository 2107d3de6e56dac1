#!/usr/bin/env python3
"""payagg on Kafka beside what else does its job, in one run, on one broker of this machine.

  backlog   payments that wait in a topic, until all are summed up: wall, CPU (user and system), peak
            memory (VmHWM, all processes of a contender together). Each result is held against the
            exact totals that paygen knows. Medians of several rounds; one of Kafka Streams and Spark
  trickle   100 payments a second: from produced to seen by a read_committed consumer of the stats;
            CPU when idle; from the start of the process to its first stats, on an empty state and
            (payagg) on that of a million users; from kill -9, with a restart at once, to the first
            stats about a payment that came after it

Contenders: floor-count and floor-sum, what librdkafka alone needs (floor.cc), and -mimalloc with
payagg's allocator; payagg, with -jobs2, -two (processes) and -alo (at least once); streams, Kafka
Streams; spark, deploy/spark. It only prints: a timing is no verdict, and a shared machine's even
less. Exit 1 where totals are not exact or a contender did not finish.
"""
import argparse
import contextlib
import dataclasses
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
QUICK = ["floor-count", "floor-sum", "floor-count-mimalloc", "floor-sum-mimalloc", "payagg", "payagg-jobs2",
         "payagg-two", "payagg-alo", "payagg-alo-jobs2"]
SLOW = ["streams", "spark"]
ENGINES = ["payagg", "payagg-alo", "streams", "spark"]  # of the trickle
BASES = ["floor-sum-mimalloc", "floor-sum"]  # ratios are to the first that was measured
SAMPLE_S = 0.05
TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A contender or a tool did not do what it must."""


def say(text):
    print(f"bench-kafka: {text}", file=sys.stderr, flush=True)


# ---- Processes


def proc(pid, name):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace")
    return ""


def tree(pid):
    yield pid
    tasks = []
    with contextlib.suppress(OSError):  # it may end meanwhile
        tasks = os.listdir(f"/proc/{pid}/task")
    for task in tasks:
        for child in proc(pid, f"task/{task}/children").split():
            yield from tree(int(child))


def cpu_s(pid):
    """User and system time of the process and those below it, the ended ones as far as waited for."""
    ticks = 0
    for each in tree(pid):
        fields = proc(each, "stat").rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15])) if fields else 0
    return ticks / TICKS


class Contest:
    """The processes of one contender, a group each, and what they take."""

    def __init__(self, commands, log, environment):
        self.cpu, self.running, self.failed = 0.0, {}, []
        self.peak_kb, self.largest_kb = 0, {}  # of all together as sampled; of each that ended
        self.log = log
        self.began = time.monotonic_ns()
        with open(log, "ab") as out:
            for command in commands:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                           start_new_session=True, env=environment)
                self.running[process.pid] = process
        self.over = threading.Event()
        self.sampler = threading.Thread(target=self.sample, daemon=True)
        self.sampler.start()

    def sample(self):
        # A child counts from the second look on: before it is another program, it shows its
        # parent's memory once more.
        seen = set()
        while not self.over.wait(SAMPLE_S):
            held = {}
            for pid in [p for top in list(self.running) for p in tree(top)]:
                for line in proc(pid, "status").splitlines():
                    if line.startswith("VmHWM:"):
                        held[pid] = int(line.split()[1])
            self.peak_kb = max(self.peak_kb, sum(kb for pid, kb in held.items() if pid in seen))
            seen = set(held)

    def reap(self):
        """Takes in what has ended; true once all have."""
        for pid in list(self.running):
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                process = self.running.pop(pid)
                process.returncode = os.waitstatus_to_exitcode(status)
                self.cpu += usage.ru_utime + usage.ru_stime
                self.largest_kb[pid] = usage.ru_maxrss
                if process.returncode != 0:
                    self.failed.append(process.returncode)
        return not self.running

    def check_alive(self):
        if self.reap() or self.failed:
            raise Failed(f"it ended ({self.failed or 'status 0'}):\n{self.last_words()}")

    def wait(self, limit_s):
        end = time.monotonic() + limit_s
        while not self.reap():
            if time.monotonic() > end:
                raise Failed(f"not done in {limit_s} s:\n{self.last_words()}")
            time.sleep(0.001)
        if self.failed:
            raise Failed(f"exit status {self.failed}:\n{self.last_words()}")

    def cpu_now(self):
        return self.cpu + sum(cpu_s(pid) for pid in self.running)

    def peak_mb(self):
        return max(self.peak_kb, sum(self.largest_kb.values())) / 1024

    def last_words(self):
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])

    def kill(self, what):
        for pid in self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, what)

    def end(self):
        """Whatever still runs ends: first asked, then killed."""
        groups = list(self.running)
        self.kill(signal.SIGTERM)
        end = time.monotonic() + 15
        while not self.reap() and time.monotonic() < end:
            time.sleep(0.01)
        for group in groups:  # children that outlived their parent as well
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        while not self.reap():
            time.sleep(0.01)
        self.over.set()
        self.sampler.join()


# ---- The broker, the topics, and how each contender is called


@dataclasses.dataclass
class Run:
    """One contender on one pair of topics."""
    name: str
    payments: str
    stats: str
    partitions: int
    folder: pathlib.Path  # for its state

    @property
    def group(self):
        return "bench." + self.stats


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.bin = pathlib.Path(options.bin).resolve()
        self.own = pathlib.Path(options.bench_bin).resolve()
        self.environment = dict(os.environ)
        self.brokers = self.class_path = self.spark = None
        self.serial = 0
        self.failures = []

    def sh(self, script, **values):
        """A pipeline of which every part must succeed."""
        run = subprocess.run(["bash", "-c", "set -euo pipefail; " + script], env={**self.environment, **values},
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT)
        if run.returncode:
            raise Failed(f"{script}: exit status {run.returncode}: {run.stderr.strip()[-600:]}")
        return run.stdout

    def prepare(self, contenders):
        if "streams" in contenders:
            self.class_path = self.sh("tests/bench/kafka/setup").strip()
        if "spark" in contenders:
            self.spark = pathlib.Path(self.sh("scripts/setup-spark").strip())
            self.environment["PYSPARK_PYTHON"] = str(self.spark / "venv/bin/python")
        self.brokers = self.sh('scripts/kafka start --dir "$DIR" --heap 1g --optimized', DIR=str(self.folder / "kafka")).strip()
        self.environment |= {"B": self.brokers, "BIN": str(self.bin)}

    def new_run(self, name, payments, partitions):
        self.serial += 1
        run = Run(name, payments, f"stats-{self.serial}", partitions, self.folder / f"run-{self.serial}")
        run.folder.mkdir()
        self.sh('scripts/kafka-topics -b "$B" create "$T"', T=f"{run.stats}:{partitions}:cleanup.policy=compact")
        return run

    def fill(self, topic, make, partitions):
        """Payments, keyed by user as paygen keys them, from a command that prints lines."""
        self.sh('scripts/kafka-topics -b "$B" create "$T"', T=f"{topic}:{partitions}")
        if self.options.fill == "paygen":
            self.sh(make + ' | "$BIN"/paygen -b "$B" -o kafka:"$T"', T=topic)
        else:
            self.sh(make + ''' | awk -F'"' '{ print $4 "\t" $0 }' | kcat -P -b "$B" -t "$T" -K "$(printf '\\t')" '''
                    "-X topic.partitioner=murmur2_random -X linger.ms=5", T=topic)

    def payagg(self, run, guarantee, *more):
        return [str(self.bin / "payagg"), "-b", self.brokers, f"kafka:{run.payments}", "-o", f"kafka:{run.stats}",
                "--create-topics", "--guarantee", guarantee, *more]

    def commands(self, run, forever=False):
        """What the contender runs: until all is done, or without end."""
        name, _, variant = run.name.partition("-")
        if name == "floor":
            mode, _, malloc = variant.partition("-")
            return [[str(self.own / ("kafka_floor" + ("_" + malloc if malloc else ""))), mode, self.brokers, run.payments]]
        if name == "payagg":
            guarantee = "at-least-once" if variant.startswith("alo") else "exactly-once"
            until = ["--trigger", "0"] if forever else ["--available-now"]
            jobs = ["--jobs", "2"] if variant.endswith("jobs2") else []
            instances = ["one", "two"] if variant == "two" else ["one"]
            more = [] if forever else self.options.payagg
            return [self.payagg(run, guarantee, *until, *jobs, "--instance", instance, *more) for instance in instances]
        if name == "streams":
            return [["java", "-cp", self.class_path, "PaymentTotals", self.brokers, run.payments, run.stats, run.group,
                     str(run.folder / "state"), str(min(2, run.partitions))]]
        if name == "spark":
            return [[str(self.spark / "venv/bin/spark-submit"), "--master", "local[2]",
                     "--jars", ",".join(map(str, sorted((self.spark / "jars").glob("*.jar")))),
                     "--conf", "spark.sql.shuffle.partitions=2", "--conf", "spark.ui.enabled=false",
                     "--conf", "spark.log.level=WARN", str(ROOT / "deploy/spark/payment_stats.py"), "-b", self.brokers,
                     "--input", run.payments, "--output", run.stats, "--checkpoint", str(run.folder / "checkpoint"),
                     *([] if forever else ["--available-now"])]]
        raise Failed(f"no such contender: {run.name}")

    def start(self, run, forever=False):
        return Contest(self.commands(run, forever), run.folder / "log", self.environment)

    def totals_of_stats(self, run):
        self.sh('kcat -C -q -b "$B" -t "$T" -e -X isolation.level=read_committed | "$BIN"/payagg --merge >"$OUT"',
                T=run.stats, OUT=str(run.folder / "totals"))
        return run.folder / "totals"

    def check_totals(self, run, expected):
        totals = self.totals_of_stats(run)
        if totals.read_bytes() != expected.read_bytes():
            raise Failed(f"{run.name}: {totals} and {expected} differ")

    # ---- Backlog

    def backlog(self, name, payments, partitions, expected):
        """(wall, CPU, MB) of one round, or what went wrong."""
        run = self.new_run(name, payments, partitions)
        contest = self.start(run)
        try:
            if name == "streams":
                self.wait_committed(contest, run)
            else:
                contest.wait(self.options.limit)
            wall = (time.monotonic_ns() - contest.began) / 1e9
            cpu, peak = contest.cpu_now(), contest.peak_mb()
        finally:
            contest.end()
        if name.startswith("floor"):
            records, _, users, counted = map(int, (run.folder / "log").read_text().split())
            if records != self.options.payments or ("sum" in name and (users, counted) != expected[1:]):
                raise Failed(f"it read {records} records of {users} users, {counted} counted")
        else:
            self.check_totals(run, expected[0])
        shutil.rmtree(run.folder)
        return wall, cpu, peak

    def wait_committed(self, contest, run):
        """It never ends by itself; it is done when its group has committed the last record."""
        ends = dict(line.split() for line in self.sh('scripts/kafka-topics -b "$B" ends "$T"', T=run.payments).splitlines())
        end = time.monotonic() + self.options.limit
        while True:
            contest.check_alive()
            lines = self.sh('scripts/kafka-topics -b "$B" committed "$G"', G=run.group).splitlines()
            offsets = {words[1]: int(words[2]) for words in map(str.split, lines) if words[0] == run.payments}
            if all(offsets.get(partition, 0) >= int(offset) for partition, offset in ends.items()):
                return
            if time.monotonic() > end:
                raise Failed(f"not done in {self.options.limit} s: {offsets} of {ends}")
            time.sleep(0.25)

    def backlogs(self, contenders):
        rows = {}
        make = f'"$BIN"/paygen --random {self.options.payments} --users {self.options.users} --seed 1'
        expected = self.folder / "expected"
        self.sh(make + ' --expect "$E" >/dev/null', E=str(expected))
        lines = expected.read_text(encoding="utf-8").splitlines()
        expected = (expected, len(lines), self.options.payments)
        for partitions in self.options.partitions:
            topic = f"payments-{partitions}"
            say(f"{self.options.payments} payments to {partitions} partition{'s' if partitions > 1 else ''}")
            self.fill(topic, make, partitions)
            # Rounds go over all contenders, so that a slow minute of the machine is nobody's alone.
            for turn in range(self.options.rounds):
                for name in contenders:
                    if (turn > 0 and name in SLOW) or (name.endswith("two") and partitions == 1):
                        continue
                    try:
                        taken = self.backlog(name, topic, partitions, expected)
                        rows.setdefault((partitions, name), []).append(taken)
                        say(f"{name}: " + "%.2f s, CPU %.2f s, %.0f MB" % taken)
                    except Failed as error:
                        self.failures.append(f"backlog, {name}, {partitions} partitions: {error}")
                        say(self.failures[-1])
        return {key: tuple(statistics.median(column) for column in zip(*runs)) for key, runs in rows.items()}

    # ---- Trickle

    def probe(self, run, prefix, count, wait_s):
        return subprocess.Popen([str(self.own / "kafka_probe"), self.brokers, run.payments, run.stats, prefix, str(count),
                                 str(self.options.rate), str(wait_s)], stdout=subprocess.PIPE, text=True,
                                stdin=subprocess.DEVNULL)

    @staticmethod
    def times(probe):
        """(sent, arrived) of each payment; all must have arrived."""
        out, _ = probe.communicate()
        pairs = [tuple(map(int, line.split())) for line in out.splitlines() if " " in line]
        if probe.returncode or not pairs or not all(arrived for _, arrived in pairs):
            raise Failed(f"{sum(1 for _, a in pairs if not a)} of {len(pairs)} payments never arrived")
        return pairs

    def first_output(self, run):
        """Starts the contender on a payment that waits: it, and the seconds to the first stats."""
        probe = self.probe(run, f"first{time.monotonic_ns()}-", 1, self.options.start_limit)
        contest = None
        try:
            if probe.stdout.readline() != "ready\n":
                raise Failed("the probe did not begin")
            contest = self.start(run, forever=True)
            while probe.poll() is None:
                contest.check_alive()
                time.sleep(0.02)
            [(_, arrived)] = self.times(probe)
            return contest, (arrived - contest.began) / 1e9
        except BaseException:
            probe.kill()
            if contest:
                contest.end()
            raise

    def warm_up(self, run):
        """The broker and the engines compile as they go: their first seconds are not measured."""
        self.times(self.probe(run, "warm-", self.options.rate * self.options.warm_up, 60))

    def latencies(self, run, prefix):
        probe = self.probe(run, prefix, self.options.rate * self.options.seconds, 60)
        taken = sorted((arrived - sent) / 1e6 for sent, arrived in self.times(probe))
        return taken[len(taken) // 2], taken[min(len(taken) - 1, len(taken) * 99 // 100)]

    def killed(self, run, contest):
        """The restarted contender, and the seconds from kill -9 to working again."""
        probe = self.probe(run, "killed-", self.options.rate * 8, self.options.start_limit)
        try:
            time.sleep(3)
            contest.check_alive()
            contest.kill(signal.SIGKILL)
            at = time.monotonic_ns()
            again = self.start(run, forever=True)
        finally:
            contest.end()
        try:
            after = [arrived for sent, arrived in self.times(probe) if sent > at]
            return again, (min(after) - at) / 1e9
        except BaseException:
            again.end()
            raise

    def trickle(self, name):
        partitions = max(self.options.partitions)
        payments = f"trickle-{name}"
        self.sh('scripts/kafka-topics -b "$B" create "$T"', T=f"{payments}:{partitions}")
        run = self.new_run(name, payments, partitions)
        contest, row = None, {}
        try:
            contest, row["start"] = self.first_output(run)
            self.warm_up(run)
            row["p50"], row["p99"] = self.latencies(run, "trickle-")
            time.sleep(3)
            before = contest.cpu_now()
            time.sleep(self.options.idle)
            row["idle"] = (contest.cpu_now() - before) / self.options.idle * 100
            row["peak"] = contest.peak_mb()
            contest, row["again"] = self.killed(run, contest)
            time.sleep(1)
            contest.end()
            expected = run.folder / "expected"
            self.sh('kcat -C -q -b "$B" -t "$T" -e | "$BIN"/payagg >"$OUT"', T=payments, OUT=str(expected))
            self.check_totals(run, expected)
        except Failed as error:
            self.failures.append(f"trickle, {name}: {error}")
            say(self.failures[-1])
        finally:
            if contest:
                contest.end()
        say(f"{name}: " + ", ".join(f"{key} {value:.2f}" for key, value in row.items()))
        return row

    def floor_latency(self):
        self.sh('scripts/kafka-topics -b "$B" create "$T"', T=f"direct:{max(self.options.partitions)}")
        run = Run("direct", "direct", "direct", 0, self.folder)
        self.warm_up(run)
        p50, p99 = self.latencies(run, "direct-")
        return {"p50": p50, "p99": p99}

    def restore(self):
        """Seconds from payagg's start to its first output, on the state of many users."""
        partitions = max(self.options.partitions)
        say(f"{self.options.restore} users to restore")
        self.fill("many", f"""seq {self.options.restore} | awk '{{ printf "{{\\"user\\":\\"user%d\\",\\"paymentAmt\\":1.00}}\\n", $1 }}'""",
                  partitions)
        run = self.new_run("payagg", "many", partitions)
        contest = self.start(run)
        try:
            contest.wait(self.options.limit)
        finally:
            contest.end()
        taken = []
        for _ in range(self.options.rounds):
            contest, first = self.first_output(run)
            contest.end()
            taken.append(first)
        return statistics.median(taken)


# ---- What is printed


def print_surroundings(bench):
    version = " ".join(bench.sh('"$BIN"/payagg --version').split())
    print(f"{version}; Kafka 4.1.0; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")


def print_backlogs(rows, options):
    print(f"\n### Backlog: {options.payments / 1e6:g} million payments, {options.users} users, median of {options.rounds}"
          " (Kafka Streams and Spark: one)\n")
    print("| what | partitions | wall s | million/s | x the floor | payagg is x faster | CPU s | peak MB |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for (partitions, name), (wall, cpu, peak) in sorted(rows.items(), key=lambda row: row[0][0]):
        base = next((rows[partitions, each][0] for each in BASES if (partitions, each) in rows), None)
        ours = rows.get((partitions, "payagg"))
        print(f"| {name} | {partitions} | {wall:.2f} | {options.payments / wall / 1e6:.2f} | "
              f"{f'{wall / base:.2f}' if base else ''} | {f'{wall / ours[0]:.2f}' if ours else ''} | {cpu:.2f} | {peak:.0f} |")


def print_trickles(rows, options):
    print(f"\n### Trickle: {options.rate} payments/s for {options.seconds} s, {max(options.partitions)} partitions\n")
    print("| what | p50 ms | p99 ms | idle CPU % | start to first output s | kill -9 to working again s | peak MB |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name, row in rows.items():
        cells = [("p50", 1), ("p99", 1), ("idle", 2), ("start", 2), ("again", 2), ("peak", 0)]
        print(f"| {name} | " + " | ".join(f"{row[key]:.{digits}f}" if key in row else "" for key, digits in cells) + " |")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    words = lambda text: text.split(",")
    numbers = lambda text: [int(word) for word in text.split(",")]
    parser.add_argument("--bin", default=os.environ.get("PAYSTATS_BIN", str(ROOT / "build/release/bin")), help="where the tools are")
    parser.add_argument("--bench-bin", default=str(ROOT / "build/bench-kafka/tests/bench/kafka"), help="where kafka_floor is")
    parser.add_argument("--contenders", type=words, default=QUICK + SLOW, help="which (all)")
    parser.add_argument("--parts", type=words, default=["backlog", "trickle", "restore"], help="which (backlog,trickle,restore)")
    parser.add_argument("--payments", type=int, default=5_000_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--partitions", type=numbers, default=[1, 4], help="of the topics (1,4)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=int, default=100, help="of the trickle, payments/s")
    parser.add_argument("--seconds", type=int, default=20, help="of the trickle")
    parser.add_argument("--warm-up", type=int, default=60, help="seconds of the trickle before those")
    parser.add_argument("--idle", type=int, default=10, help="seconds of idleness that are measured")
    parser.add_argument("--restore", type=int, default=1_000_000, help="users")
    parser.add_argument("--limit", type=int, default=900, help="seconds for one backlog")
    parser.add_argument("--start-limit", type=int, default=120, help="seconds to start, or to come back")
    parser.add_argument("--payagg", type=str.split, default=[], help='more options of payagg in the backlog: "--trigger 1s"')
    parser.add_argument("--fill", choices=["paygen", "kcat"], default="kcat", help="who fills the topics")
    options = parser.parse_args()
    unknown = set(options.contenders) - set(QUICK + SLOW) or set(options.parts) - {"backlog", "trickle", "restore"}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def main():
    options = arguments()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-kafka-"))
    bench = Bench(options, folder)
    # A TERM ends what was started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        bench.prepare(options.contenders)
        print_surroundings(bench)
        if "backlog" in options.parts:
            print_backlogs(bench.backlogs(options.contenders), options)
        if "trickle" in options.parts:
            rows = {"produce to consume (floor)": bench.floor_latency()}
            rows |= {name: bench.trickle(name) for name in ENGINES if name in options.contenders}
            print_trickles(rows, options)
        if "restore" in options.parts and "payagg" in options.contenders:
            print(f"\npayagg starts on the state of {options.restore} users: first output after {bench.restore():.2f} s")
    except Failed as error:
        bench.failures.append(str(error))
    except KeyboardInterrupt:
        return 130
    finally:
        subprocess.run([ROOT / "scripts/kafka", "stop", "--dir", str(folder / "kafka"), "--now", "--wipe"], check=False)
        shutil.rmtree(folder, ignore_errors=True)
    for failure in bench.failures:
        print(f"bench-kafka: FAILED: {failure}", file=sys.stderr)
    return 1 if bench.failures else 0


sys.exit(main())
