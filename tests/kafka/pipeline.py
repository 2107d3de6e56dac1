"""The pipeline on topics of its own, somebody who pays, and what must hold at the end.

    work = Pipeline(bin_folder, broker, folder, rng, tag, shape)
    work.start(); work.recovered("start", time.monotonic())
    ...                       # whatever is done to work.broker, work.members, work.cache, work.servers
    work.settle()             # raises Difference
    work.attempt(play)        # a play() of all of that, and the end; what was found, whose evidence is kept

Two senders: paygen, and POSTs to two paystats-serve. What a sender is told is in the ledger of oracle.py.
"""
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
import traceback

import oracle
from stack import Child, free_ports
from torture_common import Difference, cache_totals, wait_for

# Limits, on a machine that does much else. To a signal tools answer within 5 s whatever is away.
END_LIMIT_S = 16  # 5 s of grace, and a call about a coordinator that has just died: as long as a request, 10 s
# The same instance goes on at once, but for a transaction whose outcome is awaited for as long as
# the coordinator lets it live: 10 s, and a second until it looks.
RECOVERY_LIMIT_S = 25
WRITER_LIMIT_S = 60

Shape = collections.namedtuple("Shape", "partitions members jobs guarantee")


class Pipeline:
    recovery_limit_s, writer_limit_s = RECOVERY_LIMIT_S, WRITER_LIMIT_S
    paygen_volumes = (1, 30, 1000, 3000)

    def __init__(self, bin_folder, broker, folder, rng, tag, shape):
        self.bin, self.broker, self.folder, self.rng, self.tag, self.shape = (
            bin_folder, broker, folder, rng, tag, shape)
        self.addresses = [broker.address] * 2  # all tools take the first, but for the second server
        self.recoveries, self.payments = collections.defaultdict(list), 0
        self.ledger = oracle.Ledger()
        self.payments_topic, self.stats_topic = f"{tag}-payments", f"{tag}-stats"
        self.group = f"payagg.{tag}"
        self.loaders, self.troubles, self.children = [], [], []
        self.pause, self.resting = threading.Event(), set()  # set: nobody pays; who has come to rest
        self.done = threading.Event()
        self.paygen_lock = threading.Lock()  # one paygen --atomic at a time: they share a slot
        self.story_lock = threading.Lock()

    # ---- Evidence

    def say(self, text):
        with self.story_lock, open(os.path.join(self.folder, "story"), "a", encoding="utf-8") as story:
            story.write(f"{time.monotonic():.3f} {text}\n")

    def keep(self, reason):
        """Leaves what can be looked at: the reason, the topics, the brokers' logs."""
        self.say(reason)
        for node in range(1, self.broker.nodes + 1):
            log = os.path.join(self.broker.folder, f"node-{node}.log")
            if os.path.exists(log):
                shutil.copy(log, self.folder)
        for topic in self.topic_settings():
            with open(os.path.join(self.folder, topic), "wb") as file:
                subprocess.run(["timeout", "30", "kcat", "-q", "-b", self.broker.address, "-X",
                                "isolation.level=read_committed", "-C", "-e", "-o", "beginning", "-t", topic,
                                "-f", "%T\t%p\t%o\t%k\t%s\n"], stdout=file, stderr=file, check=False)

    def attempt(self, play):
        """Plays, and ends all of it. The Difference that was found, whose evidence is in the folder, or None."""
        try:
            play()
        except Difference as difference:
            self.keep(str(difference))
            return difference
        except Exception:
            self.keep(traceback.format_exc())
            raise
        finally:
            self.close()
        shutil.rmtree(self.folder)
        return None

    # ---- The pipeline

    def topic_settings(self):
        """{topic: its settings}, as scripts/kafka-topics takes them."""
        return {self.payments_topic: "", self.stats_topic: "cleanup.policy=compact"}

    def make_topics(self):
        self.create(self.topic_settings())

    def create(self, topics, *words):
        made = self.broker.topics("create", *(f"{topic}:{self.shape.partitions}:{settings}".rstrip(":")
                                              for topic, settings in topics.items()), *words)
        if made is None:
            raise Difference(f"{', '.join(topics)}: not made")

    def start(self):
        self.make_topics()
        self.brokers = self.addresses[0]
        self.members = [self.child(f"payagg-{i}", self.payagg(f"m{i}")) for i in range(self.shape.members)]
        self.socket_path = os.path.join(self.folder, "stats.sock")
        self.cache = self.child("cache", [f"{self.bin}/paystats-cache", "-b", self.brokers,
                                          f"kafka:{self.stats_topic}", "--socket", self.socket_path, "-v"])
        self.ports = free_ports(2)
        self.servers = [self.child(f"serve-{i}", self.server(self.addresses[i], port, f"s{i}"))
                        for i, port in enumerate(self.ports)]
        self.tools = self.members + [self.cache] + self.servers
        for tool in self.tools:
            tool.start()
        for pay in self.payers():
            seed = self.rng.random()
            self.loaders.append(threading.Thread(target=self.load, args=(pay, random.Random(seed)), daemon=True))
            self.loaders[-1].start()

    def payagg(self, instance):
        argv = [f"{self.bin}/payagg", "-b", self.brokers, f"kafka:{self.payments_topic}", "-o",
                f"kafka:{self.stats_topic}", "--group", self.group, "--instance", instance, "--guarantee",
                self.shape.guarantee, "-v"]
        return argv + (["--jobs", "2"] if self.shape.jobs == 2 else [])

    def server(self, brokers, port, instance):
        return [f"{self.bin}/paystats-serve", "-b", brokers, "-o", f"kafka:{self.payments_topic}", "--stats",
                self.socket_path, "--listen", f"127.0.0.1:{port}", "--instance", instance, "-v"]

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

    def payers(self):
        """What is done again and again meanwhile, each by a thread of its own."""
        return [self.keep_paying, self.keep_posting]

    def load(self, pay, rng):
        me = threading.get_ident()
        try:
            while not self.done.is_set():
                if self.pause.is_set():
                    self.resting.add(me)
                    time.sleep(0.02)
                else:
                    self.resting.discard(me)
                    pay(rng)
        except Difference as difference:
            self.troubles.append(difference)
        except Exception as error:
            self.troubles.append(Difference(f"{pay.__name__}: {error!r}"))

    def rest(self):
        """Nobody pays until self.pause is cleared."""
        self.pause.set()
        wait_for(lambda: self.check_run() or self.resting.issuperset(loader.ident for loader in self.loaders),
                 "those who pay to come to rest", self.writer_limit_s + 10, 0.05)

    def writer(self, rng, atomic, volumes=None):
        """A paygen at work, and its batches as units."""
        units = [self.ledger.unit(rng, 1, atomic, volumes or self.paygen_volumes)
                 for _ in range(rng.randint(1, 3))]
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
            status = process.wait(self.writer_limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Difference(f"a paygen hangs for {self.writer_limit_s} s") from None
        for unit in units:
            unit.acknowledged = status == 0
        self.say(f"paygen: status {status}, batches {units[0].batches[0].number} to {units[-1].batches[-1].number}")
        return status

    def keep_paying(self, rng):
        with self.paygen_lock:
            process, units = self.writer(rng, rng.random() < 0.5)
            self.await_writer(process, units)
        self.done.wait(rng.uniform(0.05, 0.3))

    def post(self, rng, port):
        """Some batches in a POST without a key; its status, or None where no answer came."""
        unit = self.ledger.unit(rng, rng.randint(1, 4), True, (1, 3, 30))
        body = json.dumps([batch.record() for batch in unit.batches])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=self.writer_limit_s)
        try:
            connection.request("POST", "/api/payments", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
            unit.acknowledged = response.status == 200
            if response.status not in (200, 503, 507):
                raise Difference(f"POST: {response.status}: {answer.decode()}")
            if response.status != 200:
                self.say(f"POST of batch {unit.batches[0].number}: {response.status} {answer.decode()}")
            return response.status
        except TimeoutError:
            raise Difference(f"a POST hangs for {self.writer_limit_s} s") from None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def keep_posting(self, rng):
        if self.post(rng, rng.choice(self.ports)) is None:
            self.done.wait(0.05)
        self.done.wait(rng.uniform(0.005, 0.05))

    # ---- Whether it flows

    def ends(self, topic, *words):
        rows = self.broker.topics("ends", topic, *words)
        return None if rows is None else {int(partition): int(offset) for partition, offset in rows}

    def recovered(self, kind, since):
        """Waits until a payment of now has been counted in every partition."""
        def produced():
            before = self.ends(self.payments_topic, "--uncommitted")
            return before if before is not None and all(self.probe(p) for p in before) else None

        before = wait_for(produced, f"the broker after {kind}", self.recovery_limit_s, 0.1)

        def counted():
            self.check_run()
            rows = self.broker.topics("committed", self.group)
            offsets = {int(partition): int(offset) for _, partition, offset in rows or []}
            return all(offsets.get(partition, -1) > end for partition, end in before.items())

        wait_for(counted, f"payments to flow after {kind}", self.recovery_limit_s, 0.05)
        for server, port in zip(self.servers, self.ports):
            if server in self.tools and not server.stopped:
                self.await_server(server, port, kind)
        self.recoveries[kind].append(time.monotonic() - since)
        self.say(f"{kind}: recovered after {self.recoveries[kind][-1]:.1f} s")

    def await_server(self, server, port, kind):
        wait_for(lambda: self.check_run() or self.post(self.rng, port) == 200,
                 f"{server.name} to take a POST after {kind}", self.recovery_limit_s, 0.05)

    def probe(self, partition):
        """One payment straight into a partition, where the users of that partition alone live."""
        unit = self.ledger.unit(self.rng, 1, True, (1,))
        batch = unit.batches[0]
        batch.user = f"probe-{partition}"
        record = batch.record()
        del record["volume"]
        unit.acknowledged = self.produce(self.payments_topic, partition, batch.user, json.dumps(record))
        return unit.acknowledged

    def produce(self, topic, partition, key, value):
        """Whether a broker has said that it is there."""
        run = subprocess.run(["kcat", "-q", "-P", "-b", self.broker.address, "-t", topic, "-p", str(partition),
                              "-k", key, "-X", "message.timeout.ms=5000", "-X", "enable.idempotence=true"],
                             input=value.encode(), capture_output=True, check=False)
        return run.returncode == 0

    # ---- The end

    def settle(self):
        """Nobody pays any more; all that was hurt mends itself; then the oracle has the word."""
        self.done.set()
        for loader in self.loaders:
            loader.join(self.writer_limit_s + 10)
            if loader.is_alive():
                raise Difference("who pays does not come to an end")
        self.check_run()
        last, units = self.writer(self.rng, True)
        if self.await_writer(last, units) != 0:
            raise Difference(f"an undisturbed paygen: status {last.returncode}")
        self.judge()
        for tool in reversed(self.tools):
            status = tool.end(signal.SIGTERM, END_LIMIT_S)
            if status != 0:
                raise Difference(f"{tool.name}: status {status} of SIGTERM: {tool.last_words()}")

    def judge(self):
        """Holds topics and cache against the oracle while nobody pays; (payments, stats)."""
        topic = self.payments_topic
        wait_for(lambda: self.ends(topic) == self.ends(topic, "--uncommitted"), f"open transactions in {topic}",
                 self.recovery_limit_s, 0.1)
        payments = oracle.read_topic(self.broker.address, topic)
        self.payments = oracle.check_payments(payments, self.ledger)
        truth = oracle.running_totals(payments)
        expected = oracle.expected_totals(truth)
        stats = self.await_totals(expected)
        oracle.check_prefixes(truth, stats, self.shape.guarantee == "exactly-once")
        self.check_cache(oracle.merged(expected))
        return payments, stats

    def await_totals(self, expected):
        """Until the last totals are these; all of that topic."""
        held = [None]

        def agree():
            self.check_run()
            held[0] = oracle.read_topic(self.broker.address, self.stats_topic)
            return oracle.last_totals(held[0]) == expected

        try:
            wait_for(agree, "the totals", self.recovery_limit_s, 0.2)
        except Difference as difference:
            self.check_run()
            last = oracle.last_totals(held[0])
            wrong = {key: (last.get(key), expected.get(key)) for key in set(last) | set(expected)
                     if last.get(key) != expected.get(key)}
            raise Difference(f"{difference}: {len(wrong)} of {len(expected)} differ: (is, should be) "
                             f"{dict(list(wrong.items())[:3])}") from None
        return held[0]

    def check_cache(self, expected):
        wait_for(lambda: self.check_run() or cache_totals(self.socket_path) == expected,
                 "the cache to say the same", self.recovery_limit_s, 0.1)
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
        for child in self.children:
            child.discard()
        for loader in self.loaders:
            loader.join(self.writer_limit_s + 10)
        self.broker.topics("delete", *self.topic_settings())
