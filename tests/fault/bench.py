"""The place where one scenario is played: a folder of its own, tools with or without the preloaded
library, and what holds for each ending of a tool."""
import collections
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import log_oracle
import preload
from torture_common import LIMIT_S, Difference, wait_for  # noqa: F401

Ended = collections.namedtuple("Ended", "status out err")
Tools = collections.namedtuple("Tools", "bin preload")


class Finding(Difference):
    """A tool did what it must never do."""


class Excused(Exception):
    """A library did what it must never do, and the tool cannot help it."""


class Bench:
    """`fault`: (kind, n, way) that the tool under test meets, or None; `trace`: its changes of files
    are recorded there."""

    def __init__(self, tools, fault=None, traced=False):
        self.tools, self.fault = tools, fault
        self.home = tempfile.mkdtemp(prefix="paystats-fault-", dir=memory_folder())
        self.folder = os.path.join(self.home, "files")
        os.mkdir(self.folder)
        self.counts_path = os.path.join(self.home, "counts")
        self.trace = os.path.join(self.home, "trace") if traced else None
        self.processes = []

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        shutil.rmtree(self.home)

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def get(self, name):
        """The bytes of a file, none where it is not there."""
        try:
            with open(self.path(name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def command(self, argv):
        return [os.path.join(self.tools.bin, argv[0]), *argv[1:]]

    def environment(self):
        """Of one process: it counts from 1."""
        preload.new_counts(self.counts_path)
        return preload.environment(self.tools.preload, self.folder, self.counts_path, self.fault,
                                   self.trace)

    def start(self, *argv, **options):
        """A process under test; its stderr goes to the file `err`."""
        with open(os.path.join(self.home, "err"), "wb") as err:
            process = subprocess.Popen(self.command(argv), stderr=err, env=self.environment(),
                                       **options)
        self.processes.append(process)
        return process

    def start_plain(self, *argv):
        """A process that meets no fault, and is not recorded; what it says goes nowhere."""
        process = subprocess.Popen(self.command(argv), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def stderr(self):
        with open(os.path.join(self.home, "err"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def tool(self, *argv, stdin=b"", stdout=subprocess.PIPE):
        """Runs the tool under test to its end."""
        try:
            run = subprocess.run(self.command(argv), input=stdin, stdout=stdout,
                                 stderr=subprocess.PIPE, env=self.environment(), check=False,
                                 timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Finding(f"{argv[0]} did not end within {LIMIT_S} s") from None
        self.excuse(argv[0], run.returncode)
        return Ended(run.returncode, run.stdout, run.stderr.decode(errors="replace"))

    def plain(self, *argv, stdin=b""):
        """Runs a tool that meets no fault, and is not recorded."""
        try:
            run = subprocess.run(self.command(argv), input=stdin, capture_output=True, check=False,
                                 timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Finding(f"{argv[0]}, undisturbed, did not end within {LIMIT_S} s") from None
        return Ended(run.returncode, run.stdout, run.stderr.decode(errors="replace"))

    def harmless(self):
        return self.fault is None or preload.harmless(self.fault[0], self.fault[2])

    def judge_ending(self, tool, ended, normal=0):
        """The status is one of ours, an error is told, and what is harmless changes nothing."""
        told = ended.err.strip().replace("\n", " | ")
        if ended.status not in (0, 1, 2, 3, normal):
            raise Finding(f"{tool}: status {ended.status}: {told}")
        if ended.status in (2, 3) and not told:
            raise Finding(f"{tool}: status {ended.status} and nothing on stderr")
        if self.harmless() and ended.status != normal:
            raise Finding(f"{tool}: status {ended.status} in place of {normal}: {told}")

    def wait(self, process, what, limit_s=LIMIT_S):
        try:
            status = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise Finding(f"{what} did not end within {limit_s} s") from None
        self.excuse(what.split()[0], status)
        return status

    def excuse(self, tool, status):
        """mimalloc 3.0 (Debian 13) dereferences null where the kernel refuses its second mapping, which
        it makes at the tool's first `new`, before anything is read."""
        if (self.fault and self.fault[:2] == ("map", 2) and status == -signal.SIGSEGV
                and "libmimalloc.so.3" in linked_libraries(os.path.join(self.tools.bin, tool))):
            raise Excused(f"{tool}: mimalloc 3 crashes when its second mapping is refused")


@functools.cache
def linked_libraries(program):
    return subprocess.run(["ldd", program], capture_output=True, check=True, text=True).stdout


def memory_folder():
    """A file system in memory, where syncing takes no time, if there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Sent:
    """The requests that were sent to a log. Each batch has a user of its own, so a request can be told
    from all others in what a log or payagg says."""

    def __init__(self):
        self.requests = []      # lists of batches
        self.promised = set()   # numbers of requests that must be there
        self.refused = set()    # numbers of requests that must not be there

    def add(self, batches):
        self.requests.append(batches)
        return len(self.requests) - 1

    def check(self, totals, before=b"", cut=False):
        """Each request is there whole or not at all, and nothing that was never sent. `before`: what
        stood there at first; a power cut may have torn a last line that had no newline."""
        old = log_oracle.read_log(before)
        known = old.totals()
        if cut and any(totals.get(user) != total for user, total in known.items()):
            known = log_oracle.read_log(old.whole).totals()
        owners = {batch.user: number for number, request in enumerate(self.requests)
                  for batch in request}
        for user, total in known.items():
            if totals.get(user) != total:
                raise Finding(f"{user}: {totals.get(user)} in place of {total} from before")
        for user in totals:
            if user not in owners and user not in known:
                raise Finding(f"{user[:20]} is counted and was never sent")
        for number, request in enumerate(self.requests):
            there = [batch for batch in request if batch.user in totals]
            for user, amount, volume in there:
                if totals[user] != (amount * volume, volume):
                    raise Finding(f"{user[:20]}: {totals[user]} in place of {volume} payments of {amount}")
            if there and len(there) < len(request):
                raise Finding(f"{len(there)} of the {len(request)} batches of one request are there")
            if number in self.promised and not there:
                raise Finding(f"{request[0].user[:20]}: acknowledged, and not there")
            if number in self.refused and there:
                raise Finding(f"{request[0].user[:20]}: refused, and there")


def check_log(bench, name, before, sent, cut=False):
    """Holds a log against what was sent to it, and payagg against the oracle: as it is, and after one
    more writer, which mends what is torn. That writer keeps what it found as well as what was there
    before; `cut`: the power has failed in between."""
    log, found = bench.path(name), bench.get(name)
    check_kept(before, found, bench.get(name + ".torn"), "", cut)
    if os.path.exists(log):
        check_payagg(bench, log_oracle.read_log(found), log)
    probe = bench.plain("paygen", "--user", "probe", "--amount", "1", "-o", log)
    if probe.status != 0:
        raise Finding(f"the next writer: status {probe.status}: {probe.err.strip()}")
    data, torn = bench.get(name), bench.get(name + ".torn")
    check_kept(before, data, torn, " after the next writer", cut)
    check_kept(found, data, torn, " of what the next writer found")
    read = log_oracle.read_log(data)
    if read.tail:
        raise Finding("a torn line after the next writer")
    totals = read.totals()
    if totals.get("probe") != (1, 1):
        raise Finding("the next writer's payment is not there")
    check_payagg(bench, read, log)
    del totals["probe"]
    sent.check(totals, before, cut)


def check_kept(before, data, torn, when, cut=False):
    lost = log_oracle.lost_of(before, data, torn, cut)
    if lost:
        raise Finding(f"lost{when}: {lost}")


def check_payagg(bench, read, log):
    """payagg says what the oracle says."""
    run = bench.plain("payagg", "-q", log)
    if run.status != (1 if read.rejected else 0):
        raise Finding(f"payagg of the log: status {run.status}: {run.err.strip()}")
    if log_oracle.stats_totals(run.out) != read.totals():
        raise Finding("payagg of the log differs from the oracle")
