# The network of docs/three-pis.md around a machine that is booted (`load pi5`): another network namespace, joined
# to that of the machine, is the Pi 5 with its broker, and all other addresses of that network.

PI5=$BATS_FILE_TMPDIR/pi5

# on_network COMMAND...: there, on the other side than the machine.
on_network() { nsenter -t "$(cat "$PI5/holder")" -n -- "$@"; }

# step WORDS: the block of docs/three-pis.md that has a line with them.
step() {
  awk -v words="$1" '/^    / { lines = lines substr($0, 5) "\n"; if (index($0, words)) found = 1; next }
    found { exit } { lines = "" } END { if (!found) exit 1; printf "%s", lines }' "$PROJECT/docs/three-pis.md"
}

# join_network LEADER: that process's network is the Pi 4's with the page, and is joined to the rest. Where the
# kernel cannot do that the test is skipped.
join_network() {
  mkdir "$PI5"
  unshare --net sleep infinity </dev/null >"$PI5/out" 2>&1 3>&- &
  echo $! >"$PI5/holder"
  wait_for '[ "$(readlink "/proc/$(cat "$PI5/holder")/ns/net")" != "$(readlink /proc/self/ns/net)" ]'
  on_network ip link set lo up
  on_network ip link add pi5 type veth peer name pi4 netns "$1" 2>veth.err ||
    skip "this kernel joins no networks (veth): $(tail -n 1 veth.err)"
  # The Pi 5, nginx, and somebody.
  for last in 11 13 14; do on_network ip address add "192.168.1.$last/24" dev pi5; done
  on_network ip link set pi5 up
  nsenter -t "$1" -n ip address add 192.168.1.12/24 dev pi4
  nsenter -t "$1" -n ip link set pi4 up
}

# sign NAME AUTHORITY [SUBJECT-ALTERNATIVE-NAME]: NAME.crt and NAME.key.
sign() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -CAcreateserial -days 2 -out "$1.crt" \
    -extfile <(echo "${3:+subjectAltName=$3}")
}

# make_secrets NAME...: NAME.json of each, as Strimzi makes it of a user of Kafka, and that of the brokers.
make_secrets() {
  local name
  for name in brokers clients; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$name-ca" \
      -keyout "$name.key" -out "$name.crt"
  done 2>>openssl.err
  sign broker brokers IP:192.168.1.11 2>>openssl.err
  cat broker.key broker.crt >broker.pem
  jq -n --rawfile a brokers.crt '{data: {"ca.crt": ($a | @base64)}}' >pay-cluster-ca-cert.json
  for name in "$@"; do
    sign "$name" clients 2>>openssl.err
    jq -n --rawfile a clients.crt --rawfile b "$name.crt" --rawfile c "$name.key" \
      '{data: ({"ca.crt": $a, "user.crt": $b, "user.key": $c} | map_values(@base64))}' >"$name.json"
  done
}

# topics_of_manifests: NAME:PARTITIONS:KEY=VALUE,... of each topic that deploy/k8s has, a line each.
topics_of_manifests() {
  awk '/^  name:/ { name = $2 } /^  partitions:/ { line = name ":" $2; between = ":" }
    line && /^    [a-z.]+: / { line = line between substr($1, 1, length($1) - 1) "=" $2; between = "," }
    /^---/ { print line; line = "" } END { print line }' "$PROJECT/deploy/k8s/base/kafka/topics.yaml"
}

# start_broker: with a listener for whoever has a certificate of a client, at the address of the Pi 5, and one for
# this test, at 127.0.0.1:9092 there.
start_broker() {
  local listeners=PLAINTEXT://127.0.0.1:9092,SSL://192.168.1.11:9094 tls=listener.name.ssl.ssl topic topics=()
  while read -r topic; do topics+=(--create "$topic"); done < <(topics_of_manifests)
  on_network "$PROJECT/scripts/kafka" start --dir "$PI5/kafka" --port 9092 \
    --set "listeners=$listeners,CONTROLLER://127.0.0.1:9093" --set "advertised.listeners=$listeners" \
    --set controller.quorum.voters=1@127.0.0.1:9093 \
    --set $tls.keystore.type=PEM --set "$tls.keystore.location=$PWD/broker.pem" \
    --set $tls.truststore.type=PEM --set "$tls.truststore.location=$PWD/clients.crt" \
    --set $tls.client.auth=required "${topics[@]}"
}

# leave_network: ends what is there.
leave_network() {
  [ -s "$PI5/holder" ] || return 0
  "$PROJECT/scripts/kafka" stop --now --wipe --dir "$PI5/kafka"
  kill -KILL "$(cat "$PI5/holder")"
}
