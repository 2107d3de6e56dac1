# Partitions whose leaders move from broker to broker, all of which are well.
# bats file_tags=situation

load ../tools/helpers
load helpers

setup_file() { kafka_up --nodes 3 --set leader.imbalance.check.interval.seconds=1; }

# member NAME: payagg as that instance; `member_pid` is its process.
member() {
  payagg "kafka:$payments" -o "kafka:$stats" --instance "$1" -X session.timeout.ms=6000 \
    -X topic.metadata.refresh.interval.ms=300000 --metrics "$1.prom" \
    2>"$1.err" 3>&- &
  member_pid=$!
  started+=("$member_pid")
}

# has NAME COUNT: so many partitions are that member's.
has() { grep -qx "payagg_partitions $2" "$1.prom"; }

# leader PARTITION: of the payments.
leader() { "${KCAT[@]}" -L -b "$KAFKA" -t "$payments" | sed -n "s/.*partition $1, leader \([0-9-]*\),.*/\1/p"; }

@test "a partition whose leader has moved since a member last looked is at work in seconds" {
  topic "$payments" 2
  topic "$stats" 2 cleanup.policy=compact
  member a
  wait_for 'has a 2'
  member b
  b=$member_pid
  wait_for 'has a 1 && has b 1'
  # It has looked where the partitions are, is given none, and does not lead the group, which looks again.
  member c
  wait_for 'has c 0 && has a 1 && has b 1'
  old=$(leader 1)
  new=$((old % 3 + 1))
  echo "{\"version\":1,\"partitions\":[{\"topic\":\"$payments\",\"partition\":1,\"replicas\":[$new,$((new % 3 + 1)),$old]}]}" >plan
  broker admin org.apache.kafka.tools.reassign.ReassignPartitionsCommand --bootstrap-server "$KAFKA" \
    --reassignment-json-file plan --execute
  wait_for '[ "$(leader 1)" = "$new" ]'
  kill -KILL "$b"
  # Six seconds of them are the session; librdkafka itself looks for leaders each five minutes.
  within 30 'has c 1'
  ! grep 'no broker at' c.err || false
  paygen -q -o "kafka:$payments" --random 1000 --users 50 --seed 1 --expect expected
  wait_for 'consume "$stats" | payagg --merge | cmp -s - expected'
}
