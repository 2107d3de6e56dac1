# A member that is told that another has its name looks whether that is so, while brokers come and go.
# PAYSTATS_ROUNDS=13 makes it 104 ends of a broker that interrupt a look, in place of 56.

load ../tools/helpers
load helpers

setup_file() { kafka_up --own; }

# start_member N: payagg of a group and an output of its own, all as the instance `same`.
start_member() {
  payagg "kafka:$payments" -o "kafka:$stats-$1" --group "$stats-$1" --instance same --metrics "$1.prom" \
    -X session.timeout.ms=6000 2>"$1.err" 3>&- &
  members[$1]=$!
  started+=("$!")
}

# start_ghost N: a client that takes that name; its end is the end of a process that crashed.
start_ghost() {
  kcat -q -b "$KAFKA" -G "$stats-$1" -X group.instance.id=same -X enable.auto.commit=false \
    -X session.timeout.ms=6000 "$payments" >"$1.ghost" 2>&1 3>&- &
  ghosts[$1]=$!
  started+=("$!")
}

# times WORDS N: how often that member has said them.
times() { grep -c "$1" "$2.err" || true; }

# looks_interrupted ROUNDS N...: each round, the broker dies while these members look.
looks_interrupted() {
  local rounds=$1 round n
  shift
  topic "$payments" 1
  members=() ghosts=()
  for n in "$@"; do
    topic "$stats-$n" 1 cleanup.policy=compact
    start_member "$n"
  done
  for round in $(seq "$rounds"); do
    for n in "$@"; do wait_for "grep -qsx 'payagg_partitions 1' $n.prom"; done
    paygen -q -o "kafka:$payments" --random 100 --users 10 --seed "$round"
    for n in "$@"; do start_ghost "$n"; done
    for n in "$@"; do wait_for "[ \$(times 'looking whether it lives' $n) -ge $round ]"; done
    kill -KILL "${ghosts[@]}"
    # Twice: a look also ends with a broker that has just come back.
    for _ in 1 2; do
      broker kill 1
      broker start >/dev/null
    done
    for n in "$@"; do
      wait_for "[ \$(times 'joined anew' $n) -ge $round ] || ! kill -0 ${members[$n]}"
      kill -0 "${members[$n]}" || { cat "$n.err"; return 1; }
    done
  done
  consume "$payments" | payagg >expected
  for n in "$@"; do wait_for "consume '$stats-$n' | payagg --merge | cmp -s - expected"; done
}

@test "the broker dies while a member looks whether another of its name lives: it goes on" {
  looks_interrupted 1 1
}

# bats test_tags=situation
@test "the broker dies again and again while members look whether others of their names live: each goes on" {
  looks_interrupted "${PAYSTATS_ROUNDS:-7}" 1 2 3 4
}
