"""What is played with a fault in it: tools that run to their end. Each scenario has a name and a
function of a Bench, which raises Finding."""
import decimal
import json
import os

import log_oracle
from bench import Finding, Sent, check_log
from log_oracle import Batch

# What others wrote, each line in a way of its own; the last one ends in a space.
FOREIGN = (b'{"user":"old","paymentAmt":1.0}\n'
           b'\t{ "note" : "a" , "paymentAmt":"2.50", "user":"old" } \r\n'
           b'{"customer":"c1","amount":3}\n'
           b'{"time":"2026-11-29T08:00:00.000Z","idempotencyKey":"k","payments":'
           b'[{"user":"g1","paymentAmt":0.1,"volume":"3"},{"user":"g2","paymentAmt":1e2}]}\n'
           b' {"user":"spaces","paymentAmt":7} \n')
TAILS = {
    "new": None,
    "spaces": b"",
    "whole-tail": b'{"user":"old","paymentAmt":4}',
    "foreign-tail": b'{"customer":"c2","amount":4}',
    "torn-tail": b'{"user":"torn","paymentAm',
    # Its sectors and those of what is written in its place could make a line that nobody wrote.
    "long-tail": b'{"user":"torn' + b"n" * 600,
    "nul-tail": b'{"user":"torn","pay' + bytes(600) + b'"x":1',
}
BATCHES = (Batch("b1", decimal.Decimal("1.25"), 7), Batch("b2", decimal.Decimal("3"), 2000),
           Batch("b3", decimal.Decimal("0.01"), 1))


def batch_lines(batches):
    return "".join(json.dumps({"user": user, "paymentAmt": str(amount), "volume": volume}) + "\n"
                   for user, amount, volume in batches).encode()


def old_log(bench, tail):
    """The log that the tools find, and what stands in it."""
    if TAILS[tail] is None:
        return bench.path("log"), b""
    before = FOREIGN + TAILS[tail]
    return bench.put("log", before), before


def send(sent, batches, promised):
    for batch in batches:
        number = sent.add([batch])
        if promised:
            sent.promised.add(number)


def paygen_log(tail):
    """Batches into a log that ends in such a way."""
    def play(bench):
        log, before = old_log(bench, tail)
        run = bench.tool("paygen", "-o", log, stdin=batch_lines(BATCHES))
        bench.judge_ending("paygen", run)
        sent = Sent()
        send(sent, BATCHES, run.status == 0)
        check_log(bench, "log", before, sent)
    return play


def paygen_adopted(bench):
    """Batches into a log that the shell opened: `paygen >> LOG`."""
    log, before = old_log(bench, "torn-tail")
    with open(log, "ab") as file:
        run = bench.tool("paygen", stdin=batch_lines(BATCHES), stdout=file)
    bench.judge_ending("paygen", run)
    sent = Sent()
    send(sent, BATCHES, run.status == 0)
    check_log(bench, "log", before, sent)


def paygen_random(bench):
    """A random workload into a log, and the totals of it into another file."""
    log, before = old_log(bench, "spaces")
    bench.put("expect", b"as before\n")
    run = bench.tool("paygen", "--random", "4000", "--users", "50", "--seed", "5", "-o", log,
                     "--expect", bench.path("expect"))
    bench.judge_ending("paygen", run)
    expect = bench.get("expect")
    totals = log_oracle.read_log(bench.get("log")).totals()
    for user in log_oracle.read_log(before).totals():
        totals.pop(user, None)
    count = sum(count for _, count in totals.values())
    if run.status == 0 and count != 4000:
        raise Finding(f"{count} of 4000 payments are there")
    if run.status == 0 or expect != b"as before\n":
        if log_oracle.stats_totals(expect) != totals:
            raise Finding("--expect differs from the log")
    if not bench.get("log").startswith(before):
        raise Finding("lost: whole lines")


def paygen_stdout(bench):
    """Payments into a pipe."""
    run = bench.tool("paygen", stdin=batch_lines(BATCHES))
    bench.judge_ending("paygen", run)
    if run.status == 0:
        sent = Sent()
        send(sent, BATCHES, True)
        sent.check(log_oracle.read_log(run.out).totals())


def some_payments(count):
    """Lines for payagg: payments, batches, and what is neither."""
    lines = [FOREIGN]
    for i in range(count):
        volume = b"" if i % 3 else b',"volume":%d' % (i % 11 + 1)
        lines.append(b'{"user":"u%d","paymentAmt":%d.%02d%s}\n' % (i % 97, i % 1000, i % 100, volume))
    lines.append(b"no payment\n" * 3)
    return b"".join(lines)


