"""An overlay of deploy/k8s on Kafka, as processes (pods.py) on a real broker that has its topics, and its users by
their certificates with their rights alone, as Strimzi would make them: within its limits of memory, with a backlog.

  PYTHON tests/deploy/pods_on_kafka.py BIN [OVERLAY [USERS]]      with the Python of scripts/setup-kube
  PYTHON tests/deploy/pods_on_kafka.py BIN --no-broker            each tool, with its options, its settings and
                                                                  its certificate, finds that no broker answers,
                                                                  and has half an hour to wait for one

What is Strimzi's (operators, listeners, secrets) is not tried here: certificates, topics and rights are made by this
program from the objects of the overlay.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "deploy"))
sys.dont_write_bytecode = True
from manifest_cases import check  # noqa: E402
from pods import Memory, Pod, wait_for  # noqa: E402
from pods_on_files import hold, total_is  # noqa: E402

BACKLOG = 1_000_000
WITHOUT_BROKER_S = 30 * 60  # after a reboot, until Kafka answers on a slow machine: so long nothing is killed
KINDS = {"topic": "--topic", "group": "--group", "transactionalId": "--transactional-id"}


def run(*words, **more):
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE, **more).stdout


class Authority:
    """Makes certificates of the users, as Strimzi's authority of clients does."""

    def __init__(self, folder):
        self.folder = folder
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=clients-ca",
                     "-keyout", "clients.key", "-out", "clients.crt")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="ascii") as file:
            return file.read()

    def user(self, name):
        """The keys of the secret of that name that the pods ask for."""
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out",
                     f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "clients.crt", "-CAkey", "clients.key",
                     "-CAcreateserial", "-days", "2", "-out", f"{name}.crt")
        return {"ca.crt": self.read("clients.crt"), "user.crt": self.read(f"{name}.crt"),
                "user.key": self.read(f"{name}.key")}


class Overlay:
    def __init__(self, name):
        self.things = check.things_of(check.build(check.tools(), name))

    def all(self, kind):
        return [each for each in self.things if each["kind"] == kind]

    def pod(self, name, *more):
        return Pod(f"{name}-0", check.pod_of(next(each for each in self.things if each["metadata"]["name"] == name
                                                  and check.pod_of(each) is not None)), *more)


class Broker:
    def __init__(self, folder, authority):
        self.dir = os.path.join(folder, "kafka")
        self.rig = [os.path.join(ROOT, "scripts", "kafka")]
        tls = "listener.name.ssl.ssl"
        self.address = run(
            *self.rig, "start", "--dir", self.dir, "--tls",
            "--set", f"{tls}.client.auth=required", "--set", f"{tls}.truststore.type=PEM",
            "--set", f"{tls}.truststore.location={os.path.join(authority.folder, 'clients.crt')}",
            "--set", "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "--set", "super.users=User:ANONYMOUS").strip()
        with open(os.path.join(self.dir, "tls.properties"), encoding="utf-8") as file:
            self.tls = dict(line.strip().split("=", 1) for line in file)

    def make(self, topic):
        spec = topic["spec"]
        settings = ",".join(f"{key}={value}" for key, value in spec["config"].items())
        run(f"{self.rig[0]}-topics", "-b", self.address, "create",
            f"{topic['metadata']['name']}:{spec['partitions']}:{settings}")

    def grant(self, user):
        for acl in user["spec"]["authorization"]["acls"]:
            resource = acl["resource"]
            run(*self.rig, "admin", "--dir", self.dir, "acls", "--add", "--allow-principal",
                f"User:CN={user['metadata']['name']}", KINDS[resource["type"]], resource["name"],
                *(["--resource-pattern-type", "prefixed"] if resource["patternType"] == "prefix" else []),
                *[word for each in acl["operations"] for word in ("--operation", each)])

    def stop(self):
        subprocess.run([*self.rig, "stop", "--dir", self.dir, "--now", "--wipe"], check=False, stdout=subprocess.DEVNULL)


def files_of(overlay, authority, brokers, brokers_ca):
    """What volumes are made of: the secrets that Strimzi would make, and settings with another address."""
    files = {("secret", "pay-cluster-ca-cert"): {"ca.crt": brokers_ca}}
    for user in overlay.all("KafkaUser"):
        files["secret", user["metadata"]["name"]] = authority.user(user["metadata"]["name"])
    for each in overlay.all("ConfigMap"):
        files["configMap", each["metadata"]["name"]] = {
            key: text.replace("pay-kafka-bootstrap:9093", brokers) for key, text in each["data"].items()}
    return files


def ask_nobody(overlay, folder, files, tools):
    """Whatever is wrong on a command line, in the settings or with a certificate is said before a broker is asked."""
    failed = 0
    for name in ("paygen", "payagg", "page"):
        pod = overlay.pod(name, tools, os.path.join(folder, "claims"), files)
        try:
            for container in pod.containers.values():
                container.command += ["--broker-timeout", "200ms"]
                container.start()
            for container in pod.containers.values():
                status, words = container.process.wait(60), container.words()
                good = status == 2 and "error: no broker at 127.0.0.1:1 answered within 200 ms" in words
                failed += not good
                print(f"ok {container.name} asks a broker" if good else f"FAILED {container.name}: {status}: {words}")
        finally:
            pod.close()
    return 1 if failed else 0


def patience_s(container):
    """How long a kubelet lets it run that answers no probe; None: for ever."""
    probe = container.spec.get("startupProbe") or container.spec.get("livenessProbe")
    # Kubernetes' own defaults where the manifest has none.
    return probe and probe.get("initialDelaySeconds", 0) + probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)


