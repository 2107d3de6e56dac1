# Partitions that are added to topics in use.

load ../tools/helpers
load ../tools/server
load ../tools/keyed
load helpers
load keyed_topics

setup() {
  paystats_setup
  keyed_setup
  stats=$(unique stats)
}

aggregates() {
  topic "$payments" 2
  topic "$stats" 2 cleanup.policy=compact
  in_background payagg "kafka:$payments" -o "kafka:$stats" --instance one --metrics metrics
  paygen -q -o "kafka:$payments" --random 2000 --users 100 --seed 1
  wait_for exact
}

# exact: the totals are those of all payments that are there.
exact() { consume "$payments" | payagg >expected && consume "$stats" | payagg --merge | cmp -s - expected; }

pay_into() { echo '{"user":"late","paymentAmt":1}' | produce "$payments" -p "$1"; }

# grow_command TOPIC PARTITIONS: what is to be run, as a message has it.
grow_command() { echo "kafka-topics.sh --bootstrap-server $KAFKA --alter --topic $1 --partitions $2"; }

# bats test_tags=situation
@test "partitions added to the totals and then to the payments are read within ten seconds" {
  aggregates
  topics grow "$stats:4"
  topics grow "$payments:4"
  pay_into 2
  pay_into 3
  within 10 exact
  wait_for "grep -qx 'payagg_partitions 4' metrics"
  paygen -q -o "kafka:$payments" --random 2000 --users 200 --seed 2
  wait_for exact
  kill -TERM "$pid"
  ended_with 0 10
  ! grep -e warning -e error background.err || false
}

# bats test_tags=situation
@test "payments grown alone are told with the command that grows the totals, which is all it takes" {
  aggregates
  topics grow "$payments:3"
  pay_into 2
  # Five seconds until it looks, and two in which the totals may be grown as well.
  ended_with 2 15
  local said
  said="kafka:$payments has 3 partitions and kafka:$stats has 2: they must be as many"
  grep -qF "$said" background.err
  grep -qF "; grow kafka:$stats by $(grow_command "$stats" 3)" background.err
  refuses "; grow kafka:$stats by $(grow_command "$stats" 3)" \
    timeout "$PATIENCE_S" payagg -q "kafka:$payments" -o "kafka:$stats" --available-now
  local command
  read -ra command < <(sed -n 's/.* by kafka-topics.sh //p' refused.err)
  if [ -n "$KAFKA_DIR" ]; then broker admin org.apache.kafka.tools.TopicCommand "${command[@]}"
  else topics grow "$stats:3"; fi
  timeout "$PATIENCE_S" payagg -q "kafka:$payments" -o "kafka:$stats" --instance one --available-now
  exact
}

# bats test_tags=situation
@test "payments grown first, and totals before anybody looks: read without a restart" {
  aggregates
  topics grow "$payments:4"
  pay_into 2
  topics grow "$stats:4"
  pay_into 3
  within 12 exact
  kill -TERM "$pid"
  ended_with 0 10
  ! grep -e warning -e error background.err || false
}

@test "totals grown alone are told at the start, with the command that grows the payments" {
  topic "$payments" 2
  topic "$stats" 3 cleanup.policy=compact
  refuses "kafka:$payments has 2 partitions and kafka:$stats has 3: they must be as many" \
    timeout "$PATIENCE_S" payagg -q "kafka:$payments" -o "kafka:$stats" --available-now
  grep -qF "; grow kafka:$payments by $(grow_command "$payments" 3)" refused.err
}

# bats test_tags=situation
@test "requests grown alone are told with the command that grows their answers" {
  all_topics 2
  on_topics one
  has_some one
  topics grow "$requests:3"
  pid=$one_pid
  ended_with 2 15
  grep -qF "kafka:$requests has 3 partitions and kafka:$answers has 2: they must be as many" one.err
  grep -qF "; grow kafka:$answers by $(grow_command "$answers" 3)" one.err
  refuses "; grow kafka:$answers by $(grow_command "$answers" 3)" timeout "$PATIENCE_S" \
    paystats-serve --stats none.sock --listen localhost:0 -o "kafka:$payments" "${pair[@]}"
}

# posts NAME COUNT WORD: so many requests with keys to this server, each paid.
posts() {
  local i
  for ((i = 0; i < $2; ++i)); do
    [ "$(post "$1" "$3$i" "{\"user\":\"$3$i\",\"paymentAmt\":1}")" -eq 200 ] || {
      cat post.out one.err >&2
      return 1
    }
  done
}

# bats test_tags=situation
@test "partitions added to the answers and then to the requests: a server that runs pays those of all" {
  all_topics 2
  on_topics one --instance z
  has_some one
  posts one 10 before
  topics grow "$answers:4"
  topics grow "$requests:4"
  wait_for "grep -q 'partition 2 from offset' one.err && grep -q 'partition 3 from offset' one.err"
  # A server that has just started sends to all of them. Of two the one whose name comes first is given
  # the first partitions.
  on_topics two --instance a
  has_some two
  posts two 40 after
  kill -0 "$one_pid"
  [ "$(consume "$payments" | wc -l)" -eq 50 ]
  [ "$(consume "$answers" -f '%p\n' | sort -u | wc -l)" -eq 4 ]
  [ "$(warned one two)" = '' ]
}
