"""What scripts/check-manifests must refuse: the manifests of deploy/k8s with one mistake each.

  PYTHON tests/deploy/manifest_cases.py      with the Python of scripts/setup-kube

Each case changes one thing in what was built, and names words of the only finding. Prints a line a case; exit
status 1 if one is not refused, or for another reason.
"""
import copy
import importlib.machinery
import importlib.util
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def load(path, name):
    """A script as a module: its file has no .py."""
    loader = importlib.machinery.SourceFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


check = load(os.path.join(ROOT, "scripts", "check-manifests"), "check_manifests")
GONE = object()

PAYAGG = "spec.template.spec"
FIRST = PAYAGG + ".containers.0"
JOB = "SparkApplication/spark-payment-stats"
DRIVER, EXECUTOR = "spec.driver.template.spec", "spec.executor.template.spec"
EXEC = {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}


def secret(**more):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "paystats"}, **more}


# (part, object, place, value, words of the finding); an object is added where the place is "".
CASES = [
    # Fields that no API has, in each kind of schema, at each depth.
    ("pi", "KafkaNodePool/dual", "spec.replica", 1, "'replica' was unexpected"),
    ("pi", "KafkaNodePool/dual", "spec.storage.volumes.0.deleteclaim", True, "'deleteclaim' was unexpected"),
    ("pi", "KafkaTopic/payments", "spec.partition", 4, "'partition' was unexpected"),
    ("pi", "KafkaUser/payagg", "spec.authorization.acls.0.operation", "Read", "'operation' was unexpected"),
    ("pi", "Kafka/pay", "spec.kafka.listeners.0.configuration", {"bootstrapService": False}, "'bootstrapService' was unexpected"),
    ("pi", "Kafka/pay", "metadata.label", {}, "'label' was unexpected"),
    ("pi", "StatefulSet/payagg", FIRST + ".securityContext.readOnlyRootFileSystem", True, "'readOnlyRootFileSystem' was unexpected"),
    ("pi", "StatefulSet/payagg", FIRST + ".terminationPolicy", "x", "'terminationPolicy' was unexpected"),
    ("pi", "CronJob/paygen", "spec.jobTemplate.spec.backoff", 1, "'backoff' was unexpected"),
    ("pi", "NetworkPolicy/page", "spec.ingress.0.port", 1, "'port' was unexpected"),
    ("cluster", "PodDisruptionBudget/page", "spec.maxUnavailble", 1, "'maxUnavailble' was unexpected"),
    ("files", "PersistentVolumeClaim/payments", "spec.storage", "1Gi", "'storage' was unexpected"),
    ("admin", "Role/deployer", "rules.0.resource", ["pods"], "'resource' was unexpected"),
    # Versions, types and words.
    ("pi", "Kafka/pay", "apiVersion", "kafka.strimzi.io/v1beta2", "kafka.strimzi.io/v1beta2 has no such kind"),
    ("pi", "StatefulSet/payagg", "apiVersion", "apps/v1beta1", "apps/v1beta1 has no such kind"),
    ("pi", "KafkaTopic/payments", "spec.partitions", "four", "'four' is not of type 'integer'"),
    ("pi", "KafkaTopic/payments", "spec.replicas", 0, None),
    ("pi", "KafkaUser/payagg", "spec.authorization.acls.0.operations", ["Reed"], "'Reed' is not one of"),
    ("pi", "KafkaNodePool/dual", "spec.roles", GONE, "'roles' is a required property"),
    ("pi", "StatefulSet/payagg", "spec.selector", GONE, "'selector' is a required property"),
    ("pi", "StatefulSet/payagg", "spec.replicas", "two", "is not of type"),
    # Where things are, and what they are.
    ("pi", "Service/page", "metadata.namespace", "default", "namespace default, not paystats"),
    ("pi", "KafkaTopic/payments", "metadata.namespace", GONE, "namespace None, not paystats"),
    ("pi", secret(), "", None, "this kind is not for an overlay"),
    ("files", secret(stringData={"password": "x"}), "", None, "this kind is not for an overlay"),
    ("admin", secret(), "", None, "this kind is not for admin"),
    ("pi", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "paystats", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}, "", None, "not for an overlay"),
    ("pi", {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "x"}, "rules": []}, "", None, "not for an overlay"),
    ("admin", {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "x"}, "rules": []}, "", None, "not for admin"),
    ("pi", {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "x", "namespace": "paystats"}, "rules": []}, "", None, "not for an overlay"),
    ("pi", {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "x"}, "spec": {"hostPath": {"path": "/"}}}, "", None, "not for an overlay"),
    ("admin", "Namespace/paystats", "metadata.labels", {}, "restricted is not enforced"),
    # Rights.
    ("admin", "Role/deployer", "rules.0.verbs", ["*"], "verbs.0: *"),
    ("admin", "Role/deployer", "rules.0.resources", ["*"], "resources.0: *"),
    ("admin", "Role/deployer", "rules.0.apiGroups", ["*"], "apiGroups.0: *"),
    ("admin", "Role/deployer", "rules.0.resources", ["deployments/*"], "resources.0: deployments/*"),
    ("admin", "Role/deployer", "rules.7.resources", ["pods", "secrets"], "secrets lead to more"),
    ("admin", "Role/deployer", "rules.7", EXEC, "pods/exec lead to more"),
    ("admin", "Role/deployer", "rules.0.verbs", ["get", "impersonate"], "impersonate leads to more"),
    ("admin", "Role/deployer", "rules.5.verbs", ["get", "delete"], "delete on persistentvolumeclaims removes payments"),
    ("admin", "RoleBinding/deployer", "roleRef", {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}, "roleRef: ClusterRole cluster-admin"),
    ("admin", "RoleBinding/deployer", "subjects.0", {"kind": "Group", "name": "system:authenticated", "apiGroup": "rbac.authorization.k8s.io"}, "who is that?"),
    ("admin", "RoleBinding/deployer", "subjects.0.name", "default", "who is that?"),
    ("admin", "RoleBinding/deployer", "subjects", [{"kind": "ServiceAccount", "name": "paystats", "namespace": "paystats"}], "paystats/paystats is to have deployer"),
    ("admin", "RoleBinding/deployer", "subjects.1", {"kind": "ServiceAccount", "name": "pay-entity-operator", "namespace": "paystats"}, "paystats/pay-entity-operator is to have deployer"),
    ("admin", "RoleBinding/deployer", "subjects.0.namespace", "kube-system", "kube-system/deployer is to have deployer"),
    ("admin", "RoleBinding/deployer", "subjects.0.namespace", GONE, "ServiceAccount deployer is to have deployer"),
    ("admin", "RoleBinding/deployer", "roleRef.name", "pay-entity-operator", "roleRef: Role pay-entity-operator"),
    ("admin", "RoleBinding/deployer", "roleRef.name", "spark-driver", None),
    ("admin", "RoleBinding/deployer", "roleRef.name", "deployer-spark", "deployer-spark is not here, so nobody has judged it"),
    ("admin", "RoleBinding/deployer", "roleRef", {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "deployer"}, "roleRef: ClusterRole deployer"),
    ("admin", "RoleBinding/strimzi-cluster-operator-entity-operator-delegation", "subjects.0", {"kind": "ServiceAccount", "name": "deployer", "namespace": "paystats"}, "paystats/deployer is to have strimzi-entity-operator"),
    ("admin", "RoleBinding/strimzi-cluster-operator-entity-operator-delegation", "subjects.1", {"kind": "ServiceAccount", "name": "paystats", "namespace": "paystats"}, "paystats/paystats is to have strimzi-entity-operator"),
    ("admin", "RoleBinding/strimzi-cluster-operator", "subjects.0.namespace", "kube-system", "kube-system/strimzi-cluster-operator is to have"),
    ("admin", "RoleBinding/strimzi-cluster-operator-watched", "subjects.0.kind", "User", None),
    ("admin", "RoleBinding/strimzi-cluster-operator", "roleRef.kind", "Role", "roleRef: Role strimzi-cluster-operator-namespaced"),
    ("admin/spark", "RoleBinding/spark-driver", "subjects.0.name", "paystats", "paystats/paystats is to have spark-driver"),
    ("admin/spark", "RoleBinding/deployer-spark", "subjects.1", {"kind": "ServiceAccount", "name": "spark-driver", "namespace": "paystats"}, "paystats/spark-driver is to have deployer-spark"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".serviceAccountName", "pay-entity-operator", "is not paystats: pay-entity-operator"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".serviceAccountName", "deployer", "is not paystats: deployer"),
    ("pi", "CronJob/paygen", "spec.jobTemplate.spec.template.spec.serviceAccountName", "spark-driver", "is not paystats: spark-driver"),
    ("pi", "Deployment/page", PAYAGG + ".serviceAccountName", GONE, "is not paystats: None"),
    ("spark", JOB, "spec.driver.serviceAccount", "pay-entity-operator", "driver: serviceAccountName is not spark-driver"),
    ("spark", JOB, "spec.executor.serviceAccount", "spark-driver", "executor: serviceAccountName is not paystats"),
    ("pi", "ServiceAccount/paystats", "automountServiceAccountToken", GONE, "automountServiceAccountToken is not false"),
    # Pods: what the profile `restricted` refuses, and more.
    ("pi", "StatefulSet/payagg", PAYAGG + ".hostNetwork", True, "hostNetwork is not for here"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".hostPID", True, "hostPID is not for here"),
    ("pi", "CronJob/paygen", "spec.jobTemplate.spec.template.spec.hostIPC", True, "hostIPC is not for here"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".automountServiceAccountToken", True, "automountServiceAccountToken is not false"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".serviceAccountName", "default", "is not paystats: default"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".securityContext.runAsNonRoot", GONE, "runAsNonRoot is not true"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".securityContext.runAsUser", 0, "runAsUser is root"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".securityContext.seccompProfile", {"type": "Unconfined"}, "seccompProfile is not RuntimeDefault"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".securityContext.sysctls", [{"name": "a", "value": "b"}], "sysctls is not for here"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".securityContext.appArmorProfile", {"type": "Unconfined"}, "appArmorProfile is not for here"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".volumes.0", {"name": "kafka", "hostPath": {"path": "/"}}, "hostPath is not for here"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".volumes.0", {"name": "kafka", "secret": {"secretName": "payagg"}}, "secret is not for here"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".volumes.0.projected.sources.1.secret.items", GONE, "a secret as a whole"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".volumes.0.projected.sources.0", {"serviceAccountToken": {"path": "t"}}, "a token"),
    ("pi", "StatefulSet/payagg", FIRST + ".securityContext.privileged", True, "privileged: the pod's has it"),
    ("pi", "StatefulSet/payagg", FIRST + ".securityContext.procMount", "Unmasked", "procMount: the pod's has it"),
    ("pi", "StatefulSet/payagg", FIRST + ".securityContext.allowPrivilegeEscalation", GONE, "allowPrivilegeEscalation is not false"),
    ("pi", "StatefulSet/payagg", FIRST + ".securityContext.readOnlyRootFilesystem", False, "readOnlyRootFilesystem is not true"),
    ("pi", "StatefulSet/payagg", FIRST + ".securityContext.capabilities", {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}, "capabilities is not"),
    ("pi", "StatefulSet/payagg", FIRST + ".securityContext.capabilities.drop", ["NET_RAW"], "capabilities is not"),
    ("pi", "StatefulSet/payagg", FIRST + ".securityContext.runAsUser", 0, "runAsUser: the pod's has it"),
    ("pi", "StatefulSet/payagg", FIRST + ".resources.limits", {"cpu": "1"}, "no limit of memory"),
    ("pi", "StatefulSet/payagg", FIRST + ".terminationMessagePolicy", GONE, "would not say why"),
    ("pi", "StatefulSet/payagg", FIRST + ".envFrom", [{"secretRef": {"name": "payagg"}}], "envFrom"),
    ("pi", "StatefulSet/payagg", FIRST + ".env.0.valueFrom", {"secretKeyRef": {"name": "payagg", "key": "k"}}, "a secret is a file"),
    ("pi", "Deployment/page", PAYAGG + ".containers.1.ports", [{"containerPort": 80, "hostPort": 80}], "a port of the host"),
    ("pi", "Deployment/page", PAYAGG + ".containers.1.livenessProbe.httpGet.host", "example.org", "a probe of another host"),
    ("pi", "Deployment/page", PAYAGG + ".initContainers", [{"name": "first", "image": "x:1"}], None),
    ("pi", "StatefulSet/payagg", FIRST + ".image", "registry.example.org/paystats:1", "the host of a registry"),
    ("pi", "StatefulSet/payagg", FIRST + ".image", "localhost:5000/paystats:1", "the host of a registry"),
    ("pi", "StatefulSet/payagg", FIRST + ".image", "paystats", "neither a tag nor a digest"),
    ("pi", "StatefulSet/payagg", FIRST + ".image", "paystats:latest", "neither a tag nor a digest"),
    ("pi", "StatefulSet/payagg", FIRST + ".image", GONE, "container payagg: no image"),
    ("pi", "Kafka/pay", "spec.kafka.image", "quay.io/strimzi/kafka:1.2.0-kafka-4.3.1", "the host of a registry"),
    ("pi", "Kafka/pay", "spec.kafka.brokerRackInitImage", "quay.io/strimzi/operator:1.2.0", "the host of a registry"),
    ("pi", "Kafka/pay", "spec.entityOperator.topicOperator.image", "quay.io/strimzi/operator:1.2.0", "the host of a registry"),
    ("pi", "Kafka/pay", "spec.entityOperator.userOperator.image", "strimzi/operator:latest", "neither a tag nor a digest"),
    ("pi", "Kafka/pay", "spec.kafkaExporter", {"image": "quay.io/strimzi/kafka:1.2.0-kafka-4.3.1"}, "the host of a registry"),
    ("cluster", "KafkaNodePool/dual", "spec.template.pod.volumes", [{"name": "x", "image": {"reference": "quay.io/x:1"}}], None),
    ("spark", JOB, EXECUTOR + ".containers.0.image", "registry.example.org/spark:1", "the host of a registry"),
    ("pi", "Service/page", "spec.type", "NodePort", "lets in who was not asked"),
    ("pi", "Service/page", "spec.externalIPs", ["192.0.2.1"], "lets in who was not asked"),
    # Kafka.
    ("pi", "Kafka/pay", "spec.kafka.listeners.1.type", "nodeport", "nodeport wants rights in the whole cluster"),
    ("pi", "Kafka/pay", "spec.kafka.listeners.0.tls", False, "not TLS on both sides"),
    ("pi", "Kafka/pay", "spec.kafka.listeners.1.authentication", GONE, "not TLS on both sides"),
    ("pi", "Kafka/pay", "spec.kafka.rack", {"topologyKey": "zone"}, None),
    ("pi", "Kafka/pay", "spec.kafka.authorization", GONE, "authorization is not simple"),
    ("pi", "Kafka/pay", "spec.kafka.authorization.superUsers", ["CN=x"], "users who may do all"),
    ("pi", "Kafka/pay", "spec.kafka.config.unclean.leader.election.enable", True, "takes payments back"),
    ("pi", "KafkaNodePool/dual", "spec.jvmOptions", {"-Xms": "512m"}, "no explicit heap"),
    ("pi", "KafkaUser/payagg", "spec.authorization.acls.0.resource.name", "*", "acls: topic *"),
    ("pi", "KafkaUser/payagg", "spec.authorization.acls.0.operations", ["All"], "acls: All on payments"),
    ("pi", "KafkaUser/payagg", "spec.authorization", GONE, "with all rights"),
    ("pi", "Kafka/pay", "spec.kafka.template", {"pod": {"securityContext": {"runAsUser": 0}}}, "kafka.template.pod.securityContext: Strimzi's own"),
    ("pi", "Kafka/pay", "spec.kafka.template", {"pod": {"hostAliases": [{"ip": "192.0.2.1", "hostnames": ["x"]}]}}, "kafka.template.pod.hostAliases"),
    ("pi", "Kafka/pay", "spec.kafka.template", {"pod": {"imagePullSecrets": [{"name": "x"}]}}, "kafka.template.pod.imagePullSecrets"),
    ("pi", "Kafka/pay", "spec.kafka.template", {"pod": {"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/kafka": "unconfined"}}}}, "apparmor.security.beta"),
    ("pi", "Kafka/pay", "spec.kafka.template", {"kafkaContainer": {"env": [{"name": "X", "value": "y"}]}}, "kafka.template.kafkaContainer: Strimzi's own"),
    ("pi", "Kafka/pay", "spec.entityOperator.template", {"pod": {"hostUsers": True}}, "entityOperator.template.pod.hostUsers"),
    ("cluster", "KafkaNodePool/dual", "spec.template.pod.volumes", [{"name": "x", "secret": {"secretName": "payagg"}}], "template.pod.volumes"),
    ("cluster", "KafkaNodePool/dual", "spec.template.pod.priorityClassName", "system-node-critical", "template.pod.priorityClassName"),
    ("pi", "KafkaNodePool/dual", "spec.storage.volumes.0.deleteClaim", True, "payments are gone with the cluster"),
    ("pi", "KafkaUser/payagg", "spec.authorization.acls.0.operations", ["Read", "Delete"], "acls: Read, Delete on payments"),
    ("pi", "KafkaUser/payagg", "spec.authorization.acls.0.operations", ["Create"], "acls: Create on payments"),
    ("pi", "KafkaUser/payagg", "spec.authorization.acls.0.resource", {"type": "topic", "name": "p", "patternType": "prefix"}, "acls: all that begins with p"),
    ("pi", "KafkaUser/payagg", "spec.authorization.acls.3.resource.patternType", "prefix", "acls: all that begins with payagg.payments.payment-stats"),
    ("pi", "KafkaUser/payagg", "spec.authorization.acls.4.resource.name", "p", "acls: all that begins with p"),
    # The network, volumes, and where else the rules of a pod are.
    ("pi", "NetworkPolicy/nothing-unasked", "spec.ingress", [{}], "ingress: from everybody"),
    ("pi", "NetworkPolicy/page", "spec.ingress.0.from", GONE, "ingress: from everybody"),
    ("pi", "NetworkPolicy/page", "spec.ingress.0.from", [], "ingress: from everybody"),
    ("pi", "NetworkPolicy/page", "spec.ingress.0.from.0.namespaceSelector", {}, "ingress: from everybody"),
    ("pi", "NetworkPolicy/page", "spec.ingress.0.from.0", {"namespaceSelector": {}, "podSelector": {}}, "ingress: from everybody"),
    ("pi", "NetworkPolicy/page", "spec.ingress.0.from.0", {"ipBlock": {"cidr": "0.0.0.0/0"}}, "ingress: from everybody"),
    ("pi", "NetworkPolicy/page", "spec.ingress.0.from.1", {"ipBlock": {"cidr": "128.0.0.0/1"}}, "ingress: from everybody"),
    ("pi", "NetworkPolicy/page", "spec.ingress.0.from.1", {"ipBlock": {"cidr": "::/0"}}, "ingress: from everybody"),
    ("pi", "NetworkPolicy/tools-stay", "spec.egress", [{}], "egress: to everybody"),
    ("pi", "NetworkPolicy/tools-to-kafka", "spec.egress.1.to", GONE, "egress: to everybody"),
    ("pi", "NetworkPolicy/tools-to-kafka", "spec.egress.1.to.1.ipBlock.cidr", "0.0.0.0/0", "egress: to everybody"),
    ("spark", "NetworkPolicy/spark-driver", "spec.egress.0.ports", GONE, "egress: to everybody"),
    ("spark", "NetworkPolicy/spark-driver", "spec.egress.0.ports.0.port", 22, "egress: to everybody"),
    ("files", "PersistentVolumeClaim/payments", "spec.volumeName", "pv-of-another", "volumeName: the volume of somebody else"),
    ("files", "PersistentVolumeClaim/payments", "spec.dataSource", {"kind": "PersistentVolumeClaim", "name": "x"}, "dataSource: the volume of somebody else"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".hostAliases", [{"ip": "192.0.2.1", "hostnames": ["pay-kafka-bootstrap"]}], "hostAliases is not for here"),
    ("pi", "StatefulSet/payagg", PAYAGG + ".imagePullSecrets", [{"name": "x"}], "imagePullSecrets is not for here"),
    ("pi", "StatefulSet/payagg", "spec.template.metadata.annotations", {"container.apparmor.security.beta.kubernetes.io/payagg": "unconfined"}, "apparmor.security.beta"),
    ("files", "Deployment/page", "spec.template.metadata.annotations", {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}, "seccomp.security.alpha"),
    ("pi", "CronJob/paygen", "spec.jobTemplate.spec.template.metadata.annotations", {"container.apparmor.security.beta.kubernetes.io/paygen": "unconfined"}, "apparmor.security.beta"),
    ("spark", JOB, "spec.driver.template.metadata", {"annotations": {"container.apparmor.security.beta.kubernetes.io/x": "unconfined"}}, "apparmor.security.beta"),
    ("pi", "ServiceAccount/paystats", "imagePullSecrets", [{"name": "x"}], "imagePullSecrets is not for here"),
    ("pi", "ServiceAccount/paystats", "secrets", [{"name": "x"}], "secrets is not for here"),
    ("admin", "Namespace/paystats", "metadata.name", "kube-system", "not paystats"),
    ("admin", "Namespace/paystats", "metadata.labels.pod-security\\.kubernetes\\.io/enforce-version", "v1.25", "that of another version"),
    ("pi", "KafkaUser/payagg", "spec.authentication", GONE, "not by a certificate"),
    # Spark: its operator's schema, the templates, which that schema takes as they are, and what would be fetched.
    ("spark", JOB, "spec.sparkVersio", "4.0.0", "'sparkVersio' was unexpected"),
    ("spark", JOB, "spec.driver.memoryOverHead", "384m", "'memoryOverHead' was unexpected"),
    ("spark", JOB, "spec.restartPolicy.type", "Sometimes", "'Sometimes' is not one of"),
    ("spark", JOB, "spec.mainApplicationFile", GONE, "'mainApplicationFile' is a required property"),
    ("spark", JOB, "apiVersion", "sparkoperator.k8s.io/v1beta1", "v1beta1 has no such kind"),
    ("spark", JOB, DRIVER + ".hostnetwork", True, "'hostnetwork' was unexpected"),
    ("spark", JOB, EXECUTOR + ".containers.0.volumeMounts.0.path", "/", "'path' was unexpected"),
    ("spark", JOB, "spec.deps", {"packages": ["org.apache.spark:spark-sql-kafka-0-10_2.13:4.0.0"]}, "deps: fetched when it starts"),
    ("spark", JOB, "spec.deps", {"jars": ["https://repository.example.org/a.jar"]}, "deps: fetched when it starts"),
    ("spark", JOB, "spec.sparkConf", {"spark.jars.packages": "a:b:1"}, "spark.jars.packages is not for here: fetched"),
    ("spark", JOB, "spec.sparkConf", {"spark.kubernetes.driver.podTemplateFile": "/x"}, "podTemplateFile is not for here"),
    ("spark", JOB, "spec.sparkConf", {"spark.kubernetes.driver.secretKeyRef.KEY": "spark:user.key"}, "is not for here"),
    ("spark", JOB, "spec.mainApplicationFile", "s3a://bucket/payment_stats.py", "is not in the image"),
    ("spark", JOB, "spec.mode", "client", "the driver would be no pod"),
    ("spark", JOB, "spec.proxyUser", "root", "proxyUser is not for here"),
    ("spark", JOB, "spec.sparkConfigMap", "more", "sparkConfigMap is not for here"),
    ("spark", JOB, "spec.driver.hostNetwork", True, "driver: hostNetwork: the template has it"),
    ("spark", JOB, "spec.driver.securityContext", {"privileged": True}, "driver: securityContext: the template has it"),
    ("spark", JOB, "spec.executor.sidecars", [{"name": "x", "image": "x:1"}], "executor: sidecars: the template has it"),
    ("spark", JOB, "spec.driver.serviceAccount", GONE, "is not spark-driver: default"),
    ("spark", JOB, "spec.executor.memoryOverhead", GONE, "no limit of memory"),
    ("spark", JOB, "spec.image", "registry.example.org/spark:1", "the host of a registry"),
    ("spark", JOB, "spec.image", GONE, None),
    ("spark", JOB, EXECUTOR + ".automountServiceAccountToken", True, "executor: automountServiceAccountToken is not false"),
    ("spark", JOB, DRIVER + ".securityContext.runAsNonRoot", GONE, "driver: securityContext.runAsNonRoot is not true"),
    ("spark", JOB, EXECUTOR + ".securityContext.seccompProfile", GONE, "executor: securityContext.seccompProfile is not"),
    ("spark", JOB, DRIVER + ".containers.0.securityContext.capabilities", GONE, "capabilities is not"),
    ("spark", JOB, DRIVER + ".containers.0.securityContext.readOnlyRootFilesystem", GONE, "readOnlyRootFilesystem is not"),
    ("spark", JOB, EXECUTOR + ".volumes.0", {"name": "kafka", "hostPath": {"path": "/"}}, "hostPath is not for here"),
    ("spark", JOB, DRIVER + ".volumes.0.projected.sources.1.secret.items", GONE, "a secret as a whole"),
    ("spark", JOB, DRIVER + ".containers.0.name", "other", None),
    ("spark", JOB, "spec.driver.template", GONE, None),
    ("spark", "KafkaUser/spark", "spec.authorization.acls.1.resource.name", "*", "acls: topic *"),
    ("spark", {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "x", "namespace": "paystats"}, "rules": []}, "", None, "not for an overlay"),
    ("admin/spark", "Role/spark-driver", "rules.0.verbs", ["*"], "verbs.0: *"),
    ("admin/spark", "Role/spark-driver", "rules.0.resources", ["*"], "resources.0: *"),
    ("admin/spark", "Role/spark-driver", "rules.0.verbs", ["delete", "deletecollection"], "deletecollection leads to more"),
    ("admin/spark", "RoleBinding/spark-driver", "roleRef", {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}, "roleRef: ClusterRole cluster-admin"),
    ("admin/spark", "ServiceAccount/spark-driver", "automountServiceAccountToken", GONE, "automountServiceAccountToken is not false"),
]


