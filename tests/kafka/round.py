"""One round of torture: a pipeline on topics of its own, somebody who pays, and what must hold."""
import collections
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import keyed_oracle
import oracle
from keyed_clients import KeyedClients
from proxy import Proxy
from stack import Child, free_ports
from torture_common import Difference, cache_totals, wait_for

# A consumer that is not heard of for so long is given up; 10 s by default.
SESSION_S = 4
SERVER_SESSION_S = 6  # of a server that pays for keys; it is not for users to set
# Limits, on a machine that does much else. To a signal tools answer within 5 s whatever is away.
END_LIMIT_S = 16  # 5 s of grace, and a call about a coordinator that has just died: as long as a request, 10 s
# The same instance goes on at once, but for a transaction whose outcome is awaited for as long as
# the coordinator lets it live: 10 s, and a second until it looks.
RECOVERY_LIMIT_S = 25
WRITER_LIMIT_S = 60

KEYED_CLIENTS = 5
REQUEST_SETTINGS = "cleanup.policy=delete,message.timestamp.type=LogAppendTime,retention.ms=-1"

Shape = collections.namedtuple("Shape", "partitions members jobs guarantee proxied")


class Round:
    def __init__(self, arguments, broker, folder, rng, tag, kinds):
        self.bin, self.broker, self.folder, self.rng, self.tag = arguments.bin, broker, folder, rng, tag
        members, jobs = rng.choice([(1, 1), (2, 1), (1, 2), (2, 1)])
        self.shape = Shape(rng.choice([1, 3]), members, jobs,
                           rng.choice(["exactly-once", "exactly-once", "at-least-once"]),
                           "net" in kinds and (kinds == ["net"] or rng.random() < 0.5))
        self.kinds = [kind for kind in kinds if kind != "net" or self.shape.proxied]
        if members == 1 and self.kinds != ["takeover"]:
            self.kinds = [kind for kind in self.kinds if kind != "takeover"]
        self.counts, self.recoveries, self.payments = collections.Counter(), collections.defaultdict(list), 0
        self.ledger = oracle.Ledger()
        self.payments_topic, self.stats_topic = f"{tag}-payments", f"{tag}-stats"
        self.requests_topic, self.answers_topic = f"{tag}-requests", f"{tag}-answers"
        self.group = f"payagg.{tag}"
        self.loaders, self.troubles, self.children = [], [], []
        self.pause = threading.Event()  # set: nobody pays
        self.done = threading.Event()
        self.paygen_lock = threading.Lock()  # one paygen --atomic at a time: they share a slot
        self.proxies = []  # all tools go by the first, but for the second server
        self.keyed, self.key_counts = None, collections.Counter()
        self.began = time.monotonic()
        self.story_lock = threading.Lock()

    # ---- Evidence

    def say(self, text):
        with self.story_lock, open(os.path.join(self.folder, "story"), "a", encoding="utf-8") as story:
            story.write(f"{time.monotonic():.3f} {text}\n")

    def keep(self, reason):
        """Leaves what can be looked at: the reason, the topics, what clients were told, the broker's log."""
        self.say(reason)
        log = os.path.join(self.broker.folder, "node-1.log")
        if os.path.exists(log):
            shutil.copy(log, self.folder)
        if self.keyed:
            with open(os.path.join(self.folder, "keys"), "w", encoding="utf-8") as file:
                file.writelines(f"{key.name}: {attempt}\n" for key in self.keyed.keys.values()
                                for attempt in key.attempts + key.last_asked)
        for topic in self.topics():
            with open(os.path.join(self.folder, topic), "wb") as file:
                subprocess.run(["timeout", "30", "kcat", "-q", "-b", self.broker.address, "-X",
                                "isolation.level=read_committed", "-C", "-e", "-o", "beginning", "-t", topic,
                                "-f", "%T\t%p\t%o\t%k\t%s\n"], stdout=file, stderr=file, check=False)

    # ---- The pipeline

    def topics(self):
        return self.payments_topic, self.stats_topic, self.requests_topic, self.answers_topic

    def start(self):
        settings = ["", ":cleanup.policy=compact", f":{REQUEST_SETTINGS}", f":{REQUEST_SETTINGS}"]
        if self.broker.topics("create", *(f"{topic}:{self.shape.partitions}{setting}"
                                          for topic, setting in zip(self.topics(), settings))) is None:
            raise Difference("the topics of this round were not made")
        addresses = [self.broker.address] * 2
        if self.shape.proxied:
            self.proxies = [Proxy(*ports, self.rng.random()) for ports in self.broker.proxied]
            addresses = [f"127.0.0.1:{proxy.port}" for proxy in self.proxies]
        self.brokers = addresses[0]
        self.members = [self.child(f"payagg-{i}", self.payagg(f"m{i}")) for i in range(self.shape.members)]
        self.socket_path = os.path.join(self.folder, "stats.sock")
        self.cache = self.child("cache", [f"{self.bin}/paystats-cache", "-b", self.brokers,
                                          f"kafka:{self.stats_topic}", "--socket", self.socket_path, "-v"])
        self.ports = free_ports(2)
        self.servers = [self.child(f"serve-{i}", self.server(addresses[i], port, f"s{i}"))
                        for i, port in enumerate(self.ports)]
        self.tools = self.members + [self.cache] + self.servers
        for tool in self.tools:
            tool.start()
        self.keyed = KeyedClients(self.ports, self.ledger, self.tag, self.done)
        for work in [self.keep_paying, self.keep_posting] + [self.keyed.play] * KEYED_CLIENTS:
            seed = self.rng.random()
            self.loaders.append(threading.Thread(target=self.load, args=(work, random.Random(seed)), daemon=True))
            self.loaders[-1].start()

    def payagg(self, instance):
        argv = [f"{self.bin}/payagg", "-b", self.brokers, f"kafka:{self.payments_topic}", "-o",
                f"kafka:{self.stats_topic}", "--group", self.group, "--instance", instance, "--guarantee",
                self.shape.guarantee, "--trigger", self.rng.choice(["0", "20ms", "100ms", "300ms"]), "-v",
                "-X", f"session.timeout.ms={SESSION_S * 1000}", "-X", "heartbeat.interval.ms=1000"]
        return argv + (["--jobs", "2"] if self.shape.jobs == 2 else [])

    def server(self, brokers, port, instance):
        return [f"{self.bin}/paystats-serve", "-b", brokers, "-o", f"kafka:{self.payments_topic}", "--stats",
                self.socket_path, "--listen", f"127.0.0.1:{port}", "--instance", instance, "-v",
                "--requests", self.requests_topic, "--answers", self.answers_topic]

    def child(self, name, argv):
        child = Child(name, argv, self.folder)
        self.children.append(child)
        return child

    def check_run(self):
        for tool in self.tools:
            tool.check_runs()
        if self.troubles:
            raise self.troubles[0]

    # ---- Who pays

    def load(self, work, rng):
        try:
            while not self.done.is_set():
                if self.pause.is_set():
                    time.sleep(0.02)
                else:
                    work(rng)
        except Difference as difference:
            self.troubles.append(difference)
        except Exception as error:
            self.troubles.append(Difference(f"{work.__name__}: {error!r}"))

    def writer(self, rng, atomic, volumes=(1, 30, 1000, 3000)):
        """A paygen at work, and its batches as units."""
        units = [self.ledger.unit(rng, 1, atomic, volumes) for _ in range(rng.randint(1, 3))]
        argv = [f"{self.bin}/paygen", "-b", self.brokers, "-o", f"kafka:{self.payments_topic}", "-v"]
        with open(os.path.join(self.folder, "paygen.stderr"), "ab") as errors:
            process = subprocess.Popen(argv + (["--atomic"] if atomic else []), stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, stderr=errors)
        try:
            process.stdin.write("".join(json.dumps(batch.record()) + "\n"
                                        for unit in units for batch in unit.batches).encode())
            process.stdin.close()
        except BrokenPipeError:
            pass
        return process, units

    def await_writer(self, process, units):
        try:
            status = process.wait(WRITER_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Difference(f"a paygen hangs for {WRITER_LIMIT_S} s") from None
        for unit in units:
            unit.acknowledged = status == 0
        self.say(f"paygen: status {status}, batches {units[0].batches[0].number} to {units[-1].batches[-1].number}")
        return status

    def keep_paying(self, rng):
        with self.paygen_lock:
            process, units = self.writer(rng, rng.random() < 0.5)
            self.paygen = process
            self.await_writer(process, units)
        self.done.wait(rng.uniform(0.05, 0.3))

    def keep_posting(self, rng):
        unit = self.ledger.unit(rng, rng.randint(1, 4), True, (1, 3, 30))
        body = json.dumps([batch.record() for batch in unit.batches])
        connection = http.client.HTTPConnection("127.0.0.1", rng.choice(self.ports), timeout=WRITER_LIMIT_S)
        try:
            connection.request("POST", "/api/payments", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
            unit.acknowledged = response.status == 200
            if response.status not in (200, 503):
                raise Difference(f"POST: {response.status}: {answer.decode()}")
            if response.status != 200:
                self.say(f"POST of batch {unit.batches[0].number}: {response.status} {answer.decode()}")
        except TimeoutError:
            raise Difference(f"a POST hangs for {WRITER_LIMIT_S} s") from None
        except (OSError, http.client.HTTPException):
            self.done.wait(0.05)
        finally:
            connection.close()
        self.done.wait(rng.uniform(0.005, 0.05))

    # ---- Whether it flows

    def ends(self, topic, *words):
        rows = self.broker.topics("ends", topic, *words)
        return None if rows is None else {int(partition): int(offset) for partition, offset in rows}

    def recovered(self, kind, since, limit_s=RECOVERY_LIMIT_S):
        """Waits until a payment of now has been counted in every partition."""
        def produced():
            before = self.ends(self.payments_topic, "--uncommitted")
            return before if before is not None and all(self.probe(p) for p in before) else None

        before = wait_for(produced, f"the broker after {kind}", limit_s, 0.1)

        def counted():
            self.check_run()
            rows = self.broker.topics("committed", self.group)
            offsets = {int(partition): int(offset) for _, partition, offset in rows or []}
            return all(offsets.get(partition, -1) > end for partition, end in before.items())

        wait_for(counted, f"payments to flow after {kind}", limit_s, 0.05)
        for server, port in zip(self.servers, self.ports):
            if server in self.tools and not server.stopped:
                for _ in range(self.shape.partitions):
                    wait_for(lambda: self.check_run() or self.keyed.pay_one(self.rng, port),
                             f"{server.name} to pay for a key after {kind}", limit_s, 0.05)
        self.recoveries[kind].append(time.monotonic() - since)
        self.say(f"{kind}: recovered after {self.recoveries[kind][-1]:.1f} s")

    def probe(self, partition):
        """One payment straight into a partition, where the users of that partition alone live."""
        unit = self.ledger.unit(self.rng, 1, True, (1,))
        batch = unit.batches[0]
        batch.user = f"probe-{partition}"
        record = batch.record()
        del record["volume"]
        run = subprocess.run(["kcat", "-q", "-P", "-b", self.broker.address, "-t", self.payments_topic, "-p",
                              str(partition), "-k", batch.user, "-X", "message.timeout.ms=5000",
                              "-X", "enable.idempotence=true"],
                             input=json.dumps(record).encode(), capture_output=True, check=False)
        unit.acknowledged = run.returncode == 0
        return unit.acknowledged

    def write_nonsense(self):
        """Into the topic of requests, under a key that is used, one that is not, or none."""
        key = self.rng.choice([None, "nonsense", self.rng.choice(list(self.keyed.keys) or ["nonsense"])])
        subprocess.run(["kcat", "-q", "-P", "-b", self.broker.address, "-t", self.requests_topic,
                        "-X", "message.timeout.ms=5000"] + (["-k", key] if key else []),
                       input=self.rng.choice(keyed_oracle.NONSENSE).encode(), capture_output=True, check=False)

    # ---- The course of a round

    def play(self, faults, count, limit):
        self.start()
        self.recovered("start", time.monotonic())
        for _ in range(count):
            if time.monotonic() > limit:
                break
            time.sleep(self.rng.uniform(0, 0.5))  # a moment, not a condition: where the fault falls
            kind = self.rng.choice(self.kinds)
            self.counts[kind] += 1
            faults[kind](self)
            self.check_run()
            self.write_nonsense()
        self.settle()

    def settle(self):
        """Nobody pays any more; all that was hurt mends itself; then the oracle has the word."""
        self.done.set()
        for loader in self.loaders:
            loader.join(WRITER_LIMIT_S + 10)
            if loader.is_alive():
                raise Difference("who pays does not come to an end")
        self.check_run()
        last, units = self.writer(self.rng, True)
        if self.await_writer(last, units) != 0:
            raise Difference(f"an undisturbed paygen: status {last.returncode}")
        self.keyed.ask_all(self.rng)
        topic = self.payments_topic
        wait_for(lambda: self.ends(topic) == self.ends(topic, "--uncommitted"), f"open transactions in {topic}",
                 RECOVERY_LIMIT_S, 0.1)
        payments = oracle.read_topic(self.broker.address, topic)
        self.payments = oracle.check_payments(payments, self.ledger)
        self.check_keys(payments)
        truth = oracle.running_totals(payments)
        expected = oracle.expected_totals(truth)
        held = [None]

        def agree():
            self.check_run()
            held[0] = oracle.read_topic(self.broker.address, self.stats_topic)
            return oracle.last_totals(held[0]) == expected

        try:
            wait_for(agree, "the totals", RECOVERY_LIMIT_S, 0.2)
        except Difference as difference:
            self.check_run()
            last = oracle.last_totals(held[0])
            wrong = {key: (last.get(key), expected.get(key)) for key in set(last) | set(expected)
                     if last.get(key) != expected.get(key)}
            raise Difference(f"{difference}: {len(wrong)} of {len(expected)} differ: (is, should be) "
                             f"{dict(list(wrong.items())[:3])}") from None
        oracle.check_prefixes(truth, held[0], self.shape.guarantee == "exactly-once")
        self.check_cache(oracle.merged(expected))
        for tool in reversed(self.tools):
            status = tool.end(signal.SIGTERM, END_LIMIT_S)
            if status != 0:
                raise Difference(f"{tool.name}: status {status} of SIGTERM: {tool.last_words()}")

    def check_keys(self, payments):
        def all_answered():
            self.check_run()
            return self.ends(self.answers_topic) == self.ends(self.answers_topic, "--uncommitted")

        wait_for(all_answered, "open transactions of answers", RECOVERY_LIMIT_S, 0.1)
        requests, answers = (oracle.read_topic(self.broker.address, topic)
                             for topic in (self.requests_topic, self.answers_topic))
        fates = keyed_oracle.check_answers(requests, answers, self.ledger)
        keyed_oracle.check_told(self.keyed.keys, fates, payments)
        self.key_counts = keyed_oracle.tally(self.keyed.keys, fates)

    def check_cache(self, expected):
        wait_for(lambda: cache_totals(self.socket_path) == expected, "the cache to say the same", RECOVERY_LIMIT_S,
                 0.1)
        top = subprocess.run([f"{self.bin}/paystats-cache", "-b", self.brokers, f"kafka:{self.stats_topic}",
                              "--top", str(len(expected) + 1)], capture_output=True, check=False, timeout=60)
        said = {}
        for line in top.stdout.decode().splitlines():
            record = oracle.parse(line)
            said[record["user"]] = (record["sum"], record["count"])
        if top.returncode != 0 or said != expected:
            raise Difference(f"paystats-cache --top: status {top.returncode}, {len(said)} users of {len(expected)}: "
                             f"{top.stderr.decode()}")

    def close(self):
        self.done.set()
        if self.keyed:
            self.keyed.abandoned = True
        for proxy in self.proxies:
            proxy.close()
        for child in self.children:
            child.discard()
        for loader in self.loaders:
            loader.join(WRITER_LIMIT_S + 10)
        self.broker.topics("delete", *self.topics())
