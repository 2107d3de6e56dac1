#!/usr/bin/env python3
"""A transaction that stays open.

  open_transaction.py BROKERS TOPIC PARTITION [KEY] <lines     each line a message of that partition

Prints "open" when all of them are in the topic, and then takes one word: the first of the files
`commit` and `abort` that comes to be in the working folder ends the transaction that way.
"""
import os
import sys
import time

from producer import LIMIT_MS, Producer


def main(brokers, topic, partition, key=None):
    producer = Producer(brokers, {"transactional.id": f"open-{topic}-{os.getpid()}", "transaction.timeout.ms": "600000"})
    producer.call("init_transactions", LIMIT_MS)
    producer.call("begin_transaction")
    for line in sys.stdin.buffer.read().splitlines():
        producer.send(topic, line, int(partition), key and key.encode())
    producer.flush()
    print("open", flush=True)
    while not (os.path.exists("commit") or os.path.exists("abort")):
        time.sleep(0.02)
    producer.call("commit_transaction" if os.path.exists("commit") else "abort_transaction", LIMIT_MS)
    os._exit(0)  # nothing is under way


main(*sys.argv[1:])