def wait_without(overlay, folder, files, tools):
    """A tool that waits for a broker answers no probe: it must not be killed for that, again and again."""
    for name in ("payagg", "page"):
        pod = overlay.pod(name, tools, os.path.join(folder, "claims"), files)
        try:
            pod.start()
            for container in pod.containers.values():
                wait_for(f"{container.name} says that it waits",
                         lambda each=container: "no broker at 127.0.0.1:1 answers" in each.words() or not each.runs())
                hold(f"{container.name} waits", container.runs(), True)
                for kind in sorted({"startupProbe", "livenessProbe"} & set(container.spec)):
                    hold(f"{container.name}: its {kind} meanwhile", container.probe(kind), False)
                limit = patience_s(container)
                hold(f"{container.name} may wait ({limit or 'any number of'} s)", limit is None or limit >= WITHOUT_BROKER_S,
                     True)
        except AssertionError as error:
            print(f"FAILED {error}")
            return 1
        finally:
            pod.close()
    return 0


def made_anew(overlay, broker, payagg):
    """Started again and again, as Kubernetes does, it ends with 3 each time, and each time says why."""
    run(f"{broker.rig[0]}-topics", "-b", broker.address, "delete", "payments")
    broker.make(next(each for each in overlay.all("KafkaTopic") if each["metadata"]["name"] == "payments"))
    for count in ("first", "second"):
        before = len(payagg.words())
        payagg.start()
        hold(f"payments made anew: the status of its {count} start", payagg.process.wait(60), 3)
        said = payagg.words()[before:]
        hold("its termination message has the remedy", "it has been made anew" in said[-2048:]
             and "give payagg a new output topic and a new group" in said[-2048:], True)


def play(overlay, users, broker, files, folder, tools):
    claims = os.path.join(folder, "claims")
    pods = {name: overlay.pod(name, tools, claims, files) for name in ("paygen", "payagg", "page")}
    payagg = pods["payagg"].containers["payagg"]
    try:
        run(os.path.join(tools, "paygen"), "-q", "-b", broker.address, "--random", str(BACKLOG), "--users", str(users),
            "-o", "kafka:payments")
        paygen = pods["paygen"].containers["paygen"]
        paygen.start()
        hold("paygen", paygen.process.wait(60), 0)
        pods["payagg"].start()
        pods["page"].start()
        page = pods["page"]
        wait_for("the page is ready", page.ready)
        print("ok all probes")

        def counted():
            return json.loads(page.get("/api/stats?limit=1")[1])["count"]

        wait_for("the backlog is counted", lambda: counted() == BACKLOG + 1000)
        print(f"ok a backlog of {BACKLOG} payments of {users} users")
        hold("a POST", page.post('{"user":"edgar","paymentAmt":2.50}')[0], 200)
        for answer in ("paid", "answered again"):
            hold(f"a POST with a key, {answer}", page.post('{"user":"edgar","paymentAmt":5}',
                                                           **{"Idempotency-Key": "one"})[0], 200)
        wait_for("the total", lambda: total_is(page, "7.50"))
        for container in (payagg, *page.containers.values()):
            hold(f"kill -9 of {container.name}", container.end(signal.SIGKILL), -signal.SIGKILL)
            container.start()
        wait_for("the page is ready again", page.ready)
        hold("a POST after it", page.post('{"user":"edgar","paymentAmt":2.50}')[0], 200)
        wait_for("the total of all that was paid", lambda: total_is(page, "10.00"))
        for container in (payagg, *page.containers.values()):
            if Memory.possible:
                print(f"-- {container.name}: {container.memory.peak() / (1 << 20):.1f} MB at most, of "
                      f"{container.spec['resources']['limits']['memory']}")
            hold(f"{container.name}: no warning of rights or settings", "not authorized" in container.words()
                 or "may not be read" in container.words(), False)
            hold(f"TERM to {container.name}", container.end(signal.SIGTERM), 0)
        made_anew(overlay, broker, payagg)
        return 0
    except (AssertionError, ValueError, KeyError) as error:
        print(f"FAILED {error}")
        for pod in pods.values():
            for each in pod.containers.values():
                if each.process:
                    print(f"-- {each.name}: {each.process.poll()}, said:\n{each.words()}")
        return 1
    finally:
        for pod in pods.values():
            pod.close()


def main():
    tools, words = os.path.abspath(sys.argv[1]), sys.argv[2:]
    folder = tempfile.mkdtemp(prefix="paystats-pods-")
    authority = Authority(folder)
    broker = None
    try:
        if words == ["--no-broker"]:
            overlay = Overlay("pi")
            files = files_of(overlay, authority, "127.0.0.1:1", authority.read("clients.crt"))
            return ask_nobody(overlay, folder, files, tools) or wait_without(overlay, folder, files, tools)
        print("the limits of memory are the kernel's" if Memory.possible else
              "NOT TESTED: the limits of memory, which nobody may set here")
        overlay = Overlay(words[0] if words else "pi")
        users = int(words[1]) if len(words) > 1 else 50_000
        broker = Broker(folder, authority)
        for topic in overlay.all("KafkaTopic"):
            broker.make(topic)
        for user in overlay.all("KafkaUser"):
            broker.grant(user)
        with open(broker.tls["ssl.ca.location"], encoding="ascii") as file:
            brokers_ca = file.read()
        files = files_of(overlay, authority, broker.tls["bootstrap.servers"], brokers_ca)
        return play(overlay, users, broker, files, folder, tools)
    finally:
        if broker:
            broker.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
