#!/usr/bin/env python3
"""Posts batches to a paystats-serve from many clients, until its stdin has a line or ends.

  poster.py PORT CLIENTS [PREFIX] >told

Each POST is of a user of its own and three payments. A line a POST on stdout: "USER STATUS PROBLEM",
with 0 where there was no answer. With a PREFIX, with which the users begin, each POST has its user as
its idempotency key, and is sent again until it is answered with 200.
"""
import http.client
import json
import sys
import threading
import time

PORT, CLIENTS = int(sys.argv[1]), int(sys.argv[2])
PREFIX = sys.argv[3] if len(sys.argv) > 3 else ""
ending = threading.Event()
lock = threading.Lock()


def say(user, status, problem):
    with lock:
        print(user, status, problem, flush=True)


def post(connection, user):
    body = json.dumps({"user": user, "paymentAmt": 1.5, "volume": 3})
    headers = {"Content-Type": "application/json"}
    if PREFIX:
        headers["Idempotency-Key"] = f'"{user}"'
    connection.request("POST", "/api/payments", body, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    problem = json.loads(text).get("type", "-").rpartition(":")[2]
    return answer.status, problem


def send(connection, user):
    try:
        status, problem = post(connection, user)
    except (OSError, http.client.HTTPException):
        connection.close()
        status, problem = 0, "-"
    say(user, status, problem)
    if status == 0:
        time.sleep(0.05)
    return status


def client(number):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    posted = 0
    while not ending.is_set():
        user = f"{PREFIX}c{number}p{posted}"
        posted += 1
        while send(connection, user) != 200 and PREFIX:
            pass


threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
for thread in threads:
    thread.start()
sys.stdin.readline()
ending.set()
for thread in threads:
    thread.join()
