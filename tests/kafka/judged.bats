# What payagg finds when it is given partitions: offsets, payments and totals that do not belong
# together are status 3, with a remedy that works; and what only looks like it is none.

load ../tools/helpers
load helpers

# aggregate [OPTION...]: payagg over what is there now.
aggregate() {
  timeout 240 payagg "kafka:$payments" -o "kafka:$stats" --available-now --instance one "$@"
}

# quietly [OPTION...]: the same, which has nothing to say but what it guarantees.
quietly() {
  aggregate "$@" 2>said
  [ "$(grep -cv ' once: ' said)" -eq 0 ] || {
    cat said >&2
    return 1
  }
}

# anew TOPIC [KEY=VALUE]: deletes it and makes it again, of one partition.
anew() {
  topics delete "$1"
  wait_for "topic '$1' 1 ${2:-} 2>/dev/null"
}

# exact: the newest totals are those of all payments that are there.
exact() {
  consume "$payments" | payagg -q >expected
  consume "$stats" | payagg -q --merge | cmp - expected
}

# set_by_hand NAME:PARTITION:OFFSET...: the group's offsets, without waiting for the end of a session.
set_by_hand() {
  topics dismiss "$group" one
  topics commit "$group" "$@"
}

@test "payments made anew, and longer: never gone on with; a new output counts them all" {
  topics_for 1
  pay --random 10 --users 3 --seed 1
  aggregate
  anew "$payments"
  pay --random 20 --users 3 --seed 2
  words="kafka:$payments: partition 0: the last message that was read, at offset 9, is not in the topic any more: it has been made anew"
  stops_for_good "$words" aggregate
  stops_for_good "$words" aggregate --on-data-loss continue
  grep -q 'give payagg a new output topic and a new group$' stopped.err
  new_output 1
  quietly
  exact
}

@test "payments made anew, and longer, of which the first are gone already: the word for both" {
  topics_for 1
  pay --random 10 --users 3 --seed 1
  aggregate
  anew "$payments"
  pay --random 30 --users 3 --seed 2
  topics trim "$payments:0:20"
  stops_for_good 'if the topic has been made anew, which cannot be told any more, give payagg a new output topic and a new group' aggregate
  new_output 1
  aggregate
  exact
}

@test "payments made anew, and shorter" {
  topics_for 1
  pay --random 10 --users 3 --seed 1
  aggregate
  anew "$payments"
  pay --random 4 --users 3 --seed 2
  stops_for_good 'was at offset 9, but the topic ends at offset 4: it has been made anew' aggregate
  stops_for_good 'it has been made anew' aggregate --on-data-loss continue
  # An offset that is set by hand, too; and where there are no totals, that offset alone tells it.
  set_by_hand "$payments:0:2"
  stops_for_good 'was at offset 9, but the topic ends at offset 4: it has been made anew' aggregate
  set_by_hand "$payments:0:9"
  anew "$stats" cleanup.policy=compact
  stops_for_good 'the group has read up to offset 9, but the topic ends at offset 4' aggregate
}

# bats test_tags=situation
@test "payments made anew while they are read" {
  topics_for 1
  pay --random 50 --users 3 --seed 1
  in_background payagg "kafka:$payments" -o "kafka:$stats" --instance one --on-data-loss continue --metrics prom
  wait_for 'grep -qsx "payagg_caught_up 1" prom'
  anew "$payments"
  # It has seen that there is no such topic, or that there is another one.
  wait_for '! kill -0 "$pid" 2>/dev/null'
  status=0
  wait "$pid" || status=$?
  [ "$status" -ge 2 ]
  pay --random 60 --users 3 --seed 2
  # Who starts it again starts nothing.
  stops_for_good 'it has been made anew' aggregate --on-data-loss continue
}

# bats test_tags=situation
@test "payments made anew while payagg is suspended, and longer by then: status 3 within its next looks" {
  topics_for 1
  pay --random 400 --users 40 --skew 0 --seed 3
  in_background payagg "kafka:$payments" -o "kafka:$stats" --instance one --metrics prom -X session.timeout.ms=60000
  wait_for 'grep -qsx "payagg_caught_up 1" prom'
  kill -STOP "$pid"
  anew "$payments"
  pay --random 1000 --users 70 --seed 4
  kill -CONT "$pid"
  ended_with 3 100
  grep -q "another message is at offset .* the topic has been made anew, or cut; kafka:$stats has totals of payments that were there before; give payagg a new output topic and a new group" background.err
  # Whoever starts it again starts nothing, though the newest payments that it has read are there.
  stops_for_good 'is not in the topic any more: it has been made anew' aggregate
  pay --random 50 --users 3 --seed 5
  stops_for_good 'is not in the topic any more: it has been made anew' aggregate
}

