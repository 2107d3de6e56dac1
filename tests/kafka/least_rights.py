#!/usr/bin/env python3
"""The rights that paystats-kafka(7) says each tool needs, on a broker that asks for them.

  tests/kafka/least_rights.py [--bin build/release/bin] [--page man/paystats-kafka.7] [--only WORD]

Each tool of the page's table is run by a user who has exactly the rights of its rows, and does its
work; then once for each right by a user who lacks that one alone. The page says what is seen then:
the tool ends with status 2 and names the right, or warns, or refuses what it was sent. Nothing may
take longer than LIMIT_S. Prints a line for each; exit status 1 if one differs.
"""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RIG = os.path.join(ROOT, "scripts", "kafka")
LIMIT_S = 60  # of a run; a server tells its client after ten seconds that it does not know
BAD = "no payment"
TOPICS = {
    "payments": ":2",
    "payment-stats": ":2:cleanup.policy=compact",
    "payment-rejects": ":1",
    "payment-requests": ":2:message.timestamp.type=LogAppendTime,retention.ms=-1",
    "payment-answers": ":2:message.timestamp.type=LogAppendTime,retention.ms=-1",
}
AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
KINDS = {"topic": "--topic", "group": "--group", "ids": "--transactional-id"}


class Right:
    """One operation on one resource; NAME.* is every id that begins with NAME."""

    def __init__(self, kind, name, operation):
        self.kind, self.operation = kind, operation
        self.prefixed = name.endswith("*")
        self.name = name.rstrip("*")

    def __str__(self):
        return f"{self.operation} on {self.kind} {self.name}{'*' if self.prefixed else ''}"

    def acl(self):
        words = ["--operation", self.operation, KINDS[self.kind], self.name]
        return words + (["--resource-pattern-type", "prefixed"] if self.prefixed else [])


def table_of(page):
    """{tool: [Right]}, in the order of the page."""
    tools, tool, inside = {}, None, False
    with open(page, encoding="utf-8") as file:
        for line in file:
            if line.startswith(".Sh "):
                inside = line.strip() == ".Sh RIGHTS"
            cells = re.fullmatch(r"\.It (.*) Ta ?(.*)", line.strip()) if inside else None
            if not cells:
                continue
            if cells[1].startswith("Sy "):
                tool = cells[1][3:].strip('"').replace("\\-", "-")
                tools[tool] = []
                continue
            kind, name = cells[1].split()[:2]
            tools[tool] += [Right(kind, name, each) for each in cells[2].split(", ")]
    return tools


