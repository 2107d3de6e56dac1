"""The results as Markdown. All figures are medians over the rounds; goals stand beside the figures and
are no verdict."""
from measure import median

LESS = 0.0005


def number(value, digits=2):
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.{digits}f}" if value >= 1 or value < LESS else f"{value:.{max(digits, 3)}f}"


def table(head, rows, left=1):
    """A Markdown table; the first `left` columns, goals and answers are words, the rest figures."""
    rules = ["---" if place < left or name in ("goal", "answer") else "---:" for place, name in enumerate(head)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rules, *rows))


def per_million(row, what="walls"):
    taken = median(row[what])
    return taken / row["payments"] * 1e6 if taken is not None else None


def find(result, family, threads=None, what="walls"):
    """The fastest of a family, with so many threads, whose answer is right, or else the fastest; None
    where there is none."""
    rows = [row for row in result["rows"] if row["family"] == family and row["walls"]
            and (threads is None or row["threads"] == threads)]
    return min(rows, key=lambda row: (row["answer"].startswith("wrong"), per_million(row, what)), default=None)


def title_of(row):
    return row["name"] + {0: "", 1: ", 1 thread" if row["family"] != "payagg" else ", 1 job"}.get(
        row["threads"], f", {row['threads']} threads" if row["family"] != "payagg" else f", {row['threads']} jobs")


def of_set(result):
    """Everyone on one data set."""
    base = {threads: find(result, "payagg", threads) for threads in {row["threads"] for row in result["rows"]}}
    one_job = find(result, "payagg", 1)
    rows = []
    for row in result["rows"]:
        yardstick = base.get(row["threads"]) or one_job
        ratio = per_million(row) / per_million(yardstick) if row["walls"] and yardstick else None
        rows.append([title_of(row), f"{row['payments'] / 1e6:,.6g}", number(median(row["walls"])),
                     number(per_million(row), 3), number(ratio) + (" x" if ratio else ""), number(median(row["cpus"])),
                     number(median(row["peaks"]), 0), row["answer"]])
    head = ["who", "payments, M", "wall, s", "s per M", "to payagg", "CPU, s", "peak, MB", "answer"]
    return (f"### {result['title'][0].upper()}{result['title'][1:]}\n\n{result['payments']:,} payments, "
            f"{result['bytes'] / 1e6:,.0f} MB, {result['users']:,} users; payagg's totals: {result['audit']}.\n\n"
            + table(head, rows))


def times(result, family, threads, yardstick, what):
    row = find(result, family, threads, what)
    if row is None or yardstick is None:
        reason = next((r["answer"].partition(":")[0] for r in result["rows"] if r["family"] == family), "–")
        return reason or "–"
    mark = " (wrong)" if row["answer"].startswith("wrong") else ""
    return f"{number(per_million(row, what) / per_million(yardstick, what), 1)} x{mark}"


def summary(results, threads, families, what="walls"):
    """How many times payagg's time (or CPU time: "cpus") the others take, a line for each set."""
    rows = []
    for result in results:
        payagg = find(result, "payagg", threads, what)
        row = [result["title"], number(per_million(payagg, what), 3) if payagg else "–"]
        row += [times(result, family, threads if engine else 0, payagg, what) for family, engine in families]
        row.append(f"DuckDB {result['goal']:g} x or more, none under 1 x")
        if threads == 1:
            scan = find(result, "scan", 0, what)
            ratio = number(per_million(payagg, what) / per_million(scan, what)) if scan and payagg else None
            row.append(f"{ratio} x (at most 1.3)" if ratio else "–")
        rows.append(row)
    head = ["payments", "payagg, s per M", *(family for family, _ in families), "goal"]
    return table(head + (["payagg to a bare scan and add (goal)"] if threads == 1 else []), rows)


ENGINES = [("DuckDB", True), ("ClickHouse", True), ("Polars", True)]
SLOW = [("mawk", False), ("Miller", False), ("jq", False)]


