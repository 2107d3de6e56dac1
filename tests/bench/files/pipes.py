"""The part `pipes`: the tools in pipes beside cat in the same pipes.

Each row is a pipe of ours and a bare one that moves the same bytes; the ratio is of wall times in one
run, rounds in turn.
"""
import datasets
import measure


def measure_pipes(lab):
    path, _ = lab.data(datasets.ALL["common"])
    payments = datasets.ALL["common"].payments(lab.most)
    paygen = [f"{lab.bin}/paygen", "--random", payments, "--users", datasets.USERS, "--seed", lab.seed]
    payagg, cat = [f"{lab.bin}/payagg", "-q"], ["cat"]
    pairs = [
        ("cat FILE | payagg", [["cat", path], payagg],
         "cat FILE | cat > /dev/null", [["cat", path], cat], "at most 1.5"),
        ("paygen | payagg | paystats-cache --top 10", [paygen, payagg, [f"{lab.bin}/paystats-cache", "--top", 10]],
         "cat FILE | cat | cat > /dev/null", [["cat", path], cat, cat], "limited by the pipe"),
        ("paygen > /dev/null", [paygen],
         "payagg FILE, one job", [[*payagg, "--jobs", 1, path]], "at most 1"),
    ]
    rows = [{"ours": ours, "bare": bare, "goal": goal, "ours_s": [], "bare_s": [], "ours_cpu": [], "bare_cpu": []}
            for ours, _, bare, _, goal in pairs]
    for number in range(lab.rounds):
        lab.say(f"pipes: round {number + 1} of {lab.rounds}")
        for row, (_, ours, _, bare, _) in zip(rows, pairs):
            for who, commands in (("bare", bare), ("ours", ours)):
                taken = measure.chain(commands)
                if taken.status != 0:
                    row["failed"] = f"{row[who]}: status {taken.status}: {taken.said}".strip()
                row[f"{who}_s"].append(taken.wall_s)
                row[f"{who}_cpu"].append(taken.cpu_s)
    lab.drop(path)
    return {"payments": payments, "rounds": lab.rounds, "seed": lab.seed, "rows": rows}
