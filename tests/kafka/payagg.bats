# payagg from topic to topic: exact totals, whatever is killed, restarted or joined; and every finding
# that would otherwise be a silent loss. Many faults at random moments are torture.py's.

load ../tools/helpers
load helpers

# aggregate [OPTION...]: payagg over what is there now.
aggregate() { timeout 240 payagg -q "kafka:$payments" -o "kafka:$stats" --available-now "$@"; }

# merged: the totals that the output topic holds, in order.
merged() { consume "$stats" | payagg --merge; }

@test "the totals of a topic are exact, and those of each partition stay in the partition of that number" {
  topics_for 4
  pay --random 100000 --users 5000 --seed 3 --expect expected
  aggregate
  merged | cmp - expected
  consume_all "$stats" >records
  consume_all "$payments" | cut -f 1-3 >paid
  python3 - <<'END'
import json
last = {}
for line in open("paid", encoding="utf-8"):
    partition, offset, user = line.rstrip("\n").split("\t")
    last[partition, user] = int(offset)
newest = {}
for line in open("records", encoding="utf-8"):
    partition, _, key, value = line.rstrip("\n").split("\t")
    record = json.loads(value)
    assert record["user"] == key and str(record["partition"]) == partition, line
    newest[partition, key] = record["offset"]
assert newest == last, "an offset is not that of the last payment included"
END
}

@test "a second run has nothing to do, and a third takes up what is new" {
  topics_for 2
  pay --random 20000 --users 300 --seed 1
  aggregate
  consume "$stats" | wc -l >before
  aggregate
  consume "$stats" | wc -l | cmp - before
  pay --random 20000 --users 300 --seed 2
  aggregate
  consume "$payments" | payagg >expected
  merged | cmp - expected
}

@test "killed again and again while it reads, it ends with exact totals" {
  topics_for 3
  pay --random 200000 --users 2000 --seed 5 --expect expected
  for _ in 1 2 3 4; do
    in_background payagg -q "kafka:$payments" -o "kafka:$stats" --max-records 2000 --trigger 10ms
    before=$(consume "$stats" | wc -l)
    wait_for "[ \$(consume $stats | wc -l) -gt $before ] || [ \"\$(committed payagg.$payments.$stats $payments | awk '{ n += \$2 } END { print n + 0 }')\" -ge 200000 ]"
    kill -9 "$pid"
  done
  aggregate
  merged | cmp - expected
}

# stop_within_transaction: the process `pid` is stopped at any moment, until one is within a transaction.
stop_within_transaction() {
  local looks=0
  kill -STOP "$pid"
  while [ "$(end_offsets "$stats")" = "$(end_offsets "$stats" --uncommitted)" ]; do
    [ $((looks += 1)) -le 200 ]
    kill -CONT "$pid"
    kill -STOP "$pid"
  done
}

@test "a transaction that a crashed member has left open is aborted by the new owner of its partitions" {
  topics_for 1
  in_background paygen -q -o "kafka:$payments" --random 0 --users 50 --seed 5 --rate 2000
  local payer=$pid before
  before=$(end_offsets "$stats")
  in_background payagg -q "kafka:$payments" -o "kafka:$stats" --trigger 0 --instance one
  wait_for "[ \"\$(end_offsets $stats)\" != '$before' ]"
  stop_within_transaction
  kill -9 "$pid"
  # Not after its session: the broker ends the transaction itself soon after that.
  topics dismiss "$group" one
  in_background payagg -v "kafka:$payments" -o "kafka:$stats" --instance two
  wait_for "grep -q 'what payagg.$payments.$stats.one has left open is ended' background.err"
  kill "$payer" "$pid"
  wait_for "! kill -0 $payer 2>/dev/null && ! kill -0 $pid 2>/dev/null"
  aggregate --instance two
  consume "$payments" | payagg >expected
  merged | cmp - expected
}

