# paystats-cache from a topic of stats: reads it back, says when it has caught up, adds partials up,
# and forgets what a tombstone takes back.

load ../tools/helpers
load helpers

# partial USER SUM COUNT PARTITION OFFSET: a keyed line.
partial() {
  printf '%s\t{"user":"%s","sum":%s,"count":%s,"partition":%s,"offset":%s}\n' "$1" "$1" "$2" "$3" "$4" "$5"
}
top() { paystats-cache --connect stats.sock --top 10; }

@test "--top lists what is there now: partials are added up, the highest offset of each counts" {
  topic "$stats" 2
  { partial anna 5.00 2 0 3; partial bob 1.00 1 0 4; partial anna 6.00 3 0 9; } | produce_keyed "$stats" -p 0
  partial anna 7.00 2 1 3 | produce_keyed "$stats" -p 1
  paystats-cache "kafka:$stats" --top 10 >list
  printf '%s\n' '{"user":"anna","sum":13.00,"count":5}' '{"user":"bob","sum":1.00,"count":1}' | cmp list -
}

@test "a cache follows the topic: changes and tombstones arrive, and it is ready from the start's end on" {
  topic "$stats" 2
  partial anna 5.00 2 0 3 | produce_keyed "$stats" -p 0
  partial anna 7.00 2 1 3 | produce_keyed "$stats" -p 1
  in_background paystats-cache "kafka:$stats" --socket stats.sock --metrics figures
  wait_for 'grep -qs "_ready 1\$" figures'
  [ "$(top)" = '{"user":"anna","sum":12.00,"count":4}' ]
  partial bob 20.00 1 0 4 | produce_keyed "$stats" -p 0
  wait_for 'top | grep -q bob'
  printf 'anna\t\n' | produce_keyed "$stats" -p 1 -Z
  wait_for 'top | grep -qF "{\"user\":\"anna\",\"sum\":5.00,\"count\":2}"'
  printf 'anna\t\n' | produce_keyed "$stats" -p 0 -Z
  wait_for '! top | grep -q anna'
  kill -TERM "$pid"
  ended_with 0 3
}

@test "an empty topic makes a cache that is ready and empty" {
  topic "$stats" 1
  in_background paystats-cache "kafka:$stats" --socket stats.sock --metrics figures
  wait_for 'grep -qs "_ready 1\$" figures'
  [ -z "$(top)" ]
}

@test "stats without a partition are absolute, and a tombstone forgets the user" {
  topic "$stats" 1
  printf 'anna\t{"user":"anna","sum":5.00,"count":2}\nbob\t{"user":"bob","sum":1.00,"count":1}\n' |
    produce_keyed "$stats"
  printf 'anna\t\n' | produce_keyed "$stats" -Z
  [ "$(paystats-cache "kafka:$stats" --top 10)" = '{"user":"bob","sum":1.00,"count":1}' ]
}

@test "a record that is no stats is put aside with its partition and offset" {
  topic "$stats" 1
  { partial anna 5.00 2 0 3; printf 'bob\tnothing\n'; } | produce_keyed "$stats"
  run -1 paystats-cache "kafka:$stats" --top 10 --rejects aside
  grep -qF "\"source\":\"$stats\",\"partition\":0,\"offset\":1," aside
}

@test "a topic that does not exist is an error; a broker that is away is one after --broker-timeout" {
  refuses "there is no such topic" paystats-cache "kafka:$stats" --top 1
  nobody_answers
  refuses "answered within 1000 ms" paystats-cache -b "$nobody" --broker-timeout 1s "kafka:$stats" --top 1
}
