"""Instructions per payment, by valgrind's callgrind: the figure that no neighbour can change.

What 120,000 payments take less what 20,000 take, so that the start and most of the growing of the
table are out of it; of the common set also by function, which is where the time goes, stage by stage.
valgrind knows AVX2 and no AVX-512: a program that insists on that fails in it.
"""
import os
import re
import subprocess

import contenders
import datasets

FEW, MANY = 20_000, 120_000
LINE = re.compile(r"^ *([0-9,]+) \([ 0-9.]+%\)  (\S.*)$")
LEAST = 1.0  # instructions per payment that a function must take to be listed


def functions(annotated):
    """{function: instructions} of what callgrind_annotate prints."""
    found = {}
    for line in annotated.splitlines():
        match = LINE.match(line)
        if match and "PROGRAM TOTALS" not in line:
            name = match[2].rpartition(" [")[0] or match[2]  # the object's path aside
            name = name.replace("(anonymous namespace)", "{}").partition("(")[0]
            name = re.sub(r"^[^ ]*?:(?!:)", "", name).replace("{}::", "").replace("paystats::", "")
            found[name] = found.get(name, 0) + int(match[1].replace(",", ""))
    return found


def collected(command, out):
    """The instructions of one run by function, and in all under ""; None where valgrind cannot."""
    log = out + ".log"
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--log-file={log}", *command],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)
    with open(log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    total = re.search(r"Collected : (\d+)", text)
    if not total or re.search(r"SIGILL|[Uu]nrecognised instruction", text):
        return None
    annotated = subprocess.run(["callgrind_annotate", "--threshold=100", "--auto=no", out], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, check=False).stdout
    return functions(annotated) | {"": int(total[1])}


def per_payment(lab):
    if not contenders.found("valgrind"):
        return {"missing": "not installed: scripts/setup-bench", "rows": [], "stages": {}}
    rows, stages = [], {}
    for name in ("common", "one", "long", "escaped", "spaced", "fields", "bad"):
        data = datasets.ALL[name]
        files = {count: lab.data(data, count)[0] for count in (FEW, MANY)}
        row = {"set": name, "title": data.title, "bytes": os.path.getsize(files[MANY]) / MANY}
        for who, command in (("payagg", [f"{lab.bin}/payagg", "-q", "--jobs", "1"]),
                             ("scan", [f"{lab.bench_bin}/scan_floor"])):
            if os.path.exists(command[0]) and (who == "payagg" or data.shape == "plain"):
                lab.say(f"instructions: {who}, {data.title}")
                few, many = (collected([*command, files[count]], lab.path("callgrind")) for count in (FEW, MANY))
                row[who] = (many[""] - few[""]) / (MANY - FEW) if few and many else None
                if name == "common" and few and many:
                    each = {function: (count - few.get(function, 0)) / (MANY - FEW) for function, count in many.items()}
                    stages[who] = {function: count for function, count in each.items() if function and count >= LEAST}
        for path in files.values():
            lab.drop(path)
        rows.append(row)
    return {"rows": rows, "stages": stages}
