"""An HTTP proxy that loses answers and requests, by a seed: what a network, a proxy or a client that
sends again makes of a POST.

    proxy = LosingProxy(lambda: rng.choice(ports), seed=7)
    proxy.port       # clients ask here
    proxy.passed     # {key: how often its request was passed on as a whole}
    proxy.seen       # {key: how often a client sent it}
    proxy.played     # {fault: how often}
    proxy.findings   # two answers to one request that contradict each other
    proxy.close()

What becomes of a request depends on the seed, its Idempotency-Key and how often that was seen, and so
not on the order in which clients come.
"""
import collections
import random
import re
import socket
import struct
import threading
import time

LIMIT_S = 30           # for one answer of the server
LATE_S = 0.05
TOO_LATE_S = 2.5       # longer than the clients of the tests wait
CLIENT_TIMEOUT_S = 2.0

# How often each comes, in percent.
FAULTS = {
    "none": 32,
    "reset before": 5,     # of what is "before" nothing reaches the server
    "end before": 5,
    "torn request": 5,     # a part reaches the server
    "leave": 8,            # all reaches the server, whose client is gone before the answer
    "reset after": 8,      # the server has answered
    "end after": 8,
    "reset within": 4,     # a part of the answer arrives
    "end within": 4,
    "late": 4,
    "too late": 1,         # the client has gone by then
    "twice at once": 5,    # as a client sends again by itself while the first one is under way
    "twice in turn": 5,
    "end behind": 6,       # the answer arrives, and the connection ends behind it
}


class Left(Exception):
    """This connection is of no more use."""


def reset(connection):
    """Ends it so that the other side meets ECONNRESET."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Stream:
    """A connection from which whole HTTP messages are read."""

    def __init__(self, connection):
        self.connection, self.buffer = connection, b""
        connection.settimeout(LIMIT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def message(self):
        """Its bytes; b"" where the other side has ended without a further one."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                return b""
        end = self.buffer.index(b"\r\n\r\n") + 4
        length = re.search(rb"(?im)^content-length: *([0-9]+)\r$", self.buffer[:end])
        end += int(length[1]) if length else 0
        while len(self.buffer) < end:
            if not self.more():
                return b""
        message, self.buffer = self.buffer[:end], self.buffer[end:]
        return message

    def more(self):
        part = self.connection.recv(65536)
        self.buffer += part
        return part


def key_of(request):
    found = re.search(rb"(?im)^idempotency-key: *\"?([^\r\"]*)\"?\r$", request)
    return found[1].decode() if found else ""


class LosingProxy:
    def __init__(self, target, seed):
        self.target, self.seed = target, seed
        self.lock = threading.Lock()
        self.passed, self.seen = collections.Counter(), collections.Counter()
        self.played, self.findings = collections.Counter(), []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        client, servers = Stream(connection), []
        try:
            while request := client.message():
                self.play(client, servers, request)
        except (Left, OSError):
            pass
        for each in [client, *servers]:
            each.connection.close()

    def choose(self, request):
        key = key_of(request)
        with self.lock:
            self.seen[key] += 1
            rng = random.Random(f"{self.seed}/{key}/{self.seen[key]}")
            fault = rng.choices(list(FAULTS), FAULTS.values())[0]
            self.played[fault] += 1
        return fault, rng

    def connect(self):
        return Stream(socket.create_connection(("127.0.0.1", self.target()), LIMIT_S))

    def send(self, server, request):
        with self.lock:
            self.passed[key_of(request)] += 1
        server.connection.sendall(request)

    def server_of(self, servers):
        if not servers:
            servers.append(self.connect())
        return servers[0]

    def ask(self, server, request):
        self.send(server, request)
        answer = server.message()
        if not answer:
            raise Left()
        return answer

    def play(self, client, servers, request):
        fault, rng = self.choose(request)
        if fault.endswith(" before"):
            self.end(client, fault)
        if fault == "torn request":
            self.server_of(servers).connection.sendall(request[:rng.randrange(len(request))])
            self.end(client, fault)
        if fault == "leave":
            server = self.server_of(servers)
            self.send(server, request)
            time.sleep(rng.choice((0, 0, rng.uniform(0, 0.005))))  # a moment: where it falls is random
            if rng.random() < 0.5:
                reset(server.connection)
            server.connection.close()
            self.end(client, fault)
        answer = self.answer_of(servers, request, fault)
        if fault in ("late", "too late"):
            time.sleep(rng.uniform(0, LATE_S) if fault == "late" else TOO_LATE_S)
        if fault.endswith(" within"):
            client.connection.sendall(answer[:rng.randrange(1, len(answer))])
        if fault.endswith((" within", " after")):
            self.end(client, fault)
        client.connection.sendall(answer)
        if fault == "end behind":
            raise Left()

    def end(self, client, fault):
        if fault.startswith("reset"):
            reset(client.connection)
        raise Left()

    def answer_of(self, servers, request, fault):
        if fault not in ("twice at once", "twice in turn"):
            return self.ask(self.server_of(servers), request)
        other = self.connect()
        if fault == "twice at once":
            self.send(other, request)
            answer = self.ask(self.server_of(servers), request)
            first = other.message()
        else:
            first = self.ask(other, request)
            answer = self.ask(self.server_of(servers), request)
        other.connection.close()
        self.compare(request, first, answer)
        return answer

    def compare(self, request, first, second):
        """Both are the same answer, but for what may be told of the time."""
        ends = [(answer[:12], answer.partition(b"\r\n\r\n")[2]) for answer in (first, second)]
        if ends[0] != ends[1]:
            with self.lock:
                self.findings.append(f"{key_of(request)}: sent twice, answered {ends[0]} and {ends[1]}")
