#!/usr/bin/env python3
"""What a real API server says of deploy/k8s: the one that KUBECONFIG names, asked by an administrator.

  tests/deploy/on_cluster.py [--prepare] [OVERLAY...]      or: make test-kube ARGS=--prepare

  --prepare   first applies deploy/k8s/admin and admin/spark, and the CRDs of Strimzi and Spark's operator where
              there are none: the one thing that is left behind. Without it there has to be admin, and what the overlays
              need: for `files` nothing else. Where none is named, `spark` is left out, and said so, on a cluster that
              does not have what it needs.

All else is a dry run on the server: each overlay is applied with strict fields, as an administrator and as the account
`deployer`, and a warning is a failure; each pod of theirs is let in by Pod Security, and refused with one field less;
the deployer may do what he needs, and not what he must not. Prints a line a check; exit status 1 if one differs, 2
where there is no such cluster.
"""
import copy
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "deploy"))
sys.dont_write_bytecode = True
from manifest_cases import check  # noqa: E402

LIMIT_S = 120
DEPLOYER = "system:serviceaccount:paystats:deployer"
# verb, resource, namespace
MAY = [("create", "deployments.apps", "paystats"), ("patch", "statefulsets.apps", "paystats"),
       ("create", "jobs.batch", "paystats"), ("patch", "kafkatopics.kafka.strimzi.io", "paystats"),
       ("create", "kafkausers.kafka.strimzi.io", "paystats"), ("get", "pods/log", "paystats"),
       ("delete", "deployments.apps", "paystats"), ("create", "sparkapplications.sparkoperator.k8s.io", "paystats"),
       ("patch", "networkpolicies.networking.k8s.io", "paystats")]
MAY_NOT = [("get", "secrets", "paystats"), ("list", "secrets", "paystats"), ("create", "secrets", "paystats"),
           ("create", "pods", "paystats"), ("create", "pods/exec", "paystats"),
           ("create", "pods/ephemeralcontainers", "paystats"), ("create", "serviceaccounts/token", "paystats"),
           ("create", "roles.rbac.authorization.k8s.io", "paystats"),
           ("create", "rolebindings.rbac.authorization.k8s.io", "paystats"),
           ("delete", "kafkatopics.kafka.strimzi.io", "paystats"), ("delete", "kafkas.kafka.strimzi.io", "paystats"),
           ("delete", "persistentvolumeclaims", "paystats"), ("get", "deployments.apps", "default"),
           ("get", "deployments.apps", "strimzi"), ("patch", "namespaces", None), ("list", "nodes", None),
           ("create", "clusterrolebindings.rbac.authorization.k8s.io", None), ("impersonate", "users", None),
           ("*", "*", None)]
# What the objects of an API need: its CRD, and who else has to be there.
NEEDED = {"kafka.strimzi.io": [("crd", "kafkas.kafka.strimzi.io")],
          "sparkoperator.k8s.io": [("crd", "sparkapplications.sparkoperator.k8s.io"),
                                   ("serviceaccount", "spark-driver", "-n", "paystats")]}
OPTIONAL = {"sparkoperator.k8s.io"}
failed = []


def tell(good, what, said=""):
    if not good:
        failed.append(what)
    print(f"{'ok' if good else 'FAILED'} {what}{'' if good else f': {said}'}", flush=True)


class Cluster:
    def __init__(self, home):
        self.kubectl = os.environ.get("KUBECTL", os.path.join(home, "bin", "kubectl"))

    def ask(self, *words, text=None):
        """(status, what it said)"""
        run = subprocess.run([self.kubectl, *words], input=text, capture_output=True, text=True, timeout=LIMIT_S,
                             check=False)
        return run.returncode, (run.stdout + run.stderr).strip()

    def dry(self, text, *words):
        """Nothing is changed; an unknown field is an error, and a warning is no success."""
        status, said = self.ask("apply", "--server-side", "--force-conflicts", "--field-manager=paystats-check",
                                "--dry-run=server", "--validate=strict", *words, "-f", "-", text=text)
        return status == 0 and "Warning" not in said, said

    def there(self, *words):
        return self.ask("get", "-o", "name", *words)[0] == 0