@test "payments deleted while they are read: status 2, and what that means" {
  topics_for 1
  pay --random 50 --users 3 --seed 1
  in_background payagg "kafka:$payments" -o "kafka:$stats" --instance one --metrics prom
  wait_for 'grep -qsx "payagg_caught_up 1" prom'
  topics delete "$payments"
  ended_with 2
  grep -q "kafka:$payments: brokers know no such topic, or partition, any more .*: if it was deleted, what had not been read of it is lost; one that is made anew needs a new output topic and a new group" background.err
}

# bats test_tags=situation
@test "unread payments that are removed while payagg is suspended: a warning, or status 3" {
  topics_for 1
  pay --random 100 --users 3 --seed 1
  for what in continue stop; do
    rm -f prom
    in_background payagg "kafka:$payments" -o "kafka:$stats" --instance one --on-data-loss "$what" --metrics prom
    wait_for 'grep -qsx "payagg_caught_up 1" prom'
    kill -STOP "$pid"
    # More than what has been fetched by then.
    pay --random 60000 --users 3 --seed 2
    topics trim "$payments:0:$(($(end_offsets "$payments" | cut -d ' ' -f 2) - 10))"
    kill -CONT "$pid"
    wait_for 'grep -q "those between have been removed and are in no total" background.err'
    [ "$what" = continue ] || break
    wait_for '[ "$(committed "$group" "$payments")" = "$(end_offsets "$payments")" ]'
    kill -TERM "$pid"
    ended_with 0
  done
  ended_with 3
}

@test "totals that are missing: the command that is printed makes them again" {
  [ -n "$KAFKA_DIR" ] || skip 'Kafka'"'"'s own tool needs the folder of the broker'
  topics_for 1
  pay --random 1000 --users 40 --seed 1
  aggregate
  consume_all "$stats" | cut -f 3,4 >records
  anew "$stats" cleanup.policy=compact
  head -n 12 records | produce_keyed "$stats"
  stops_for_good "kafka:$stats: totals are missing in partition 0: partition 0 has 12 users with " aggregate
  grep -o 'kafka-consumer-groups.sh .*' stopped.err >remedy
  kafka-consumer-groups.sh() { broker admin org.apache.kafka.tools.consumer.group.ConsumerGroupCommand "$@"; }
  topics dismiss "$group" one
  eval "$(cat remedy)"
  [ "$(committed "$group" "$payments")" = '0 0' ]
  pay --random 100 --users 50 --seed 2
  aggregate
  exact
  quietly
}

# bats test_tags=situation
@test "totals that are missing, of payments that have been removed: a person decides" {
  topics_for 1
  pay --random 1000 --users 40 --seed 1
  aggregate
  consume_all "$stats" | cut -f 3,4 >records
  anew "$stats" cleanup.policy=compact
  head -n 12 records | produce_keyed "$stats"
  topics trim "$payments:0:100"
  stops_for_good 'begins at offset 100, so what the payments before that had given is lost' aggregate
  aggregate --on-data-loss continue 2>said
  grep -q 'warning: .*totals are missing' said
  quietly
  # All that is there has been read.
  [ "$(consume "$stats" | payagg -q --merge | wc -l)" -eq 40 ]
}

@test "totals that are missing, and offsets set to the end: all is read again" {
  topics_for 1
  pay --random 1000 --users 40 --seed 1
  aggregate
  consume_all "$stats" | cut -f 3,4 >records
  anew "$stats" cleanup.policy=compact
  # The newest of them all as well, so that nothing tells of those that are missing.
  tail -n 12 records | produce_keyed "$stats"
  set_by_hand "$payments:0:1000"
  aggregate 2>said
  grep -q "partition 0: the group's offset was set by hand or by a version before; all payments are read again" said
  exact
  quietly
}