PAYMENTS = some_payments(3000)


def check_totals(bench, run, out):
    """A status that says that all was read goes with exact totals."""
    read = log_oracle.read_log(PAYMENTS)
    bench.judge_ending("payagg", run, normal=1 if read.rejected else 0)
    if run.status in (0, 1) and log_oracle.stats_totals(out) != read.totals():
        raise Finding(f"payagg: status {run.status}, and its totals differ from the oracle")


def payagg_file(*options):
    """Of a file to a pipe."""
    def play(bench):
        run = bench.tool("payagg", *options, bench.put("payments", PAYMENTS))
        check_totals(bench, run, run.out)
    return play


def payagg_stdin(bench):
    """Of a pipe to a pipe."""
    run = bench.tool("payagg", stdin=PAYMENTS)
    check_totals(bench, run, run.out)


def payagg_files(bench):
    """Of a file into a file that is replaced, with rejects and metrics in files of their own."""
    before = b'{"user":"before","sum":1.00,"count":1}\n'
    bench.put("totals", before)
    run = bench.tool("payagg", bench.put("payments", PAYMENTS), "-o", bench.path("totals"),
                     "--rejects", bench.path("rejects"), "--metrics", bench.path("metrics"))
    totals = bench.get("totals")
    if run.status in (0, 1) or totals != before:
        if log_oracle.stats_totals(totals) != log_oracle.read_log(PAYMENTS).totals():
            raise Finding(f"payagg: status {run.status}, and the file of totals is not whole")
    check_totals(bench, run, totals)
    # An empty line is nothing: it comes first where it cannot be seen how the file ends.
    rejects = sum(1 for line in bench.get("rejects").splitlines() if line)
    if run.status in (0, 1) and rejects != log_oracle.read_log(PAYMENTS).rejected:
        raise Finding(f"payagg: status {run.status}, and {rejects} rejects in their file")
    left = [name for name in os.listdir(bench.folder) if name.startswith(".")]
    if left and run.status == 0:
        raise Finding(f"payagg: a temporary file is left: {left[0]}")


STATS = "".join(f'{{"user":"s{i}","sum":{i % 50}.25,"count":{i + 1}}}\n' for i in range(900)).encode()


def payagg_merge(bench):
    """Two files of stats, added up."""
    run = bench.tool("payagg", "--merge", bench.put("one", STATS), bench.put("two", STATS))
    bench.judge_ending("payagg", run)
    doubled = {user: (total * 2, count * 2)
               for user, (total, count) in log_oracle.stats_totals(STATS).items()}
    if run.status == 0 and log_oracle.stats_totals(run.out) != doubled:
        raise Finding("payagg --merge: status 0, and its totals are not the two sums")


def cache_top(*options):
    """The first users of a file, as stats lines."""
    def play(bench):
        before = b"as before\n"
        bench.put("top", before)
        argv = [bench.path(option) if option == "top" else option for option in options]
        run = bench.tool("paystats-cache", bench.put("stats", STATS), "--top", "300", *argv)
        bench.judge_ending("paystats-cache", run)
        out = bench.get("top") if argv else run.out
        rows = sorted(log_oracle.stats_totals(STATS).items(),
                      key=lambda row: (-row[1][0], row[0].encode()))[:300]
        right = dict(rows)
        if run.status == 0 or (argv and out != before):
            if log_oracle.stats_totals(out) != right:
                raise Finding(f"paystats-cache --top: status {run.status}, and the list is not whole")
    return play


def cache_document(bench):
    """A socket in place of a document: that is refused, and the document stays."""
    path = bench.put("document", STATS)
    run = bench.tool("paystats-cache", "--socket", path, "--hold", bench.put("stats", STATS))
    bench.judge_ending("paystats-cache", run, normal=2)
    if bench.get("document") != STATS:
        raise Finding("paystats-cache: the document has gone")


SCENARIOS = {
    **{f"paygen-log-{tail}": paygen_log(tail) for tail in TAILS},
    "paygen-adopted": paygen_adopted,
    "paygen-random": paygen_random,
    "paygen-stdout": paygen_stdout,
    "payagg-file": payagg_file("--jobs", "1"),
    "payagg-jobs": payagg_file("--jobs", "2"),
    "payagg-stdin": payagg_stdin,
    "payagg-files": payagg_files,
    "payagg-merge": payagg_merge,
    "cache-document": cache_document,
    "cache-top": cache_top(),
    "cache-top-file": cache_top("-o", "top"),
}
