#!/usr/bin/env python3
"""Produces messages that kcat cannot: produce_raw.py BROKERS TOPIC [PROPERTY=VALUE...] <LINES

Each line is a JSON object: value, key, headers ([[name, value], ...]), timestamp (milliseconds, not 0),
partition. null is null; of a text each character is a byte, so \\u00ff is 255.
"""
import json
import sys

from producer import Producer


def raw(text):
    return None if text is None else text.encode("latin-1")


def main(brokers, topic, *properties):
    producer = Producer(brokers, dict(each.split("=", 1) for each in properties))
    for line in sys.stdin:
        message = json.loads(line)
        producer.send(topic, raw(message["value"]), message.get("partition", -1), raw(message.get("key")),
                      [(raw(name), raw(value)) for name, value in message.get("headers", [])],
                      message.get("timestamp", 0))
    producer.flush()


main(*sys.argv[1:])
