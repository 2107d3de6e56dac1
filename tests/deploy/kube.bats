# The manifests of deploy/k8s, judged without a cluster, and their pods as processes. What a cluster says of them:
# `make test-kube`.

load ../tools/helpers

setup_file() {
  home=$("$PROJECT/scripts/setup-kube" 2>"$BATS_FILE_TMPDIR/setup.err") ||
    skip "scripts/setup-kube: $(tail -n 1 "$BATS_FILE_TMPDIR/setup.err")"
  export KUBE_PYTHON=$home/venv/bin/python KUBECTL_PINNED=$home/bin/kubectl
}

played() { "$KUBE_PYTHON" "$PROJECT/tests/deploy/$1" "${@:2}"; }

@test "admin and each overlay are taken: by the schemas, and by the rules" {
  run "$PROJECT/scripts/check-manifests"
  echo "$output"
  [ "$status" -eq 0 ]
  for part in admin admin/spark cluster cluster-internal files pi spark; do [[ $output == *"$part: "*" objects"* ]]; done
  [[ $output == *"check-manifests: 0 findings" ]]
}

@test "what must not be is refused, each for its own reason" {
  played manifest_cases.py
}

@test "a manifest of somebody else is judged as a file, and its finding names it" {
  "$PROJECT/scripts/check-manifests" --print files >built.yaml
  "$PROJECT/scripts/check-manifests" built.yaml
  sed 's/readOnlyRootFilesystem: true/readOnlyRootFilesystem: false/' built.yaml >changed.yaml
  run "$PROJECT/scripts/check-manifests" changed.yaml
  [ "$status" -eq 1 ]
  [[ $output == *"changed.yaml: Deployment/page: container cache: securityContext.readOnlyRootFilesystem is not true"* ]]
  run "$PROJECT/scripts/check-manifests" none.yaml
  [ "$status" -eq 2 ]
}

@test "rights, topics, options and names in the manifests are those that the tools ask for" {
  played manifests_agree.py
}

@test "a change of what they agree in is noticed, each by its name" {
  played agree_cases.py
}

@test "images are parameters: kustomize puts any name there, and no manifest has a registry" {
  cp -r "$PROJECT/deploy/k8s" copy
  printf 'resources: [../copy/overlays/cluster]\nimages: [{name: paystats, newName: registry.example.org/pay, newTag: "7"}]\n' \
    >kustomization.yaml
  mkdir mine && mv kustomization.yaml mine
  "$KUBECTL_PINNED" kustomize mine >built.yaml
  run grep -c 'image: registry.example.org/pay:7' built.yaml
  [ "$output" = 4 ]
  run grep -c 'image:' built.yaml
  [ "$output" = 4 ]
}

@test "the image of the job on Spark is one as well" {
  cp -r "$PROJECT/deploy/k8s" copy
  mkdir mine
  cp copy/overlays/spark/image-field.yaml mine/
  # As docs/kubernetes.md has it.
  sed -n '/^    resources: .*overlays\/spark\]/,/^$/s/^    //p' "$PROJECT/docs/kubernetes.md" >mine/kustomization.yaml
  sed -i 's,deploy/k8s,copy,' mine/kustomization.yaml
  "$KUBECTL_PINNED" kustomize mine >built.yaml
  run grep -E '^ *image:' built.yaml
  [ "$output" = '  image: registry.example.org/paystats-spark:0.2.0' ]
}

# overlay_of PART: the overlay that docs/kubernetes.md shows there, built.
overlay_of() {
  mkdir -p mine
  awk -v "part=$1" '/^#/ { on = $0 ~ "^#+ " part "$" } !/^    / { inside = 0 } on && /^    resources:/ { inside = 1 }
    on && inside { print substr($0, 5) }' "$PROJECT/docs/kubernetes.md" >mine/kustomization.yaml
  "$KUBECTL_PINNED" kustomize mine
}