@test "a member that crashes in its very first transaction is followed at once, like any other" {
  local first
  # On a busy machine that one may be over between two looks.
  for _ in 1 2 3 4 5; do
    name_topics
    topics_for 1
    in_background payagg -v "kafka:$payments" -o "kafka:$stats" --trigger 0 --instance one
    wait_for 'grep -q "partition 0 from offset 0" background.err'
    kill -STOP "$pid"
    pay --random 20000 --users 9000 --skew 0 --seed 5
    stop_within_transaction || true
    kill -9 "$pid"
    first=$(end_offsets "$stats")
    [ "$first" != "0 0" ] || break
  done
  [ "$first" = "0 0" ]
  topics dismiss "$group" one
  in_background payagg -v "kafka:$payments" -o "kafka:$stats" --instance two
  wait_for "grep -q 'what payagg.$payments.$stats.one has left open is ended' background.err"
  wait_for totals_are_exact
}

@test "offsets set back, or lost, change no total: each user's offset says what its total includes" {
  topics_for 2
  pay --random 30000 --users 300 --seed 8 --expect expected
  aggregate --instance one
  topics dismiss "payagg.$payments.$stats" one
  topics commit "payagg.$payments.$stats" "$payments:0:0" "$payments:1:0"
  aggregate --metrics metrics
  merged | cmp - expected
  grep -qx 'payagg_records_skipped_total 30000' metrics
}

@test "at least once: the same totals, and nothing of it is a transaction" {
  topics_for 2
  pay --random 30000 --users 300 --seed 8 --expect expected
  run -0 timeout 240 payagg "kafka:$payments" -o "kafka:$stats" --available-now --guarantee at-least-once
  [[ "$output" == *'at least once: '* ]]
  merged | cmp - expected
  # A marker of a transaction would take an offset.
  [ "$(consume "$stats" | wc -l)" -eq "$(end_offsets "$stats" | awk '{ n += $2 } END { print n }')" ]
}

@test "more users than one transaction takes are published in parts, and are exact" {
  topics_for 2
  pay --random 600000 --users 500000 --skew 0 --seed 4 --expect expected
  aggregate --trigger 10s
  merged | cmp - expected
  # Restored they are the same.
  pay --random 1000 --users 500 --seed 5
  aggregate
  consume "$payments" | payagg >expected
  merged | cmp - expected
}

@test "it says which guarantee holds, and why" {
  topics_for 1
  run -0 timeout 240 payagg "kafka:$payments" -o "kafka:$stats" --available-now
  [[ "$output" == *"exactly once: totals in kafka:$stats and the group's offsets in kafka:$payments are committed in one transaction"* ]]
}

@test "several jobs in one process, and several processes, share the partitions" {
  topics_for 4
  pay --random 50000 --users 1000 --seed 2 --expect expected
  aggregate --jobs 3
  merged | cmp - expected
  pay --random 50000 --users 1000 --seed 3
  for name in one two; do
    payagg -q "kafka:$payments" -o "kafka:$stats" --instance "$name" --metrics "$name.prom" 2>"$name.err" &
    started+=("$!")
  done
  wait_for 'grep -qx "payagg_partitions 2" one.prom && grep -qx "payagg_partitions 2" two.prom'
  consume "$payments" | payagg >expected
  wait_for 'merged | cmp -s - expected'
  # Who leaves is not missed for longer than the session lasts.
  kill -TERM "${started[0]}"
  wait "${started[0]}"
  pay --random 10000 --users 1000 --seed 4
  consume "$payments" | payagg >expected
  wait_for 'merged | cmp -s - expected'
}

@test "of two of one name the older ends with an error that says so" {
  topics_for 1
  payagg "kafka:$payments" -o "kafka:$stats" --instance same --metrics old.prom 2>old.err &
  old=$!
  started+=("$old")
  wait_for 'grep -qx "payagg_partitions 1" old.prom'
  payagg "kafka:$payments" -o "kafka:$stats" --instance same --metrics new.prom 2>new.err &
  started+=("$!")
  # For as long as a session it looks whether the other one lives.
  wait_for '! kill -0 $old 2>/dev/null'
  status=0
  wait "$old" || status=$?
  [ "$status" -eq 2 ]
  grep -q 'error: another process has joined.* as instance same .*: give one of the two another --instance$' old.err
  pay --random 1000 --users 10 --seed 4 --expect expected
  wait_for 'merged | cmp -s - expected'
}

