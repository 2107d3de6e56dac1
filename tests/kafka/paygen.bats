# paygen to a topic: every payment once, under the right key, in the right partition; --atomic whole
# or absent. What happens while a broker is away is in away.bats.

load ../tools/helpers
load helpers

# offsets_used TOPIC: messages and markers of transactions in all partitions.
offsets_used() { end_offsets "$1" "${@:2}" | awk '{ sum += $2 } END { print sum + 0 }'; }

@test "every payment is in the topic once, byte for byte as on standard output" {
  topic "$payments" 4
  paygen --random 50000 --users 500 --seed 7 -o "kafka:$payments" --expect expected
  paygen --random 50000 --users 500 --seed 7 | sort >sent
  consume "$payments" | sort | cmp - sent
  consume "$payments" | payagg | cmp - expected
}

@test "the key is the user, and each key is where Java's partitioner puts it" {
  topic "$payments" 7
  reference=$(unique reference)
  topic "$reference" 7
  paygen --random 5000 --users 1000 --skew 0 >lines
  cat >>lines <<'END'
{"user":"quote\" and back\\slash","paymentAmt":1}
{"user":"zo\u00eb","paymentAmt":2}
{"user":"zoë","paymentAmt":3}
{"user":"日本","paymentAmt":4}
END
  paygen lines -o "kafka:$payments"
  keyed <lines | produce_keyed "$reference"
  consume "$payments" -f '%p\t%k\n' | sort >ours
  consume "$reference" -f '%p\t%k\n' | sort >theirs
  [ "$(wc -l <ours)" -eq 5004 ]
  [ "$(cut -f 1 ours | sort -u | wc -l)" -eq 7 ]
  grep -qF 'quote" and back\slash' ours
  cmp ours theirs
}

@test "the key of a random workload is its user as well" {
  topic "$payments" 3
  paygen --random 1000 --users 50 -o "kafka:$payments"
  consume "$payments" -f '%k\t%s\n' >keyed
  consume "$payments" | keyed | cmp - keyed
}

@test "a batch of the input becomes so many messages, and a bad line a message in the topic of rejects" {
  topic "$payments" 1
  rejects=$(unique rejects)
  topic "$rejects" 1
  printf '%s\n' '{"user":"edgar","paymentAmt":1.0,"volume":7}' nonsense '{"user":"ada","paymentAmt":2}' |
    { run -1 paygen -o "kafka:$payments" --rejects "kafka:$rejects"; }
  [ "$(consume "$payments" | sort | uniq -c | awk '{ print $1 }' | sort | xargs)" = "1 7" ]
  [ "$(consume "$rejects" -f '%K %s\n')" = '-1 {"source":"-","line":2,"error":"not valid JSON","record":"nonsense"}' ] || {
    consume "$rejects" -f '%K %s\n' >&2
    return 1
  }
}

@test "a topic that does not exist is an error that names the remedy; --create-topics makes it" {
  refuses "kafka:$payments: there is no such topic; --create-topics makes it" \
    paygen --user edgar --amount 1 -o "kafka:$payments"
  silent paygen --user edgar --amount 1 -o "kafka:$payments" --create-topics
  [ "$(consume "$payments")" = '{"user":"edgar","paymentAmt":1}' ]
}

@test "at a pace each payment is in the topic while paygen still runs" {
  topic "$payments" 1
  in_background paygen --random 0 --rate 50 -o "kafka:$payments" --expect expected
  wait_for '[ "$(offsets_used "$payments")" -ge 20 ]'
  kill -TERM "$pid"
  ended_with 143
  consume "$payments" | payagg | cmp - expected
}

@test "--atomic: a batch, a volume or a workload is one transaction, however large" {
  topic "$payments" 1
  name=$(printf 'n%.0s' {1..1000})
  # More than 64 MiB as the log would count it, which makes such a batch in parts.
  silent paygen --user "$name" --amount 1 --volume 30000 -o "kafka:$payments" --atomic
  [ "$(offsets_used "$payments")" -eq 30001 ]
  silent paygen --random 200000 -o "kafka:$payments" --atomic --expect expected
  [ "$(offsets_used "$payments")" -eq 230002 ]
  consume "$payments" -o 30001 | payagg | cmp - expected
  echo '{"user":"edgar","paymentAmt":1,"volume":100}' | silent paygen -o "kafka:$payments" --atomic --rate 1000
  [ "$(offsets_used "$payments")" -eq 230103 ]
  refuses "--atomic: a transaction takes 10000000 payments at most" \
    paygen --user edgar --amount 1 --volume 10000001 -o "kafka:$payments" --atomic
  refuses "at most" paygen --random 0 -o "kafka:$payments" --atomic
  [ "$(offsets_used "$payments")" -eq 230103 ]
}

