# scripts/kafka itself: what the other files stand on.

load ../tools/helpers
load helpers

setup_file() { kafka_up --tls; }

# Clusters that a test made in its own folder.
teardown() {
  local each
  for each in */cluster; do
    [ ! -e "$each" ] || "$KAFKA_TOOL" stop --now --wipe --dir "${each%/cluster}"
  done
}

# has_ended PID: a process that nobody has waited for yet has no command line any more.
has_ended() { [ -z "$(tr -d '\0' <"/proc/$1/cmdline" 2>/dev/null)" ]; }

# pids [DIR]: of the brokers of a cluster that run.
pids() { "$KAFKA_TOOL" status --dir "${1:-$KAFKA_DIR}" | sed -n 's/.*: pid \([0-9]*\),.*/\1/p'; }

@test "start again is the same broker at the same address, without a word on stderr" {
  before=$(pids)
  again=$(broker start 2>said)
  [ "$again" = "$KAFKA" ]
  [ "$(pids)" = "$before" ]
  [ ! -s said ]
}

@test "start makes topics that do not exist, with their configuration, and leaves those that do" {
  one=$(unique one) two=$(unique two)
  topic "$one" 2
  broker start --create "$one:5" --create "$two:3:cleanup.policy=compact,max.message.bytes=1234" >/dev/null
  [ "$(topics list | grep "^$one ")" = "$one 2" ]
  [ "$(topics list | grep "^$two ")" = "$two 3" ]
  broker admin topics --describe --topic "$two" >described
  grep -qF cleanup.policy=compact described
  grep -qF max.message.bytes=1234 described
}

@test "a topic nobody made does not come into being" {
  none=$(unique none)
  run produce "$none" -X topic.metadata.propagation.max.ms=0 <<<'{}'
  [ "$status" -ne 0 ]
  ! topics list | grep -q "^$none " || false
  refuses 'there is no such topic' topics ends "$none"
}

@test "a cluster keeps what it was made with" {
  refuses 'is a cluster of version 4.1.0' broker start --version 3.8.1
  refuses 'is a cluster of nodes 1' broker start --nodes 3
  refuses 'unknown option --node' broker start --node 3
}

@test "the TLS listener answers kcat -F, and nobody who does not trust the authority" {
  kcat -q -F "$KAFKA_DIR/tls.properties" -L | grep -qF '1 brokers'
  sed '/^ssl.ca.location/d' "$KAFKA_DIR/tls.properties" >untrusting
  run kcat -F untrusting -L -m 3
  [ "$status" -ne 0 ]
  [[ $output == *"certificate"* ]]
}

@test "the SASL listener answers the right password alone" {
  kcat -q -F "$KAFKA_DIR/sasl-plain.properties" -L | grep -qF '1 brokers'
  run kcat -F "$KAFKA_DIR/sasl-plain.properties" -X sasl.password=wrong -L -m 3
  [ "$status" -ne 0 ]
  [[ $output == *"Authentication failed"* ]]
}

@test "SCRAM-SHA-256 works, with the newest Kafka that this librdkafka can do it with" {
  folder=$KAFKA_DIR
  if ! librdkafka_is_at_least 2.6.1; then
    # Before 2.6.1 librdkafka repeats a nonce, which Kafka takes until 3.8.1 and refuses later.
    folder=$PWD/older
    "$KAFKA_TOOL" start --dir "$folder" --version 3.8.1 --tls
  fi
  kcat -q -F "$folder/sasl.properties" -L | grep -qF '1 brokers'
  run kcat -F "$folder/sasl.properties" -X sasl.password=wrong -L -m 3
  [ "$status" -ne 0 ]
  [[ $output == *"Authentication failed"* ]]
}

@test "kill -9 and start: another process, the same address, the same data" {
  one=$(unique one)
  topic "$one" 2
  seq 1000 | produce "$one"
  before=$(pids)
  broker kill 1
  has_ended "$before"
  run broker status
  [ "$status" -eq 1 ]
  [ "$(broker start)" = "$KAFKA" ]
  [ "$(pids)" != "$before" ]
  consume "$one" | sort -n >read
  seq 1000 | cmp - read
}

