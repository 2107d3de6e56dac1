#!/usr/bin/env python3
"""The fault machine: the built tools with failing system calls, after power cuts, and killed.

  fault.py --bin DIR --preload LIB --sample 600 --seed 1   a sample of all that could be done
  fault.py --bin DIR --preload LIB --all                   all of it
  fault.py --bin DIR --preload LIB --only NAME             what a finding names, once more

syscalls: the n-th system call of a kind fails (EIO, ENOSPC, EINTR, ..., or half of the bytes).
power:    from a recorded run, each moment of it gives the disks that a power cut could leave.
again:    the next writer on such a disk is recorded in turn, and meets a second power cut.
kills:    several writers at once and their followers meet kill -9.
Prints what was done and `N states, M faults, K findings`; exit 1 if there is a finding.
"""
import argparse
import collections
import concurrent.futures
import os
import random
import sys
import time

import kills
import power_cut
import second_cut
import syscalls
from bench import Excused, Finding, Tools

VARIANTS = 100  # disks for each moment of a recorded run
ROUNDS = 300  # of several writers and crashes


class Machine:
    """Plays what it is given on a few threads until the time is over, and keeps the findings."""

    def __init__(self, arguments):
        self.tools = Tools(os.path.abspath(arguments.bin), os.path.abspath(arguments.preload))
        self.arguments = arguments
        self.end = time.monotonic() + arguments.seconds if arguments.seconds else None
        self.findings, self.left_out = 0, 0
        self.faults = self.states = 0
        self.excused = collections.Counter()  # by reason

    def found(self, name, text):
        self.findings += 1
        print(f"FINDING {name}: {text}\n  tests/fault/fault.py --bin {self.arguments.bin} --preload "
              f"{self.arguments.preload} --only {name}", flush=True)

    def sampled(self, work, share):
        """All of `work`, or a seeded sample of a share of --sample."""
        if self.arguments.all:
            return work
        n = min(len(work), max(1, int(self.arguments.sample * share)))
        return random.Random(self.arguments.seed).sample(work, n)

    def play(self, work, name_of, function):
        """function(item) for each item; returns how many were played."""
        played = 0
        with concurrent.futures.ThreadPoolExecutor(self.arguments.jobs) as pool:
            for item, finding in pool.map(lambda item: (item, self.outcome(function, item)), work):
                if finding is not None and finding != "":
                    self.found(name_of(item), finding)
                played += finding is not None
        self.left_out += len(work) - played
        return played

    def outcome(self, function, item):
        """A finding's text, "" where there is none, None where there was no time."""
        if self.end is not None and time.monotonic() > self.end:
            return None
        try:
            function(item)
            return ""
        except Finding as finding:
            return str(finding)
        except Excused as reason:
            self.excused[str(reason)] += 1
            return ""
        except Exception as error:  # what no part of the machine has thought of is a finding as well
            return f"{type(error).__name__}: {error}"

    def system_calls(self):
        faults, findings = syscalls.all_faults(self.tools)
        for name, text in findings:
            self.found(name, text)
        work = self.sampled(faults, 1)
        work = [fault for fault in syscalls.ONCE_FOUND if fault not in work] + work
        played = self.play(work, syscalls.name_of, lambda fault: syscalls.play(
            self.tools, fault.scenario, (fault.kind, fault.n, fault.way)))
        print(f"syscalls: {played} of {len(faults)} faults in {len(syscalls.SCENARIOS)} scenarios",
              flush=True)
        self.faults += played

    def power_cuts(self):
        recordings, findings = power_cut.record_all(self.tools)
        for name, text in findings:
            self.found(name, text)
        states = power_cut.all_states(recordings, VARIANTS, self.arguments.seed)
        self.states = self.play(self.sampled(states, 4), power_cut.name_of, lambda state: power_cut.play(
            self.tools, recordings[state.scenario], state))
        print(f"power cuts: {self.states} of {len(states)} states of {len(recordings)} recorded runs",
              flush=True)
        self.second_cuts(recordings, states)

    def second_cuts(self, recordings, states):
        firsts = second_cut.distinct(recordings, self.sampled(states, 2))
        disks = []
        played = self.play(self.sampled(firsts, 0.3), second_cut.name_of, lambda state: disks.append(
            second_cut.play(self.tools, recordings[state.scenario], state)))
        print(f"second cuts: {sum(disks)} states of {played} recoveries", flush=True)
        self.states += sum(disks)

    def crashes(self):
        rounds = range(self.arguments.seed * 1_000_003, self.arguments.seed * 1_000_003 + ROUNDS)
        played = self.play(self.sampled(rounds, 0.03), kills.name_of,
                           lambda seed: kills.play(self.tools, seed))
        print(f"kills: {played} rounds", flush=True)
        self.faults += played

    def only(self, name):
        part, *words = name.split(":")
        try:
            {"syscalls": syscalls, "power": power_cut, "again": second_cut,
             "kills": kills}[part].play_named(self.tools, words)
        except Finding as finding:
            self.found(name, str(finding))
        except Excused as reason:
            self.excused[str(reason)] += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--bin", required=True, help="folder of the built tools")
    parser.add_argument("--preload", required=True, help="the built library of preload.cc")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=600, help="how much of all there is")
    parser.add_argument("--all", action="store_true", help="all there is")
    parser.add_argument("--seconds", type=float, help="begin nothing after so long")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time")
    parser.add_argument("--only", metavar="NAME", help="what a finding named")
    arguments = parser.parse_args()
    machine = Machine(arguments)
    if arguments.only:
        machine.only(arguments.only)
    else:
        machine.power_cuts()
        machine.crashes()
        machine.system_calls()
    if machine.left_out:
        print(f"{machine.left_out} were left out: the time was over")
    for reason, times in machine.excused.items():
        print(f"{times} not judged: {reason}")
    print(f"{machine.states} states, {machine.faults} faults, {machine.findings} findings")
    return 1 if machine.findings else 0


if __name__ == "__main__":
    sys.exit(main())
