# Many partitions, and many users.
# bats file_tags=situation

load ../tools/helpers
load helpers

# killed_at_work [OPTION...]: payagg, until it has published something.
killed_at_work() {
  rm -f prom
  in_background payagg -q "kafka:$payments" -o "kafka:$stats" --instance one --metrics prom "$@"
  wait_for 'grep -q "^payagg_triggers_total [1-9]" prom 2>/dev/null'
  kill -9 "$pid"
  wait "$pid" 2>/dev/null || true
}

aggregate() { timeout 240 payagg -q "kafka:$payments" -o "kafka:$stats" --available-now --instance one; }

@test "two hundred partitions: killed while it reads, it ends with exact totals" {
  topics_for 200
  local seed
  for seed in 1 2 3; do
    pay --random 50000 --users 5000 --seed "$seed"
    killed_at_work --max-records 2000 --trigger 10ms
  done
  aggregate
  totals_are_exact
  pay --random 1000 --users 9000 --seed 6
  aggregate
  totals_are_exact
  # They would make all that others ask of the broker larger.
  topics delete "$payments" "$stats"
}

# Where each takes 10 ms, one request for each partition would take seconds.
@test "two hundred partitions: where they begin and end is asked for all at once" {
  topics_for 200
  pay --random 1000 --users 50 --seed 1
  timeout 240 payagg -v -X debug=protocol "kafka:$payments" -o "kafka:$stats" --available-now 2>log
  totals_are_exact
  run grep -c 'Sent ListOffsetsRequest' log
  [ "$output" -ge 2 ]
  [ "$output" -le 100 ]
  topics delete "$payments" "$stats"
}

@test "a million users: payagg is killed at work, the cache is killed, ended and started again" {
  topics_for 4
  pay --random 1200000 --users 1000000 --skew 0 --seed 7 --expect expected
  killed_at_work
  aggregate
  # Of a million a second look, by Python, takes longer than all the rest.
  consume "$stats" | payagg --merge | cmp - expected
  head -n 1000 expected >top
  local signal
  for signal in KILL TERM TERM; do
    rm -f figures
    in_background paystats-cache "kafka:$stats" --socket stats.sock --metrics figures
    wait_for 'grep -qs "_ready 1\$" figures'
    paystats-cache --connect stats.sock --top 1000 | cmp - top
    [ "$(sed -n 's/^paystats_cache_users //p' figures)" -eq "$(wc -l <expected)" ]
    kill -"$signal" "$pid"
    wait "$pid" || true
  done
  topics delete "$payments" "$stats"
}
