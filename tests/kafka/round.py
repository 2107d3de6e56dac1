"""One round of torture: a pipeline of random shape, which takes requests with keys as well.

Of two servers each pays for some of the keys; clients send requests again until they are certain.
"""
import collections
import os
import subprocess
import time

import keyed_oracle
import oracle
from keyed_clients import KeyedClients
from pipeline import Pipeline, Shape
from proxy import Proxy
from torture_common import wait_for

# A consumer that is not heard of for so long is given up; 10 s by default.
SESSION_S = 4
SERVER_SESSION_S = 6  # of a server that pays for keys; it is not for users to set

KEYED_CLIENTS = 5
REQUEST_SETTINGS = "cleanup.policy=delete,message.timestamp.type=LogAppendTime,retention.ms=-1"


class Round(Pipeline):
    def __init__(self, arguments, broker, folder, rng, tag, kinds):
        members, jobs = rng.choice([(1, 1), (2, 1), (1, 2), (2, 1)])
        shape = Shape(rng.choice([1, 3]), members, jobs,
                      rng.choice(["exactly-once", "exactly-once", "at-least-once"]))
        super().__init__(arguments.bin, broker, folder, rng, tag, shape)
        self.proxied = "net" in kinds and (kinds == ["net"] or rng.random() < 0.5)
        self.kinds = [kind for kind in kinds if kind != "net" or self.proxied]
        if members == 1 and self.kinds != ["takeover"]:
            self.kinds = [kind for kind in self.kinds if kind != "takeover"]
        self.counts = collections.Counter()
        self.requests_topic, self.answers_topic = f"{tag}-requests", f"{tag}-answers"
        self.proxies = []
        self.keyed, self.key_counts = None, collections.Counter()

    def keep(self, reason):
        super().keep(reason)
        if self.keyed:
            with open(os.path.join(self.folder, "keys"), "w", encoding="utf-8") as file:
                file.writelines(f"{key.name}: {attempt}\n" for key in list(self.keyed.keys.values())
                                for attempt in list(key.attempts) + list(key.last_asked))

    # ---- The pipeline

    def topic_settings(self):
        return super().topic_settings() | {self.requests_topic: REQUEST_SETTINGS, self.answers_topic: REQUEST_SETTINGS}

    def start(self):
        if self.proxied:
            self.proxies = [Proxy(*ports, self.rng.random()) for ports in self.broker.proxied]
            self.addresses = [f"127.0.0.1:{proxy.port}" for proxy in self.proxies]
            self.say("all connections go by way of proxies")
        super().start()

    def payagg(self, instance):
        return super().payagg(instance) + [
            "--trigger", self.rng.choice(["0", "20ms", "100ms", "300ms"]),
            "-X", f"session.timeout.ms={SESSION_S * 1000}", "-X", "heartbeat.interval.ms=1000"]

    def server(self, brokers, port, instance):
        return super().server(brokers, port, instance) + ["--requests", self.requests_topic,
                                                          "--answers", self.answers_topic]

    # ---- Who pays

    def payers(self):
        self.keyed = KeyedClients(self.ports, self.ledger, self.tag, self.done)
        return super().payers() + [self.keyed.play] * KEYED_CLIENTS

    def await_server(self, server, port, kind):
        for _ in range(self.shape.partitions):
            wait_for(lambda: self.check_run() or self.keyed.pay_one(self.rng, port),
                     f"{server.name} to pay for a key after {kind}", self.recovery_limit_s, 0.05)

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

    def judge(self):
        self.keyed.ask_all(self.rng)
        payments, stats = super().judge()
        self.check_keys(payments)
        return payments, stats

    def check_keys(self, payments):
        def all_answered():
            self.check_run()
            return self.ends(self.answers_topic) == self.ends(self.answers_topic, "--uncommitted")

        wait_for(all_answered, "open transactions of answers", self.recovery_limit_s, 0.1)
        requests, answers = (oracle.read_topic(self.broker.address, topic)
                             for topic in (self.requests_topic, self.answers_topic))
        fates = keyed_oracle.check_answers(requests, answers, self.ledger)
        keyed_oracle.check_told(self.keyed.keys, fates, payments)
        self.key_counts = keyed_oracle.tally(self.keyed.keys, fates)

    def close(self):
        if self.keyed:
            self.keyed.abandoned = True
        for proxy in self.proxies:
            proxy.close()
        super().close()
