#!/usr/bin/env python3
"""Judges what payagg says next to the offsets that it commits, and in its totals, from outside: sums by
Python's decimal over the records of the topic, hashes by libxxhash.

  signatures.py offsets ID OUTPUT COMMITTED PAYMENTS STATS   ID: the transactional id, or '' at least once
  signatures.py sources GROUP TOPIC PAYMENTS STATS

COMMITTED: lines of scripts/kafka-topics committed GROUP --metadata. PAYMENTS and STATS: lines of kcat
-f '%p\\t%o\\t%T\\t%S\\t%h\\t%k\\t%s\\n'. Prints the cluster's id, which both know.
"""
import ctypes
import decimal
import json
import struct
import sys

decimal.getcontext().prec = 100
xxhash = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
xxhash.restype = ctypes.c_uint64
xxhash.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def hashed(data):
    return f"{xxhash(data, len(data)):016x}"


DEFAULT_OPTIONS = hashed(b'{"user":"user","amount":"paymentAmt","volume":"volume"}')


def messages(path):
    """{partition: [(offset, timestamp, value or None, header, key)...]}"""
    found = {}
    with open(path, "rb") as file:
        for line in file.read().split(b"\n")[:-1]:
            partition, offset, time, size, header, key, value = line.split(b"\t", 6)
            found.setdefault(int(partition), []).append(
                (int(offset), int(time), None if int(size) < 0 else value, header.decode(), key))
    return {partition: sorted(rows, key=lambda row: row[0]) for partition, rows in found.items()}


def table(rows):
    """[users, count, sum] of the records of a partition."""
    newest = {}
    for _, _, value, _, key in rows:
        if value is None:
            newest.pop(key, None)
            continue
        record = json.loads(value, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
        if key not in newest or newest[key]["offset"] <= record["offset"]:
            newest[key] = record
    return [len(newest), sum(record["count"] for record in newest.values()),
            sum((record["sum"] for record in newest.values()), decimal.Decimal(0))]


def offsets(transactional_id, output, committed, payments, stats):
    paid, totals, clusters = messages(payments), messages(stats), set()
    rows = [line.split(" ", 3) for line in open(committed, encoding="utf-8").read().splitlines()]
    assert rows, "nothing is committed"
    for _, partition, offset, metadata in rows:
        partition, offset, metadata = int(partition), int(offset), json.loads(metadata)
        assert len(metadata.encode()) <= 1024, metadata
        first, _, second = metadata.partition("\n")
        assert first == transactional_id, metadata
        assert second.startswith("v1 {") and "\n" not in second, metadata
        signature = json.loads(second[3:])
        said = [signature["users"], int(signature["count"]), decimal.Decimal(signature["sum"])]
        assert said == table(totals.get(partition, [])), (partition, said, table(totals.get(partition, [])))
        read = [row for row in paid.get(partition, []) if row[0] < offset]
        if read:
            want = dict(zip(("offset", "timestamp", "hash"), mark(read[-1])))
            assert signature["last"] == want, (partition, signature["last"], want)
        else:
            assert "last" not in signature, metadata
        assert signature["options"] == DEFAULT_OPTIONS, metadata
        assert signature["output"] == output, metadata
        clusters.add(signature["cluster"])
    return clusters


def mark(row):
    """What a message is known again by."""
    offset, time, value, _, key = row
    body = struct.pack("<I", len(key)) + key + (b"\0" if value is None else b"\1" + value)
    return str(offset), str(time), hashed(body)


def sources(group, topic, payments, stats):
    marks = {partition: {" ".join(mark(row)) for row in rows} for partition, rows in messages(payments).items()}
    clusters = set()
    for partition, rows in messages(stats).items():
        for _, _, value, header, _ in rows:
            if value is None:
                continue
            assert header.startswith("src={"), header
            source = json.loads(header[4:])
            clusters.add(source.pop("cluster"))
            # In the first parts of a first publication nothing has been committed yet.
            said = source.pop("last", None)
            assert said is None or said in marks[partition], (partition, said)
            assert source == {"topic": topic, "partition": partition, "group": group,
                              "options": DEFAULT_OPTIONS}, source
    return clusters


def main():
    found = {"offsets": offsets, "sources": sources}[sys.argv[1]](*sys.argv[2:])
    assert len(found) == 1, found
    print(found.pop())


main()
