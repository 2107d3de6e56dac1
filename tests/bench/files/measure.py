"""Runs one command and says what it took.

    taken = run(["payagg", "FILE"], stdout=path)    # wall_s, cpu_s, peak_mb, status
    taken = chain([["cat", "FILE"], ["payagg"]])    # a pipe of several

Wall is from the start of the first process to the end of the last; CPU is user and system time, of
wait4. Memory is what GNU time says where it is installed: a child begins with the peak of its
parent, which is Python here and something small there.
"""
import dataclasses
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time

GNU_TIME = "/usr/bin/time"


@dataclasses.dataclass
class Taken:
    wall_s: float
    cpu_s: float
    peak_mb: float
    status: int
    said: str = ""  # the end of stderr, where it failed


def with_memory(argv, note):
    return [GNU_TIME, "-q", "-o", note, "-f", "%M", *argv] if os.path.exists(GNU_TIME) else argv


def chain(commands, stdout=None, limit_s=300, environment=None):
    """Runs the commands as one pipe; peak_mb is that of the one that took most."""
    with tempfile.TemporaryDirectory() as folder, open(stdout or os.devnull, "wb") as sink, \
            open(f"{folder}/stderr", "w+b") as errors:
        notes = [f"{folder}/{i}" for i in range(len(commands))]
        running, source = [], subprocess.DEVNULL
        began = time.perf_counter()
        for number, (argv, note) in enumerate(zip(commands, notes)):
            last = number == len(commands) - 1
            process = subprocess.Popen(with_memory([str(word) for word in argv], note), stdin=source,
                                       stdout=sink if last else subprocess.PIPE, stderr=errors,
                                       start_new_session=True, env=environment)
            if number:
                source.close()
            source = process.stdout
            running.append(process)
        watchdog = threading.Timer(limit_s, kill, [running])
        watchdog.start()
        cpu, peaks, status = 0.0, [], 0
        try:
            for process in running:
                _, ended, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(ended)
                cpu += usage.ru_utime + usage.ru_stime
                peaks.append(usage.ru_maxrss)
                status = status or process.returncode
            wall = time.perf_counter() - began
        finally:
            # They are in groups of their own: an interrupt here does not reach them.
            watchdog.cancel()
            kill(running)
        for place, note in enumerate(notes):
            if os.path.exists(note):
                with open(note, encoding="ascii", errors="replace") as file:
                    peaks[place] = int((file.read().split() or ["0"])[-1])
        errors.seek(0)
        return Taken(wall, cpu, max(peaks) / 1024, status, errors.read()[-400:].decode(errors="replace"))


def kill(running):
    for process in running:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)


def run(argv, stdout=None, limit_s=300, environment=None):
    return chain([argv], stdout, limit_s, environment)


def median(values):
    """None where there is none."""
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def prefix_that_fits(whole, probed, probe_s, probe_mb, idle_s, idle_mb, limit_s, limit_mb):
    """The longest prefix of `whole` payments for a contender of whom `probed` payments took so much,
    and none of them the idle values; linear, since nobody here is quicker than that."""
    fits = whole
    if probe_s > idle_s:
        fits = min(fits, probed * (limit_s - idle_s) / (probe_s - idle_s))
    # Memory is known to some megabytes only.
    if probe_mb > idle_mb + 4:
        fits = min(fits, probed * (limit_mb - idle_mb) / (probe_mb - idle_mb))
    if fits >= whole:
        return whole
    digits = 10 ** max(0, len(str(int(fits))) - 2)
    return max(1, int(fits) // digits * digits)
