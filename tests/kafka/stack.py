"""The pipeline on topics as processes that can be hurt and started again, and a broker of one's own.

    broker = Broker(folder, nodes=1); broker.start(); broker.kill("KILL"); broker.start()
    broker.partitions(); broker.controller(); broker.coordinator(group)   # which node does what
    child = Child("payagg-0", argv, log_folder); child.start(); child.end(signal.SIGTERM, 8)
"""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time

from torture_common import Difference, wait_for

PROJECT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
START_LIMIT_S = 150  # of a broker, on a machine that does much else


def free_ports(count):
    """Not of the range that outgoing connections take theirs from: they must stay free a while."""
    held = []
    while len(held) < count:
        one = socket.socket()
        try:
            one.bind(("127.0.0.1", random.SystemRandom().randrange(15000, 32000)))
            held.append(one)
        except OSError:
            one.close()
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Broker:
    """scripts/kafka with two more listeners, each of which tells its clients to come by way of a proxy."""

    def __init__(self, folder, nodes=1, data=None, settings=()):
        self.folder, self.nodes = folder, nodes
        self.options = ["--nodes", str(nodes), "--set",
                        "transaction.abort.timed.out.transaction.cleanup.interval.ms=1000"]
        for setting in settings:
            self.options += ["--set", setting]
        if data:
            self.options += ["--data", data, "--set", "log.index.size.max.bytes=262144"]
        self.proxied = []  # (port of a proxy, port that it leads to)
        if nodes == 1:
            plain, controller, *proxied = free_ports(6)
            self.proxied = [tuple(proxied[:2]), tuple(proxied[2:])]
            (proxy, behind), (other_proxy, other_behind) = self.proxied
            names = {"PLAINTEXT": plain, "PROXIED": behind, "ASIDE": other_behind, "CONTROLLER": controller}
            advertised = {"PLAINTEXT": plain, "PROXIED": proxy, "ASIDE": other_proxy}
            def listeners(ports):
                return ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())
            self.options += [
                "--port", str(plain), "--set", f"listeners={listeners(names)}",
                "--set", "advertised.listeners=" + listeners(advertised),
                "--set", f"controller.quorum.voters=1@127.0.0.1:{controller}",
                "--set", "listener.security.protocol.map="
                         "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,ASIDE:PLAINTEXT,CONTROLLER:PLAINTEXT"]
        self.address = None

    def run(self, verb, *words):
        """What scripts/kafka prints."""
        run = subprocess.run([os.path.join(PROJECT, "scripts", "kafka"), verb, "--dir", self.folder, *words],
                             capture_output=True, check=False, timeout=START_LIMIT_S)
        if run.returncode != 0:
            raise Difference(f"scripts/kafka {verb}: {run.stderr.decode()}")
        return run.stdout.decode().strip()

    def start(self, only=None):
        """What does not run is started, what was stopped goes on; or that node alone is started."""
        if only:
            self.run("start", "--only", str(only))
            return
        if self.address:
            for node in range(1, self.nodes + 1):
                subprocess.run([os.path.join(PROJECT, "scripts", "kafka"), "kill", str(node), "CONT", "--dir",
                                self.folder], capture_output=True, check=False)
        self.address = self.run("start", *self.options)
        self.options = []  # remembered by the folder

    def kill(self, name, node=1):
        self.run("kill", str(node), name)

    def stop(self):
        self.run("stop", "--now", "--wipe")

    def breaks(self):
        """How often a coordinator of groups has broken by itself (Kafka 4.1.0, started after a full disk and killed
        on the way): from then on it answers no member of its groups until the broker is started again."""
        count = 0
        for node in range(1, self.nodes + 1):
            with open(os.path.join(self.folder, f"node-{node}.log"), "rb") as log:
                count += sum(b"No in-memory snapshot for epoch" in line for line in log)
        return count

    def alive(self):
        """Whether all its processes run."""
        return subprocess.run([os.path.join(PROJECT, "scripts", "kafka"), "status", "--dir", self.folder],
                              capture_output=True, check=False).returncode == 0

    def topics(self, *words):
        """The rows of scripts/kafka-topics; None where the broker is away."""
        run = subprocess.run(
            [os.path.join(PROJECT, "scripts", "kafka-topics"), "-b", self.address, *words],
            capture_output=True, check=False, timeout=START_LIMIT_S)
        if run.returncode != 0:
            return None
        return [line.split() for line in run.stdout.decode().splitlines()]

    # ---- Which node does what, as the nodes that run say

    def partitions(self):
        """{(topic, partition): (leader, nodes in sync, nodes)}; {} where nobody answers."""
        run = subprocess.run(["kcat", "-q", "-L", "-J", "-m", "10", "-b", self.address],
                             capture_output=True, check=False, timeout=START_LIMIT_S)
        if run.returncode != 0:
            return {}
        return {(topic["topic"], part["partition"]): (part["leader"], {node["id"] for node in part["isrs"]},
                                                      {node["id"] for node in part["replicas"]})
                for topic in json.loads(run.stdout)["topics"] for part in topic["partitions"]}

    def controller(self):
        said = self.run("admin", "org.apache.kafka.tools.MetadataQuorumCommand", "--bootstrap-server", self.address,
                        "describe", "--status")
        return int(re.search(r"LeaderId:\s*(\d+)", said)[1])

    def coordinator(self, name, *words):
        """Of that group; with "--transactional" of that transactional id."""
        rows = self.topics("coordinator", name, *words)
        return int(rows[0][0]) if rows else None


class Child:
    """One process of the pipeline: started, hurt, and started again under the same name."""

    def __init__(self, name, argv, folder):
        self.name, self.argv = name, argv
        self.errors_path = os.path.join(folder, f"{name}.stderr")
        self.process = None
        self.stopped = False

    def start(self):
        with open(self.errors_path, "ab") as errors:
            errors.write(f"---- {time.monotonic():.3f} {' '.join(self.argv)}\n".encode())
            errors.flush()
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=errors)

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)
        self.stopped = number == signal.SIGSTOP

    def end(self, number, limit_s):
        """Sends the signal and waits for the end: no process may hang. Returns its status."""
        if not self.runs():
            return self.process.returncode if self.process else None
        self.send(number)
        if number == signal.SIGKILL:
            limit_s = 20
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.keep_stacks()
            raise Difference(f"{self.name}: does not end within {limit_s} s of "
                             f"{signal.Signals(number).name}") from None

    def check_runs(self):
        if self.process is not None and self.process.poll() is not None:
            raise Difference(f"{self.name} ended by itself, status {self.process.returncode}: "
                             f"{self.last_words()}")

    def last_words(self):
        with open(self.errors_path, "rb") as errors:
            lines = [line for line in errors.read().decode(errors="replace").splitlines() if "error:" in line]
        return lines[-1] if lines else "(no error was told)"

    def await_end(self, limit_s):
        try:
            wait_for(lambda: not self.runs(), f"the end of {self.name}", limit_s, 0.02)
        except Difference:
            self.keep_stacks()
            raise
        return self.process.returncode

    def keep_stacks(self):
        """Where it hangs, for whoever looks at the evidence; where there is a gdb."""
        if not shutil.which("gdb"):
            return
        with open(self.errors_path + ".stacks", "wb") as stacks:
            subprocess.run(["gdb", "-batch", "-p", str(self.process.pid), "-ex", "thread apply all bt"],
                           stdin=subprocess.DEVNULL, stdout=stacks, stderr=stacks, check=False, timeout=60)

    def discard(self):
        if self.runs():
            self.process.kill()
            self.process.wait()
