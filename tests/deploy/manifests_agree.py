"""The manifests of deploy/k8s agree with what the tools ask for, and with each other.

  PYTHON tests/deploy/manifests_agree.py      with the Python of scripts/setup-kube

Rights are those of the table in paystats-kafka(7), which tests/kafka/least_rights.py holds against a real broker.
Prints what differs; exit status 1 if anything does. tests/deploy/agree_cases.py shows that it does.
"""
import copy
import glob
import os
import re
import sys
import types

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", "deploy"), os.path.join(ROOT, "tests", "kafka")]
sys.dont_write_bytecode = True
from least_rights import table_of  # noqa: E402
from manifest_cases import check, load  # noqa: E402

# The row of the manual's table that each user of Kafka has.
ROWS = {"payagg": "payagg, from topic to topic", "paystats-cache": "payagg --merge, paystats-cache",
        "paystats-serve": "paystats-serve, with keys", "paygen": "paygen"}
KEY_MEMORY_MS = 24 * 3600 * 1000  # --idempotency-memory, unless it is given
RENEWAL_DAYS = 60  # a month has up to 31 days, and the tools are started again once a month
RENEWED = re.compile(rf"Strimzi\s+renews\s+(?:certificates|them)\s+{RENEWAL_DAYS}\s+days\s+before")
TOOL_MEMORY = "32Mi"
STRIMZI, KAFKA = "1.2.0", "4.3.1"  # and the newest Kafka that it brings
SMALL_SEGMENTS = {"cleanup.policy": "compact", "segment.bytes": 64 << 20}  # what starts reads the last one whole
WITH_KEYS = {"cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime", "retention.bytes": -1,
             "retention.ms": 2 * KEY_MEMORY_MS}
TOPICS = {"payments": {"cleanup.policy": "delete", "retention.ms": -1}, "payment-stats": SMALL_SEGMENTS,
          "payment-requests": WITH_KEYS, "payment-answers": WITH_KEYS,
          "payment-rejects": {"cleanup.policy": "delete", "retention.ms": 30 * 24 * 3600 * 1000}}
ASKED = {"exec": {"command": ["paystats-cache", "--connect", "/run/paystats/stats.sock", "--top", "1"]}}
READY, HEALTHY = ({"httpGet": {"path": path, "port": 8080}} for path in ("/readyz", "/healthz"))
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
PLURALS = {"NetworkPolicy": "networkpolicies"}
KEPT = {("", "serviceaccounts"), ("kafka.strimzi.io", "kafkausers"), *(("kafka.strimzi.io", each) for each in check.KEPT),
        ("", "persistentvolumeclaims")}  # payments and totals, and who may reach them
TO_APPLY = {"get", "list", "watch", "create", "patch", "update"}
wrong = []


def hold(what, got, want):
    if got != want:
        wrong.append(f"{what}: {got}, not {want}")


class Part:
    """What is applied at once."""

    def __init__(self, name, things):
        self.name, self.things = name, things

    def all(self, kind):
        return {each["metadata"]["name"]: each for each in self.things if each["kind"] == kind}

    def pods(self):
        """(object, pod, labels)"""
        for each in self.things:
            pod = check.pod_of(each)
            if pod is not None:
                spec = each["spec"]["jobTemplate"]["spec"] if each["kind"] == "CronJob" else each["spec"]
                yield each, pod, spec["template"]["metadata"]["labels"]

    def containers(self):
        for thing, pod, _ in self.pods():
            for container in pod["containers"]:
                yield f"{self.name}: {thing['kind']}/{thing['metadata']['name']}: {container['name']}", pod, container