def place(thing, path, value):
    """Puts the value there; a key of Kafka's settings has dots in it, and \\. is one."""
    head, _, setting = path.partition(".kafka.config.")
    keys = (head + ".kafka.config").split(".") + [setting] if setting else [
        key.replace("\\.", ".") for key in re.split(r"(?<!\\)[.]", path)]
    for key in keys[:-1]:
        thing = thing[int(key)] if isinstance(thing, list) else thing.setdefault(key, {})
    key = int(keys[-1]) if isinstance(thing, list) else keys[-1]
    if value is GONE:
        del thing[key]
    elif isinstance(thing, list) and key == len(thing):
        thing.append(value)
    else:
        thing[key] = value


def changed(things, what, path, value):
    """(what was changed, all things with that in its place)."""
    if isinstance(what, dict):
        return what, [*things, what]
    kind, name = what.split("/")
    found = [each for each in things if each["kind"] == kind and each["metadata"]["name"] == name]
    thing = copy.deepcopy(found[0])
    place(thing, path, value)
    return thing, [thing if each is found[0] else each for each in things]


def main():
    home = check.tools()
    schemas = check.Schemas(home)
    parts = {part: check.things_of(check.build(home, part)) for part in check.names_of_parts()}
    failed = 0
    for part, what, path, value, words in CASES:
        thing, things = changed(parts[part], what, path, value)
        found = check.judge(schemas, [thing], check.is_admin(part), things)
        good = found and (words is None or len(found) == 1 and words in found[0])
        name = what if isinstance(what, str) else f"{what['kind']}/{what['metadata']['name']}"
        failed += not good
        print(f"{'ok' if good else 'FAILED'} {part} {name} {path}: "
              f"{re.sub('^[^:]*: ', '', found[0]) if found else 'taken'}"
              f"{'' if good or not found else f' ({len(found)}; not: {words})'}")
    print(f"{len(CASES)} cases, {failed} not refused")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