@test "totals that are all gone are made again, with a word" {
  topics_for 2
  pay --random 1000 --users 40 --seed 1
  aggregate
  topics delete "$stats"
  wait_for 'topic "$stats" 2 cleanup.policy=compact 2>/dev/null'
  aggregate 2>said
  grep -q "kafka:$stats: partitions 0, 1: totals that were there are gone, and are made again" said
  exact
  quietly
}

# moved_by_hand GUARANTEE: forward, which skips nothing, and back, which counts nothing twice.
moved_by_hand() {
  pay --random 1000 --users 40 --seed 1
  aggregate --guarantee "$1"
  pay --random 500 --users 50 --seed 2
  set_by_hand "$payments:0:$(end_offsets "$payments" | cut -d ' ' -f 2)"
  aggregate --guarantee "$1" 2>said
  grep -q "^payagg: kafka:$payments: partition 0: the group's offset was set by hand or by a version before" said
  exact
  quietly --guarantee "$1"
  pay --random 100 --users 40 --seed 3
  set_by_hand "$payments:0:200"
  aggregate --guarantee "$1"
  exact
}

@test "offsets moved forward by hand skip nothing, also beyond the end; nor do those moved back" {
  topics_for 1
  moved_by_hand exactly-once
  pay --random 100 --users 40 --seed 4
  set_by_hand "$payments:0:99999"
  aggregate
  exact
}

# bats test_tags=situation
@test "offsets moved by hand, at least once: one that is too far is replaced before the totals" {
  topics_for 1
  moved_by_hand exactly-once
  moved_by_hand at-least-once
  # At least once totals stand before the offset that includes them. Of these, in their order, the first
  # is that of the person.
  consume __consumer_offsets -f '%K %S\n%k%s\n' >kept
  python3 - "$group" >history <<'END'
import struct, sys
data = open("kept", "rb").read()
while data:
    head, data = data.split(b"\n", 1)
    keys, values = (max(int(size), 0) for size in head.split())
    key, value, data = data[:keys], data[keys:keys + values], data[keys + values + 1:]
    if key[:2] == b"\0\1" and value and struct.pack(">h", len(sys.argv[1])) + sys.argv[1].encode() in key:
        print(struct.unpack_from(">q", value, 2)[0])
END
  tr '\n' ' ' <history | grep -qE ' 3100 0 ([0-9]+ )*3100 '
}

# bats test_tags=situation
@test "offsets that are reset or deleted while payagg runs: Kafka refuses; deleted with the group, totals stay exact" {
  [ -n "$KAFKA_DIR" ] || skip 'Kafka'"'"'s own tool needs the folder of the broker'
  topics_for 2
  pay --random 1000 --users 40 --seed 1
  in_background payagg "kafka:$payments" -o "kafka:$stats" --instance one
  wait_for totals_are_exact
  wait_for '[ "$(committed "$group" "$payments")" = "$(end_offsets "$payments")" ]'
  for to in --to-earliest --to-latest; do
    broker admin groups --reset-offsets --group "$group" --topic "$payments" "$to" --execute >told 2>&1 || true
    grep -q 'can only be reset if the group .* is inactive' told
  done
  broker admin groups --delete --group "$group" >told 2>&1 || true
  grep -q 'The group is not empty' told
  refuses 'the group has members' topics commit "$group" "$payments:0:0"
  [ "$(committed "$group" "$payments")" = "$(end_offsets "$payments")" ]
  pay --random 100 --users 50 --seed 2
  wait_for totals_are_exact
  kill -TERM "$pid"
  ended_with 0 20
  topics dismiss "$group" one
  broker admin groups --delete --group "$group" >told
  [ -z "$(committed "$group" "$payments")" ]
  pay --random 100 --users 60 --seed 3
  quietly
  totals_are_exact
}

@test "payments that are read and then removed, while payagg runs and before it starts again: no word, exact" {
  topics_for 1
  pay --random 1000 --users 40 --seed 1
  in_background payagg -q "kafka:$payments" -o "kafka:$stats" --instance one
  all_read() { [ "$(committed "$group" "$payments")" = "0 $1" ]; }
  wait_for 'all_read 1000'
  consume_all "$payments" >earlier
  topics trim "$payments:0:600"
  pay --random 100 --users 50 --seed 2
  wait_for 'all_read 1100'
  consume_all "$payments" >>earlier
  topics trim "$payments:0:1050"
  totals_are_exact --earlier earlier
  kill -TERM "$pid"
  ended_with 0 20
  [ ! -s background.err ]
  # The one that was read last is gone as well.
  topics trim "$payments:0:1100"
  pay --random 100 --users 60 --seed 3
  quietly
  all_read 1200
  totals_are_exact --earlier earlier
}

