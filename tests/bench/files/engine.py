#!/usr/bin/env python3
"""Sums payments by one of the engines, in a Python that has it (scripts/setup-bench):

    engine.py duckdb|clickhouse|polars FILE OUT --threads N [--decimal] [--bad]
    engine.py versions

Writes the totals to OUT as JSON lines and prints one line of JSON: query_s and cpu_s are those of
the query alone, from the open engine to the closed file; start_s is what came before it. Each has
the names and types of the columns, so that none has to guess; with --bad it is told to pass over
what is no payment.
"""
import argparse
import json
import os
import resource
import time

BEGAN = time.perf_counter()
DECIMAL = "DECIMAL(18,2)"


def duckdb(arguments):
    import duckdb as engine
    connection = engine.connect()
    connection.execute(f"SET threads={arguments.threads}")
    connection.execute("SET preserve_insertion_order=false")
    amount = DECIMAL if arguments.decimal else "DOUBLE"
    bad = ", ignore_errors=true" if arguments.bad else ""
    where = 'WHERE "user" IS NOT NULL AND paymentAmt IS NOT NULL' if arguments.bad else ""
    return lambda: connection.execute(
        f"""COPY (SELECT "user", sum(paymentAmt) AS sum, count(*) AS count
        FROM read_json('{arguments.file}', format='newline_delimited',
                       columns={{user: 'VARCHAR', paymentAmt: '{amount}'}}{bad})
        {where} GROUP BY "user") TO '{arguments.out}' (FORMAT json)""")


def clickhouse(arguments):
    import chdb as engine
    rows = f"SELECT user, paymentAmt FROM file('{arguments.file}', JSONEachRow, 'user String, paymentAmt Float64')"
    if arguments.bad:
        # input_format_allow_errors_num loses good lines behind a bad one.
        rows = f"""SELECT JSONExtractString(line, 'user') AS user,
            assumeNotNull(JSONExtract(line, 'paymentAmt', 'Nullable(Float64)') AS amount) AS paymentAmt
            FROM file('{arguments.file}', LineAsString, 'line String') WHERE amount IS NOT NULL"""
    engine.query("SELECT 1")
    return lambda: engine.query(
        f"""SELECT user, sum(paymentAmt) AS sum, count() AS count FROM ({rows})
        GROUP BY user INTO OUTFILE '{arguments.out}' TRUNCATE FORMAT JSONEachRow
        SETTINGS max_threads={arguments.threads}, input_format_skip_unknown_fields=1""")


def polars(arguments):
    os.environ["POLARS_MAX_THREADS"] = str(arguments.threads)
    import polars as engine
    if arguments.bad:
        # scan_ndjson's ignore_errors takes another type, and fails at a line that is no JSON.
        line = engine.col("line").str
        rows = engine.scan_csv(arguments.file, has_header=False, separator="\x01", quote_char=None,
                               schema={"line": engine.String})
        rows = rows.select(line.json_path_match("$.user").alias("user"),
                           line.json_path_match("$.paymentAmt").cast(engine.Float64, strict=False).alias("paymentAmt"))
        rows = rows.filter(engine.col("user").is_not_null() & engine.col("paymentAmt").is_not_null())
    else:
        rows = engine.scan_ndjson(arguments.file, schema={"user": engine.String, "paymentAmt": engine.Float64})
    totals = rows.group_by("user").agg(engine.col("paymentAmt").sum().alias("sum"), engine.len().alias("count"))
    return lambda: totals.sink_ndjson(arguments.out)


def versions():
    import importlib.metadata
    return {name: importlib.metadata.version(name) for name in ("duckdb", "chdb", "polars")}


def cpu_s():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine", choices=["duckdb", "clickhouse", "polars", "versions"])
    parser.add_argument("file", nargs="?")
    parser.add_argument("out", nargs="?")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--decimal", action="store_true")
    parser.add_argument("--bad", action="store_true")
    arguments = parser.parse_args()
    if arguments.engine == "versions":
        print(json.dumps(versions()))
        return
    query = {"duckdb": duckdb, "clickhouse": clickhouse, "polars": polars}[arguments.engine](arguments)
    began, cpu = time.perf_counter(), cpu_s()
    query()
    print(json.dumps({"query_s": time.perf_counter() - began, "cpu_s": cpu_s() - cpu, "start_s": began - BEGAN}))


main()
