"""What the tortures of the durable log and of the pipeline on Kafka share: waits that have a limit,
exact sums, and questions to a running cache."""
import collections
import decimal
import json
import socket
import time

LIMIT_S = 20  # for anything that is waited for, unless told otherwise


class Difference(Exception):
    """The result is not what it must be."""


def wait_for(condition, what, limit_s=LIMIT_S, interval_s=0.002):
    """Waits until condition() is true, or fails after the limit."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Difference(f"waited {limit_s} s in vain for {what}")
        time.sleep(interval_s)


def parse(line):
    """A JSON line whose numbers are exact."""
    return json.loads(line, parse_float=decimal.Decimal, parse_int=decimal.Decimal)


def totals_of(lines):
    """{user: (sum, count)} of payments and batches, by decimal."""
    totals = collections.defaultdict(lambda: [decimal.Decimal(0), 0])
    for line in lines:
        record = parse(line)
        entry = totals[record["user"]]
        volume = int(record.get("volume", 1))
        entry[0] += record["paymentAmt"] * volume
        entry[1] += volume
    return {user: tuple(entry) for user, entry in totals.items()}


def ask_cache(path, request):
    """The answer of the cache at this socket, or None while there is none."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(LIMIT_S)
            connection.connect(path)
            connection.sendall(json.dumps(request).encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                part = connection.recv(1 << 20)
                if not part:
                    return None
                answer += part
            return json.loads(answer)
    except (ConnectionError, FileNotFoundError):
        return None


def cache_totals(path):
    """{user: (sum, count)} of all users in that cache, page by page; None while there is none."""
    totals, offset = {}, 0
    while True:
        answer = ask_cache(path, {"limit": 1000, "offset": offset})
        if answer is None:
            return None
        for row in answer["stats"]:
            totals[row["user"]] = (decimal.Decimal(row["sum"]), row["count"])
        offset += len(answer["stats"])
        if len(answer["stats"]) < 1000:
            return totals