def rights(part):
    table = table_of(os.path.join(ROOT, "man", "paystats-kafka.7"))
    kinds = {"transactionalId": "ids"}
    hold(f"{part.name}: users", set(part.all("KafkaUser")), set(ROWS))
    for name, user in part.all("KafkaUser").items():
        has = set()
        for acl in user["spec"]["authorization"]["acls"]:
            resource = acl["resource"]
            hold(f"{part.name}: {name}: type", acl.get("type", "allow"), "allow")
            hold(f"{part.name}: {name}: host", acl.get("host"), None)
            star = "*" if resource["patternType"] == "prefix" else ""
            kind = kinds.get(resource["type"], resource["type"])
            has |= {f"{each} on {kind} {resource['name']}{star}" for each in acl["operations"]}
        hold(f"{part.name}: rights of {name}", sorted(has), sorted(map(str, table[ROWS[name]])))


def topics(part):
    """Payments are kept; requests and answers for twice as long as a key is known."""
    named = {name: each["spec"] for name, each in part.all("KafkaTopic").items()}
    brokers = part.all("KafkaNodePool")["dual"]["spec"]["replicas"]
    hold(f"{part.name}: topics", set(named), set(TOPICS))
    for name, spec in named.items():
        hold(f"{part.name}: {name}: replicas", spec["replicas"], brokers)
        hold(f"{part.name}: {name}: config", spec["config"], TOPICS.get(name))
    for one, other in (("payments", "payment-stats"), ("payment-requests", "payment-answers")):
        hold(f"{part.name}: partitions of {one} and {other}", named[one]["partitions"], named[other]["partitions"])
    payagg = part.all("StatefulSet")["payagg"]["spec"]["replicas"]
    hold(f"{part.name}: each payagg has partitions", payagg <= named["payments"]["partitions"], True)


def command_lines(part):
    """Who a tool is for Kafka is itself; topics that it names are there; its name in a group is its pod's."""
    for name, pod, container in part.containers():
        words, tool = container["args"], container["command"][0]
        hold(f"{name}: memory", (container["resources"]["limits"]["memory"],
                                 container["resources"]["requests"]["memory"]), (TOOL_MEMORY, TOOL_MEMORY))
        for topic in [word[len("kafka:"):] for word in words if word.startswith("kafka:")]:
            hold(f"{name}: {topic} is there", topic in part.all("KafkaTopic"), True)
        variables = set(re.findall(r"\$\((\w+)\)", " ".join(words)))
        hold(f"{name}: variables", variables <= {each["name"] for each in container.get("env", [])}, True)
        if "-F" not in words:
            continue
        mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
        volume = next(each for each in pod["volumes"] if each["name"] == mounts["/etc/paystats"])
        secrets = [each["secret"] for each in volume["projected"]["sources"] if "secret" in each]
        hold(f"{name}: secrets", [each["name"] for each in secrets], ["pay-cluster-ca-cert", tool])
        if tool in ("payagg", "paystats-serve"):
            hold(f"{name}: --instance", words[words.index("--instance") + 1], "$(POD_NAME)")
            hold(f"{name}: POD_NAME", container["env"][0]["valueFrom"]["fieldRef"]["fieldPath"], "metadata.name")
        if tool == "paystats-serve":
            # Unless they are named it runs without keys where a topic is not there yet, and is ready all the same.
            for option, topic in (("--requests", "payment-requests"), ("--answers", "payment-answers")):
                hold(f"{name}: {option}", words[words.index(option) + 1] if option in words else None, topic)
                hold(f"{name}: {topic} is there", topic in part.all("KafkaTopic"), True)


