#!/usr/bin/env python3
"""A transaction that stays open: librdkafka's own producer, by ctypes.

  open_transaction.py BROKERS TOPIC PARTITION <lines     each line a message of that partition

Prints "open" when all of them are in the topic, and then takes one word: the first of the files
`commit` and `abort` that comes to be in the working folder ends the transaction that way.
"""
import ctypes
import os
import sys
import time

RD = ctypes.CDLL("librdkafka.so.1")
PRODUCER, COPY, LIMIT_MS = 0, 2, 60_000
for name in ("conf_new", "new", "topic_new", "init_transactions", "begin_transaction", "commit_transaction",
             "abort_transaction"):
    getattr(RD, "rd_kafka_" + name).restype = ctypes.c_void_p
RD.rd_kafka_error_string.restype = ctypes.c_char_p


def good(error):
    if error:
        sys.exit(RD.rd_kafka_error_string(ctypes.c_void_p(error)).decode())


def main(brokers, topic, partition):
    conf = ctypes.c_void_p(RD.rd_kafka_conf_new())
    why = ctypes.create_string_buffer(512)
    for key, value in {"bootstrap.servers": brokers, "transactional.id": f"open-{topic}-{os.getpid()}",
                       "transaction.timeout.ms": "600000"}.items():
        if RD.rd_kafka_conf_set(conf, key.encode(), value.encode(), why, 512) != 0:
            sys.exit(why.value.decode())
    producer = ctypes.c_void_p(RD.rd_kafka_new(PRODUCER, conf, why, 512))
    if not producer.value:
        sys.exit(why.value.decode())
    good(RD.rd_kafka_init_transactions(producer, LIMIT_MS))
    good(RD.rd_kafka_begin_transaction(producer))
    handle = ctypes.c_void_p(RD.rd_kafka_topic_new(producer, topic.encode(), None))
    for line in sys.stdin.buffer.read().splitlines():
        if RD.rd_kafka_produce(handle, int(partition), COPY, line, ctypes.c_size_t(len(line)), None, ctypes.c_size_t(0),
                               None) != 0:
            sys.exit("a message was not taken")
    if RD.rd_kafka_flush(producer, LIMIT_MS) != 0:
        sys.exit("not delivered")
    print("open", flush=True)
    while not (os.path.exists("commit") or os.path.exists("abort")):
        time.sleep(0.02)
    if os.path.exists("commit"):
        good(RD.rd_kafka_commit_transaction(producer, LIMIT_MS))
    else:
        good(RD.rd_kafka_abort_transaction(producer, LIMIT_MS))
    os._exit(0)  # nothing is under way


main(*sys.argv[1:])
