"""A second power cut, during the recovery from a first one. On a disk that a cut has left, the next
writer repairs and commits, and is recorded in turn; sometimes it is killed at that, and one more follows.
Each moment of it gives the disks that a second cut could leave: still nothing acknowledged by any of the
writers is lost, no request is there in part, and nothing of others is lost that the writer found."""
import random

import power_cut
from bench import Bench, Finding, check_kept
from power_cut import batches

VARIANTS = 40  # disks for each moment of a recovery
REAL_ONE_IN = 150  # states that are given to the tools, and not to the oracle alone

# The writer after a cut: undisturbed, or killed in the middle and followed by another one.
FAULTS = (None, None, None, ("write", 1, "kill"), ("write", 2, "kill"), ("sync", 2, "kill"),
          ("sync", 3, "kill"), ("sync", 4, "kill"), ("truncate", 1, "kill"))


def recovery(first, found, sent, fault):
    """What is recorded: writers on the files that were found."""
    def play(recording):
        for name, content in found.items():
            recording.bench.put(name, content)
        recording.before, recording.found = first.before, found
        recording.sent.requests = list(sent.requests)
        recording.sent.promised, recording.sent.refused = set(sent.promised), set(sent.refused)
        recording.judge = judge
        recording.snapshot()
        log = recording.bench.path("log")
        if fault is not None:
            recording.paygen(log, batches("killed", 5, 3), fault)
        recording.paygen(log, batches("again", 4, 7))
    return play


def judge(recording, state, bench, sent):
    """As after a first cut; and what the recovery found is kept as well."""
    data, torn, found = state.get("log", b""), state.get("log.torn", b""), recording.found
    check_kept(found.get("log", b""), data, torn, " of what the recovery found", cut=True)
    if not torn.startswith(found.get("log.torn", b"")):
        raise Finding("lost: a tail that was kept before")
    power_cut.judge_log(recording, state, bench, sent)


def distinct(recordings, states):
    """One of the states for each disk that is left to the next writer."""
    firsts = {}
    for state in states:
        recording = recordings[state.scenario]
        if recording.judge is power_cut.judge_log:
            found, sent = power_cut.left_of(recording, state)
            key = (state.scenario, tuple(sorted(found.items())), tuple(sorted(sent.promised)))
            firsts.setdefault(key, state)
    return list(firsts.values())


def name_of(state):
    return f"again:{state.scenario}:{state.moment}:{state.seed}"


def play(tools, first, state):
    """All second cuts of one recovery; returns how many disks that were."""
    found, sent = power_cut.left_of(first, state)
    rng = random.Random(name_of(state))
    recording = power_cut.Recording(tools, recovery(first, found, sent, rng.choice(FAULTS)))
    seen = set()
    for moment in range(len(recording.events) + 1):
        disk, sent = recording.disk(moment)
        for variant in range(1 if disk.settled() else VARIANTS):
            left = disk.after_cut(rng)
            key = (tuple(sorted(left.items())), len(sent.promised))
            real = rng.randrange(REAL_ONE_IN) == 0
            if key in seen and not real:
                continue
            seen.add(key)
            judge_one(tools, recording, left, sent, real, f"moment {moment}, disk {variant}")
    return len(seen)


def judge_one(tools, recording, left, sent, real, where):
    bench = Bench(tools) if real else None
    try:
        recording.judge(recording, left, bench, sent)
    except Finding as finding:
        raise Finding(f"second cut, {where}: {finding}") from None
    finally:
        if bench is not None:
            bench.close()


def play_named(tools, words):
    """SCENARIO:MOMENT:SEED"""
    scenario, moment, seed = words
    first = power_cut.Recording(tools, power_cut.SCENARIOS[scenario])
    play(tools, first, power_cut.State(scenario, int(moment), int(seed)))
