# The man pages tell the truth about Kafka: the examples that need a broker run (tests/tools/man.bats
# runs the others), and so do the commands of paystats-kafka(7) and of the README.

load ../tools/helpers
load ../tools/readme
load helpers

page=$PROJECT/man/paystats-kafka.7

# shown WORDS: the block of the page with these words, for $payments and the topics beside it.
shown() { PAYSTATS_SUFFIX=${payments#payments-} "$PROJECT/tests/tools/check_man.py" show "$page" "$1"; }

# named TOPIC: as `shown` calls it.
named() { echo "$1-${payments#payments-}"; }

@test "the examples on Kafka of every man page run" {
  ran=0
  for page in "$PROJECT"/man/*; do
    PAYSTATS_SUFFIX=$(unique man)
    export PAYSTATS_SUFFIX
    said=$("$PROJECT/tests/tools/check_man.py" kafka "$PAYSTATS_BIN" "$page") || { echo "$said" >&2; return 1; }
    [[ $said == *" 0 examples,"* ]] || ran=$((ran + 1))
  done
  [ "$ran" -ge 1 ]
}

@test "the README: I have Kafka" {
  payments=$(unique payments) stats=$(unique stats)
  play 'I have Kafka' "s/kafka:payments/kafka:$payments/; s/kafka:payment-stats/kafka:$stats/; s/localhost:9092/$KAFKA/"
}

# aggregate: payagg over what is there, which is done with rejects or without.
aggregate() {
  local status=0
  timeout 120 payagg -q "kafka:$payments" -o "kafka:$stats" --rejects "kafka:$(named payment-rejects)" \
    --available-now || status=$?
  [ "$status" -le 1 ]
}

# rejects: how many there are.
rejects() { consume "$(named payment-rejects)" | wc -l; }

@test "rejects that are whole go back to the payments by the line of the manual, each once" {
  topic "$payments" 1
  topic "$stats" 1 cleanup.policy=compact
  topic "$(named payment-rejects)" 2
  # More than fits into a sum; amounts with a comma, one over several lines and one too long to be
  # put aside as a whole; Latin 1; and what nothing mends.
  {
    echo '{"user":"rich","paymentAmt":999999999999999,"volume":170141183460469}'
    echo '{"user":"ann","paymentAmt":"1,50"}'
    printf '{"user":"caf\xe9","paymentAmt":3}\n'
    printf '{"user":"big","paymentAmt":"4,00","x":"%0100000d"}\n' 0
    echo 'no payment'
  } | produce "$payments"
  aggregate
  printf '{\n"user":"bob",\n"paymentAmt":"2,25"}' >lines
  "${KCAT[@]}" -P -b "$KAFKA" -t "$payments" lines
  echo '{"user":"rich","paymentAmt":1000,"volume":1000000000000000}' | produce "$payments"
  aggregate
  # A commit is answered before all can see it.
  wait_for '[ "$(rejects)" -eq 6 ]'

  shown '.record, "\u001e"' >as_it_is
  # Behind a refund what did not fit does.
  echo '{"user":"rich","paymentAmt":-1000,"volume":1000000000000000}' | produce "$payments"
  aggregate
  bash -euo pipefail as_it_is
  aggregate
  # Of the four that were sent as they are three are put aside again.
  wait_for '[ "$(rejects)" -eq 9 ]'

  # The same line with the manual's filter, which begins behind them.
  filter=$(sed -n '/^(\.record | sub/s/\\e/\\/gp' "$page")
  line=$(cat as_it_is)
  printf '%s\n' "${line/.record, /"$filter, "}" >mended
  grep -qF 'sub(' mended
  bash -euo pipefail mended
  shown 'decode("latin-1")' >latin1
  bash -euo pipefail latin1
  bash -euo pipefail mended
  bash -euo pipefail latin1
  aggregate
  cat >others <<'END'
{"user":"café","sum":3.00,"count":1}
{"user":"bob","sum":2.25,"count":1}
{"user":"ann","sum":1.50,"count":1}
END
  wait_for 'consume "$stats" | payagg --merge >totals && grep -v rich totals | cmp -s - others'
  run -1 --separate-stderr payagg -q "kafka:$payments" --available-now
  [ "$output" = "$(cat totals)" ]
}

# Kafka's own script, for the broker of the tests, which has no others to copy to.
kafka_topics_script() {
  mkdir bin
  cat >bin/kafka-topics.sh <<END
#!/usr/bin/env bash
[ "\$1" = --bootstrap-server ] && shift 2
exec "$KAFKA_TOOL" admin --dir "$KAFKA_DIR" topics "\$@"
END
  chmod +x bin/kafka-topics.sh
  PATH=$PWD/bin:$PATH
}

@test "the tools take the topics that the manual makes, and go on when they grow in its order" {
  kafka_topics_script
  stats=$(named payment-stats)
  local suffix=${payments#payments-}
  shown 'create --topic payment-rejects' |
    sed "s/\$topic/\$topic-$suffix/; s/factor 3/factor 1/; s/replicas=2/replicas=1/" >make
  bash -eu make >/dev/null
  in_background payagg "kafka:$payments" -o "kafka:$stats" --metrics prom -X topic.metadata.refresh.interval.ms=500
  wait_for 'grep -qsx "payagg_partitions 12" prom'
  run ! grep warning background.err
  shown 'alter --topic payment-stats' >grow
  bash -eu grow
  wait_for 'grep -qx "payagg_partitions 24" prom'
  paygen -q -o "kafka:$payments" --random 1000 --users 100 --seed 1 --expect expected
  wait_for 'consume "$stats" | payagg --merge | cmp -s - expected'
  kill "$pid"
  ended_with 0
  run ! grep warning background.err

  env paystats-serve --stats none.sock --listen localhost:0 -o "kafka:$payments" \
    --requests "payment-requests-$suffix" --answers "payment-answers-$suffix" \
    </dev/null >/dev/null 2>serve.err 3>&- &
  started+=("$!")
  wait_for 'grep -q "listening on" serve.err'
  run ! grep payment-requests serve.err
}
