"""System-call faults: each scenario once without a fault, which counts its calls, and then with the
n-th call of a kind failing in a way, for each n or a sample of them."""
import collections

import preload
import running
import scenarios
from bench import Bench, Finding

SCENARIOS = {**scenarios.SCENARIOS, **running.SCENARIOS}

Fault = collections.namedtuple("Fault", "scenario kind n way")

# What was a finding once: part of every sample.
ONCE_FOUND = [Fault("cache-socket", "truncate", 1, "EINTR"), Fault("serve-new", "send", 1, "EINTR"),
              Fault("serve-new", "receive", 1, "EINTR"), Fault("serve-adopted", "receive", 1, "EINTR"),
              Fault("payagg-files", "open", 1, "EINTR"), Fault("payagg-files", "open", 3, "EINTR"),
              Fault("paygen-adopted", "stat", 2, "EIO"), Fault("serve-adopted", "stat", 1, "EIO"),
              Fault("paygen-log-new", "statfs", 1, "EINTR"),
              Fault("payagg-files", "random", 1, "EINTR"),
              Fault("paygen-adopted", "control", 3, "EIO"),
              Fault("cache-document", "stat", 3, "EIO"),
              Fault("cache-socket", "epoll", 1, "ENOSPC")]


def name_of(fault):
    return f"syscalls:{fault.scenario}:{fault.kind}:{fault.n}:{fault.way}"


def play(tools, scenario, fault=None):
    """One scenario; returns the calls that were counted."""
    bench = Bench(tools, fault)
    try:
        SCENARIOS[scenario](bench)
        return preload.read_counts(bench.counts_path)
    finally:
        bench.close()


def all_faults(tools):
    """([Fault...], [findings without any fault]): every n of every kind of call that a run made."""
    faults, findings = [], []
    for scenario in SCENARIOS:
        try:
            counts = play(tools, scenario)
        except Finding as finding:
            findings.append((f"syscalls:{scenario}", str(finding)))
            continue
        for kind, count in counts.items():
            faults += [Fault(scenario, kind, n, way)
                       for n in range(1, count + 1) for way in preload.WAYS[kind]]
    return faults, findings


def play_named(tools, words):
    """What name_of() or a finding named: SCENARIO, or SCENARIO:KIND:N:WAY."""
    scenario, *fault = words
    if not fault:
        return play(tools, scenario)
    kind, n, way = fault
    return play(tools, scenario, (kind, int(n), way))