@test "the overlays of the document are built, and that for podman has nothing of Kafka" {
  mkdir deploy
  cp -r "$PROJECT/deploy/k8s" deploy/
  overlay_of '2\. The image' >built.yaml
  [ "$(sed 's,registry.example.org/paystats:,paystats:,' built.yaml)" = "$("$PROJECT/scripts/check-manifests" --print pi)" ]
  overlay_of 'Without a load balancer' >built.yaml
  run diff <("$PROJECT/scripts/check-manifests" --print pi) <(sed 's,registry.example.org/paystats:,paystats:,' built.yaml)
  grep '^[<>]' <<<"$output" | sed 's/^< *//' | diff - <(printf '%s\n' '- authentication:' 'type: tls' 'configuration:' \
    'allocateLoadBalancerNodePorts: false' 'createBootstrapService: false' 'name: external' 'port: 9094' 'tls: true' \
    'type: loadbalancer')
  overlay_of 'Without Kubernetes, by podman' >built.yaml
  [ "$(sed 's,localhost/paystats:,paystats:,' built.yaml)" = "$("$PROJECT/scripts/check-manifests" --print files)" ]
  run grep -ci kafka built.yaml
  [ "$output" = 0 ]
}

# cluster_commands FILE: its commands of kubectl and k3s that ask a cluster, in the text and in blocks, each behind "run"
# or "not", which is what the paragraph says that it or the block below it belongs to.
cluster_commands() {
  awk '
    function tell(command) {
      if (command !~ /^kubectl kustomize|^kubectl$/) commands = commands command "\n"
    }
    function close_paragraph(  each, i, n) {
      n = split(commands, each, "\n")
      for (i = 1; i < n; i++) print (text ~ /[(]not run/ ? "not" : "run") " " each[i]
      commands = ""
    }
    /^    / { line = substr($0, 5); sub(/ [|>].*/, "", line); if (line ~ /^kubectl /) tell(line); else if ($0 ~ /k3s ctr /) tell("k3s"); blank = 0; block = 1; next }
    /^ *$/ { blank = 1; next }
    { if (blank || block) { close_paragraph(); text = "" }
      blank = block = 0; text = text " " $0
      while (match($0, /`kubectl [^`]*`/)) { tell(substr($0, RSTART + 1, RLENGTH - 2)); $0 = substr($0, RSTART + RLENGTH) } }
    END { close_paragraph() }' "$1"
}

# judge_commands FILE: each is said not to have been run, kubectl takes it, and what it names is there.
judge_commands() {
  local said command word kind wrong=0 last
  for part in pi files admin spark; do
    [ -e "objects_$part" ] || "$PROJECT/scripts/check-manifests" --print $part |
      awk '/^kind: / { kind = tolower($2) } /^metadata:/ { inside = 1; next } /^[a-z]/ { inside = 0 }
        inside && /^  name: / { print kind "/" $2 }' >"objects_$part"
  done
  while read -r said command; do
    [ "$said" = not ] || { echo "not marked: $command"; wrong=1; }
    [ "$command" != k3s ] || continue
    # With --help it does nothing, and yet refuses what is no option.
    # shellcheck disable=SC2086 # words
    "$KUBECTL_PINNED" ${command#kubectl } --help >options 2>&1 || { echo "refused: $command: $(<options)"; wrong=1; }
    last=
    for word in ${command#kubectl }; do
      case $word in
        deploy/*) [ -e "$PROJECT/$word" ] || { echo "no such folder: $word"; wrong=1; } ;;
        app.*=*) grep -rqF "${word/=/: }" "$PROJECT/deploy/k8s/base" || { echo "no such label: $word"; wrong=1; } ;;
        */*) grep -qxF "${word#--from=}" objects_* || { echo "no such object: $word"; wrong=1; } ;;
      esac
      case $last in
        -n) [ "$word" = paystats ] || { echo "namespace $word"; wrong=1; } ;;
        pod) [ "${word#--}" != "$word" ] || grep -qxF "statefulset/${word%-[0-9]}" objects_* || { echo "no such pod: $word"; wrong=1; } ;;
        sparkapplication) grep -qxF "$last/$word" objects_spark || { echo "no such job: $word"; wrong=1; } ;;
      esac
      last=$word
    done
  done < <(cluster_commands "$1")
  return $wrong
}

@test "each command of the document that wants a cluster is marked as not run, and is one that kubectl takes" {
  local page=$PROJECT/docs/kubernetes.md
  [ "$(cluster_commands "$page" | wc -l)" -ge 15 ]
  judge_commands "$page"
  found() { # CHANGE WORDS
    sed -E "$1" "$page" >changed
    ! diff -q "$page" changed >same || { echo "nothing changed: $1" >&2; return 1; }
    ! judge_commands changed >judged || { echo "taken: $1" >&2; return 1; }
    grep -q "$2" judged || { cat judged >&2; return 1; }
  }
  found 's/ \*\(not run\)\*//' 'not marked: kubectl apply'
  found 's/makes a token for it \*\(not run\)\*/makes a token for it/' 'not marked: kubectl -n paystats create token'
  found 's/^As the deployer \*\(not run\)\*/As the deployer/' 'not marked: kubectl -n paystats wait'
  found 's/until Ctrl-C \*\(not run\)\*/until Ctrl-C/' 'not marked: kubectl -n paystats port-forward'
  found 's/--for=condition/--fore=condition/' 'refused: .*--fore'
  found 's,kafka/pay ,kafka/pays ,' 'no such object: kafka/pays'
  found 's,cronjob/paygen ,cronjob/pay ,' 'no such object: --from=cronjob/pay'
  found 's/pod payagg-0/pod payags-0/' 'no such pod: payags-0'
  found 's,name=page$,name=site,' 'no such label'
  found 's,k8s/admin$,k8s/admins,' 'no such folder'
}

@test "Strimzi's operator watches one namespace, from its own, without a right in the cluster" {
  cp -r "$PROJECT/deploy/k8s/admin/strimzi" strimzi
  "$KUBE_PYTHON" - strimzi <<'PYTHON'
import os, sys, yaml
# In place of Strimzi's files: an object of the kind and name that each file is called by.
folder = sys.argv[1]
os.makedirs(os.path.join(folder, "cluster-operator"), exist_ok=True)
with open(os.path.join(folder, "kustomization.yaml"), encoding="utf-8") as file:
    names = [each for each in yaml.safe_load(file)["resources"] if "/" in each]
for path in names:
    kind, name = os.path.basename(path)[4:-5].split("-", 1)
    thing = {"kind": {"Crd": "CustomResourceDefinition"}.get(kind, kind), "apiVersion": "v1",
             "metadata": {"name": f"{path[17:20]}-{name}" if kind == "ClusterRole" else name}}
    if kind == "RoleBinding":
        thing |= {"apiVersion": "rbac.authorization.k8s.io/v1", "subjects": [
            {"kind": "ServiceAccount", "name": "strimzi-cluster-operator", "namespace": "myproject"}]}
    if kind == "Deployment":
        thing |= {"apiVersion": "apps/v1", "spec": {"template": {"spec": {"containers": [{"name": name, "env": [
            {"name": "STRIMZI_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "STRIMZI_OTHER", "value": "x"}]}]}}}}
    with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
        yaml.safe_dump(thing, file)
PYTHON
  "$KUBECTL_PINNED" kustomize strimzi >built.yaml
  run grep -E 'kind: ClusterRoleBinding|myproject|fieldPath' built.yaml
  [ "$status" -eq 1 ]
  grep -A1 'name: STRIMZI_NAMESPACE' built.yaml | grep 'value: paystats'
  grep -A1 'name: STRIMZI_POD_SECURITY_PROVIDER_CLASS' built.yaml | grep 'value: restricted'
  grep 'name: STRIMZI_OTHER' built.yaml
  grep -A3 '^subjects:' built.yaml | grep 'namespace: strimzi'
}

@test "files: the page takes payments and shows them, and keeps them when each container is killed" {
  played pods_on_files.py "$PAYSTATS_BIN"
}

@test "pi: each tool takes its options, settings and certificate, and asks for a broker" {
  played pods_on_kafka.py "$PAYSTATS_BIN" --no-broker
}

# bats test_tags=deploy-long
@test "pi: the pods do their work on a real broker, with their rights alone, within their limits of memory" {
  "$PROJECT/scripts/setup-kafka"
  played pods_on_kafka.py "$PAYSTATS_BIN"
}

# In place of kubectl and a cluster: what it is asked, and answers that are right, or some of them wrong.
no_cluster() {
  cat >kubectl <<'SCRIPT'
#!/usr/bin/env bash
[ "$1" != kustomize ] || exec "$KUBECTL_PINNED" "$@"
[ "$1" = apply ] && body=$(cat)
echo "$*" >>asked
case "$*" in
  version*) echo 'Server Version: none' ;;
  *can-i*secrets*) [ -n "${WRONG-}" ] && echo yes || { echo no; exit 1; } ;;
  *can-i*\*\ \** | *can-i*nodes* | *can-i*impersonate* | *can-i*roles* | *can-i*rolebindings* | *can-i*namespaces* | \
    *can-i*-n\ default* | *can-i*-n\ strimzi* | *can-i*create\ pods* | *can-i*serviceaccounts* | \
    *can-i*delete\ kafka* | *can-i*delete\ persistent*) echo no; exit 1 ;;
  *can-i*) echo yes ;;
  'get -o name crd '*) [[ " ${ABSENT-} " != *" ${*: -1} "* ]] ;;
  apply*)
    if [[ $body == *nosuchfield* ]]; then
      [ -n "${WRONG-}" ] || { echo 'unknown field "spec.nosuchfield"' >&2; exit 1; }
    elif [[ $body == *'"kind": "Pod"'* ]] && [ "$(grep -o allowPrivilegeEscalation <<<"$body" | wc -l)" -lt \
      "$(grep -o readOnlyRootFilesystem <<<"$body" | wc -l)" ]; then
      [ -n "${WRONG-}" ] || { echo 'violates PodSecurity "restricted:latest"' >&2; exit 1; }
    fi
    [ -z "${WRONG-}" ] || [[ $* != *--as=* ]] || echo 'Warning: would violate PodSecurity' >&2 ;;
esac
SCRIPT
  chmod +x kubectl
  export KUBECTL=$PWD/kubectl
}

@test "test-kube asks a cluster for all of it, and each answer that is wrong fails it" {
  local wrong
  no_cluster
  run "$PROJECT/tests/deploy/on_cluster.py" --prepare
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *"on_cluster: 0 failed" ]]
  grep -q -- '--dry-run=server --validate=strict' asked
  grep -q -- '--as=system:serviceaccount:paystats:deployer' asked
  WRONG=1 run "$PROJECT/tests/deploy/on_cluster.py" files
  [ "$status" -eq 1 ]
  for wrong in 'files: applied by the deployer' 'files: Deployment/page: Pod Security refuses it with a field less' \
    'files: an unknown field is refused' 'deployer: get secrets in paystats: no' 'deployer: list secrets' \
    'deployer: create secrets'; do
    [[ $output == *"FAILED $wrong"* ]]
  done
  [[ $output == *"on_cluster: 6 failed" ]]
}

@test "test-kube asks a cluster without Strimzi or Spark's operator for what needs none" {
  no_cluster
  export ABSENT='kafkas.kafka.strimzi.io sparkapplications.sparkoperator.k8s.io'
  run "$PROJECT/tests/deploy/on_cluster.py" files
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *'ok files: applied by the deployer'*'on_cluster: 0 failed' ]]
  [[ $output == *"NOT ASKED: rights on kafka.strimzi.io, which this cluster does not have"* ]]
  run grep 'can-i.*strimzi[.]io' asked
  [ "$status" -eq 1 ]
  grep -q 'can-i.*deployments.apps' asked
  run "$PROJECT/tests/deploy/on_cluster.py" pi files
  [ "$status" -eq 2 ]
  [[ $output == *"error: pi needs kafka.strimzi.io, which this cluster does not have (--prepare brings its descriptions)"* ]]
  run "$PROJECT/tests/deploy/on_cluster.py" spark
  [ "$status" -eq 2 ]
  # All of it, where only Spark's operator is not there, is all but spark.
  export ABSENT=sparkapplications.sparkoperator.k8s.io
  run "$PROJECT/tests/deploy/on_cluster.py"
  [ "$status" -eq 0 ]
  [[ $output == *"NOT ASKED: spark, which needs sparkoperator.k8s.io"* ]]
  [[ $output == *"ok pi: applied by the deployer"* ]]
}

@test "test-kube says that no cluster answers" {
  cat >nobody <<'YAML'
apiVersion: v1
kind: Config
clusters: [{name: nobody, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: nobody, context: {cluster: nobody}}]
current-context: nobody
YAML
  KUBECONFIG=nobody run "$PROJECT/tests/deploy/on_cluster.py"
  [ "$status" -eq 2 ]
  [[ $output == *"no cluster answers: KUBECONFIG names one"* ]]
}