@test "a name that a crashed process has taken is taken back, and all there is is read" {
  topics_for 1
  pay --random 6000 --users 10 --seed 6 --expect expected
  timeout 240 payagg "kafka:$payments" -o "kafka:$stats" --group "$stats" --instance same --available-now \
    --max-records 3 -X session.timeout.ms=6000 --metrics prom 2>err &
  pid=$!
  started+=("$pid")
  wait_for 'grep -q "^payagg_records_read_total [1-9]" prom'
  kcat -q -b "$KAFKA" -G "$stats" -X group.instance.id=same -X enable.auto.commit=false \
    -X session.timeout.ms=6000 "$payments" >ghost 2>ghost.err &
  ghost=$!
  started+=("$ghost")
  wait_for 'grep -q "looking whether it lives" err'
  kill -KILL "$ghost"
  ended_with 0
  grep -q "joined anew" err
  merged | cmp - expected
}

@test "a member that is told so where its own id has the name goes on at once" {
  topics_for 1
  "$BATS_TEST_DIRNAME/fencing_proxy.py" "$KAFKA" fence >proxy 2>proxy.err 3>&- &
  started+=($!)
  wait_for '[ -s proxy ]'
  in_background payagg -b "$(cat proxy)" "kafka:$payments" -o "kafka:$stats" --instance same \
    -X session.timeout.ms=300000 --metrics prom
  wait_for 'grep -qsx "payagg_partitions 1" prom'
  : >fence
  # Otherwise it would wait for the session's end.
  wait_for 'grep -q "joined anew" background.err'
  grep -q "looking whether it lives" background.err
  pay --random 100 --users 10 --seed 1 --expect expected
  wait_for 'merged | cmp -s - expected'
  kill -TERM "$pid"
  ended_with 0
}

@test "INT and TERM are a normal end, at once, and what was read is published first" {
  topics_for 1
  for signal in INT TERM; do
    in_background payagg "kafka:$payments" -o "kafka:$stats" --trigger 1h --metrics prom
    pay --user edgar --amount 1 --volume 5
    wait_for 'grep -q "^payagg_lag_records 0" prom && ! grep -qx "payagg_records_read_total 0" prom'
    kill -"$signal" "$pid"
    ended_with 0 5
    rm prom
  done
  [ "$(merged)" = '{"user":"edgar","sum":10.00,"count":10}' ]
}

@test "bad payments go to a topic of rejects, in the transaction of the totals" {
  topics_for 1
  rejects=$(unique rejects)
  topic "$rejects" 1
  printf '%s\n' '{"user":"edgar","paymentAmt":1}' nonsense '{"user":"edgar","paymentAmt":"1.5"}' | produce "$payments"
  printf 'edgar\t\n' | produce_keyed "$payments" -Z
  run -1 aggregate --rejects "kafka:$rejects"
  [ "$(merged)" = '{"user":"edgar","sum":2.50,"count":2}' ]
  consume "$rejects" >aside
  [ "$(wc -l <aside)" -eq 2 ]
  grep -q "^{\"source\":\"$payments\",\"partition\":0,\"offset\":1,\"error\":\"[^\"]*\",\"record\":\"nonsense\"}$" aside
  grep -q '"partition":0,"offset":3,' aside
  # All is behind the offsets that were committed with it.
  aggregate --rejects "kafka:$rejects"
  consume "$rejects" | cmp - aside
}

@test "bad payments go to a file, with their partition and offset" {
  topics_for 1
  printf '%s\n' nonsense '{"user":"edgar","paymentAmt":1}' | produce "$payments"
  run -1 aggregate --rejects aside
  grep -q '"partition":0,"offset":0,' aside
  [ "$(wc -l <aside)" -eq 1 ]
}

@test "a tombstone in the output topic forgets that user, and its total begins anew" {
  topics_for 1
  pay --user edgar --amount 1 --volume 3
  pay --user ada --amount 2 --volume 2
  aggregate
  printf 'edgar\t\n' | produce_keyed "$stats" -Z
  pay --user edgar --amount 5
  aggregate
  consume "$stats" | tail -n 1 | grep -q '"user":"edgar","sum":5.00,"count":1,'
}

@test "a topic that does not exist is an error that says what to do, or is made" {
  refuses "kafka:$payments: there is no such topic; --create-topics makes it" \
    timeout 240 payagg "kafka:$payments" -o "kafka:$stats"
  topic "$payments" 3
  refuses "kafka:$stats: there is no such topic" timeout 240 payagg "kafka:$payments" -o "kafka:$stats"
  aggregate --create-topics
  [ "$(end_offsets "$stats" | wc -l)" -eq 3 ]
  "${KCAT[@]}" -L -b "$KAFKA" -t "$stats" | grep -q '3 partitions'
}

