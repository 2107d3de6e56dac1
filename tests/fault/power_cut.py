"""Power cuts: a run of writers is recorded, and each moment of it gives the disks that a cut could leave
there (disk.py). On each of them what was acknowledged before is there, each request whole or not at all,
and nothing that was there from others is lost; one more writer and a reader agree."""
import collections
import decimal
import os
import random

import log_oracle
import preload
import running
from bench import Bench, Finding, Sent, check_kept, check_log
from disk import Disk
from log_oracle import Batch
from scenarios import PAYMENTS, TAILS, batch_lines, old_log

REAL_ONE_IN = 6  # states that are given to the tools, and not to the oracle alone

State = collections.namedtuple("State", "scenario moment seed")


class Recording:
    """A scenario as it was played: `files` are those of its start, `events` what was done to them."""

    def __init__(self, tools, scenario):
        self.bench = Bench(tools, traced=True)
        self.sent = Sent()
        self.before = b""
        self.judge = judge_log
        try:
            scenario(self)
            self.events = preload.read_trace(self.bench.trace)
        finally:
            self.bench.close()

    def begin(self, tail):
        """A log with such an end. From here on everything is recorded."""
        log, self.before = old_log(self.bench, tail)
        self.snapshot()
        return log

    def snapshot(self):
        folder = self.bench.folder
        self.folder_inode = os.stat(folder).st_ino
        self.files = {name: (os.stat(os.path.join(folder, name)).st_ino, self.bench.get(name))
                      for name in os.listdir(folder)}

    def event(self, operation, **fields):
        event = preload.Event(operation, "", "", 0, 0, b"")._replace(**fields)
        preload.append_event(self.bench.trace, event)

    def answer(self, number, taken):
        """What a writer has said of a request by now: it is promised, or it was refused."""
        self.event(preload.ACKNOWLEDGED, path=str(number), offset=int(taken))

    def paygen(self, log, requests, fault=None):
        """One paygen with these batches; with a fault it is killed, or refuses them."""
        numbers = [self.sent.add([batch]) for batch in requests]
        self.bench.fault = fault
        run = self.bench.tool("paygen", "-q", "-o", log, stdin=batch_lines(requests))
        self.bench.fault = None
        if fault is not None and preload.read_counts(self.bench.counts_path)[fault[0]] < fault[1]:
            fault = None  # there is no such call any more
        killed = fault is not None and fault[2] == "kill"
        if run.status != (0 if fault is None else -9 if killed else 2):
            raise Finding(f"paygen with {fault}: status {run.status}: {run.err.strip()}")
        for number in numbers:
            if not killed:
                self.answer(number, fault is None)

    def disk(self, moment):
        """The disk after so many events, and what was promised and refused by then."""
        disk, sent = Disk(self.folder_inode, self.files), Sent()
        sent.requests = self.sent.requests
        sent.promised, sent.refused = set(self.sent.promised), set(self.sent.refused)
        for event in self.events[:moment]:
            if event.operation == preload.ACKNOWLEDGED:
                (sent.promised if event.offset else sent.refused).add(int(event.path))
            else:
                disk.apply(event)
        return disk, sent


def batches(name, *volumes):
    """Some of the users have long names, so that a line is in several sectors."""
    return [Batch(f"{name}{i}" + "n" * (700 if i % 2 else 0), decimal.Decimal("1.25"), volume)
            for i, volume in enumerate(volumes)]


def two_writers(tail):
    def play(recording):
        log = recording.begin(tail)
        for name in ("first", "second"):
            recording.paygen(log, batches(name, 7, 12, 1))
    return play


def failed_writer(tail, *faults):
    """Writers that are killed or whose disk fails, and one after each of them."""
    def play(recording):
        log = recording.begin(tail)
        for i, fault in enumerate(faults):
            recording.paygen(log, batches(f"failed{i}", 3, 9, 12), fault)
            recording.paygen(log, batches(f"after{i}", 2, 5))
    return play


def others(recording):
    """Somebody else appends whole lines under the lock, without syncing them, between our writers."""
    log = recording.begin("new")
    recording.paygen(log, batches("first", 3, 2))
    for turn in range(3):
        request = batches(f"other{turn}", 1, 4)
        for batch in request:
            recording.sent.add([batch])
        offset = os.stat(log).st_size
        lines = batch_lines(request)
        with open(log, "ab") as file:
            file.write(lines)
        recording.event(preload.WRITTEN, inode=os.stat(log).st_ino, offset=offset, data=lines)
        recording.paygen(log, batches(f"ours{turn}", 6))


