#!/usr/bin/env python3
"""Holds a man page against its program.

  check_man.py options TOOL PAGE    the options of `TOOL --help` and of PAGE, both ways: their names, the
                                    names of their values, the words these may be, and their defaults
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
import glob
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


# A default is one word in --help, (default 100ms), or said in prose, (default: wait). On the page it stands
# behind "by default" or "the default is", or in front of "by default" or "the default".
HELP_DEFAULT = re.compile(r"\(default(:?) ([^\s),;]+)")
PAGE_DEFAULTS = (re.compile(r"\b(?:by default|default is) (\S+)", re.I),
                 re.compile(r"(\S*[^\s,;]) by default\b"),
                 re.compile(r"(\S+)(?: for standard \w+)?, the default\b"))
PROSE = {"a", "as", "it", "made", "of", "the", "there"}  # what begins a default said in prose


class Option:
    def __init__(self, heading, text):
        names, _, self.value = heading.replace(", -", ",-").partition(" ")
        self.names = names.split(",")
        self.text = text

    def heading(self):
        return " ".join([",".join(self.names), self.value]).strip()

    def choices(self):
        return set(self.value.split("|"))


def options_of_help(tool):
    """{the long name: Option}, and what --help calls what stands on the line without a dash."""
    text = subprocess.run([tool, "--help"], capture_output=True, text=True, check=True).stdout
    found, inputs, heading = {}, None, None
    for line in text.splitlines():
        usage = re.match(r"Usage: \S+ \[OPTIONS\](?: \[(.*?)(?:\.\.\.)?\])?$", line)
        option = re.match(r"  (-\S+(?: \S+)?)(?: {2,}(.*))?$", line)
        if usage:
            inputs = usage[1]
        elif option:
            heading = option[1]
            found[heading] = option[2] or ""
        elif heading and line.startswith(" "):
            found[heading] += line.strip()
        else:
            heading = None
    options = [Option(heading, text) for heading, text in found.items()]
    return {option.names[-1]: option for option in options}, inputs


def rendered(page):
    """The page as a reader sees it, each paragraph in one line, without bold and quotation marks."""
    text = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=900", page], capture_output=True,
                          text=True, check=True).stdout
    return re.sub("[‘’]", "", re.sub(".\x08", "", text))


def options_of_page(page):
    """{the long name: Option} of the items in OPTIONS, and all names of options in the whole page."""
    options = re.search(r"^OPTIONS\n(.*?)^(?=\S)", rendered(page), re.M | re.S)[1]
    found = []
    for line in options.splitlines():
        item = re.match(r" {5}(-.*?)(?: {2,}(.*))?$", line)  # a short one has its text beside it
        if item:
            found.append(Option(item[1], (item[2] or "") + " "))
        elif re.match(r" {6}", line) and found:
            found[-1].text += re.sub(r"\s+", " ", line).rstrip() + " "
        elif line.strip():
            found.append(Option("", ""))  # other text, of no option
    with open(page, encoding="utf-8") as file:
        named = set(re.findall(r"^\.(?:.* )?Fl Fl (\S+)", file.read(), re.M))
    return ({option.names[-1]: option for option in found if option.heading()},
            {"--" + name for name in named})


def default_of_help(option):
    """The word that is the default; "" where prose says it; None where there is none."""
    default = HELP_DEFAULT.search(option.text)
    return None if not default else "" if default[1] else default[2]


def defaults_of_page(option):
    """The same of a page, which may say it more than once: all of them."""
    text = re.sub(r"(?<=\d),(?=\d\d\d)", "", option.text)
    words = {word.lstrip("(").rstrip(".,;:)") for pattern in PAGE_DEFAULTS for word in pattern.findall(text)}
    return {"" if word in PROSE else word for word in words}


def differences(in_help, on_page):
    """What the page says otherwise of one option."""
    if in_help.names != on_page.names:
        yield f"its names are {', '.join(on_page.names)}, in --help {', '.join(in_help.names)}"
    if in_help.value != on_page.value:
        if in_help.choices() != on_page.choices() and "|" in in_help.value + on_page.value:
            for word in sorted(in_help.choices() ^ on_page.choices()):
                where = "--help" if word in in_help.choices() else "the page"
                yield f"only {where} has the word {word or '(none)'}"
        else:
            yield f"its value is {on_page.value or 'none'}, in --help {in_help.value or 'none'}"
    if in_help.value:
        default, defaults = default_of_help(in_help), defaults_of_page(on_page)
        if default is None and defaults:
            yield f"a default, {' '.join(sorted(defaults)) or 'in prose'}, and none in --help"
        elif default and default not in defaults:
            yield f"no default, in --help {default}"
        elif default:
            for word in sorted(defaults - {default, ""}):
                yield f"its default is {word}, in --help {default}"
        elif default == "" and not re.search("default|[Ww]ithout", on_page.text):
            yield "no default, in --help one in prose"


def others(tool, page):
    pages = glob.glob(os.path.join(os.path.dirname(page), "*.1"))
    names = {os.path.basename(path)[:-2] for path in pages}
    return [os.path.join(os.path.dirname(tool), name) for name in names - {os.path.basename(tool)}]


def check_options(tool, page):
    in_help, inputs = options_of_help(tool)
    on_page, named = options_of_page(page)
    found = [f"{tool} --help: no options found"] if not in_help else []
    found += [f"{name} of --help is missing" for name in sorted(in_help.keys() - on_page.keys())]
    found += [f"{name} is not in --help" for name in sorted(on_page.keys() - in_help.keys())]
    # A page may name options of the other tools.
    known = set(in_help).union(*(options_of_help(other)[0] for other in others(tool, page)))
    found += [f"{name} is named, and no option of any tool" for name in sorted(named - known)]
    for name in sorted(in_help.keys() & on_page.keys()):
        found += [f"{name}: {text}" for text in differences(in_help[name], on_page[name])]
    synopsis = re.search(r"^SYNOPSIS\n(.*?)^(?=\S)", rendered(page), re.M | re.S)[1]
    on_line = set(re.findall(r"\[([A-Z]+) \.\.\.\]", synopsis))
    if on_line != ({inputs} if inputs else set()):
        found.append(f"SYNOPSIS has {on_line or 'no input'}, --help {inputs or 'none'}")
    for text in found:
        print(f"{page}: {text}")
    return 1 if found else 0


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
        return check_options(target, page)
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
