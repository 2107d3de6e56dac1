"""Instructions per payment, by valgrind's callgrind: the figure that no neighbour can change.

What 120,000 payments take less what 20,000 take, so that the start and most of the growing of the
table are out of it. valgrind knows AVX2 and no AVX-512: a program that insists on that fails in it.
"""
import os
import re
import subprocess

import contenders
import datasets

FEW, MANY = 20_000, 120_000


def collected(command, log):
    subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={log}", *command],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)
    with open(log, encoding="utf-8", errors="replace") as file:
        found = re.search(r"Collected : (\d+)", text := file.read())
    if not found or re.search(r"Illegal|SIGILL|unrecognised instruction", text):
        return None
    return int(found[1])


def per_payment(lab):
    if not contenders.found("valgrind"):
        return {"missing": "not installed: scripts/setup-bench", "rows": []}
    rows = []
    for name in ("common", "one", "long", "escaped", "spaced", "fields"):
        data = datasets.ALL[name]
        files = {count: lab.data(data, count)[0] for count in (FEW, MANY)}
        row = {"set": name, "title": data.title}
        for who, command in (("payagg", [f"{lab.bin}/payagg", "-q", "--jobs", "1"]),
                             ("scan", [f"{lab.bench_bin}/scan_floor"])):
            if os.path.exists(command[0]) and (who == "payagg" or name in ("common", "one")):
                lab.say(f"instructions: {who}, {data.title}")
                few, many = (collected([*command, files[count]], lab.path("callgrind")) for count in (FEW, MANY))
                row[who] = (many - few) / (MANY - FEW) if few and many else None
        for path in files.values():
            row["bytes"] = os.path.getsize(path) / MANY if path == files[MANY] else 0
            lab.drop(path)
        rows.append(row)
    return {"rows": rows}