# bats test_tags=situation
@test "a retention that is given to the totals while payagg runs: it goes on, and the next start refuses with the command" {
  [ -n "$KAFKA_DIR" ] || skip 'Kafka'"'"'s own tool needs the folder of the broker'
  topics_for 1
  pay --random 100 --users 40 --seed 1
  in_background payagg -q "kafka:$payments" -o "kafka:$stats" --instance one
  wait_for totals_are_exact
  broker admin configs --alter --entity-type topics --entity-name "$stats" \
    --add-config 'cleanup.policy=[compact,delete]' >/dev/null
  pay --random 100 --users 50 --seed 2
  wait_for totals_are_exact
  kill -TERM "$pid"
  ended_with 0 20
  refuses "kafka:$stats: cleanup.policy is compact,delete, and must be compact" aggregate
  grep -o 'kafka-configs.sh .*' refused.err >remedy
  kafka-configs.sh() { broker admin kafka.admin.ConfigCommand "$@"; }
  eval "$(cat remedy)"
  quietly
  totals_are_exact
}

@test "two inputs of one output: the second is told both, and counts in an output of its own" {
  topics_for 1
  pay --random 100 --users 3 --seed 1
  aggregate
  first=$payments payments=$(unique others)
  topic "$payments" 1
  pay --random 100 --users 3 --seed 2
  stops_for_good "made of kafka:$first, and not of kafka:$payments: an output topic is for one input" aggregate
  new_output 1
  quietly
  exact
}

# bats test_tags=situation
@test "two inputs of one output at the same time: both are told, or the one that comes second" {
  topics_for 1
  local first=$payments one two
  in_background payagg -v "kafka:$first" -o "kafka:$stats" --instance one
  one=$pid
  wait_for 'grep -q "partition 0 from offset 0" background.err'
  paygen -q -o "kafka:$first" --user edgar --amount 1
  wait_for '[ -n "$(consume "$stats")" ]'
  mv background.err one.err
  payments=$(unique others)
  topic "$payments" 1
  in_background payagg "kafka:$payments" -o "kafka:$stats" --instance two
  two=$pid
  for _ in $(seq 60); do
    kill -0 "$one" 2>/dev/null && kill -0 "$two" 2>/dev/null || break
    paygen -q -o "kafka:$first" --user edgar --amount 1
    paygen -q -o "kafka:$payments" --user ada --amount 1
  done
  pid=$two ended_with 3
  grep -q "kafka:$first.*an output topic is for one input" background.err
}

@test "another group of one output is told which to go on as" {
  topics_for 1
  pay --random 100 --users 3 --seed 1
  aggregate
  stops_for_good "a total that group $group has published, and this is group $group.2" aggregate --group "$group.2"
  grep -qF "go on as --group $group," stopped.err
  quietly --group "$group"
}

@test "one group for two outputs: the second is told, and counts as a group of its own" {
  topics_for 1
  pay --random 100 --users 3 --seed 1
  aggregate
  first=$stats
  new_output 1
  stops_for_good "the offset of group $group was committed with totals in kafka:$first, and not in kafka:$stats: a group is for one output" \
    aggregate --group "$group"
  quietly
  exact
}

@test "a total of another cluster" {
  topics_for 1
  printf 'ada\t{"user":"ada","sum":1.00,"count":1,"partition":0,"offset":0}\n' |
    produce_keyed "$stats" -H "src={\"cluster\":\"elsewhere\",\"topic\":\"$payments\",\"partition\":0,\"group\":\"$group\"}"
  stops_for_good 'a total that was made in cluster elsewhere, and this is cluster ' aggregate
}

