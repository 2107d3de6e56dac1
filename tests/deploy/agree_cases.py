"""What tests/deploy/manifests_agree.py must notice: the manifests of deploy/k8s with one change each, that no schema
and no rule of scripts/check-manifests refuses.

  PYTHON tests/deploy/agree_cases.py      with the Python of scripts/setup-kube

Each case names words of a difference. Prints a line a case; exit status 1 if one is not noticed.
"""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "deploy"))
sys.dont_write_bytecode = True
from manifest_cases import GONE, changed  # noqa: E402
import manifests_agree as agree  # noqa: E402

POD = "spec.template.spec"
CACHE, SERVE = POD + ".containers.0", POD + ".containers.1"
JOB = "spec.jobTemplate.spec"
CONFIG = "spec.kafka.config."

# (part, object, place, value, words of a difference)
CASES = [
    # Whether it is alive, and of use.
    ("pi", "Deployment/page", SERVE + ".livenessProbe", GONE, "pi: probes"),
    ("files", "Deployment/page", SERVE + ".readinessProbe", GONE, "files: probes"),
    ("files", "Deployment/page", SERVE + ".readinessProbe.httpGet.path", "/healthz", "files: probes"),
    ("cluster", "Deployment/page", CACHE + ".livenessProbe", GONE, "cluster: probes"),
    ("pi", "Deployment/page", CACHE + ".startupProbe", GONE, "pi: probes"),
    ("pi", "Deployment/page", SERVE + ".livenessProbe.failureThreshold", 1, "serve: not killed for a slow minute"),
    ("pi", "Deployment/page", SERVE + ".args.18", "--public-url", "serve: its names"),
    ("files", "Deployment/page", SERVE + ".args.7", "pages", "serve: its names"),
    # Where it runs, how it is replaced, what it writes.
    ("cluster", "Deployment/page", POD + ".topologySpreadConstraints", GONE, "page: on more nodes than one"),
    ("pi", "StatefulSet/payagg", POD + ".topologySpreadConstraints.0.labelSelector", {}, "payagg: on more nodes than one"),
    ("cluster", "KafkaNodePool/dual", "spec.template", GONE, "brokers, each on a node of its own"),
    ("cluster", "KafkaNodePool/dual", "spec.storage.volumes.0.deleteClaim", True, "volumes of brokers"),
    ("pi", "KafkaNodePool/dual", "spec.storage.volumes.0", {"id": 0, "type": "ephemeral"}, "volumes of brokers"),
    ("files", "Deployment/page", "spec.strategy", GONE, "one page after the other"),
    ("files", "Deployment/page", CACHE + ".volumeMounts.0.readOnly", False, "cache: volumes that it writes"),
    ("pi", "StatefulSet/payagg", CACHE + ".volumeMounts.0.readOnly", GONE, "payagg: volumes that it writes"),
    ("cluster", "Deployment/page", SERVE + ".lifecycle", GONE, "serve: before it is told to end"),
    ("cluster", "StatefulSet/payagg", "spec.minReadySeconds", GONE, "payagg: it runs for a while"),
    ("pi", "Deployment/page", SERVE + ".args.14", "--public-url", "serve: the note of status 3"),
    ("files", "Deployment/page", CACHE + ".args.7", "/tmp/totals.no-start", "cache: the note of status 3"),
    ("files", "Deployment/page", POD + ".volumes.1", {"name": "socket", "persistentVolumeClaim": {"claimName": "payments"}}, "where the note is"),
    # Who is paid once.
    ("pi", "CronJob/paygen", JOB + ".backoffLimit", 6, "paygen: once"),
    ("pi", "CronJob/paygen", JOB + ".backoffLimit", GONE, "paygen: once"),
    ("pi", "CronJob/paygen", JOB + ".completions", 2, "paygen: once"),
    ("pi", "CronJob/paygen", JOB + ".parallelism", 2, "paygen: once"),
    ("pi", "CronJob/paygen", JOB + ".template.spec.restartPolicy", "OnFailure", "paygen: its pod"),
    ("cluster", "CronJob/paygen", "spec.suspend", False, "paygen: when"),
    ("cluster", "CronJob/paygen", "spec.concurrencyPolicy", "Allow", "paygen: when"),
    # Who deploys.
    ("admin", "Role/deployer", "rules.7.verbs", ["get", "list", "watch", "delete"], "deployer: may look at"),
    ("admin", "Role/deployer", "rules.7.resources", ["pods", "pods/log", "events", "resourcequotas"], "deployer: may look at"),
    ("admin", "Role/deployer", "rules.5.verbs", ["get", "list", "watch", "create", "update", "patch", "delete"],
     "may do with ('', 'serviceaccounts')"),
    ("admin", "Role/deployer", "rules.0.verbs", ["get", "list", "watch", "create", "update"], "may do with ('apps', 'deployments')"),
    # Kafka and its topics.
    ("pi", "Kafka/pay", CONFIG + "auto.create.topics.enable", True, "Kafka's settings"),
    ("pi", "Kafka/pay", CONFIG + "auto.create.topics.enable", GONE, "Kafka's settings"),
    ("cluster", "Kafka/pay", CONFIG + "min.insync.replicas", 1, "Kafka's settings"),
    ("pi", "Kafka/pay", CONFIG + "log.retention.ms", 1000, "Kafka's settings"),
    ("pi", "Kafka/pay", "spec.kafka.quotas", {"type": "kafka", "producerByteRate": 1}, "is told nothing else"),
    ("pi", "Kafka/pay", "spec.kafka.listeners.1.configuration.allocateLoadBalancerNodePorts", GONE, "the Services of the listener for outside"),
    ("pi", "Kafka/pay", "spec.kafka.listeners.0.networkPolicyPeers", GONE, "who reaches it"),
    ("cluster", "Kafka/pay", "spec.kafka.listeners.0.networkPolicyPeers.0.podSelector", {}, "who reaches it"),
    ("cluster-internal", "Kafka/pay", "spec.kafka.listeners.1", {"name": "external", "port": 9094, "type": "loadbalancer",
     "tls": True, "authentication": {"type": "tls"}}, "cluster-internal: the listener of the tools"),
    ("cluster-internal", "Deployment/page", "spec.replicas", 3, "cluster-internal: Deployment/page"),
    ("pi", "Kafka/pay", "spec.kafka.version", "9.9.9", "the version of Kafka"),
    ("pi", "Kafka/pay", "spec.entityOperator.userOperator", GONE, "who makes topics and users"),
    ("pi", "KafkaTopic/payment-rejects", "spec.config.retention\\.ms", 1000, "payment-rejects: config"),
    ("pi", "KafkaTopic/payment-stats", "spec.config.segment\\.bytes", GONE, "payment-stats: config"),
    ("cluster", "KafkaTopic/payments", "spec.config.retention\\.bytes", 1000, "payments: config"),
    ("pi", "KafkaTopic/payment-answers", "spec.config.retention\\.ms", 86400000, "payment-answers: config"),
    ("spark", "KafkaTopic/spark-payment-stats", "spec.config.segment\\.bytes", GONE, "the settings of its output"),
    # Which image.
    ("pi", "StatefulSet/payagg", CACHE + ".image", "paystats:0.1.0", "pi: images"),
    ("files", "Deployment/page", SERVE + ".image", "nginx:0.2.0", "files: images"),
    ("spark", "SparkApplication/spark-payment-stats", "spec.image", "paystats-spark:0.1.0", "spark: images"),
]
# (document, text, another in its place, words of a difference)
SAID = [
    ("docs/kubernetes.md", "newTag: 0.2.0", "newTag: 0.1.0", "docs/kubernetes.md: tags of images"),
    ("docs/three-pis.md", "localhost/paystats:0.2.0", "localhost/paystats:0.1.0", "docs/three-pis.md: tags of images"),
    ("docs/three-pis.md", "paystats-0.2.0-arm64", "paystats-0.1.0-arm64", "docs/three-pis.md: tags of images"),
    ("deploy/spark/README.md", "paystats-spark:0.2.0", "paystats-spark:0.1.0", "deploy/spark/README.md: tags of images"),
    ("docs/kubernetes.md", "cp -r strimzi-1.2.0", "cp -r strimzi-1.1.0", "docs/kubernetes.md: Strimzi"),
    ("docs/three-pis.md", "release 1.2.0 of Strimzi", "release 1.1.0 of Strimzi", "docs/three-pis.md: Strimzi"),
    ("scripts/setup-kube", "strimzi=1.2.0", "strimzi=1.3.0", "scripts/setup-kube: Strimzi"),
    ("deploy/k8s/admin/strimzi/kustomization.yaml", "release 1.2.0", "release 1.3.0", "kustomization.yaml: Strimzi"),
    ("docs/kubernetes.md", "renews them 60 days", "renews them 30 days", "says when certificates are renewed"),
]


def differences_of_cases():
    """(name of the case, differences, words)"""
    parts, texts = agree.built(), agree.documents()
    for part, what, path, value, words in CASES:
        others = [agree.Part(each.name, changed(each.things, what, path, value)[1]) if each.name == part else each
                  for each in parts]
        yield f"{part} {what} {path}: {'gone' if value is GONE else value}", agree.differences(others, texts), words
    for name, text, other, words in SAID:
        if text not in texts[name]:
            raise AssertionError(f"{name} does not say: {text}")
        yield f"{name}: {other}", agree.differences(parts, texts | {name: texts[name].replace(text, other, 1)}), words


def main():
    count = failed = 0
    for name, differ, words in differences_of_cases():
        good = any(words in each for each in differ)
        count, failed = count + 1, failed + (not good)
        print(f"{'ok' if good else 'FAILED'} {name}{'' if good else f': {differ}, not: {words}'}")
    print(f"{count} cases, {failed} not noticed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
