#!/usr/bin/env python3
"""Holds a man page against its program.

  check_man.py options TOOL PAGE    the options of `TOOL --help` and of PAGE, both ways
  check_man.py examples BIN PAGE    runs each literal block of PAGE's EXAMPLES, tools taken from BIN,
                                    those on Kafka aside
  check_man.py kafka BIN PAGE       runs those, in order, on the broker at $KAFKA_BROKERS, with topics
                                    of their own; $PAYSTATS_SUFFIX makes their names unique
  check_man.py show PAGE WORDS      prints the one literal block of PAGE, wherever it stands, that has
                                    these words, as a script for that broker

An example runs as a shell script of its own in a new folder, under `set -e`, within LIMIT_S; what it
leaves running in the background is ended with it. Ports of localhost are replaced by free ones: those
of the page may be somebody else's here. A crontab line runs as cron would run it:
without its five fields, in an almost empty environment.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile

LIMIT_S = 240  # reached only by a failure
TRIES = 3  # what was free a moment ago may be taken
EXAMPLE_BROKER = "kafka:9092"  # as the pages call it
CRON = re.compile(r"^(@\w+|([\d*/,-]+\s+){5})\s*(?=\S)")


def options_of_help(tool):
    text = subprocess.run([tool, "--help"], capture_output=True, text=True, check=True).stdout
    found = set()
    for line in text.splitlines():
        match = re.match(r"\s{1,8}(-\S.*?)(\s{2,}|$)", line)
        if match:
            found.update(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", match[1].split(" ")[0]))
    return found


def options_of_page(page):
    with open(page, encoding="utf-8") as file:
        items = [line for line in file if line.startswith(".It Fl")]
    found = set()
    for item in items:
        words = item.split()[1:]
        i = 0
        while i < len(words):
            if words[i] == "Fl" and i + 1 < len(words):
                if words[i + 1] == "Fl":
                    found.add("--" + words[i + 2])
                    i += 3
                else:
                    found.add("-" + words[i + 1])
                    i += 2
            else:
                i += 1
    return found


def unescape(line):
    return line.replace("\\e", "\\").replace("\\(dq", '"').replace("\\&", "").replace("\\-", "-")


def examples_of(page):
    return [block for section, block in blocks_of(page) if section == "EXAMPLES"]


def blocks_of(page):
    """(section, text) of each literal block."""
    blocks, section, block = [], "", None
    with open(page, encoding="utf-8") as file:
        for line in file.read().split("\n"):
            if line.startswith(".Sh "):
                section = line[4:].strip()
            elif line.startswith(".Bd "):
                block = []
            elif line.startswith(".Ed") and block is not None:
                blocks.append((section, "\n".join(block) + "\n"))
                block = None
            elif block is not None and not line.startswith('.\\"'):
                block.append(unescape(line))
            elif line.startswith(".Dl "):
                blocks.append((section, unescape(line[4:]) + "\n"))
    return blocks


def is_on_kafka(script):
    return EXAMPLE_BROKER in script


def on_real_kafka(script):
    script = script.replace(EXAMPLE_BROKER, os.environ["KAFKA_BROKERS"])
    suffix = os.environ["PAYSTATS_SUFFIX"]
    script = re.sub(r"-G ([a-z][\w.-]*) ([a-z][\w.-]*)", rf"-G \1-{suffix} \2-{suffix}", script)
    return re.sub(r"(kafka:|-t |--topic |--requests |--answers )([a-z][\w.-]*)",
                  rf"\1\2-{suffix}", script)


def on_free_ports(script):
    ports = sorted(set(re.findall(r"\blocalhost:(\d+)", script)))
    held = [socket.create_server(("127.0.0.1", 0)) for _ in ports]  # all at once, so they differ
    for port, free in zip(ports, held):
        script = re.sub(rf"\blocalhost:{port}\b", f"localhost:{free.getsockname()[1]}", script)
        free.close()
    return script


def run_on_free_ports(script, path):
    for _ in range(TRIES):
        status, out, err = run_example(on_free_ports(script), path)
        if status == 0 or "address already in use" not in err:
            break
    return status, out, err


def run_example(script, path):
    env = dict(os.environ, PATH=path)
    if CRON.match(script):
        commands = [CRON.sub("", line).replace("\\%", "%") for line in script.splitlines() if line]
        script = "\n".join(commands) + "\n"
        env = {"PATH": path, "SHELL": "/bin/sh"}
    with tempfile.TemporaryDirectory() as folder:
        env["HOME"] = folder
        run = subprocess.Popen(["bash", "-c", "set -e\n" + script], cwd=folder, env=env,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            # Not communicate(): what stays in the background holds the pipes open.
            status = run.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            status = "still running"
        try:
            os.killpg(run.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        out, err = run.communicate(timeout=LIMIT_S)
    return status, out, err


def show(page, words):
    found = [block for _, block in blocks_of(page) if words in block]
    if len(found) != 1:
        sys.exit(f"{page}: {len(found)} blocks have: {words}")
    print(on_real_kafka(found[0]), end="")


def main():
    mode, target, page = sys.argv[1:4]
    if mode == "show":
        return show(target, page)
    if mode == "options":
        in_help, in_page = options_of_help(target), options_of_page(page)
        for option in sorted(in_help - in_page):
            print(f"{page}: {option} of --help is missing")
        for option in sorted(in_page - in_help):
            print(f"{page}: {option} is not in --help")
        if not in_help:
            print(f"{target} --help: no options found")
        return 1 if in_help != in_page or not in_help else 0
    failed = 0
    blocks = examples_of(page)
    if not blocks:
        print(f"{page}: no examples")
        return 1
    if mode == "kafka":
        blocks = [on_real_kafka(script) for script in blocks if is_on_kafka(script)]
    else:
        blocks = [script for script in blocks if not is_on_kafka(script)]
    for script in blocks:
        status, out, err = run_on_free_ports(script, f"{target}:{os.environ['PATH']}")
        if status != 0:
            failed += 1
            print(f"{page}: an example ended with {status}:\n{script}{out}{err}")
    print(f"{page}: {len(blocks)} examples, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