@test "other options than those that totals were made with; a new output is made with them" {
  topics_for 1
  pay --random 100 --users 3 --seed 1
  aggregate
  stops_for_good 'a total that was made with other options' aggregate --amount-field amount
  quietly
  # Where the signature has gone each total still says it.
  set_by_hand "$payments:0:0"
  stops_for_good 'a total that was made with other options' aggregate --amount-field amount
  [ "$(committed "$group" "$payments")" = '0 0' ]
  aggregate
  # Without totals all is read again, as the options of now say.
  anew "$stats" cleanup.policy=compact
  run -1 aggregate --amount-field amount
  run -1 aggregate --amount-field other
  aggregate
  exact
}

@test "no alarm: tombstones, rejects and the ends of transactions" {
  topics_for 1
  pay --user edgar --amount 1 --volume 3
  pay --user ada --amount 2 --volume 2
  aggregate
  printf 'edgar\t\n' | produce_keyed "$stats" -Z
  quietly
  pay --atomic --user ada --amount 2 --volume 2
  quietly
  quietly
  consume "$stats" | tail -n 1 | grep -q '"user":"ada","sum":8.00,"count":4,'
  # Removed by compaction, the tombstone is missed by nobody.
  consume_all "$stats" | cut -f 3,4 | grep '^ada' >records
  anew "$stats" cleanup.policy=compact
  produce_keyed "$stats" <records
  quietly
  echo nonsense | produce "$payments"
  run -1 aggregate
  quietly
}

# bats test_tags=situation
@test "no alarm: killed before it has seen the end of the last transaction, and then all is removed" {
  topics_for 1
  pay --atomic --user ada --amount 1
  local tries last high
  for tries in 1 2 3 4 5 6 7 8 9 10; do
    in_background payagg "kafka:$payments" -o "kafka:$stats" --instance one
    # Behind the end of the transaction before.
    wait_for '[ "$(committed "$group" "$payments")" = "$(end_offsets "$payments")" ]'
    high=$(end_offsets "$payments" | cut -d ' ' -f 2)
    pay --atomic --user ada --amount 1
    wait_for '[ "$(committed "$group" "$payments")" != "0 $high" ]'
    kill -9 "$pid"
    wait "$pid" 2>/dev/null || true
    last=$(committed "$group" "$payments" | cut -d ' ' -f 2)
    [ "$last" -ne $((high + 1)) ] || break
  done
  [ "$last" -eq $((high + 1)) ]
  topics trim "$payments:0:$((high + 2))"
  aggregate 2>said
  ! grep -e error -e warning said || false
  grep -q "partition 0: all payments that were read have been removed, and with them the end" said
  # Until something has been read, each start says it.
  pay --atomic --user ada --amount 1
  aggregate
  quietly
  consume "$stats" | tail -n 1 | grep -q "\"count\":$((tries + 2)),"
  # One payment that was not read is missed.
  pay --user ada --amount 1
  topics trim "$payments:0:$(end_offsets "$payments" | cut -d ' ' -f 2)"
  stops_for_good 'those between have been removed and are in no total' aggregate
}

@test "no alarm: totals and offsets of a version before, which says nothing of either" {
  topics_for 2
  pay --random 1000 --users 40 --seed 1
  aggregate
  consume_all "$stats" >records
  topics delete "$stats"
  wait_for 'topic "$stats" 2 cleanup.policy=compact 2>/dev/null'
  for partition in 0 1; do
    grep "^$partition" records | cut -f 3,4 | produce_keyed "$stats" -p "$partition"
  done
  mapfile -t ends < <(end_offsets "$payments" | sed "s/^\(.\) /$payments:\1:/")
  set_by_hand "${ends[@]}"
  aggregate 2>said
  grep -q 'partitions 0, 1: .* by a version before' said
  pay --random 1000 --users 60 --seed 2
  aggregate
  exact
  quietly
}

# bats test_tags=situation
@test "no alarm: killed again and again between its totals and its offsets, at least once" {
  topics_for 2
  pay --random 200000 --users 2000 --seed 5
  for _ in 1 2 3; do
    in_background payagg -q "kafka:$payments" -o "kafka:$stats" --instance one --guarantee at-least-once \
      --max-records 500 --trigger 10ms
    before=$(end_offsets "$stats")
    wait_for "[ \"\$(end_offsets $stats)\" != '$before' ]"
    kill -9 "$pid"
    wait "$pid" 2>/dev/null || true
  done
  quietly --guarantee at-least-once
  exact
}
