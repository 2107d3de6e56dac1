# The overlay `files` of deploy/k8s in containers, as `podman play kube` makes them of it: with its image, its user, its
# limits of memory, and a root that is read-only. What is the network of the host for them has loopback alone:
# without a network podman refuses a pod that has ports.
# bats file_tags=deploy-long

load ../tools/helpers
load podman

readonly bytes_max=25000000 # of all its processes, as sum of Pss

setup_file() {
  podman_up
  command -v catatonit >/dev/null || skip "catatonit is not installed (scripts/setup-deploy --long)"
  cd "$BATS_FILE_TMPDIR" || return 1
  "$PROJECT/scripts/image" --build "$(dirname "$PAYSTATS_BIN")" --into .
  podman load --quiet --input ./*.oci.tar >loaded
  # Whatever the archive calls it, the overlay has another name for it: images are parameters.
  mkdir mine
  cp -r "$PROJECT/deploy/k8s" k8s
  printf 'resources: [../k8s/overlays/files]\nimages: [{name: paystats, newName: localhost/paystats, newTag: played}]\n' \
    >mine/kustomization.yaml
  podman tag "$(sed -n 's/^Loaded image: //p' loaded)" localhost/paystats:played
  "$("$PROJECT/scripts/setup-kube")/bin/kubectl" kustomize mine >files.yaml
  setsid unshare --net sh -c 'ip link set lo up && exec sleep infinity' </dev/null >/dev/null 2>&1 3>&- &
  export NETWORK=$!
  # Until it has one of its own, the network of that process is the host's.
  wait_for '[ "$(readlink "/proc/$NETWORK/ns/net")" != "$(readlink /proc/self/ns/net)" ]'
  wait_for 'inside ip -brief address show lo | grep -q 127.0.0.1'
  inside podman play kube --network host files.yaml >played
}
teardown_file() {
  [ -z "${PODMAN_HOME:-}" ] || podman pod rm --all --force --time 0 >/dev/null
  podman_down
  podman volume rm --all --force >/dev/null || true
  [ -z "${NETWORK:-}" ] || kill "$NETWORK"
}

# A function, such as podman of podman.bash, is known to no other program.
inside() {
  local words=("$@")
  [ "$1" != podman ] || words=(podman --root "$PODMAN_HOME/storage" --runroot "$PODMAN_HOME/run"
    --tmpdir "$PODMAN_HOME/tmp" --storage-driver vfs "${@:2}")
  nsenter --target "$NETWORK" --net -- "${words[@]}" 3>&-
}

container() { podman ps --all --format '{{.Names}}' | grep -- "^page-pod.*-$1$"; }
pid_of() { podman inspect --format '{{.State.Pid}}' "$(container "$1")"; }
asked() { inside curl -sS --max-time 10 "$@"; }
is_ready() { [ "$(asked -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/readyz 2>/dev/null)" = 200 ]; }
pay() { asked -f -H 'Content-Type: application/json' -d "$1" http://127.0.0.1:8080/api/payments; }
sum_is() { asked "http://127.0.0.1:8080/api/stats/edgar" | grep -q "\"sum\":\"$1\""; }

@test "the page and the totals run from it, with nothing that they do not need" {
  local name
  wait_for is_ready
  pay '{"user":"edgar","paymentAmt":2.50,"volume":4}'
  wait_for 'sum_is 10.00'
  asked -f http://127.0.0.1:8080/ >page && grep -q '<title>' page
  for name in cache serve; do
    podman inspect "$(container $name)" >inspected
    [ "$(jq -r '.[0].HostConfig.Memory' inspected)" = 33554432 ]
    [ "$(jq -r '.[0].HostConfig.ReadonlyRootfs' inspected)" = true ]
    grep -qE '^Uid:\s+65532\s+65532' "/proc/$(pid_of $name)/status"
    grep -qE '^CapEff:\s+0+$' "/proc/$(pid_of $name)/status"
    grep -qE '^NoNewPrivs:\s+1$' "/proc/$(pid_of $name)/status"
  done
  # The probe of the manifest, as it stands there.
  podman exec "$(container cache)" paystats-cache --connect /run/paystats/stats.sock --top 1 | grep edgar
}

@test "all of it takes less than 25 MB" {
  local name pid all=0
  for name in cache serve; do
    for pid in $(podman top "$(container $name)" hpid | tail -n +2); do
      all=$((all + $(awk '/^Pss:/ { print $2 * 1024 }' "/proc/$pid/smaps_rollup")))
    done
  done
  echo "$all bytes"
  [ "$all" -gt 1000000 ]
  [ "$all" -lt $bytes_max ]
}

@test "a payment survives kill -9 of every container" {
  local name before
  wait_for is_ready
  for name in cache serve; do
    before=$(pid_of $name)
    kill -KILL "$before"
    # Whoever made it starts it again.
    wait_for '[ "$(pid_of $name)" -gt 0 ] && [ "$(pid_of $name)" != "$before" ]'
    wait_for is_ready
    wait_for 'sum_is 10.00'
  done
  pay '{"user":"edgar","paymentAmt":0.50}'
  wait_for 'sum_is 10.50'
}
