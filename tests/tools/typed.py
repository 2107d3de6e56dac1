#!/usr/bin/env python3
"""Types what stands in a section of a document, as its reader does.

  typed.py DOCUMENT TITLE [OLD=NEW...]   all examples below `## TITLE`, in order, in one shell and this folder;
                                         each OLD, a regular expression, is replaced before
  typed.py DOCUMENT                      the titles that have examples

An example is a block of lines with four spaces in front. One whose first line begins with `$ ` is a dialogue: a
command in each such line, and below it what that prints on standard output. Any other is a script, which prints
nothing. Each command has to succeed. A number behind the word "about" may be another one by a third, since
memory is measured; all else is compared as it is. What is left running is ended.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile

LIMIT_S = 240  # reached only by a failure
ABOUT = re.compile(r"\babout ([0-9]+)")


def sections(document):
    """{title: [block, ...]} of those that have blocks; a block is a list of lines."""
    found, title, block = {}, None, None
    for line in open(document, encoding="utf-8").read().splitlines():
        if line.startswith("## "):
            title = line[3:]
        if not line.startswith("    "):
            block = None
            continue
        if block is None:
            block = []
            found.setdefault(title, []).append(block)
        block.append(line[4:])
    return found


def commands(block):
    """Pairs of a command and what it prints."""
    if not block[0].startswith("$ "):
        return [("\n".join(block), "")]
    pairs = []
    for line in block:
        if line.startswith("$ "):
            pairs.append((line[2:], ""))
        elif not pairs[-1][1] and pairs[-1][0].endswith(("|", "\\")):
            pairs[-1] = (pairs[-1][0] + "\n" + line, "")
        else:
            pairs[-1] = (pairs[-1][0], pairs[-1][1] + line + "\n")
    return pairs


def same(wanted, said):
    if ABOUT.sub("about N", wanted) != ABOUT.sub("about N", said):
        return False
    pairs = zip(ABOUT.findall(wanted), ABOUT.findall(said))
    return all(abs(int(want) - int(got)) * 3 <= int(want) for want, got in pairs)


def type_in(pairs):
    """Runs them in one shell; the first that fails or says something else, or None."""
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "script")
        with open(script, "w", encoding="utf-8") as out:
            for i, (command, _) in enumerate(pairs):
                out.write(f"{{\n{command}\n}} >{folder}/{i} || exit\n")
        shell = subprocess.Popen(["bash", script], stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            status = shell.wait(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            status = f"none within {LIMIT_S} s"
        finally:
            try:
                os.killpg(shell.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        said = {int(name): open(os.path.join(folder, name), encoding="utf-8", errors="replace").read()
                for name in os.listdir(folder) if name.isdigit()}
    for i, (command, wanted) in enumerate(pairs):
        last = i == len(said) - 1
        if i not in said or (last and status != 0) or not same(wanted, said[i]):
            return f"$ {command}\nstatus {status}, said:\n{said.get(i)}not:\n{wanted}"
    return None


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # as an error, behind which what runs is ended
    document = sections(sys.argv[1])
    if len(sys.argv) == 2:
        print("\n".join(document))
        return 0
    pairs = [pair for block in document[sys.argv[2]] for pair in commands(block)]
    for replacement in sys.argv[3:]:
        old, _, new = replacement.partition("=")
        pairs = [(re.sub(old, new, command), re.sub(old, new, says)) for command, says in pairs]
    wrong = type_in(pairs)
    if wrong:
        print(wrong, file=sys.stderr)
        return 1
    print(f"{len(pairs)} commands")
    return 0


sys.exit(main())