def files(results, cores):
    """The part `files`: first the ratios, then all there is."""
    text = ["## Files: the sum and count of each user\n",
            "How many times as long as payagg, on one core:\n", summary(results, 1, ENGINES + SLOW),
            "\nThe same by CPU time, user and system, which neighbours disturb less:\n",
            summary(results, 1, ENGINES + SLOW, "cpus")]
    if cores > 1:
        text += [f"\nOn all {cores} cores, payagg with as many jobs:\n", summary(results, cores, ENGINES)]
    text.append(
        "\nOf DuckDB the faster of DECIMAL and DOUBLE counts. The time of DuckDB, ClickHouse and Polars is that of "
        "the query alone, inside their process, their start left out; that of the others, payagg too, is from the start "
        "of the process to its end. Their memory is that of the whole process, Python included. All write the totals "
        "to a file, in any order; payagg alone sorts them. *exact*: each sum is right to the last digit; *rounded*: "
        "within 1e-6 (binary doubles). Who has fewer payments than the set got the longest prefix that fits 20 s "
        "(5 s beside the first set) and 4 GB, once.\n")
    text.append(memory(results))
    return "\n".join(text + [of_set(result) + "\n" for result in results])


def name_bytes(users):
    """Of user1 to userN on average."""
    digits, low = 0, 1
    while low <= users:
        digits += (min(users, low * 10 - 1) - low + 1) * len(str(low))
        low *= 10
    return len("user") + digits / users


def memory(results):
    """Bytes that a user takes: the peak with very many users less that with one."""
    peaks = {result["set"]: median((find(result, "payagg", 1) or {"peaks": []})["peaks"]) for result in results}
    many = next((result for result in results if result["set"] == "distinct"), None)
    if peaks.get("one") is None or peaks.get("distinct") is None or many["users"] < 1e6:
        return ""
    each = (peaks["distinct"] - peaks["one"]) * (1 << 20) / many["users"]
    name = name_bytes(many["users"])
    return (f"One job takes {each:.0f} bytes a user, names of {name:.1f} bytes on average among them "
            f"(goal: {64 + name:.0f}), at its peak, when {many['users']:,} users are put in order.\n")


def growth(result):
    rows, first = [], None
    for row in result["rows"]:
        wall, cpu, peak = (median(row[key]) for key in ("walls", "cpus", "peaks"))
        first = first or (wall, peak)
        rows.append([f"{row['times']} x {result['payments']:,}", number(wall), number(wall / first[0]), number(cpu),
                     number(peak, 1), row["times"]])
    return ("## Twice the input, the same users\n\n" + table(
        ["payments", "wall, s", "to the first", "CPU, s", "peak, MB", "goal: time to the first"], rows)
        + "\n\nGoal for the memory: the same in each line.\n")


def instructions(result):
    if result.get("missing"):
        return f"## Instructions per payment\n\n{result['missing']}\n"
    rows = [[row["title"], number(row["bytes"], 1), number(row.get("payagg"), 1), number(row.get("scan"), 1)]
            for row in result["rows"]]
    stages = sorted(result["stages"].get("payagg", {}).items(), key=lambda stage: -stage[1])
    listed = table(["payagg on the first of these sets, by function", "instructions"],
                   [[f"`{function[:60]}`", number(count, 1)] for function, count in stages])
    return ("## Instructions per payment (callgrind)\n\n"
            + table(["payments", "bytes each", "payagg, one job", "bare scan and add"], rows) + "\n"
            + (f"\n{listed}\n" if stages else ""))


def pipes(result):
    rows = []
    for row in result["rows"]:
        ours, bare = median(row["ours_s"]), median(row["bare_s"])
        rows.append([f"`{row['ours']}`".replace("|", "\\|"), f"`{row['bare']}`".replace("|", "\\|"), number(ours),
                     number(bare), f"{number(ours / bare)} x", row["goal"], number(median(row["ours_cpu"])),
                     number(median(row["bare_cpu"]))])
    failed = "".join(f"\n{row['failed']}\n" for row in result["rows"] if row.get("failed"))
    return (f"## Pipes\n\n{result['payments']:,} payments.\n\n" + table(
        ["ours", "beside", "ours, s", "beside, s", "ratio", "goal", "CPU of ours, s", "CPU beside, s"], rows, left=2)
        + "\n" + failed)
