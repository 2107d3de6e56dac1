# The members of a group: they come and go, are suspended, throttled, two of one name, or of two groups
# that share an output. Totals are exact, and those who may go on do.
# bats file_tags=situation

load ../tools/helpers
load helpers

# payagg_as NAME [OPTION...]: starts it; its process is ${member[NAME]}, beside NAME.prom and NAME.err. The
# session is short, since each end is missed for as long.
payagg_as() {
  rm -f "$1.prom"
  payagg "kafka:$payments" -o "kafka:$stats" --instance "$1" --metrics "$1.prom" -X session.timeout.ms=6000 \
    "${@:2}" 2>>"$1.err" 3>&- &
  member[$1]=$!
  started+=("$!")
}
setup() {
  name_topics
  declare -gA member=()
}

# have COUNT NAME...: each of them has so many partitions.
have() {
  local name
  for name in "${@:2}"; do grep -qsx "payagg_partitions $1" "$name.prom" || return 1; done
}

# end_well NAME...: they are told to end, and do.
end_well() {
  local name
  for name in "$@"; do
    pid=${member[$name]}
    kill -TERM "$pid"
    ended_with 0 20
  done
}

# written: how far the totals reach. kcat's -e waits for a moment in which no partition has anything new,
# which may take a minute where others write.
written() { end_offsets "$stats" | awk '{ n += $2 } END { print n + 0 }'; }

@test "one instance, four, two and four again under a steady load" {
  topics_for 8
  payagg_as a
  wait_for 'have 8 a'
  pay_on 400
  payagg_as b
  payagg_as c
  payagg_as d
  wait_for 'have 2 a b c d'
  end_well c d
  wait_for 'have 4 a b'
  payagg_as c
  payagg_as d
  wait_for 'have 2 a b c d'
  no_more_pay
  wait_for totals_are_exact
  end_well a b c d
  totals_are_exact
}

# keep NAME: a supervisor that starts a payagg of the instance `same` for ever; statuses are in NAME.ends.
keep() {
  : >"$1.ends"
  setsid bash -c 'while true; do
    status=0
    payagg "$1" -o "$2" --instance same -X session.timeout.ms=6000 2>>"$3.err" || status=$?
    echo $status >>"$3.ends"
  done' keep "kafka:$payments" "kafka:$stats" "$1" </dev/null >/dev/null 2>&1 3>&- &
  started+=("$!")
}

@test "two of one instance that are started for ever take turns, and totals go on" {
  topics_for 4
  pay_on 200
  keep one
  keep two
  local before
  for _ in 1 2; do
    before=$(written)
    wait_for "[ \$(wc -l <one.ends) -ge 1 ] && [ \$(wc -l <two.ends) -ge 1 ]"
    [ "$(sort -u one.ends two.ends)" = 2 ]
    grep -q 'another process has joined.* as instance same' one.err
    grep -q 'another process has joined.* as instance same' two.err
    wait_for "[ \$(written) -gt $before ]"
    : >one.ends
    : >two.ends
  done
  no_more_pay
  wait_for totals_are_exact
}

# no_members: the group has seen that its last one does not live.
no_members() { broker admin groups --describe --group "$group" --state 2>/dev/null | grep -q Empty; }

@test "suspended for longer than its session, alone: it takes its partitions back, and goes on" {
  [ -n "$KAFKA_DIR" ] || skip 'Kafka'"'"'s own tool needs the folder of the broker'
  topics_for 4
  pay_on 200
  payagg_as a
  wait_for 'have 4 a'
  wait_for '[ "$(written)" -gt 0 ]'
  kill -STOP "${member[a]}"
  wait_for no_members
  kill -CONT "${member[a]}"
  no_more_pay
  wait_for totals_are_exact
  end_well a
  totals_are_exact
}

@test "suspended for longer than its session, one of two: the other takes over, and gives back" {
  topics_for 4
  pay_on 200
  payagg_as a
  payagg_as b
  wait_for 'have 2 a b'
  for _ in 1 2; do
    kill -STOP "${member[a]}"
    wait_for 'have 4 b'
    rm a.prom
    kill -CONT "${member[a]}"
    wait_for 'have 2 a b'
  done
  no_more_pay
  wait_for totals_are_exact
  end_well a b
  totals_are_exact
}

@test "throttled by a quota of the brokers: late, and exact" {
  [ -n "$KAFKA_DIR" ] || skip 'Kafka'"'"'s own tool needs the folder of the broker'
  topics_for 2
  quota() { broker admin configs --alter --entity-type clients --entity-name "$stats" "$@" >/dev/null; }
  quota --add-config producer_byte_rate=20480,consumer_byte_rate=51200
  payagg_as a -X "client.id=$stats"
  wait_for 'have 2 a'
  local begun=$SECONDS seed
  for seed in {1..8}; do
    pay --random 1000 --users 400 --skew 0 --seed "$seed"
    wait_for totals_are_exact
  done
  # A quota is a mean over ten seconds, and these are 500 kB of totals; without it, each is a moment.
  [ $((SECONDS - begun)) -ge 8 ]
  end_well a
  quota --delete-config producer_byte_rate,consumer_byte_rate
  run ! grep -e warning -e error a.err
}

