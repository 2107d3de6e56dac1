#!/usr/bin/env python3
"""Posts batches to a paystats-serve from many clients, until its stdin ends.

  poster.py PORT CLIENTS >told

Each POST is of a user of its own and three payments. A line a POST on stdout: "USER STATUS PROBLEM",
with 0 where there was no answer.
"""
import http.client
import json
import sys
import threading
import time

PORT, CLIENTS = int(sys.argv[1]), int(sys.argv[2])
ending = threading.Event()
lock = threading.Lock()


def say(user, status, problem):
    with lock:
        print(user, status, problem, flush=True)


def post(connection, user):
    body = json.dumps({"user": user, "paymentAmt": 1.5, "volume": 3})
    connection.request("POST", "/api/payments", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    problem = json.loads(text).get("type", "-").rpartition(":")[2]
    return answer.status, problem


def client(number):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    posted = 0
    while not ending.is_set():
        user = f"c{number}p{posted}"
        posted += 1
        try:
            say(user, *post(connection, user))
        except (OSError, http.client.HTTPException):
            connection.close()
            say(user, 0, "-")
            time.sleep(0.05)


threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
for thread in threads:
    thread.start()
sys.stdin.read()
ending.set()
for thread in threads:
    thread.join()