def prepare(cluster, home):
    for name in sorted(os.listdir(os.path.join(home, "crds"))):
        path = os.path.join(home, "crds", name)
        with open(path, encoding="utf-8") as file:
            crd = check.things_of(file.read())[0]["metadata"]["name"]
        if not cluster.there("crd", crd):
            status, said = cluster.ask("apply", "--server-side", "-f", path)
            tell(status == 0, f"the CRD of {name[:-5]}", said)
    cluster.ask("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
    for part in filter(check.is_admin, check.names_of_parts()):
        status, said = cluster.ask("apply", "--server-side", "-f", "-", text=check.build(home, part))
        tell(status == 0 and "Warning" not in said, f"{part} is applied", said)


def groups_of(things):
    return {each["apiVersion"].rpartition("/")[0] for each in things}


def pods_of(thing):
    """[(what it is called, pod)] of those that it leads to."""
    pod = check.pod_of(thing)
    return [("", pod)] if pod is not None else [(f" ({role})", each["spec"]) for role, each in check.spark_pods(thing)]


def overlay(cluster, name, text):
    for who, words in (("an administrator", ()), ("the deployer", (f"--as={DEPLOYER}",))):
        good, said = cluster.dry(text, *words)
        tell(good, f"{name}: applied by {who} (dry run, strict)", said)
    things = check.things_of(text)
    for thing in things:
        for which, pod in pods_of(thing):
            pods(cluster, f"{name}: {thing['kind']}/{thing['metadata']['name']}{which}", pod)
    first = copy.deepcopy(next(each for each in things if pods_of(each)))
    first["spec"]["nosuchfield"] = 1
    good, said = cluster.dry(json.dumps(first))
    tell(not good and "nosuchfield" in said, f"{name}: an unknown field is refused", said)


def pods(cluster, name, spec):
    """An account that is there: a dry run of the overlay has made none."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "paystats-check", "namespace": "paystats"},
           "spec": {**copy.deepcopy(spec), "serviceAccountName": "deployer"}}
    good, said = cluster.dry(json.dumps(pod))
    tell(good, f"{name}: Pod Security lets its pod in", said)
    pod["spec"]["containers"][0]["securityContext"].pop("allowPrivilegeEscalation")
    good, said = cluster.dry(json.dumps(pod))
    tell(not good and "violates PodSecurity" in said, f"{name}: Pod Security refuses it with a field less", said)


def rights(cluster, absent):
    """Of what the cluster does not know it cannot say."""
    for group in sorted(absent):
        print(f"NOT ASKED: rights on {group}, which this cluster does not have")
    for asked, want in ((MAY, "yes"), (MAY_NOT, "no")):
        for verb, resource, namespace in asked:
            if resource.partition(".")[2] in absent:
                continue
            resource, _, below = resource.partition("/")
            where = ["-n", namespace] if namespace else ["--all-namespaces"]
            status, said = cluster.ask("auth", "can-i", verb, resource, *([f"--subresource={below}"] if below else []),
                                       *where, f"--as={DEPLOYER}")
            answer = said.splitlines()[-1].split()[0] if said else str(status)
            tell(answer == want, f"deployer: {verb} {resource}{'/' * bool(below)}{below} in {namespace or 'all'}: {want}",
                 said)


def main():
    if {"--help", "-h"} & set(sys.argv[1:]):
        print(__doc__.strip())
        return 0
    home = check.tools()
    python = os.path.join(home, "venv", "bin", "python")
    if os.path.realpath(sys.prefix) != os.path.realpath(os.path.join(home, "venv")):
        os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])
    cluster = Cluster(home)
    status, said = cluster.ask("version", "--request-timeout=10s")
    if status:
        print(f"on_cluster: error: no cluster answers: KUBECONFIG names one (said: {said.splitlines()[-1]})",
              file=sys.stderr)
        return 2
    print(said)
    if "--prepare" in sys.argv[1:]:
        prepare(cluster, home)
    if not cluster.there("serviceaccount", "deployer", "-n", "paystats"):
        print("on_cluster: error: deploy/k8s/admin has to be applied first (--prepare does it)", file=sys.stderr)
        return 2
    named = [word for word in sys.argv[1:] if not word.startswith("-")]
    absent = {group for group, needed in NEEDED.items() if not all(cluster.there(*words) for words in needed)}
    asked = []
    for name in named or check.names_of_overlays():
        text = check.build(home, name)
        lacks = sorted(groups_of(check.things_of(text)) & absent)
        if not lacks:
            asked.append((name, text))
        elif not named and set(lacks) <= OPTIONAL:
            print(f"NOT ASKED: {name}, which needs {lacks[0]}")
        else:
            print(f"on_cluster: error: {name} needs {lacks[0]}, which this cluster does not have (--prepare brings its "
                  "descriptions)", file=sys.stderr)
            return 2
    good, said = cluster.dry(check.build(home, "admin"))
    tell(good, "admin: applied again (dry run, strict)", said)
    for name, text in asked:
        overlay(cluster, name, text)
    rights(cluster, absent)
    print(f"on_cluster: {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
