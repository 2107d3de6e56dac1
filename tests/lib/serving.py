"""A paystats-serve under test, what it says on a connection, and what payagg makes of its output."""
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

from torture_common import LIMIT_S, Difference, wait_for


class WallClock:
    """The time of day of processes that run with `environment`, off by what set() says; see
    tests/fault/wall_clock.cc, of which `library` is the path."""

    def __init__(self, library, path):
        self.path = path
        self.environment = {"LD_PRELOAD": os.path.abspath(library), "PAYSTATS_WALL_CLOCK": path}
        self.set(0)

    def set(self, seconds):
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as file:
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))


class Server:
    """On any free port; a second start() is another process, on another port. `port` is None while
    there is none: another process may get the one that it had. `clock` is a WallClock or None."""

    def __init__(self, bin_dir, output, folder, name, words=(), clock=None):
        self.command = [f"{bin_dir}/paystats-serve", "--listen", "127.0.0.1:0", "--stats",
                        os.path.join(folder, "none.sock"), "--allow-host", "127.0.0.1", "-o", output, *words]
        self.errors = os.path.join(folder, f"{name}.err")
        self.process, self.port = None, None
        self.environment = None if clock is None else {**os.environ, **clock.environment}
        self.start()

    def start(self):
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=errors,
                                            env=self.environment)
        self.port = wait_for(self.listening, "a server to listen")

    def listening(self):
        if self.process.poll() is not None:
            raise Difference(f"a server ended with status {self.process.returncode}: {self.said()}")
        _, found, rest = self.said().partition("listening on http://127.0.0.1:")
        return int(rest.split("/", 1)[0]) if found and "/" in rest else None

    def said(self):
        with open(self.errors, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self):
        """By SIGTERM; what it has taken is in its output then."""
        self.port = None
        self.process.send_signal(signal.SIGTERM)
        wait_for(lambda: self.process.poll() is not None, "the end of a server")
        if self.process.returncode != 0:
            raise Difference(f"a server ended with status {self.process.returncode}: {self.said()}")

    def kill(self):
        self.port = None
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.process.poll() is None:
            self.kill()


def talk(port, pieces, waits):
    """All that comes back. `waits`: for answers; else the client ends its side behind the last piece."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as one:
        one.settimeout(LIMIT_S)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                one.sendall(piece)
            if not waits:
                one.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has ended the connection: what it said is read
        try:
            while got := one.recv(65536):
                received += got
        except ConnectionResetError:
            pass
        # All is read: without a linger the ports of 100,000 connections would be in TIME_WAIT.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return received


def accepted_in(answer):
    """How many payments these answers say were accepted."""
    return sum(map(int, re.findall(rb'{"accepted":(\d+)}', answer)))


def on_a_log(bin_dir, name, play):
    """Has `play(server)` post to a server of its own, and return how many payments were accepted: the log
    has as many once the server has ended well. Ends the program with what is wrong."""
    folder = tempfile.mkdtemp(prefix=f"{name}.")
    server = None
    try:
        log = os.path.join(folder, "log.jsonl")
        server = Server(bin_dir, log, folder, "serve")
        taken = play(server)
        server.stop()
        lines = payagg(bin_dir, "--output-mode", "final", log).splitlines()
        logged = sum(json.loads(line)["count"] for line in lines)
        if logged != taken:
            raise Difference(f"{taken} payments were accepted, the log has {logged}")
    except Difference as difference:
        sys.exit(f"{name}.py: {difference}")
    finally:
        if server:
            server.end()
        shutil.rmtree(folder)


def payagg(bin_dir, *words):
    """Its totals of an input in which every line counts."""
    run = subprocess.run([f"{bin_dir}/payagg", *words], capture_output=True, check=False, timeout=LIMIT_S)
    if run.returncode != 0:
        raise Difference(f"payagg: status {run.returncode}: {run.stderr.decode()}")
    return run.stdout