@test "a quota that lets no publication come about in time is told, and its end" {
  [ -n "$KAFKA_DIR" ] || skip 'Kafka'"'"'s own tool needs the folder of the broker'
  topics_for 2
  # Totals of more than one request: a broker takes the first one, and then nothing for ten seconds.
  pay --random 60000 --users 30000 --skew 0 --seed 1
  quota() { broker admin configs --alter --entity-type clients --entity-name "$stats" "$@" >/dev/null; }
  quota --add-config producer_byte_rate=5120
  payagg_as a -X "client.id=$stats"
  wait_for 'grep -q "warning: no publication has come about for [0-9]* s, and it is tried again: " a.err' 120
  quota --delete-config producer_byte_rate
  wait_for 'grep -q "publications come about again, after [0-9]* s" a.err' 120
  wait_for totals_are_exact
  end_well a
}

@test "two groups that fill one output, one of them suspended meanwhile: told to both or to one, nothing is wrong" {
  topics_for 2
  payagg_as a --group "$stats.a"
  payagg_as b --group "$stats.b"
  wait_for 'have 2 a b'
  kill -STOP "${member[b]}"
  pay --random 2000 --users 50 --skew 0 --seed 1
  wait_for totals_are_exact
  kill -CONT "${member[b]}"
  local seed=2 ended='' name
  until [ -n "$ended" ]; do
    pay --random 50 --users 50 --skew 0 --seed $seed
    [ $((seed += 1)) -le 120 ]
    for name in a b; do kill -0 "${member[$name]}" 2>/dev/null || ended=$name; done
    timeout 1 tail --pid="${member[${ended:-a}]}" -f /dev/null || true
  done
  # The one that was suspended is behind the other.
  totals_are_exact --unread --at-least-once
  pid=${member[$ended]}
  cp "$ended.err" background.err
  ended_with 3
  grep -q 'a total that group .* has published, and this is group' "$ended.err"
  # The remedy: an output of its own.
  new_output 2
  timeout 240 payagg -q "kafka:$payments" -o "kafka:$stats" --group "$stats.c" --available-now
  totals_are_exact
}

@test "the name of a second job is another's for a while: the process waits for it, and goes on" {
  topics_for 2
  payagg_as a --jobs 2 --group "$stats.g"
  wait_for 'have 2 a'
  pay --random 2000 --users 50 --seed 1
  wait_for totals_are_exact
  # It sends heartbeats under that name, for longer than payagg takes to see whether one lives.
  kcat -q -b "$KAFKA" -G "$stats.g" -X group.instance.id=a.1 -X enable.auto.commit=false \
    -X session.timeout.ms=6000 -X heartbeat.interval.ms=300 -X partition.assignment.strategy=range \
    -X auto.offset.reset=latest "$payments" >/dev/null 2>kcat.err 3>&- &
  local other=$!
  started+=("$other")
  wait_for 'grep -q "as instance a.1: looking whether it lives" a.err'
  run ! timeout 11 tail --pid="${member[a]}" -f /dev/null
  kill -KILL "$other"
  pay --random 2000 --users 50 --seed 2
  wait_for totals_are_exact
  grep -q 'nobody does: the group is joined anew' a.err
  end_well a
  totals_are_exact
}

# differ STATS [OPTION...]: two members of one group, of which the second has these options, both begin in
# partitions that nobody has read; then payments come, and both end with status 3.
differ() {
  local name own=$stats
  payagg_as a --group "$own.g"
  wait_for 'have 2 a'
  stats=$1
  payagg_as b --group "$own.g" "${@:2}"
  wait_for 'have 1 a b'
  pay_on 100
  for name in a b; do
    pid=${member[$name]}
    wait_for '! kill -0 "$pid" 2>/dev/null' 60
    cp "$name.err" background.err
    ended_with 3
  done
  no_more_pay
}

@test "two members of one group with other options, in partitions that nobody has read: both are told" {
  topics_for 2
  differ "$stats" --volume-field n
  grep -q "another member of group $stats.g makes its totals with other options .* written to kafka:$stats; " a.err
  grep -q "another member of group $stats.g makes its totals with other options .* written to kafka:$stats; " b.err
  # The remedy.
  new_output 2
  timeout 240 payagg -q "kafka:$payments" -o "kafka:$stats" --group "$stats.h" --available-now
  totals_are_exact
}

@test "two members of one group that fill two outputs at once: both are told" {
  topics_for 2
  local one=$stats two
  two=$(unique stats)
  topic "$two" 2 cleanup.policy=compact
  differ "$two"
  grep -q "another member of group $one.g writes its totals to kafka:$two, and this one to kafka:$one: " a.err
  grep -q "another member of group $one.g writes its totals to kafka:$one, and this one to kafka:$two: " b.err
}
