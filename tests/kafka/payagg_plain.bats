# payagg from a topic to a file or a pipe: every partition from the beginning, in no group.

load ../tools/helpers
load helpers

workload() { paygen --random 20000 --users 300 --amount 0.01:99.99 --seed "$1" --expect expected; }

@test "what is there now becomes the totals that paygen expects, with one partition and with four" {
  for partitions in 1 4; do
    topic "$payments-$partitions" "$partitions"
    workload "$partitions" | produce "$payments-$partitions"
    payagg "kafka:$payments-$partitions" --available-now | cmp - expected
  done
}

@test "an empty topic has no totals, and that is no error" {
  topic "$payments" 2
  payagg "kafka:$payments" --available-now -o totals
  [ -f totals ]
  [ ! -s totals ]
}

@test "a topic is followed: a change is published at once, and a signal ends it with 0" {
  topic "$payments" 2
  in_background payagg "kafka:$payments"
  echo '{"user":"anna","paymentAmt":1}' | produce "$payments"
  wait_for 'grep -qF "{\"user\":\"anna\",\"sum\":1.00,\"count\":1}" background.out'
  echo '{"user":"anna","paymentAmt":2}' | produce "$payments"
  wait_for 'grep -qF "{\"user\":\"anna\",\"sum\":3.00,\"count\":2}" background.out'
  kill -TERM "$pid"
  ended_with 0 3
}

@test "a batch in one transaction counts; one that is still open, or was aborted, does not" {
  topic "$payments" 1
  echo '{"user":"anna","paymentAmt":1,"volume":3}' | paygen --atomic -b "$KAFKA" -o "kafka:$payments"
  [ "$(payagg "kafka:$payments" --available-now)" = '{"user":"anna","sum":3.00,"count":3}' ]
  in_background paygen --user bob --amount 1 --volume 10000000 --atomic -o "kafka:$payments"
  wait_for '[ "$(end_offsets "$payments" --uncommitted | cut -d " " -f 2)" -gt 1000 ]'
  kill -KILL "$pid"
  [ "$(payagg "kafka:$payments" --available-now)" = '{"user":"anna","sum":3.00,"count":3}' ]
}

@test "a topic that ends in the mark of a transaction is caught up with, and published" {
  topic "$payments" 1
  echo '{"user":"anna","paymentAmt":1,"volume":3}' | paygen --atomic -b "$KAFKA" -o "kafka:$payments"
  in_background payagg "kafka:$payments"
  wait_for 'grep -qF "{\"user\":\"anna\",\"sum\":3.00,\"count\":3}" background.out'
}

@test "the frame of a schema registry is skipped where that is asked for, and named where it is not" {
  topic "$payments" 1
  local payment='{"user":"anna","paymentAmt":1.5}'
  printf '\0\0\0\1\2%s' "$payment" >framed
  produce "$payments" framed
  echo "$payment" | produce "$payments"
  run -1 payagg "kafka:$payments" --available-now
  [[ $output == *"--schema-registry-framing"* ]]
  [[ $output == *'{"user":"anna","sum":1.50,"count":1}'* ]]
  [ "$(payagg "kafka:$payments" --available-now --schema-registry-framing)" = '{"user":"anna","sum":3.00,"count":2}' ]
  [ "$(paygen "kafka:$payments" --schema-registry-framing | grep -cxF '{"user":"anna","paymentAmt":1.5}')" -eq 2 ]
  topic "$payments-stats" 1 cleanup.policy=compact
  payagg "kafka:$payments" -o "kafka:$payments-stats" --available-now --schema-registry-framing
  [ "$(consume "$payments-stats" | payagg --merge)" = '{"user":"anna","sum":3.00,"count":2}' ]
}

@test "a bad record and a null payment are rejects with their partition and offset" {
  topic "$payments" 2
  echo '{"user":"anna","paymentAmt":1}' | produce "$payments" -p 1
  echo 'nothing' | produce "$payments" -p 1
  printf 'anna\t\n' | produce_keyed "$payments" -p 1 -Z
  run -1 payagg "kafka:$payments" --available-now --rejects aside -o totals
  [ "$(cat totals)" = '{"user":"anna","sum":1.00,"count":1}' ]
  [ "$(wc -l <aside)" -eq 2 ]
  grep -qF "\"source\":\"$payments\",\"partition\":1,\"offset\":1," aside
  grep -qF "\"source\":\"$payments\",\"partition\":1,\"offset\":2," aside
}

@test "--merge adds partials of partitions up, and a tombstone takes one back" {
  topic "$payments" 2
  printf 'anna\t{"user":"anna","sum":5.00,"count":2,"partition":0,"offset":3}\n' | produce_keyed "$payments" -p 0
  printf 'bob\t{"user":"bob","sum":1.00,"count":1,"partition":0,"offset":4}\n' | produce_keyed "$payments" -p 0
  printf 'anna\t{"user":"anna","sum":7.00,"count":2,"partition":1,"offset":3}\n' | produce_keyed "$payments" -p 1
  printf 'bob\t\n' | produce_keyed "$payments" -p 0 -Z
  [ "$(payagg --merge "kafka:$payments" --available-now)" = '{"user":"anna","sum":12.00,"count":4}' ]
}

@test "a topic that does not exist is an error that says what to do" {
  refuses "kafka:$payments: there is no such topic; --create-topics makes it" payagg "kafka:$payments"
}

@test "a broker that is away is waited for, which is said once; a signal ends that; a time-out is exit 2" {
  in_background payagg -b 127.0.0.1:1 "kafka:$payments"
  wait_for 'grep -q "no broker at 127.0.0.1:1 answers" background.err'
  kill -TERM "$pid"
  ended_with 143 3
  [ "$(grep -c 'no broker' background.err)" -eq 1 ]
  run -2 --separate-stderr payagg -b 127.0.0.1:1 --broker-timeout 1s "kafka:$payments"
  [[ "$stderr" == *"no broker at 127.0.0.1:1 answered within 1000 ms"* ]]
}

@test "a reader of the totals that goes away ends payagg while it is idle" {
  topic "$payments" 1
  mkfifo pipe
  setsid payagg "kafka:$payments" >pipe 2>background.err 3>&- &
  pid=$!
  started+=("$pid")
  head -c 0 <pipe
  ended_with 2 3
}