def serve(tail, adopted=False):
    def play(recording):
        bench, log = recording.bench, recording.begin(tail)
        process = running.start_serve(bench, log, adopted)
        running.wait_until(lambda: running.port_of(bench.stderr()), process, "the server's address")
        for turn in range(3):
            request = batches(f"posted{turn}", *range(1, 2 + 3 * turn))
            number = recording.sent.add(request)
            status, problem = running.post(running.port_of(bench.stderr()), request, f"key-{turn}")
            if status != 200:
                raise Finding(f"paystats-serve: {status} {problem}")
            recording.answer(number, True)
        running.stop(bench, process, "paystats-serve", False)
    return play


def totals(recording):
    """payagg replaces a file of totals: it is there as before, or all of the new one."""
    bench = recording.bench
    payments = bench.put("payments", PAYMENTS)
    recording.before = b'{"user":"before","sum":1.00,"count":1}\n'
    bench.put("totals", recording.before)
    recording.judge = judge_totals
    recording.snapshot()
    run = bench.tool("payagg", "-q", "-o", bench.path("totals"), payments)
    recording.right = bench.get("totals")
    recording.answer(recording.sent.add([]), run.status in (0, 1))


def judge_log(recording, state, bench, sent):
    """By the oracle; and where there is a bench, by the tools as well."""
    data, torn = state.get("log", b""), state.get("log.torn", b"")
    check_kept(recording.before, data, torn, "", cut=True)
    sent.check(log_oracle.read_log(data).totals(), recording.before, cut=True)
    if bench is not None:
        for name, content in state.items():
            bench.put(name, content)
        check_log(bench, "log", recording.before, sent, cut=True)


def judge_totals(recording, state, _, sent):
    found = state.get("totals")
    if found != recording.right and (sent.promised or found != recording.before):
        raise Finding("the file of totals is neither the old one nor the new one")


SCENARIOS = {
    **{f"two-writers-{tail}": two_writers(tail) for tail in TAILS},
    "killed-in-write": failed_writer("spaces", ("write", 1, "kill"), ("write", 1, "kill")),
    "killed-before-sync": failed_writer("new", ("sync", 1, "kill"), ("write", 1, "kill")),
    "killed-in-repair": failed_writer("torn-tail", ("truncate", 1, "kill"), ("write", 1, "kill")),
    "no-space": failed_writer("spaces", ("sync", 1, "ENOSPC"), ("write", 1, "ENOSPC")),
    "others": others,
    "serve-new": serve("new"),
    "serve-torn-tail": serve("torn-tail"),
    "serve-adopted": serve("long-tail", adopted=True),
    "totals": totals,
}


def record_all(tools):
    """({scenario: Recording}, [(name, finding)...])"""
    recordings, findings = {}, []
    for name, scenario in SCENARIOS.items():
        try:
            recordings[name] = Recording(tools, scenario)
        except Finding as finding:
            findings.append((f"power:{name}", str(finding)))
    return recordings, findings


def all_states(recordings, variants, seed):
    """So many states for each moment of each recording, and one where there is no other."""
    return [State(scenario, moment, seed * variants + variant)
            for scenario, recording in recordings.items()
            for moment in range(len(recording.events) + 1)
            for variant in range(1 if recording.disk(moment)[0].settled() else variants)]


def name_of(state):
    return f"power:{state.scenario}:{state.moment}:{state.seed}"


def left_of(recording, state):
    """The disk that such a cut leaves, and what was promised and refused by then."""
    disk, sent = recording.disk(state.moment)
    return disk.after_cut(random.Random(f"{state.moment} {state.seed}")), sent


def play(tools, recording, state):
    left, sent = left_of(recording, state)
    bench = Bench(tools) if state.seed % REAL_ONE_IN == 0 else None
    try:
        recording.judge(recording, left, bench, sent)
    finally:
        if bench is not None:
            bench.close()


def play_named(tools, words):
    """SCENARIO, or SCENARIO:MOMENT:SEED."""
    recording = Recording(tools, SCENARIOS[words[0]])
    if len(words) == 3:
        play(tools, recording, State(words[0], int(words[1]), int(words[2])))