@test "TERM and start keep data as well, and a property that was set later holds" {
  one=$(unique one)
  topic "$one" 1
  seq 100 | produce "$one"
  broker kill 1 TERM
  broker start --set message.max.bytes=4321 >/dev/null
  consume "$one" | cmp - <(seq 100)
  broker admin configs --describe --entity-type brokers --entity-name 1 --all | grep -F 'message.max.bytes=4321'
}

@test "trim removes what is below an offset, as retention would" {
  one=$(unique one)
  topic "$one" 1
  seq 100 | produce "$one"
  topics trim "$one:0:40"
  [ "$(topics starts "$one")" = '0 40' ]
  [ "$(end_offsets "$one")" = '0 100' ]
  [ "$(consume "$one" | head -n 1)" = 41 ]
}

@test "committed says where a group is, end_offsets where a topic ends, partition by partition" {
  one=$(unique one) group=$(unique group)
  topic "$one" 2
  seq 7 | produce "$one" -p 1
  [ "$(end_offsets "$one")" = $'0 0\n1 7' ]
  [ -z "$(committed "$group" "$one")" ]
  "${KCAT[@]}" -b "$KAFKA" -X auto.offset.reset=earliest -c 7 -G "$group" "$one" >read
  cmp read <(seq 7)
  [ "$(committed "$group" "$one" | grep '^1 ')" = '1 7' ]
}

@test "a broker that cannot start: exit 2, its last words, nothing left" {
  refuses 'broker 1 ended' "$KAFKA_TOOL" start --dir bad --port "${KAFKA#*:}"
  grep -qiF 'address already in use' refused.err
  [ -z "$(pids bad)" ]
  [ "$(broker start)" = "$KAFKA" ]
}

@test "a property that does not parse: exit 2, and Kafka's own words" {
  refuses 'num.io.threads' "$KAFKA_TOOL" start --dir bad --set num.io.threads=none
}

@test "clusters stand side by side, and stop ends its own alone and leaves nothing" {
  other=$("$KAFKA_TOOL" start --dir other --create there:1)
  [ "$other" != "$KAFKA" ]
  theirs=$(pids other)
  [ -n "$theirs" ]
  "$KAFKA_TOOL" stop --dir other
  has_ended "$theirs"
  ! (exec 3<>"/dev/tcp/127.0.0.1/${other#*:}") 2>/dev/null || false
  [ -d other/data ]
  "$KAFKA_TOOL" stop --dir other --wipe
  [ ! -e other ]
  [ -n "$(pids)" ]
}

# A leader that has just been chosen learns only with the next fetch of a follower how far the topic
# was committed, and until then gives less of it.
@test "three brokers: a topic outlives any one of them" {
  KAFKA=$("$KAFKA_TOOL" start --dir three --nodes 3 --create there:6)
  [ "$(pids three | wc -l)" -eq 3 ]
  seq 100 | produce there -X enable.idempotence=true
  "$KAFKA_TOOL" kill 2 --dir three
  seq 101 200 | produce there -X enable.idempotence=true
  wait_for 'consume there | sort -n | cmp - <(seq 200)'
  [ "$("$KAFKA_TOOL" start --dir three)" = "$KAFKA" ]
  [ "$(pids three | wc -l)" -eq 3 ]
  wait_for 'consume there | sort -n | cmp - <(seq 200)'
  # Where a topic lies, who coordinates a group, and one broker that is started without the others.
  topics create pair:2 --replicas 3,1
  [ "$(kcat -q -L -b "$KAFKA" -t pair | grep -c 'leader 3, replicas: 3,1,')" -eq 2 ]
  topics delete pair
  node=$(topics coordinator some-group)
  [[ $node =~ ^[123]$ ]]
  [[ $(topics coordinator some-id --transactional) =~ ^[123]$ ]]
  "$KAFKA_TOOL" kill "$node" --dir three
  wait_for '[ "$(topics coordinator some-group)" != "$node" ]'
  refuses 'which node, of 1 to 3' "$KAFKA_TOOL" start --dir three --only 4
  "$KAFKA_TOOL" kill "$((node % 3 + 1))" --dir three
  "$KAFKA_TOOL" start --dir three --only "$node"
  "$KAFKA_TOOL" status --dir three >running || true
  grep -c ': pid ' running | grep -qx 2
  grep -qx "broker $((node % 3 + 1)): not running" running
}