@test "topics that would lose something are refused" {
  topic "$payments" 2
  topic "$stats" 3 cleanup.policy=compact
  refuses 'they must be as many' timeout 240 payagg "kafka:$payments" -o "kafka:$stats"

  stats=$(unique plain)
  topic "$stats" 2
  refuses 'cleanup.policy is delete, and must be compact' timeout 240 payagg "kafka:$payments" -o "kafka:$stats"

  payments=$(unique compacted) stats=$(unique stats)
  topic "$payments" 1 cleanup.policy=compact
  topic "$stats" 1 cleanup.policy=compact
  refuses 'compaction removes all payments of a user but the last' \
    timeout 240 payagg "kafka:$payments" -o "kafka:$stats"
}

@test "an output topic in which another program writes is refused" {
  topics_for 1
  printf 'edgar\t{"user":"edgar","sum":7.00,"count":7}\n' | produce_keyed "$stats"
  stops_for_good 'stats without an offset' aggregate
  stats=$(unique stats)
  topic "$stats" 1 cleanup.policy=compact
  printf 'edgar\tsomething else\n' | produce_keyed "$stats"
  stops_for_good 'not a stats record' aggregate
}

@test "unread payments that have been removed: an error with both offsets, or a warning" {
  topics_for 1
  pay --random 100 --users 10 --seed 1
  aggregate
  pay --random 100 --users 10 --seed 2
  topics trim "$payments:0:150"
  stops_for_good 'at offset 100, but the first that is still there is at offset 150' aggregate
  run -0 timeout 240 payagg "kafka:$payments" -o "kafka:$stats" --available-now --on-data-loss continue
  [[ "$output" == *'at offset 100, but the first that is still there is at offset 150'* ]]
}

@test "totals that are gone are made again from the first payment, if that is still there" {
  topics_for 1
  pay --random 1000 --users 10 --seed 1 --expect expected
  aggregate
  topics delete "$stats"
  wait_for 'topic "$stats" 1 cleanup.policy=compact 2>/dev/null'
  aggregate
  merged | cmp - expected
  topics delete "$stats"
  wait_for 'topic "$stats" 1 cleanup.policy=compact 2>/dev/null'
  topics trim "$payments:0:10"
  stops_for_good "totals are missing, there are 0 users with 0 payments and there were 10 with 1000; kafka:$payments begins at offset 10" aggregate
}

@test "--users-max ends it with a clear error" {
  topics_for 2
  pay --random 1000 --users 100 --skew 0 --seed 1
  refuses 'more than 50 users' aggregate --users-max 50
}

@test "what cannot go together ends before a broker is spoken to" {
  refuses 'input and output are one topic' payagg kafka:a -o kafka:a
  refuses '--merge' payagg --merge kafka:a -o kafka:b
  refuses 'a topic takes --output-mode update alone' payagg kafka:a -o kafka:b --output-mode complete
  refuses 'needs payments from a topic' payagg -o kafka:b
  refuses '--group is for payagg from topic to topic' payagg kafka:a --group g
  refuses '--guarantee twice: not one of' payagg kafka:a -o kafka:b --guarantee twice
  refuses 'a topic has none' payagg kafka:a --output-mode final
  refuses 'group.id cannot be set: use --group' payagg kafka:a -o kafka:b -X group.id=x
  refuses 'KAFKA_BROKERS' env -u KAFKA_BROKERS payagg kafka:a -o kafka:b
}

@test "the newer protocol of groups (KIP-848), which librdkafka has or has not, is refused by its name" {
  topics_for 1
  refuses 'group.protocol cannot be set' timeout 60 payagg "kafka:$payments" -o "kafka:$stats" -X group.protocol=consumer
}

@test "no broker: it waits and says so once; --broker-timeout gives up" {
  nobody_answers
  refuses "no broker at $nobody answered" \
    timeout 240 payagg -b "$nobody" kafka:a -o kafka:b --broker-timeout 1s
  in_background payagg -b "$nobody" kafka:a -o kafka:b
  wait_for 'grep -q "no broker at $nobody answers" background.err'
  kill -TERM "$pid"
  ended_with 0 5
  [ "$(wc -l <background.err)" -eq 1 ]
}
