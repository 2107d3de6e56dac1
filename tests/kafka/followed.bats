# Topics that are read without a group, by payagg to a file and by paystats-cache, and that are deleted,
# made anew or cut meanwhile. payagg has no state to go on from and ends with status 3; a cache holds
# what the topic says, and begins again.

load ../tools/helpers
load helpers

# remake TOPIC [PARTITIONS [SETTINGS]]: deleted and made anew.
remake() {
  topics delete "$1"
  wait_for "topic '$1' ${2:-1} ${3-} 2>/dev/null" 30
}

# counts USERS: payagg has published the totals of so many users, each once or more.
counts() { [ "$(cut -d '"' -f 4 background.out | sort -u | wc -l)" -eq "$1" ]; }

# follows: 400 payments of 40 users are read, and payagg waits for more.
follows() {
  topic "$payments" 1
  paygen --random 400 --users 40 --skew 0 --seed 3 | produce "$payments"
  in_background payagg "$@" "kafka:$payments"
  wait_for 'counts 40'
}

# ended_saying WORDS: status 3, with what was found and what to do.
ended_saying() {
  ended_with 3
  grep -q "error: kafka:.*$1.*; what was counted is not what is there: start payagg again.*, and it counts all that is there" background.err
  [ "$(grep -c error: background.err)" -eq 1 ]
}

partial() {
  printf '%s\t{"user":"%s","sum":%s,"count":%s,"partition":%s,"offset":%s}\n' "$1" "$1" "$2" "$3" "$4" "$5"
}
top() { paystats-cache --connect stats.sock --top 10; }
# holds LINE...: a cache that is ready says so, and nothing else.
holds() {
  printf '%s\n' "$@" >expected
  grep -qsx 'paystats_cache_ready 1' figures && top >list && cmp -s expected list
}
cache_of_anna() {
  topic "$stats" 1 cleanup.policy=compact
  { partial anna 5.00 2 0 30; partial bob 1.00 1 0 31; } | produce_keyed "$stats"
  in_background paystats-cache "kafka:$stats" --socket stats.sock --metrics figures "$@"
  wait_for "holds '{\"user\":\"anna\",\"sum\":5.00,\"count\":2}' '{\"user\":\"bob\",\"sum\":1.00,\"count\":1}'"
}

# bats test_tags=situation
@test "a topic of payments that is deleted ends payagg with status 3" {
  follows
  topics delete "$payments"
  ended_saying "the topic has been deleted"
  grep -q 'start payagg again once there is a topic' background.err
}

@test "a topic of payments that is made anew, and is shorter, ends payagg with status 3" {
  follows
  remake "$payments"
  paygen --random 50 --users 5 --seed 4 | produce "$payments"
  ended_saying "made anew"
  # The remedy works.
  payagg "kafka:$payments" --available-now | cmp - <(paygen --random 50 --users 5 --seed 4 | payagg)
}

@test "stats that are made anew end payagg --merge with status 3" {
  topic "$stats" 1 cleanup.policy=compact
  { partial anna 5.00 2 0 3; partial bob 1.00 1 0 4; } | produce_keyed "$stats"
  in_background payagg --merge "kafka:$stats"
  wait_for 'counts 2'
  remake "$stats" 1 cleanup.policy=compact
  partial carl 1.00 1 0 0 | produce_keyed "$stats"
  ended_saying "made anew"
}

# bats test_tags=situation
@test "payments that are made anew while payagg stands, and are longer by then, end it with status 3" {
  follows
  kill -STOP "$pid"
  remake "$payments"
  paygen --random 1000 --users 70 --seed 4 | produce "$payments"
  kill -CONT "$pid"
  ended_saying "another message is at offset 3*[0-9]* than was read there"
}

# bats test_tags=situation
@test "payments that are made anew as long as before are noticed with those that come later" {
  follows
  kill -STOP "$pid"
  remake "$payments"
  paygen --random 400 --users 40 --skew 0 --seed 4 | produce "$payments"
  kill -CONT "$pid"
  paygen --random 10 --users 40 --skew 0 --seed 5 | produce "$payments"
  ended_saying "another message is at offset"
}

@test "unread payments that are removed end payagg with status 3 and both offsets" {
  follows
  kill -STOP "$pid"
  # The first answers a request that may have been made already.
  paygen --random 100 --users 40 --seed 4 | produce "$payments"
  paygen --random 100 --users 40 --seed 5 | produce "$payments"
  topics trim "$payments:0:600"
  kill -CONT "$pid"
  ended_saying "partition 0: reading goes on at offset [45][0-9]*, but the first that is still there is at offset 600: those between have been removed unread"
}

# bats test_tags=situation
@test "payments that are removed after they were read are no finding" {
  follows -v
  topics trim "$payments:0:400"
  for seed in 5 6; do
    paygen --random 10 --users 40 --skew 0 --seed $seed | produce "$payments"
    looks=$(grep -c 'is looked at again' background.err || true)
    wait_for '[ "$(grep -c "is looked at again" background.err)" -gt "$looks" ]'
  done
  paygen --user late --amount 1 | produce "$payments"
  wait_for 'counts 41'
  ! grep -e warning: -e error: background.err || false
  kill -TERM "$pid"
  ended_with 0 5
}

# bats test_tags=situation
@test "while nothing comes nothing is looked at, and partitions that are added are read" {
  follows -v
  topics grow "$payments:2"
  echo '{"user":"late","paymentAmt":1}' | produce "$payments" -p 1
  within 15 'counts 41'
  kill -TERM "$pid"
  ended_with 0 5
  ! grep -e warning: -e error: background.err || false
}

# slow_run: payagg over what is there, which takes some seconds, in `pid`; it has read some of it.
slow_run() {
  topic "$payments" 1
  # Batches of ten: a fetch gives one of them.
  paygen --random 100000 --users 40 --skew 0 --seed 3 | produce "$payments" -X batch.num.messages=10 -X linger.ms=0
  in_background payagg "kafka:$payments" --available-now --metrics figures -X fetch.message.max.bytes=1000 -X queued.min.messages=50
  wait_for 'grep -qs "^payagg_records_read_total [1-9]" figures'
  kill -STOP "$pid"
}

# bats test_tags=situation
@test "payments that are made anew, and are shorter, give no totals with --available-now" {
  slow_run
  remake "$payments"
  kill -CONT "$pid"
  ended_saying "made anew"
  [ ! -s background.out ]
}

# bats test_tags=situation
@test "payments that are made anew, and are longer, give no totals with --available-now" {
  slow_run
  remake "$payments"
  paygen --random 110000 --users 70 --skew 0 --seed 4 | produce "$payments"
  kill -CONT "$pid"
  ended_saying "another message is at offset"
  [ ! -s background.out ]
}

# bats test_tags=situation
@test "a cache begins again where its topic is made anew: nothing of before is left" {
  cache_of_anna
  remake "$stats" 1 cleanup.policy=compact
  partial carl 2.00 1 0 7 | produce_keyed "$stats"
  wait_for "holds '{\"user\":\"carl\",\"sum\":2.00,\"count\":1}'"
  grep -q "warning: kafka:$stats: .*; it is read again from its beginning" background.err
  # It goes on as ever.
  partial anna 1.00 1 0 8 | produce_keyed "$stats"
  wait_for 'top | grep -q anna'
  kill -TERM "$pid"
  ended_with 0 5
}

# bats test_tags=situation
@test "a cache whose topic is deleted answers as before until it is there again, and then begins again" {
  cache_of_anna
  topics delete "$stats"
  wait_for 'grep -q "kafka:$stats: the topic has been deleted; waiting until it is there again" background.err'
  top | grep -q anna
  topic "$stats" 2 cleanup.policy=compact
  partial carl 2.00 1 1 7 | produce_keyed "$stats" -p 1
  wait_for "holds '{\"user\":\"carl\",\"sum\":2.00,\"count\":1}'"
  grep -q "kafka:$stats: the topic is there again, and is read from its beginning" background.err
  topics delete "$stats"
  wait_for '[ "$(grep -c "the topic has been deleted" background.err)" -eq 2 ]'
  kill -TERM "$pid"
  ended_with 0 5
}

# bats test_tags=situation
@test "a cache begins again where its topic was made anew while it stood, and is longer by then" {
  cache_of_anna
  kill -STOP "$pid"
  remake "$stats" 1 cleanup.policy=compact
  { partial carl 2.00 1 0 7; partial dora 3.00 1 0 8; partial emil 4.00 1 0 9; } | produce_keyed "$stats"
  kill -CONT "$pid"
  wait_for "holds '{\"user\":\"emil\",\"sum\":4.00,\"count\":1}' '{\"user\":\"dora\",\"sum\":3.00,\"count\":1}' '{\"user\":\"carl\",\"sum\":2.00,\"count\":1}'"
}

# bats test_tags=situation
@test "compaction of the stats is no finding" {
  topic "$stats" 1 cleanup.policy=compact,segment.ms=500,min.cleanable.dirty.ratio=0.0,min.compaction.lag.ms=0,delete.retention.ms=0
  for i in $(seq 0 99); do partial anna $((i + 1)).00 1 0 "$i"; done | produce_keyed "$stats"
  in_background paystats-cache -v "kafka:$stats" --socket stats.sock --metrics figures
  wait_for "holds '{\"user\":\"anna\",\"sum\":100.00,\"count\":1}'"
  # Each message begins a segment, so that all before the last two can be compacted.
  n=100
  compacted() {
    partial anna $((n + 1)).00 1 0 "$n" | produce_keyed "$stats"
    n=$((n + 1))
    [ "$(consume "$stats" | wc -l)" -lt 20 ]
  }
  wait_for 'compacted' 180
  for _ in 1 2; do
    looks=$(grep -c 'is looked at again' background.err || true)
    partial anna $((n + 1)).00 1 0 "$n" | produce_keyed "$stats"
    n=$((n + 1))
    wait_for '[ "$(grep -c "is looked at again" background.err)" -gt "$looks" ]'
  done
  wait_for "holds '{\"user\":\"anna\",\"sum\":$n.00,\"count\":1}'"
  ! grep -e warning: -e error: background.err || false
}
