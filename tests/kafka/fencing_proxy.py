#!/usr/bin/env python3
"""A way to a broker on loopback that tells a member of a group, once, that another has its name.

  fencing_proxy.py BROKER FILE

Prints its own address. Once FILE is there, it answers the next heartbeat by itself with
FENCED_INSTANCE_ID, and removes FILE. It knows nothing else of the protocol: the broker's port, wherever an
answer names it, becomes its own, so that clients stay with it.
"""
import os
import socket
import struct
import sys
import threading

HEARTBEAT = 12
FENCED_INSTANCE_ID = 82

HOST, TARGET = sys.argv[1].split(":")
FILE = sys.argv[2]


def address(port):
    return HOST.encode() + struct.pack(">i", int(port))


def frames(connection):
    """Requests or answers, without their size."""
    stream = connection.makefile("rb")
    while len(size := stream.read(4)) == 4:
        frame = stream.read(struct.unpack(">i", size)[0])
        yield frame


def send(connection, frame):
    connection.sendall(struct.pack(">i", len(frame)) + frame)


def take_fence():
    try:
        os.remove(FILE)
        return True
    except FileNotFoundError:
        return False


def ask(client, broker):
    for request in frames(client):
        key, version, number = struct.unpack(">hhi", request[:8])
        if key == HEARTBEAT and take_fence():
            assert 1 <= version <= 3, version  # before that there is no time, after it there are tags
            send(client, struct.pack(">iih", number, 0, FENCED_INSTANCE_ID))
        else:
            send(broker, request)


def answer(broker, client, own_port):
    for frame in frames(broker):
        send(client, frame.replace(address(TARGET), address(own_port)))


def main():
    server = socket.create_server((HOST, 0))
    own_port = server.getsockname()[1]
    print(f"{HOST}:{own_port}", flush=True)

    def pump(work, *words):
        try:
            work(*words)
        except OSError:
            pass  # one of the two has gone
        for each in words[:2]:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    while True:
        client, _ = server.accept()
        broker = socket.create_connection((HOST, int(TARGET)))
        threading.Thread(target=pump, args=(ask, client, broker), daemon=True).start()
        threading.Thread(target=pump, args=(answer, broker, client, own_port), daemon=True).start()


main()
