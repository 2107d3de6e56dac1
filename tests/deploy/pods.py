"""Runs pods of deploy/k8s as processes, as far as that goes without Kubernetes: the tools with the arguments of
their containers, volumes as folders, the probes of the manifest, and its limits of memory.

What a container calls /etc/paystats is a folder of this machine: paths in arguments, probes and settings are
replaced, and so is the port. There is no namespace of mounts or of the network here.
"""
import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE_S = 60
SIZES = {"Mi": 1 << 20, "Gi": 1 << 30}
CGROUPS = "/sys/fs/cgroup/memory"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def wait_for(what, condition, limit_s=PATIENCE_S):
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit_s} s for: {what}")
        time.sleep(0.05)


class Memory:
    """A limit that the kernel holds, of one container; none where this machine lets nobody set one."""

    possible = os.path.exists(f"{CGROUPS}/memory.limit_in_bytes") and os.access(CGROUPS, os.W_OK)

    def __init__(self, name, limit):
        self.folder = os.path.join(CGROUPS, f"paystats-{os.getpid()}-{name}")
        if self.possible:
            os.makedirs(self.folder)
            self.write("memory.limit_in_bytes", int(limit[:-2]) * SIZES[limit[-2:]])

    def write(self, file, value):
        with open(os.path.join(self.folder, file), "w", encoding="ascii") as each:
            each.write(str(value))

    def enter(self):
        """In the child, before it is the tool."""
        if self.possible:
            self.write("cgroup.procs", os.getpid())

    def peak(self):
        with open(os.path.join(self.folder, "memory.max_usage_in_bytes"), encoding="ascii") as file:
            return int(file.read())

    def members(self):
        with open(os.path.join(self.folder, "cgroup.procs"), encoding="ascii") as file:
            return [int(line) for line in file]

    def close(self):
        """With all that is still in it, such as what the tool has started."""
        if not self.possible:
            return
        for pid in self.members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for("the container is empty", lambda: not self.members())
        os.rmdir(self.folder)


class Container:
    """One process at a time, with what it has said."""

    def __init__(self, pod, spec, tools):
        self.pod, self.name, self.spec, self.process = pod, spec["name"], spec, None
        self.said, self.said_before = os.path.join(pod.folder, f"{self.name}.err"), 0
        variables = {each["name"]: pod.name for each in spec.get("env", [])}  # metadata.name is all they use
        self.paths = {each["mountPath"]: pod.volume(each["name"]) for each in spec["volumeMounts"]}
        words = [re.sub(r"\$\((\w+)\)", lambda found: variables[found[1]], word) for word in spec["args"]]
        self.command = [os.path.join(tools, spec["command"][0]), *map(self.outside, words)]
        self.tools, self.env = tools, {"PATH": tools, **variables}
        self.memory = Memory(f"{pod.name}-{self.name}", spec["resources"]["limits"]["memory"])

    def outside(self, text):
        """The text with what it has of paths and addresses within, as they are outside."""
        for path, folder in self.paths.items():
            text = re.sub(rf"(?<![\w/]){re.escape(path)}(?=/|$)", folder, text, flags=re.MULTILINE)
        return text.replace("0.0.0.0:8080", f"127.0.0.1:{self.pod.port}")

    def start(self):
        for path in self.paths.values():
            self.pod.settle(path, self.outside)
        with open(self.said, "a", encoding="utf-8") as said:
            self.said_before = said.tell()
            self.process = subprocess.Popen(  # pylint: disable=subprocess-popen-preexec-fn
                self.command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
                cwd="/", start_new_session=True, preexec_fn=self.memory.enter)

    def words(self):
        with open(self.said, encoding="utf-8") as file:
            return file.read()

    def last_words(self):
        """As much of what this start has said as is a termination message."""
        with open(self.said, "rb") as file:
            return file.read()[self.said_before:][-2048:].decode(errors="replace")

    def runs(self):
        return self.process.poll() is None

    def end(self, number, limit_s=PATIENCE_S):
        """The signal to it, as a kubelet sends it; its status."""
        if self.runs():
            self.process.send_signal(number)
        return self.process.wait(limit_s)

    def probe(self, kind):
        """Whether it answers. Whoever restarts containers after a failure is not here."""
        probe = self.spec[kind]
        if "exec" in probe:
            words = [os.path.join(self.tools, probe["exec"]["command"][0]),
                     *map(self.outside, probe["exec"]["command"][1:])]
            return subprocess.run(words, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                                  timeout=probe["timeoutSeconds"]).returncode == 0
        port = probe["httpGet"]["port"]
        if f"0.0.0.0:{port}" not in self.spec["args"]:
            raise AssertionError(f"{self.name} does not listen on {port}, where its {kind} asks")
        return self.pod.get(probe["httpGet"]["path"])[0] == 200


class Pod:
    """The containers of one pod, and its volumes. Claims outlive it, in their own folder."""

    def __init__(self, name, spec, tools, claims, files=None):
        self.name, self.spec, self.claims, self.files = name, spec, claims, files or {}
        self.folder = tempfile.mkdtemp(prefix=f"{name}-", dir=os.path.dirname(claims))
        self.port = free_port()
        self.containers = {each["name"]: Container(self, each, tools) for each in spec["containers"]}

    def volume(self, name):
        volume = next(each for each in self.spec["volumes"] if each["name"] == name)
        if "persistentVolumeClaim" in volume:
            folder = os.path.join(self.claims, volume["persistentVolumeClaim"]["claimName"])
        else:
            folder = os.path.join(self.folder, name)
        os.makedirs(folder, exist_ok=True)
        return folder

    def settle(self, folder, outside):
        """Files of the sources of a projected volume: {(kind, name): {key: text}} has them."""
        volume = next(each for each in self.spec["volumes"] if self.volume(each["name"]) == folder)
        for source in volume.get("projected", {}).get("sources", []):
            kind = next(iter(source))
            data = self.files[kind, source[kind]["name"]]
            items = source[kind].get("items") or [{"key": key, "path": key} for key in data]
            for item in items:
                path = os.path.join(folder, item["path"])
                with open(path, "w", encoding="utf-8") as file:
                    file.write(outside(data[item["key"]]))
                os.chmod(path, volume["projected"]["defaultMode"])

    def start(self):
        for each in self.containers.values():
            each.start()

    def request(self, path, body=None, headers=None):
        """(status, text), or (None, "") where nobody answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers or {})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None, ""

    def get(self, path, host=None):
        return self.request(path, None, {"Host": host} if host else {})

    def post(self, body, **headers):
        return self.request("/api/payments", body.encode(), {"Content-Type": "application/json", **headers})

    def ready(self):
        """As Kubernetes counts it: every container has started, and answers."""
        return all(each.runs() and all(each.probe(kind) for kind in ("startupProbe", "readinessProbe", "livenessProbe")
                                       if kind in each.spec) for each in self.containers.values())

    def close(self):
        for each in self.containers.values():
            if each.process and each.runs():
                os.killpg(each.process.pid, signal.SIGKILL)
                each.process.wait()
            each.memory.close()
