"""Who sums the payments, each in his own best way, and the floors that nobody goes below.

A contender writes the total of each user to a file, in any order; payagg alone sorts them. Floors
write nothing but what they counted. `cannot` says of a data set why a contender has no answer to it: a reason for the table.
"""
import dataclasses
import json
import os
import shutil
import subprocess

import measure

HERE = os.path.dirname(os.path.abspath(__file__))

# Splits at quotes, so it knows nothing of JSON: right as long as no name has a quote or an escape.
MAWK = r'''
{ user = ""; amount = ""
  for (i = 2; i < NF; i += 2) {
    if ($i == "user") { user = $(i + 2); i += 2 }
    else if ($i == "paymentAmt") { amount = $(i + 1); gsub(/[^0-9.eE+-]/, "", amount) } }
  sum[user] += amount; count[user]++ }
END { for (user in sum) printf "{\"user\":\"%s\",\"sum\":%.15g,\"count\":%d}\n", user, sum[user], count[user] }'''
# The usual {"user":"…","paymentAmt":…} needs no loop.
MAWK_PLAIN = r'''
{ sum[$4] += substr($7, 2); count[$4]++ }
END { for (user in sum) printf "{\"user\":\"%s\",\"sum\":%.15g,\"count\":%d}\n", user, sum[user], count[user] }'''
# group_by: a reduce copies the object at each payment in jq 1.6.
JQ = "group_by(.user)[] | {user: .[0].user, sum: (map(.paymentAmt) | add), count: length}"
JQ_BAD = ("[inputs | fromjson? | select((.user | type) == \"string\" and (.paymentAmt | type) == \"number\")] | " + JQ)


@dataclasses.dataclass
class Contender:
    name: str
    threads: int  # 0: not a matter of threads
    command: object  # (file, out, data set) -> argv
    family: str  # whose answers these are, and where they stand in the summary
    cannot: dict = dataclasses.field(default_factory=dict)  # shape -> reason
    engine: bool = False  # reports its query's own time
    floor: bool = False
    slow: bool = False  # is given a prefix of the set
    statuses: tuple = (0,)
    missing: str = ""

    def run(self, file, out, data, limit_s):
        """measure.Taken; for an engine wall and CPU are those of the query, and `start_s` is set."""
        if not self.engine:
            sink = None if self.family == "cat" else out
            return measure.run(self.command(file, out, data), sink, limit_s)
        taken = measure.run(self.command(file, out, data), out + ".said", limit_s)
        if taken.status == 0:
            with open(out + ".said", encoding="utf-8") as said:
                report = json.loads(said.read().splitlines()[-1])
            taken.wall_s, taken.cpu_s = report["query_s"], report["cpu_s"]
        return taken


def found(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin") or ""


def everyone(bin_dir, bench_dir, venv_python, cores):
    """All contenders, the ones that are not there with the reason in `missing`."""
    def payagg(jobs):
        return lambda file, out, data: [f"{bin_dir}/payagg", "-q", "--jobs", jobs, file]

    def engine(name, threads, *options):
        return lambda file, out, data: ([venv_python, f"{HERE}/engine.py", name, file, out, "--threads", threads,
                                         *options] + (["--bad"] if data.shape == "bad" else []))

    def mawk(file, _out, data):
        return ["mawk", "-F", '"', MAWK_PLAIN if data.shape in ("plain", "long") else MAWK, file]

    def jq(file, _out, data):
        return ["jq", "-cnR", JQ_BAD, file] if data.shape == "bad" else ["jq", "-cs", JQ, file]

    def miller(file, _out, _data):
        return ["mlr", "--ijsonl", "--ojsonl", "stats1", "-a", "sum,count", "-f", "paymentAmt", "-g", "user", file]

    def scan_floor(file, _out, _data):
        return [f"{bench_dir}/scan_floor", file]

    no_engine = "" if os.path.exists(venv_python) else "not installed: scripts/setup-bench"
    no_scan = {shape: "plain shape only" for shape in ("long", "escaped", "mixed", "bad")}

    def tool(name):
        return "" if found(name) else "not installed: scripts/setup-bench"

    everybody = [
        Contender("payagg", 1, payagg(1), "payagg", statuses=(0, 1)),
        Contender("payagg", cores, payagg(cores), "payagg", statuses=(0, 1)),
    ]
    for threads in (1, cores):
        everybody += [
            Contender("DuckDB, DOUBLE", threads, engine("duckdb", threads), "DuckDB", engine=True, missing=no_engine),
            Contender("DuckDB, DECIMAL", threads, engine("duckdb", threads, "--decimal"), "DuckDB", engine=True,
                      missing=no_engine),
            Contender("ClickHouse (chdb)", threads, engine("clickhouse", threads), "ClickHouse", engine=True,
                      missing=no_engine),
            Contender("Polars", threads, engine("polars", threads), "Polars", engine=True, missing=no_engine),
        ]
    everybody += [
        Contender("mawk", 0, mawk, "mawk", {"escaped": "no JSON"}, slow=True, missing=tool("mawk")),
        Contender("Miller", 0, miller, "Miller", {"bad": "stops at a bad line"}, slow=True, missing=tool("mlr")),
        Contender("jq", 0, jq, "jq", slow=True, missing=tool("jq")),
        Contender("cat FILE > /dev/null", 0, lambda file, out, data: ["cat", file], "cat", floor=True),
        Contender("wc -l", 0, lambda file, out, data: ["wc", "-l", file], "wc", floor=True),
        Contender("bare scan and add", 0, scan_floor, "scan", no_scan, floor=True,
                  missing="" if os.path.exists(f"{bench_dir}/scan_floor") else "not built"),
    ]
    # One core: as many threads as one is no second contender.
    seen, distinct = set(), []
    for one in everybody:
        if (one.name, one.threads) not in seen:
            seen.add((one.name, one.threads))
            distinct.append(one)
    return distinct


def versions(bin_dir, venv_python):
    """{name: version} of whatever is there."""
    def first_line(argv):
        try:
            ran = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            return ((ran.stdout or ran.stderr).splitlines() or ["?"])[0].strip()
        except OSError:
            return "not installed"
    told = {"payagg": first_line([f"{bin_dir}/payagg", "--version"])}
    if os.path.exists(venv_python):
        engines = json.loads(first_line([venv_python, f"{HERE}/engine.py", "versions"]))
        told |= {"DuckDB": engines["duckdb"], "ClickHouse (chdb)": engines["chdb"], "Polars": engines["polars"]}
    told["Miller"] = first_line(["mlr", "--version"])
    told["mawk"] = first_line(["mawk", "-W", "version"])
    told["jq"] = first_line(["jq", "--version"])
    told["nginx"] = first_line([found("nginx") or "nginx", "-v"]).replace("nginx version: ", "")
    told["wrk"] = first_line(["wrk", "--version"]).partition(" [")[0].removeprefix("wrk ")
    told["valgrind"] = first_line(["valgrind", "--version"])
    return {name: version.removeprefix(name + " ").removeprefix("mlr ") for name, version in told.items()}


def machine():
    """One line about what this runs on."""
    model = "an unknown CPU"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith(("model name", "Model", "Hardware")):
                model = line.partition(":")[2].strip()
                break
    with open("/proc/meminfo", encoding="ascii") as file:
        memory_gb = int(file.readline().split()[1]) / (1 << 20)
    system = os.uname()
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {memory_gb:.0f} GB, {system.machine}, Linux {system.release}"