@test "--atomic: small batches of a stream share transactions" {
  topic "$payments" 1
  seq 500 | sed 's/.*/{"user":"u&","paymentAmt":1,"volume":3}/' >batches
  silent paygen batches -o "kafka:$payments" --atomic
  [ "$(consume "$payments" | wc -l)" -eq 1500 ]
  [ "$(offsets_used "$payments")" -lt 1600 ]
}

@test "--atomic: after kill -9 there is nothing of it, and the next run is not held up" {
  topic "$payments" 2
  for round in 1 2 3; do
    in_background paygen --user "round$round" --amount 1 --volume 3000000 -o "kafka:$payments" --atomic
    before=$(offsets_used "$payments" --uncommitted)
    wait_for '[ "$(offsets_used "$payments" --uncommitted)" -gt $((before + 10000)) ]'
    kill -KILL "$pid"
    ended_with 137
  done
  in_background paygen --user done --amount 1 --volume 10 -o "kafka:$payments" --atomic
  ended_with 0 20  # the transaction's own time-out is a minute
  [ ! -s background.out ] && [ ! -s background.err ]
  [ "$(consume "$payments" | payagg)" = '{"user":"done","sum":10.00,"count":10}' ]
}

@test "two at once have names of their own and do not fence each other" {
  topic "$payments" 2
  in_background paygen --random 0 --users 10 --rate 2000 --duration 3s -o "kafka:$payments"
  first=$pid
  paygen --user a --amount 1 --rate 1000 --duration 1s -o "kafka:$payments" --atomic --expect one &
  paygen --user b --amount 1 --rate 1000 --duration 1s -o "kafka:$payments" --atomic --expect two
  wait $!
  pid=$first
  ended_with 0
  consume "$payments" | payagg >totals
  [ -s one ] && [ -s two ]
  grep -qxF "$(cat one)" totals
  grep -qxF "$(cat two)" totals
}

@test "a broker that is not there: waited for, said once, and given up by --broker-timeout" {
  nobody_answers
  in_background paygen --user edgar --amount 1 -o kafka:any -b "$nobody" --broker-timeout 1s
  ended_with 2 5
  grep -q "see --broker-timeout" background.err
  rm nobody
  # One who hangs up knows how often it has been tried: each time after the first would say it again.
  hangs_up
  in_background paygen --user edgar --amount 1 -o kafka:any -b "$nobody"
  wait_for 'grep -q "no broker at $nobody answers" background.err'
  callers=$(wc -l <callers)
  wait_for '[ "$(wc -l <callers)" -ge $((callers + 3)) ]'
  kill -TERM "$pid"
  ended_with 143
  [ "$(wc -l <background.err)" -eq 1 ]
}

@test "settings: a reserved one is refused, a file's is taken, and -X comes after it" {
  topic "$payments" 1
  refuses "enable.idempotence cannot be set" paygen --user a --amount 1 -o "kafka:$payments" -X enable.idempotence=false
  echo 'client.id = from the file' >properties
  echo 'nonsense.setting=1' >bad
  refuses "bad:1: nonsense.setting" paygen --user a --amount 1 -o "kafka:$payments" -F bad
  silent paygen --user a --amount 1 -o "kafka:$payments" -F properties -X linger.ms=1
  unset KAFKA_BROKERS
  refuses "a topic needs a broker" paygen --user a --amount 1 -o "kafka:$payments"
  echo "bootstrap.servers=$KAFKA" >>properties
  silent paygen --user a --amount 1 -o "kafka:$payments" -F properties
}

@test "batches come from a topic as they do from a file: what is there now" {
  batches=$(unique batches)
  topic "$batches" 2
  topic "$payments" 2
  printf '%s\n' '{"user":"edgar","paymentAmt":1.5,"volume":3}' nonsense '{"user":"ada","paymentAmt":2}' |
    produce "$batches"
  run -1 timeout 240 paygen "kafka:$batches" -o "kafka:$payments"
  [[ "$output" == *"$batches: partition "*", offset "*": not valid JSON"* ]]
  consume "$payments" | payagg >totals
  printf '%s\n' '{"user":"edgar","sum":4.50,"count":3}' '{"user":"ada","sum":2.00,"count":1}' | cmp - totals
  paygen -q "kafka:$batches" --expect expected >/dev/null || [ $? -eq 1 ]
  cmp expected totals
}
