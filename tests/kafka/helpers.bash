# For Bats files that need a real Kafka:
#
#   load ../tools/helpers
#   load helpers
#
# Each test has names of topics, "$payments" and "$stats", that nobody else has. A file that needs more
# defines its own setup_file() or setup().
#
# A test that takes longer than five seconds has the line `# bats test_tags=situation` above it: the gate
# leaves it out, and `make test-situations` runs it. In a file of such tests alone it is
# `# bats file_tags=situation`.
#
# All files share one broker where one is given: by its address in PAYSTATS_KAFKA, or by the folder
# of scripts/kafka in PAYSTATS_KAFKA_DIR, as ctest does. A file that hurts its broker or wants a
# special one says how (`kafka_up --nodes 3`, or `kafka_up --own`) and gets one of its own. Topics,
# groups and transactional ids are shared, so every name comes from `unique`.

KAFKA_TOOL=$PROJECT/scripts/kafka
TOPIC_TOOL=$PROJECT/scripts/kafka-topics
# What `produce` and `consume` add to kcat.
KCAT=(kcat -q -X partitioner=murmur2_random -X isolation.level=read_committed)

# kafka_up [--own | OPTION-OF-scripts/kafka-start...]: sets and exports KAFKA, the bootstrap address,
# KAFKA_BROKERS, the same for the tools, and KAFKA_DIR, the folder of the cluster ('' if unknown).
kafka_up() {
  export KAFKA='' KAFKA_DIR='' KAFKA_IS_OWN=''
  if [ $# -eq 0 ]; then
    KAFKA=${PAYSTATS_KAFKA:-}
    if [ -z "$KAFKA" ] && [ -n "${PAYSTATS_KAFKA_DIR:-}" ]; then
      KAFKA_DIR=$PAYSTATS_KAFKA_DIR
      KAFKA=$(cat "$KAFKA_DIR/bootstrap") || return 1
    fi
  fi
  if [ -z "$KAFKA" ]; then
    [ "${1:-}" != --own ] || shift
    KAFKA_IS_OWN=yes KAFKA_DIR=$BATS_FILE_TMPDIR/kafka
    KAFKA=$("$KAFKA_TOOL" start --dir "$KAFKA_DIR" "$@") || return 1
  fi
  export KAFKA_BROKERS=$KAFKA
}

# kafka_down: ends what kafka_up started, and nothing else.
kafka_down() {
  [ -z "${KAFKA_IS_OWN:-}" ] || "$KAFKA_TOOL" stop --now --wipe --dir "$KAFKA_DIR"
}

setup_file() { kafka_up; }
teardown_file() { kafka_down; }

setup() { name_topics; }

# name_topics: `payments` and `stats`, names that nobody else has, and payagg's default `group` for them.
name_topics() {
  paystats_setup
  payments=$(unique payments)
  stats=$(unique stats)
  group=payagg.$payments.$stats
}

# broker VERB ARG...: scripts/kafka on this file's cluster: broker kill 1; broker start; broker admin topics --list.
broker() { "$KAFKA_TOOL" "$1" --dir "$KAFKA_DIR" "${@:2}"; }

# topics VERB ARG...: scripts/kafka-topics on it: topics list; topics trim NAME:0:100.
topics() { "$TOPIC_TOOL" -b "$KAFKA" "$@"; }

# unique NAME: a name that no other test has, now or in a run before.
unique() { echo "$1-$BATS_TEST_NUMBER-$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')"; }

# topic NAME PARTITIONS [KEY=VALUE,...]: makes it; it answers by then.
topic() { topics create "$1:$2${3:+:$3}"; }

# keyed [FIELD]: JSON lines in; out, with the value of FIELD (user), decoded, as a key before a tab.
keyed() {
  python3 -c '
import json, sys
for line in sys.stdin.buffer:
    key = json.loads(line)[sys.argv[1]].encode()
    assert b"\t" not in key and b"\n" not in key
    sys.stdout.buffer.write(key + b"\t" + line)' "${1:-user}"
}

# produce TOPIC [KCAT-OPTION...]: a message a line of stdin; `produce TOPIC -p 3` to partition 3. Without a key
# each message goes to a partition of its own choice: librdkafka else fills one for as long as 10 ms last.
produce() { "${KCAT[@]}" -P -X sticky.partitioning.linger.ms=0 -b "$KAFKA" -t "$@"; }

# produce_keyed TOPIC [KCAT-OPTION...]: lines of key, tab, value; as Java's partitioner does it.
# A line of a key and a tab alone is a tombstone with -Z.
produce_keyed() { "${KCAT[@]}" -P -K "$(printf '\t')" -b "$KAFKA" -t "$@"; }

# consume TOPIC [KCAT-OPTION...]: the values, committed ones alone, a line each, up to the end.
consume() { "${KCAT[@]}" -C -e -o beginning -b "$KAFKA" -t "$@"; }

# consume_all TOPIC [KCAT-OPTION...]: lines of partition, offset, key and value, with tabs between.
consume_all() { consume "$@" -f '%p\t%o\t%k\t%s\n'; }

# totals_are_exact [OPTION-OF-judge.py...]: each committed total is that of a prefix of the payments, and
# the newest ones are those of all of them.
totals_are_exact() { "$BATS_TEST_DIRNAME/judge.py" "$KAFKA" "$payments" "$stats" "$@"; }

# open_transaction [FOLDER [KEY]] <LINES: payments in partition 0; `touch FOLDER/commit` or `FOLDER/abort` ends it.
open_transaction() {
  local folder=${1:-.}
  mkdir -p "$folder"
  (cd "$folder" && exec "$BATS_TEST_DIRNAME/open_transaction.py" "$KAFKA" "$payments" 0 "${@:2}") \
    <&0 >"$folder/transaction" 3>&- &
  started+=("$!")
  wait_for "grep -q open '$folder/transaction'"
}

# end_offsets TOPIC [--uncommitted]: lines "partition offset": the last stable offsets, or the high
# watermarks. The markers of transactions count too.
end_offsets() { topics ends "$@"; }

# committed GROUP TOPIC: lines "partition offset" of the group.
committed() { topics committed "$1" | sed -n "s/^$2 //p"; }

# stops_for_good WORDS COMMAND...: exit 3, which no supervisor starts again, and a message with these
# words, in stopped.err.
stops_for_good() { fails_saying 3 stopped "$@"; }

# topics_for PARTITIONS: both topics, as they must be.
topics_for() {
  topic "$payments" "$1"
  topic "$stats" "$1" cleanup.policy=compact
}

# new_output PARTITIONS: another output topic than before, which is empty.
new_output() {
  stats=$(unique stats)
  topic "$stats" "$1" cleanup.policy=compact
}

# pay ARG...: paygen to the topic of payments.
pay() { paygen -q -o "kafka:$payments" "$@"; }

# pay_on RATE [USERS]: payments come at that rate in the background until `no_more_pay`.
pay_on() {
  setsid paygen -q -o "kafka:$payments" --random 0 --users "${2:-60}" --skew 0 --seed 5 --rate "$1" \
    </dev/null >/dev/null 2>payer.err 3>&- &
  payer=$!
  started+=("$payer")
}
no_more_pay() {
  kill -TERM "$payer"
  wait_for '! kill -0 "$payer" 2>/dev/null'
}

# nobody_answers: sets `nobody`, an address that refuses connections as long as the test runs.
nobody_answers() {
  python3 -c '
import signal, socket
held = socket.socket()
held.bind(("127.0.0.1", 0))
print("127.0.0.1:%d" % held.getsockname()[1], flush=True)
signal.pause()' >nobody 3>&- &
  started+=($!)
  wait_for '[ -s nobody ]'
  nobody=$(cat nobody)
}

# hangs_up: sets `nobody`, an address that ends each connection at once, and adds a line to `callers`.
hangs_up() {
  python3 -c '
import socket
server = socket.create_server(("127.0.0.1", 0))
print("127.0.0.1:%d" % server.getsockname()[1], flush=True)
with open("callers", "w", buffering=1) as callers:
    while True:
        server.accept()[0].close()
        callers.write("one\n")' >nobody 3>&- &
  started+=($!)
  wait_for '[ -s nobody ]'
  nobody=$(cat nobody)
}

# librdkafka_is_at_least VERSION: the one that kcat is linked with.
librdkafka_is_at_least() {
  local is
  is=$(kcat -V | sed -n 's/.*librdkafka \([0-9.]*\).*/\1/p')
  [ "$(printf '%s\n' "$1" "$is" | sort -V | head -n 1)" = "$1" ]
}