class Broker:
    """Who comes without a password may do all; a user logs in with the properties in FOLDER/USER."""

    def __init__(self, folder):
        self.folder, self.dir, self.address = folder, os.path.join(folder, "kafka"), ""

    def start(self, users):
        logins = " ".join(f'user_{user}="word"' for user in users)
        module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        self.address = self.rig(
            "start", "--tls",
            "--set", f"authorizer.class.name={AUTHORIZER}",
            "--set", "super.users=User:ANONYMOUS",
            "--set", f"listener.name.sasl_ssl.plain.sasl.jaas.config={module} {logins};").strip()
        with open(os.path.join(self.dir, "sasl-plain.properties"), encoding="utf-8") as file:
            common = re.sub(r"(?m)^sasl\.(username|password)=.*\n", "", file.read())
        for user in users:
            with open(os.path.join(self.folder, user), "w", encoding="utf-8") as file:
                file.write(f"{common}sasl.username={user}\nsasl.password=word\n")

    def rig(self, verb, *words):
        return subprocess.run([RIG, verb, "--dir", self.dir, *words], check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def topics(self, *words):
        return subprocess.run([f"{RIG}-topics", "-b", self.address, *words], check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def grant(self, right, users):
        self.rig("admin", "acls", "--add", *right.acl(),
                 *[word for user in users for word in ("--allow-principal", f"User:{user}")])


class Outcome:
    """What a run has come to: its status, or that of HTTP where a server lives on."""

    def __init__(self, status, said, worked):
        self.status, self.said, self.worked = status, said, worked


def by_user(lines):
    return {json.loads(line)["user"]: line for line in lines.splitlines()}


class Tools:
    """Runs each tool as a user, and says whether its work is there, exactly."""

    def __init__(self, folder, bin_dir, broker):
        self.folder, self.bin, self.broker = folder, bin_dir, broker
        self.number = 0

    def run(self, words, user=None):
        env = {name: value for name, value in os.environ.items() if name != "KAFKA_BROKERS"}
        where = ["-F", os.path.join(self.folder, user)] if user else ["-b", self.broker.address]
        return subprocess.run([os.path.join(self.bin, words[0]), *where, *words[1:]], env=env,
                              cwd=self.folder, capture_output=True, text=True, timeout=LIMIT_S,
                              check=False)

    def pay(self, paid):
        self.run(["paygen", "-q", "--user", paid, "--amount", "1.25", "--volume", "3",
                  "-o", "kafka:payments"])
        kcat = ["kcat", "-q", "-P", "-b", self.broker.address, "-t", "payments"]
        subprocess.run(kcat, input=BAD, text=True, check=True, timeout=LIMIT_S)

    def totals(self, *words):
        """{user: line}, as somebody sees them who may do all."""
        end = self.run(["payagg", "-q", "--available-now", "--output-mode", "final", *words])
        return by_user(end.stdout)

    @staticmethod
    def seen(status, work):
        """A commit is answered a moment before all can see it."""
        end = time.monotonic() + (LIMIT_S if status == 0 else 0)
        while not work():
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True

    def fresh(self):
        self.number += 1
        return f"someone{self.number}"

    def payagg(self, user, *words):
        paid = self.fresh()
        self.pay(paid)
        rejects = self.broker.topics("ends", "payment-rejects")
        end = self.run(["payagg", "kafka:payments", "-o", "kafka:payment-stats", "--available-now",
                        "--rejects", "kafka:payment-rejects", *words], user)
        status = 0 if end.returncode == 1 else end.returncode
        return Outcome(status, end.stderr, self.seen(status, lambda: (
            self.totals("--merge", "kafka:payment-stats") == self.totals("kafka:payments")
            and self.broker.topics("ends", "payment-rejects") != rejects)))

    def reader(self, words, user, right_answer):
        end = self.run(words, user)
        return Outcome(0 if end.returncode == 1 else end.returncode, end.stderr,
                       by_user(end.stdout) == right_answer)

    def paygen(self, user, *words):
        paid = self.fresh()
        end = self.run(["paygen", "-o", "kafka:payments", "--user", paid, "--amount", "2",
                        "--volume", "5", *words], user)
        want = f'{{"user":"{paid}","sum":10.00,"count":5}}'
        return Outcome(end.returncode, end.stderr, self.seen(
            end.returncode, lambda: self.totals("kafka:payments").get(paid) == want))

    def serve(self, user, keyed):
        """It is asked to pay once."""
        paid, err = self.fresh(), os.path.join(self.folder, "serve.err")
        with open(err, "w", encoding="utf-8") as file:
            server = subprocess.Popen(
                [os.path.join(self.bin, "paystats-serve"), "-F", os.path.join(self.folder, user),
                 "--stats", "none.sock", "--listen", "127.0.0.1:0", "-o", "kafka:payments"],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file)
        try:
            url = self.address_of(server, err)
            code = self.post(url, paid, keyed) if url else None
            if url and code != 200:
                self.ended(server, 5)  # it may be about to
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)
                server.wait(LIMIT_S)
                status = 0 if code == 200 else code
            else:
                status = server.returncode
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()
        with open(err, encoding="utf-8") as file:
            said = file.read()
        want = f'{{"user":"{paid}","sum":4.00,"count":2}}'
        return Outcome(status, said, self.seen(
            status, lambda: self.totals("kafka:payments").get(paid) == want))

    @staticmethod
    def ended(server, limit_s):
        end = time.monotonic() + limit_s
        while time.monotonic() < end and server.poll() is None:
            time.sleep(0.05)
        return server.poll() is not None

    def address_of(self, server, err):
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end and server.poll() is None:
            with open(err, encoding="utf-8") as file:
                found = re.search(r"listening on (\S+?)/?$", file.read(), re.MULTILINE)
            if found:
                return found[1]
            time.sleep(0.05)
        return None

    def post(self, url, paid, keyed):
        body = json.dumps({"user": paid, "paymentAmt": "2", "volume": 2}).encode()
        headers = {"Content-Type": "application/json"}
        if keyed:
            headers["Idempotency-Key"] = paid
        try:
            request = urllib.request.Request(f"{url}/api/payments", body, headers)
            with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None

    def prepare(self, tool):
        """The topics that it needs, and none that it has to make, or must not find."""
        there = {line.split()[0] for line in self.broker.topics("list").splitlines()}
        without = {"paygen --create-topics": ("payments",),
                   "paystats-serve, without keys": ("payment-requests", "payment-answers")}
        wanted = {name: how for name, how in TOPICS.items() if name not in without.get(tool, ())}
        unwanted = there & (set(TOPICS) - set(wanted))
        if unwanted:
            self.broker.topics("delete", *unwanted)
        missing = [name + how for name, how in wanted.items() if name not in there]
        if missing:
            self.broker.topics("create", *missing)

    def work(self, tool, user):
        self.prepare(tool)
        if tool == "payagg, from topic to topic":
            return self.payagg(user)
        if tool == "payagg, at least once":
            return self.payagg(user, "--guarantee", "at-least-once")
        if tool == "payagg, from a topic to a file":
            return self.reader(["payagg", "kafka:payments", "--available-now"], user,
                               self.totals("kafka:payments"))
        if tool == "payagg --merge, paystats-cache":
            answer = self.totals("--merge", "kafka:payment-stats")
            merged = self.reader(["payagg", "--merge", "kafka:payment-stats", "--available-now"],
                                 user, answer)
            cached = self.reader(["paystats-cache", "kafka:payment-stats", "--top", "1000"], user,
                                 answer)
            return merged if merged.status == cached.status else None
        if tool in ("paygen", "paygen --atomic", "paygen --create-topics"):
            return self.paygen(user, *tool.split()[1:])
        if tool in ("paystats-serve, without keys", "paystats-serve, with keys"):
            return self.serve(user, keyed=tool.endswith("with keys"))
        raise SystemExit(f"{tool}: how is that run?")


def expected(tool, rights, lacks):
    """(status, whether its work is done, words that it says) without one of its rights."""
    if lacks is None:
        return 0, True, ""
    if lacks.operation == "DescribeConfigs":
        return 0, True, f"kafka:{lacks.name}: its settings may not be read"
    if str(lacks) == "Write on topic payment-answers":
        return 503, False, "not authorized: Write on topic payments or payment-answers"
    if lacks.kind == "group":
        return 2, False, f"not authorized: {lacks.operation} on group {lacks.name}"
    if lacks.kind == "ids":
        return 2, False, f"not authorized: {lacks.operation} on transactional id {lacks.name}"
    if lacks.operation == "Create":
        return 2, False, f"kafka:{lacks.name}: could not be made: "
    others = {right.operation for right in rights if right.name == lacks.name} - {lacks.operation}
    if others & {"Read", "Write"}:
        return 2, False, f"not authorized: {lacks.operation} on topic "
    return 2, False, f"kafka:{lacks.name}: not authorized: Describe"


def commands_of(page):
    """{right as text} of the page's kafka-acls commands."""
    with open(page, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.startswith("$acls ")]
    found = set()
    for words in lines:
        kind = next(kind for kind, option in KINDS.items() if option in words)
        name = words[words.index(KINDS[kind]) + 1] + ("*" if "prefixed" in words else "")
        found |= {str(Right(kind, name, words[at + 1]))
                  for at, word in enumerate(words) if word == "--operation"}
    return found


def judge(got, want):
    status, worked, words = want
    if got is None:
        return "two tools differ"
    if (got.status, got.worked) != (status, worked) or words not in got.said:
        return (f"status {got.status}, {'done' if got.worked else 'not done'}; not {status}, "
                f"{'done' if worked else 'not done'}, and '{words}'; it said:\n{got.said}")
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/release/bin"))
    parser.add_argument("--page", default=os.path.join(ROOT, "man/paystats-kafka.7"))
    parser.add_argument("--only", default="", help="tools with this word")
    asked = parser.parse_args()
    tools = table_of(asked.page)
    failed = commands_of(asked.page) ^ {str(each) for each in tools["payagg, from topic to topic"]}
    for each in sorted(failed):
        print(f"FAILED the commands of {asked.page}, or its table, lack: {each}")
    # First, since later ones make the payments anew.
    tools = {"payagg, at least once": [each for each in tools["payagg, from topic to topic"]
                                       if each.kind != "ids"], **tools}
    tools = {tool: rights for tool, rights in tools.items() if asked.only in tool}
    cases = []  # (tool, user, the right that this one lacks, or None)
    for number, (tool, rights) in enumerate(tools.items()):
        cases.append((tool, f"u{number}", None))
        cases += [(tool, f"u{number}w{each}", right) for each, right in enumerate(rights)]
    folder = tempfile.mkdtemp(prefix="paystats-rights-")
    broker = Broker(folder)
    try:
        broker.start([user for _, user, _ in cases])
        for tool, rights in tools.items():
            for right in rights:
                broker.grant(right, [user for of, user, lacks in cases
                                     if of == tool and lacks is not right])
        at_work = Tools(folder, os.path.abspath(asked.bin), broker)
        for tool, user, lacks in cases:
            begun = time.monotonic()
            try:
                wrong = judge(at_work.work(tool, user), expected(tool, tools[tool], lacks))
            except subprocess.TimeoutExpired as late:
                wrong = f"hangs: {late}"
            what = f"{tool}: {f'without {lacks}' if lacks else 'with its rights'}"
            print(f"{'FAILED' if wrong else 'ok'} {what} ({time.monotonic() - begun:.1f} s)"
                  f"{f': {wrong}' if wrong else ''}", flush=True)
            if wrong:
                failed.add(what)
    finally:
        broker.rig("stop", "--now", "--wipe")
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(cases)} runs, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
