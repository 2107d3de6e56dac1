# What a monitor sees of payagg: how far it is behind, what nobody can read, and the offsets that
# kafka-consumer-groups compares with the ends of the partitions.

load ../tools/helpers
load helpers

setup() {
  name_topics
  topics_for 2
}

aggregates() {
  in_background payagg "kafka:$payments" -o "kafka:$stats" --instance one --metrics metrics "$@"
}

# figure NAME: what the metrics say of it now.
figure() { sed -n "s/^payagg_$1 //p" metrics | grep . || echo -1; }

# all_read: the group's offsets are the high watermarks, markers of transactions among them.
all_read() { [ "$(committed "$group" "$payments")" = "$(end_offsets "$payments" --uncommitted)" ]; }

# exact: the totals are those of `expected`.
exact() { consume "$stats" | payagg --merge | cmp -s - expected; }

@test "what an open transaction hides is lag and no longer caught up with, until it ends" {
  pay --random 20 --users 5 --seed 1 --expect expected
  for _ in {1..30}; do echo '{"user":"hidden","paymentAmt":1}'; done >lines
  open_transaction <lines
  yes '{"user":"behind","paymentAmt":1}' | head -n 300 | produce "$payments" -p 0
  aggregates
  wait_for '[ -s metrics ] && [ "$(figure lag_records)" -eq 330 ]'
  wait_for '[ "$(figure hidden_records)" -eq 330 ] && [ "$(figure hidden_seconds)" -ge 1 ]'
  [ "$(figure caught_up)" -eq 0 ]
  wait_for exact
  # And what there is now ends where nothing more can be read.
  aside=$(unique aside)
  topic "$aside" 2 cleanup.policy=compact
  timeout 60 payagg "kafka:$payments" -o "kafka:$aside" --available-now 2>said
  grep -q 'hide 330 messages, which were not read' said
  touch abort
  wait_for '[ "$(figure lag_records)" -eq 0 ] && [ "$(figure hidden_records)" -eq 0 ] && [ "$(figure caught_up)" -eq 1 ]'
  [ "$(figure hidden_seconds)" -eq 0 ]
  wait_for '[ "$(consume "$stats" | payagg --merge | grep behind)" = "{\"user\":\"behind\",\"sum\":300.00,\"count\":300}" ]'
  wait_for all_read
  ! consume "$stats" | grep '"hidden"' || false
}

# bats test_tags=situation
@test "caught up once, it stays so while later transactions are open" {
  pay --random 20 --users 5 --seed 1
  aggregates
  wait_for '[ -s metrics ] && [ "$(figure caught_up)" -eq 1 ]'
  open_transaction <<<'{"user":"hidden","paymentAmt":1}'
  wait_for '[ "$(figure hidden_records)" -eq 1 ]'
  [ "$(figure caught_up)" -eq 1 ]
  [ "$(figure lag_records)" -eq 1 ]
  touch commit
  wait_for '[ "$(figure lag_records)" -eq 0 ]'
  consume "$stats" | grep -q '"hidden"'
  within 4 all_read
}

# bats test_tags=situation
@test "the group's offsets are behind the ends of transactions: both guarantees, running and ended" {
  pay --atomic --random 50 --users 20 --seed 1
  for guarantee in exactly-once at-least-once; do
    aggregates --guarantee "$guarantee"
    within 8 all_read
    pay --atomic --random 50 --users 20 --seed 2
    within 8 all_read
    pay --atomic --random 5 --users 2 --seed 2
    kill -TERM "$pid"
    ended_with 0 10
    pay --atomic --random 50 --users 20 --seed 3
    timeout 60 payagg -q "kafka:$payments" -o "kafka:$stats" --instance one --available-now --guarantee "$guarantee"
    all_read
  done
}

# bats test_tags=situation
@test "payagg restarted while a transaction hides payments: none of them is read, and all behind them once it ends" {
  pay --random 20 --users 5 --seed 1
  open_transaction < <(yes '{"user":"hidden","paymentAmt":1}' | head -n 30)
  local signal
  for signal in KILL TERM KILL; do
    rm -f metrics
    aggregates
    echo '{"user":"behind","paymentAmt":1}' | produce "$payments" -p 0
    echo '{"user":"beside","paymentAmt":1}' | produce "$payments" -p 1
    wait_for 'grep -qsx "payagg_lag_records [1-9][0-9]*" metrics && totals_are_exact'
    kill -"$signal" "$pid"
    wait "$pid" || true
  done
  rm metrics
  aggregates
  wait_for '[ -s metrics ] && [ "$(figure hidden_records)" -eq 33 ]'
  touch abort
  wait_for '[ "$(figure lag_records)" -eq 0 ] && totals_are_exact'
  [ "$(consume "$stats" | payagg --merge | grep behind)" = '{"user":"behind","sum":3.00,"count":3}' ]
  ! consume "$stats" | grep '"hidden"' || false
}

# commits: how often the group has committed an offset so far.
commits() {
  consume __consumer_offsets -f '%K %k\n' | python3 -c '
import struct, sys
print(sys.stdin.buffer.read().count(struct.pack(">h", len(sys.argv[1])) + sys.argv[1].encode() + struct.pack(">h", len(sys.argv[2])) + sys.argv[2].encode()))' \
    "$group" "$payments"
}

# bats test_tags=situation
@test "where nothing moves nothing is committed" {
  pay --atomic --random 50 --users 20 --seed 1
  aggregates
  within 8 all_read
  before=$(commits)
  # It looks each second.
  run -124 timeout 3 tail --pid="$pid" -f /dev/null
  [ "$(commits)" -eq "$before" ]
  pay --user edgar --amount 1
  wait_for '[ "$(commits)" -gt "$before" ]'
}

# bats test_tags=situation
@test "a start behind an open transaction in the totals says so, and its end is all that is missing" {
  pay --random 20 --users 5 --seed 1 --expect expected
  aggregates --available-now
  ended_with 0
  echo '{"user":"hidden","sum":1.00,"count":1}' >lines
  payments=$stats open_transaction . hidden <lines
  local start
  start=$(end_offsets "$stats" | sed -n 's/^0 //p')
  aggregates
  wait_for 'grep -q "kafka:$stats: partition 0: an open transaction hides" background.err'
  kill -0 "$pid"
  # The command that the message names finds it, and that which ends it is the next one.
  grep -o 'kafka-transactions.sh .* --partition 0' background.err >command
  kafka-transactions.sh() { broker admin org.apache.kafka.tools.TransactionsCommand "$@"; }
  eval "$(cat command)" | grep -q "[[:space:]]$start[[:space:]]*$"
  broker admin transactions abort --topic "$stats" --partition 0 --start-offset "$start"
  pay --user late --amount 1
  wait_for '[ "$(consume "$stats" | payagg --merge | grep -c late)" -eq 1 ]'
  kill -TERM "$pid"
  ended_with 0
}