def client_file(part):
    """The files that kafka.properties names are those that the volume has."""
    data = next(each for name, each in part.all("ConfigMap").items() if name.startswith("kafka-client"))["data"]
    settings = dict(line.split("=", 1) for line in data["kafka.properties"].splitlines() if line[:1] not in ("", "#"))
    hold(f"{part.name}: brokers", settings["bootstrap.servers"], "pay-kafka-bootstrap:9093")
    named = {os.path.basename(value) for key, value in settings.items() if key.endswith(".location")}
    for name, pod, _ in part.containers():
        for volume in (each for each in pod["volumes"] if "projected" in each):
            files = {item["path"] for source in volume["projected"]["sources"]
                     for item in source.get("secret", {}).get("items", [])}
            hold(f"{name}: files of {volume['name']}", files, named)
    listeners = part.all("Kafka")["pay"]["spec"]["kafka"]["listeners"]
    hold(f"{part.name}: the listener of the tools", [(each["port"], each["type"]) for each in listeners],
         [(9093, "internal"), *([] if part.name == "cluster-internal" else [(9094, "loadbalancer")])])
    hold(f"{part.name}: who reaches it", listeners[0].get("networkPolicyPeers"),
         [{"podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "paystats"}}}])


def certificates(part):
    """They are renewed long enough before their end for tools that are started again once a month."""
    spec = part.all("Kafka")["pay"]["spec"]
    for authority in ("clusterCa", "clientsCa"):
        hold(f"{part.name}: {authority}", spec.get(authority), {"renewalDays": RENEWAL_DAYS})


def pages(texts):
    """The documents name the same days."""
    for name in ("docs/three-pis.md", "docs/kubernetes.md"):
        hold(f"{name}: says when certificates are renewed", bool(RENEWED.search(texts[name])), True)


def selected(selector, labels):
    return selector.get("matchLabels", {}).items() <= labels.items()


def network(part):
    """All that comes in is refused for all pods; all that tools send, but to Kafka; the Service finds its pods."""
    policies = part.all("NetworkPolicy")
    if part.name == "spark":  # beside another overlay
        return
    hold(f"{part.name}: nothing unasked", policies["nothing-unasked"]["spec"],
         {"podSelector": {}, "policyTypes": ["Ingress"]})
    for thing, _, labels in part.pods():
        silent = [each["spec"] for each in policies.values() if selected(each["spec"]["podSelector"], labels)
                  and "Egress" in each["spec"]["policyTypes"]]
        hold(f"{part.name}: {thing['metadata']['name']}: goes nowhere else", bool(silent), True)
        hold(f"{part.name}: {thing['metadata']['name']}: its selector",
             "selector" not in thing["spec"] or selected(thing["spec"]["selector"], labels), True)
    out = [rule for policy in policies.values() for rule in policy["spec"].get("egress", [])]
    if part.all("Kafka"):
        names = [rule["to"] for rule in out if {each["port"] for each in rule["ports"]} == {53}]
        system = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
        # The last one is a cache of the node's (NodeLocal DNSCache), which is no pod for a policy.
        hold(f"{part.name}: who is asked for names", names,
             [[system | {"podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}, {"ipBlock": {"cidr": "169.254.0.0/16"}}]])
    hold(f"{part.name}: ports that are gone to", {each["port"] for rule in out for each in rule["ports"]},
         {9093, 53} if part.all("Kafka") else set())
    for name, service in part.all("Service").items():
        heard = {int(word[len("0.0.0.0:"):]) for _, pod, labels in part.pods()
                 if service["spec"]["selector"].items() <= labels.items()
                 for container in pod["containers"] for word in container["args"] if word.startswith("0.0.0.0:")}
        hold(f"{part.name}: Service {name}", {each["targetPort"] for each in service["spec"].get("ports", [])}, heard)
    let_in = [(each["podSelector"]["matchLabels"], rule["from"], rule["ports"]) for each in
              (policy["spec"] for policy in policies.values()) for rule in each.get("ingress", [])]
    hold(f"{part.name}: who is let in", let_in, [(
        part.all("Service")["page"]["spec"]["selector"],
        [{"namespaceSelector": {"matchLabels": {"paystats-client": "true"}}}], [{"port": 8080, "protocol": "TCP"}])])


def order(part):
    budgets = set(part.all("PodDisruptionBudget"))
    hold(f"{part.name}: budgets", budgets, {"page", "payagg"} if part.name.startswith("cluster") else set())
    for name, budget in part.all("PodDisruptionBudget").items():
        hold(f"{part.name}: budget of {name}",
             [thing["metadata"]["name"] for thing, _, labels in part.pods()
              if selected(budget["spec"]["selector"], labels)], [name])
    for name, thing in part.all("StatefulSet").items():
        hold(f"{part.name}: {name}", (thing["spec"]["podManagementPolicy"], thing["spec"]["serviceName"]),
             ("Parallel", name))
        # It has no probe: one that ends at once stops the rollout before the others are replaced.
        hold(f"{part.name}: {name}: it runs for a while", thing["spec"].get("minReadySeconds", 0), 15)
    for name, thing in part.all("Deployment").items():
        # Else `kubectl rollout status` calls it failed while a container may still be waiting for a broker.
        limits = [probe["periodSeconds"] * probe["failureThreshold"] for probe in
                  (each.get("startupProbe") for each in check.pod_of(thing)["containers"]) if probe]
        hold(f"{part.name}: {name}: time to start", thing["spec"].get("progressDeadlineSeconds", 600) > max(limits), True)
    for kind in ("StatefulSet", "Deployment"):
        for name, thing in part.all(kind).items():
            hold(f"{part.name}: {name}: on more nodes than one", check.pod_of(thing).get("topologySpreadConstraints"),
                 [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
                   "labelSelector": thing["spec"]["selector"]}])


def brokers_of(part):
    """One is told all that three are: how often each partition is there, and how often it has to be."""
    pool, spec = part.all("KafkaNodePool")["dual"], part.all("Kafka")["pay"]["spec"]
    brokers, kafka = pool["spec"]["replicas"], spec["kafka"]
    more = {} if brokers > 1 else {"offsets.topic.num.partitions": 4, "transaction.state.log.num.partitions": 4}
    hold(f"{part.name}: Kafka's settings", kafka["config"], {
        "auto.create.topics.enable": False, "unclean.leader.election.enable": False,
        "log.cleaner.dedupe.buffer.size": 128 << 20 if brokers > 1 else 32 << 20,
        **dict.fromkeys(("default.replication.factor", "offsets.topic.replication.factor",
                         "transaction.state.log.replication.factor"), brokers),
        **dict.fromkeys(("min.insync.replicas", "transaction.state.log.min.isr"), (brokers + 1) // 2), **more})
    hold(f"{part.name}: Kafka is told nothing else", sorted(kafka), ["authorization", "config", "listeners", "version"])
    hold(f"{part.name}: the version of Kafka", kafka["version"], KAFKA)
    hold(f"{part.name}: who makes topics and users", sorted(spec.get("entityOperator", {})), ["topicOperator", "userOperator"])
    spread = [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
               "labelSelector": {"matchLabels": {"strimzi.io/cluster": "pay", "strimzi.io/pool-name": "dual"}}}]
    hold(f"{part.name}: brokers, each on a node of its own",
         pool["spec"].get("template", {}).get("pod", {}).get("topologySpreadConstraints"), spread if brokers > 1 else None)
    hold(f"{part.name}: volumes of brokers", [(each["type"], each.get("deleteClaim", False)) for each in
                                              pool["spec"]["storage"]["volumes"]], [("persistent-claim", False)])
    # Of k3s a port of the node is one Service's: with one broker there is to be one. Nor is there another port of the
    # node, which k3s's load balancer does without.
    if len(kafka["listeners"]) > 1:
        hold(f"{part.name}: the Services of the listener for outside", kafka["listeners"][1].get("configuration"),
             None if brokers > 1 else {"createBootstrapService": False, "allocateLoadBalancerNodePorts": False})


def names_of_page(part):
    """Its Service has these names, each of which a client may use."""
    names = ["page", "page.paystats", "page.paystats.svc", "page.paystats.svc.cluster.local"]
    for name, _, container in part.containers():
        words = container["args"]
        hold(f"{name}: its names", [after for word, after in zip(words, words[1:]) if word == "--allow-host"],
             names if container["name"] == "serve" else [])


def page(part):
    """It is asked whether it is alive and of use; two pages are never on one log; the cache writes nothing."""
    on_kafka = bool(part.all("Kafka"))
    for thing in part.all("Deployment").values():
        has = {each["name"]: {kind: each[kind] for kind in PROBES if kind in each}
               for each in check.pod_of(thing)["containers"]}
        hold(f"{part.name}: probes", {name: {kind: {key: value for key, value in probe.items() if key in ("exec", "httpGet")}
                                             for kind, probe in probes.items()} for name, probes in has.items()},
             {"cache": {"startupProbe": ASKED, "livenessProbe": ASKED},
              "serve": {"readinessProbe": READY, "livenessProbe": HEALTHY, **({"startupProbe": HEALTHY} if on_kafka else {})}})
        for name, probes in has.items():
            alive = probes.get("livenessProbe", {})
            hold(f"{part.name}: {name}: not killed for a slow minute",
                 alive.get("periodSeconds", 10) * alive.get("failureThreshold", 3) >= 60, True)
        hold(f"{part.name}: one page after the other", thing["spec"].get("strategy"), None if on_kafka else {"type": "Recreate"})
    for name, pod, container in part.containers():
        # The note of a status 3 is where it outlives the container, and not the pod.
        words = [*container["args"], "", ""]
        tool = "serve" if container["name"] == "serve" else "totals"
        notes = (tool == "serve") == on_kafka and container["name"] in ("serve", "cache")
        hold(f"{name}: the note of status 3", words[words.index("--no-start-file") + 1] if "--no-start-file" in words else None,
             f"/run/paystats/{tool}.no-start" if notes else None)
        hold(f"{name}: where the note is", [each.get("emptyDir") for each in pod["volumes"] if each["name"] == "socket"],
             [{}] if container["name"] in ("serve", "cache") else [])
        # Who still sends to a pod that is being ended, since not all nodes know it yet, is answered.
        hold(f"{name}: before it is told to end", container.get("lifecycle"),
             {"preStop": {"sleep": {"seconds": 3}}} if on_kafka and container["name"] == "serve" else None)
        claims = {each["name"] for each in pod["volumes"] if "persistentVolumeClaim" in each}
        writes = {each["name"] for each in container["volumeMounts"] if not each.get("readOnly")}
        hold(f"{name}: volumes that it writes", writes - {"socket"}, claims if container["name"] == "serve" else set())


def paygen(part):
    """It pays when it is asked, and once."""
    job = part.all("CronJob")["paygen"]["spec"]
    hold(f"{part.name}: paygen: when", {key: value for key, value in job.items() if key != "jobTemplate"},
         {"suspend": True, "schedule": "0 0 1 1 *", "startingDeadlineSeconds": 300, "concurrencyPolicy": "Forbid"})
    hold(f"{part.name}: paygen: once", {key: value for key, value in job["jobTemplate"]["spec"].items() if key != "template"},
         {"backoffLimit": 0})
    hold(f"{part.name}: paygen: its pod", job["jobTemplate"]["spec"]["template"]["spec"].get("restartPolicy"), "Never")


def without_outside(whole, internal):
    """cluster-internal is cluster, but for the listener that wants a load balancer."""
    things = copy.deepcopy(whole.things)
    listeners = Part(whole.name, things).all("Kafka")["pay"]["spec"]["kafka"]["listeners"]
    listeners[:] = [each for each in listeners if each["type"] != "loadbalancer"]
    for want, got in zip(things, internal.things):
        hold(f"{internal.name}: {want['kind']}/{want['metadata']['name']}", got, want)
    hold(f"{internal.name}: objects", len(internal.things), len(things))


def text_of(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def documents():
    """{name: text} of those that say which image and which Strimzi."""
    paths = [*glob.glob(os.path.join(ROOT, "docs", "*.md")), *glob.glob(os.path.join(ROOT, "deploy", "*", "README.md")),
             os.path.join(ROOT, "deploy", "k8s", "admin", "strimzi", "kustomization.yaml"),
             os.path.join(ROOT, "scripts", "setup-kube")]
    return {os.path.relpath(path, ROOT): text_of(path) for path in paths}


def versions(parts, texts):
    """Of the image, in manifests and documents; and of Strimzi."""
    version = re.search(r"^project\(paystats VERSION (\S+)", text_of("CMakeLists.txt"), re.MULTILINE)[1]
    for part in parts:
        hold(f"{part.name}: images", {image for each in part.things for image in check.named_images(each)},
             {f"paystats-spark:{version}" if part.name == "spark" else f"paystats:{version}"})
    for name, text in texts.items():
        said = re.findall(r"(?:\bpaystats(?:-spark)?[:-]|newTag: \"?)(\d+\.\d+\.\d+)", text)
        hold(f"{name}: tags of images", set(said) - {version}, set())
        said = re.findall(r"(?i)strimzi(?:-|=|\s+)(\d+\.\d+\.\d+)|release (\d+\.\d+\.\d+)(?= of Strimzi| has to)", text)
        hold(f"{name}: Strimzi", {each for pair in said for each in pair if each} - {STRIMZI}, set())


def deployer(admin, parts):
    """Who deploys may apply all of each overlay, and delete what holds no payments."""
    may = {}
    roles = admin.all("Role")
    for rule in roles["deployer"]["rules"] + roles["deployer-spark"]["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                may[group, resource] = set(rule["verbs"])
    used = {("batch", "jobs")}  # kubectl create job --from=cronjob/paygen
    for part in parts:
        for each in part.things:
            group = each["apiVersion"].rpartition("/")[0]
            used.add((group, PLURALS.get(each["kind"], each["kind"].lower() + "s")))
    for key in sorted(used):
        hold(f"deployer: may do with {key}", may.get(key), TO_APPLY | (set() if key in KEPT else {"delete"}))
    hold("deployer: may look at", {key: verbs for key, verbs in may.items() if key not in used},
         dict.fromkeys((("", "pods"), ("", "pods/log"), ("", "events")), {"get", "list", "watch"}))


def options_of(words):
    """What the job itself makes of its arguments; Spark is not needed for that."""
    streaming, sql = types.ModuleType("pyspark.sql.streaming"), types.ModuleType("pyspark.sql")
    streaming.StreamingQueryListener = sql.Column = sql.DataFrame = sql.SparkSession = sql.functions = object
    sys.modules |= {"pyspark": types.ModuleType("pyspark"), "pyspark.sql": sql, "pyspark.sql.streaming": streaming}
    job = load(os.path.join(ROOT, "deploy", "spark", "payment_stats.py"), "payment_stats")
    sys.argv = ["payment_stats.py", *words]
    return job.arguments()


def spark(admin, part, beside):
    """The job on Spark: its arguments name what is there, with the rights for that and no others; it is let to Kafka
    as the tools are; its settings are those that let its driver do with its rights."""
    job = part.all("SparkApplication")["spark-payment-stats"]["spec"]
    options, words, user = options_of(job["arguments"]), job["arguments"], part.all("KafkaUser")["spark"]["spec"]
    topics = {"Read": options.input, "Write": options.output}
    hold("spark: its input", topics["Read"] in beside.all("KafkaTopic"), True)
    hold("spark: its output", list(part.all("KafkaTopic")), [topics["Write"]])
    hold("spark: the settings of its output", part.all("KafkaTopic")[topics["Write"]]["spec"]["config"], SMALL_SEGMENTS)
    hold("spark: rights", sorted((each["resource"]["type"], each["resource"]["name"], each["resource"]["patternType"],
                                  *each["operations"]) for each in user["authorization"]["acls"]),
         sorted([("topic", topics["Read"], "literal", "Read"), ("topic", topics["Write"], "literal", "Write")]))
    hold("spark: brokers", options.brokers, "pay-kafka-bootstrap:9093")
    hold("spark: its state is in the volume", options.checkpoint.startswith("/var/lib/paystats/"), True)
    lets = beside.all("Kafka")["pay"]["spec"]["kafka"]["listeners"][0].get("networkPolicyPeers", [{}])[0].get("podSelector", {})
    ports = {int(job["sparkConf"][name]) for name in ("spark.driver.port", "spark.blockManager.port")}
    policy = part.all("NetworkPolicy")["spark-payment-stats"]["spec"]
    for way in ("ingress", "egress"):
        hold(f"spark: ports, {way}", {each["port"] for each in policy[way][0]["ports"]}, ports)
    for role, pod in check.spark_pods(part.all("SparkApplication")["spark-payment-stats"]):
        labels = job[role]["labels"]
        hold(f"spark: {role}: Kafka lets it in", selected(lets, labels), True)
        hold(f"spark: {role}: it is let to Kafka",
             selected(beside.all("NetworkPolicy")["tools-to-kafka"]["spec"]["podSelector"], labels), True)
        hold(f"spark: {role}: its policy", selected(policy["podSelector"], labels), True)
        named = set(re.findall(r"/etc/paystats[/:]([\w.-]+)", " ".join(words)))
        files = {item["path"] for volume in pod["spec"]["volumes"] for source in
                 volume.get("projected", {}).get("sources", []) for item in source["secret"]["items"]}
        hold(f"spark: {role}: files", files, named)
    rights = admin.all("Role")[job["driver"]["serviceAccount"]]["rules"]
    hold("spark: what its driver may", rights, [{"apiGroups": [""], "resources": ["pods"],
                                                 "verbs": ["get", "list", "watch", "create", "delete"]}])
    for setting, value in (("driver.ownPersistentVolumeClaim", "false"), ("driver.reusePersistentVolumeClaim", "false"),
                           ("driver.service.deleteOnTermination", "false"), ("executor.disableConfigMap", "true")):
        hold(f"spark: {setting}", job["sparkConf"].get(f"spark.kubernetes.{setting}"), value)
    hold("spark: its executors' account is the tools'", job["executor"]["serviceAccount"],
         check.pod_of(beside.all("StatefulSet")["payagg"])["serviceAccountName"])
    with open(os.path.join(ROOT, "deploy", "spark", "pom.xml"), encoding="utf-8") as file:
        hold("spark: the version of the jars", re.findall(r"<spark>([^<]*)</spark>", file.read()), [job["sparkVersion"]])
    with open(os.path.join(ROOT, "deploy", "spark", "Containerfile"), encoding="utf-8") as file:
        hold("spark: the version of its image", re.findall(r"SPARK_IMAGE=.*:([^-]*)", file.read()), [job["sparkVersion"]])


def differences(parts, texts):
    """Of what is applied at once, and of the documents."""
    wrong.clear()
    admin = Part("admin", [each for part in parts if check.is_admin(part.name) for each in part.things])
    overlays = {part.name: part for part in parts if not check.is_admin(part.name)}
    deployer(admin, overlays.values())
    spark(admin, overlays["spark"], overlays["pi"])
    without_outside(overlays["cluster"], overlays["cluster-internal"])
    pages(texts)
    versions(overlays.values(), texts)
    for part in overlays.values():
        command_lines(part)
        network(part)
        order(part)
        if part.name != "spark":
            page(part)
            names_of_page(part)
        if part.all("Kafka"):
            rights(part)
            topics(part)
            client_file(part)
            certificates(part)
            brokers_of(part)
            paygen(part)
    return list(wrong)


def built():
    home = check.tools()
    return [Part(name, check.things_of(check.build(home, name))) for name in check.names_of_parts()]


def main():
    parts = built()
    differ = differences(parts, documents())
    print("".join(f"{line}\n" for line in differ), end="")
    print(f"{len(parts)} parts, {len(differ)} differences")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
