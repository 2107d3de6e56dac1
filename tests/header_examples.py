#!/usr/bin/env python3
"""Compiles the examples that headers open with, so that they stay true.

  header_examples.py COMPILER     each example of EXAMPLES, in a function that has what it borrows

An example is the first block of lines "//   ..." of its header. Exit 1 if one does not compile.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# {header: what its example takes from around it}
EXAMPLES = {
    "base/metrics_text.h": "",
    "base/progress.h": "Diagnostics& diagnostics, const Clock& clock, Verbosity verbosity,"
                       " uint64_t records, uint64_t bytes_done, uint64_t bytes_all",
    "cache/stats_feed.h": "loop::EventLoop& loop, std::unique_ptr<io::Source>& source,"
                          " io::RejectLog& rejects, const base::Clock& clock,"
                          " base::Progress& progress, bool& ready, base::Result<void>& end,"
                          " base::Result<void> (*apply)(StatsBatch&)",
}


def example(header):
    with open(f"{ROOT}/lib/{header}", encoding="utf-8") as file:
        block = re.search(r"(?:^//   .*\n)+", file.read(), re.M)
    return re.sub("^//", "", block[0], flags=re.M)


def compiles(compiler, header, borrowed):
    room = header.split("/")[0]
    text = (f'#include "{header}"\nnamespace paystats::{room} {{\n'
            f"auto example({borrowed}) {{\n{example(header)}}}\n}}\n")
    command = [compiler, "-std=c++20", "-fsyntax-only", f"-I{ROOT}/lib", "-x", "c++", "-"]
    run = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if run.returncode:
        print(f"lib/{header}: the example does not compile:\n{text}{run.stderr}")
    return run.returncode == 0


results = [compiles(sys.argv[1], *entry) for entry in EXAMPLES.items()]
sys.exit(0 if all(results) else 1)
