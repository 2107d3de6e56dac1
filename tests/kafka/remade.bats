# The output topic of a payagg that runs: deleted, made anew, or written to by somebody else. What
# such a payagg holds in memory is all that is left of the totals, and all of it is published again.

load ../tools/helpers
load helpers

start_payagg() { in_background payagg "kafka:$payments" -o "kafka:$stats" --instance one "$@"; }

# remake [PARTITIONS [SETTINGS]]: the output topic is deleted and made anew.
remake() {
  topics delete "$stats"
  wait_for "topic '$stats' ${1:-2} ${2-cleanup.policy=compact} 2>/dev/null" 30
}

# made_anew: it was seen, and said once.
made_anew() {
  [ "$(grep -c 'it has been made anew' background.err)" -eq 1 ] &&
    grep -q "kafka:$stats: partition [01] began again at offset 0: it has been made anew; all 40 totals are published again" background.err
}

ends_well() {
  kill -TERM "$pid"
  ended_with 0 20
  totals_are_exact
}

# filled_again GUARANTEE: the topic is made anew under a payagg that runs, and then somebody pays.
filled_again() {
  topics_for 2
  pay --random 400 --users 40 --skew 0 --seed 3
  start_payagg --guarantee "$1"
  wait_for totals_are_exact
  remake
  pay --user user4 --amount 1
  wait_for totals_are_exact
  made_anew
  pay --user user5 --amount 1
  wait_for totals_are_exact
  ends_well
  made_anew
}

# output_goes: the topic of totals is deleted under payagg, which says so with the next payment.
output_goes() {
  topics delete "$stats"
  pay --user user4 --amount 1
  within 20 'grep -q "kafka:$stats: there is no such topic any more; waiting until it is there again" background.err'
}

@test "made anew while payagg runs: all totals are there again with the next payment" {
  filled_again exactly-once
}

# bats test_tags=situation
@test "made anew while payagg runs, at least once: the same" {
  filled_again at-least-once
}

# bats test_tags=situation
@test "made anew while nothing is paid: all totals are there again within 20 s, of each job" {
  topics_for 2
  pay --random 400 --users 40 --skew 0 --seed 3
  start_payagg --jobs 2
  wait_for totals_are_exact
  remake
  within 20 totals_are_exact
  ends_well
  [ "$(grep -c 'it has been made anew' background.err)" -eq 2 ]
}

# bats test_tags=situation
@test "deleted and not made anew is said once, and what is made later gets all totals" {
  topics_for 2
  pay --random 400 --users 40 --skew 0 --seed 3
  start_payagg
  wait_for totals_are_exact
  output_goes
  pay --user user5 --amount 1
  topic "$stats" 2 cleanup.policy=compact
  wait_for totals_are_exact
  ends_well
  [ "$(grep -c 'no such topic' background.err)" -eq 1 ]
  [ "$(grep -c 'the topic is there again' background.err)" -eq 1 ]
  made_anew
}

# bats test_tags=situation
@test "what does not fit is not filled: exit 2 with the command that mends it" {
  topics_for 2
  pay --random 400 --users 40 --skew 0 --seed 3
  start_payagg
  wait_for totals_are_exact
  remake 2 cleanup.policy=delete
  pay --user user4 --amount 1
  ended_with 2
  grep -q "kafka:$stats: cleanup.policy is delete, and must be compact.*kafka-configs.sh .*--topic $stats --add-config cleanup.policy=compact" background.err
}

# bats test_tags=situation
@test "made anew with other partitions: exit 2 with the command that mends it" {
  topics_for 2
  pay --random 400 --users 40 --skew 0 --seed 3
  start_payagg --guarantee at-least-once
  wait_for totals_are_exact
  remake 1
  pay --random 50 --users 40 --skew 0 --seed 3
  ended_with 2
  grep -q "kafka:$payments has 2 partitions and kafka:$stats has 1.*kafka-topics.sh .*--topic $stats --partitions 2" background.err
}

# bats test_tags=situation
@test "a tombstone removes the user, who begins anew with the next payment" {
  topics_for 1
  pay --user edgar --amount 5
  pay --user ada --amount 7
  start_payagg -v
  wait_for totals_are_exact
  printf 'edgar\t\n' | produce_keyed "$stats" -p 0 -Z
  within 20 'grep -q "a tombstone has removed a user" background.err'
  pay --user edgar --amount 1
  wait_for 'consume "$stats" | grep -q "\"user\":\"edgar\",\"sum\":1.00,\"count\":1,"'
  # Seen with a publication of others as well.
  printf 'edgar\t\n' | produce_keyed "$stats" -p 0 -Z
  pay --user ada --amount 1
  wait_for '[ "$(grep -c "a tombstone has removed a user" background.err)" -eq 2 ]'
  # His next total stands behind it.
  printf 'ada\t\n' | produce_keyed "$stats" -p 0 -Z
  pay --user ada --amount 1
  wait_for 'consume "$stats" | grep -q "\"user\":\"ada\",\"sum\":9.00,\"count\":3,"'
  kill -TERM "$pid"
  ended_with 0 20
  timeout 240 payagg -q "kafka:$payments" -o "kafka:$stats" --available-now --instance one
  consume_all "$stats" | cut -f 3,4 | tail -n 3 | grep -q 'ada.*9.00'
}

@test "totals of other payments in the same topic end payagg with status 3" {
  topics_for 1
  others=$(unique others)
  topic "$others" 1
  pay --user edgar --amount 5
  start_payagg
  wait_for totals_are_exact
  paygen -q --user edgar --amount 3 -o "kafka:$others"
  # As an older one does it, which looks at nothing.
  echo "edgar	{\"user\":\"edgar\",\"sum\":3.00,\"count\":1,\"partition\":0,\"offset\":0}" |
    produce_keyed "$stats" -p 0 -H "src={\"topic\":\"$others\",\"partition\":0,\"group\":\"payagg.$others.$stats\"}"
  pay --user ada --amount 1
  ended_with 3
  grep -q "kafka:$stats: partition 0, offset [0-9]*: a total that was made of kafka:$others, and not of kafka:$payments" background.err
}

# bats test_tags=situation
@test "totals of another group in the same topic end payagg with status 3, also where nothing is paid" {
  topics_for 1
  pay --user edgar --amount 5
  start_payagg --guarantee at-least-once
  wait_for totals_are_exact
  echo "edgar	{\"user\":\"edgar\",\"sum\":3.00,\"count\":1,\"partition\":0,\"offset\":0}" |
    produce_keyed "$stats" -p 0 -H "src={\"topic\":\"$payments\",\"partition\":0,\"group\":\"another\"}"
  # Nothing is paid.
  ended_with 3 20
  grep -q "a total that group another has published, and this is group payagg.$payments.$stats" background.err
}

# bats test_tags=situation
@test "a rebalance waits while the output topic is away: no table is dropped, though the payments are gone" {
  topics_for 1
  pay --random 400 --users 40 --skew 0 --seed 3
  payagg "kafka:$payments" -o "kafka:$stats" --instance other --metrics idle >other.out 2>other.err 3>&- &
  local other=$!
  started+=("$other")
  wait_for 'grep -qsx "payagg_partitions 1" idle && totals_are_exact'
  # Of two members the one whose name comes first is given the partition.
  start_payagg --metrics busy -v
  wait_for 'grep -sqx "payagg_partitions 1" idle busy && grep -sqx "payagg_partitions 0" idle busy && totals_are_exact'
  local ends=$other lives=$pid said=background.err name=other
  if grep -qx 'payagg_partitions 1' idle; then ends=$pid lives=$other said=other.err name=one; fi
  consume "$payments" >paid.before
  topics trim "$payments:0:$(end_offsets "$payments" | cut -d ' ' -f 2)"
  topics delete "$stats"
  wait_for 'grep -q "there is no such topic any more; waiting" "$said"'
  kill -9 "$ends"
  topics dismiss "$group" "$name"
  # The member that is left is to give its partition back, to itself. It did, and ended when it had waited
  # for its totals for ten seconds.
  local until
  until=$(($(date +%s) + 15))
  while [ "$(date +%s)" -lt "$until" ]; do
    kill -0 "$lives"
    sleep 0.2
  done
  topic "$stats" 1 cleanup.policy=compact
  wait_for '[ "$(consume "$stats" | payagg -q --merge | wc -l)" -eq 40 ]'
  consume "$stats" | payagg -q --merge >totals
  payagg -q <paid.before | cmp - totals
  pid=$lives
  kill -TERM "$pid"
  ended_with 0 20
}

# bats test_tags=situation
@test "made anew, then somebody pays, and payagg is told to end: all totals are there before it does" {
  topics_for 2
  pay --random 400 --users 40 --skew 0 --seed 3
  start_payagg --trigger 5s --metrics prom
  wait_for totals_are_exact
  remake
  pay --user user4 --amount 1
  wait_for 'grep -qx "payagg_records_accepted_total 401" prom'
  ends_well
  made_anew
  [ "$(consume "$stats" | payagg -q --merge | wc -l)" -eq 40 ]
}

# bats test_tags=situation
@test "a payagg that ends while its output topic is away ends with 2, and says that the totals are in none" {
  topics_for 1
  pay --random 400 --users 40 --skew 0 --seed 3
  start_payagg
  wait_for totals_are_exact
  output_goes
  kill -TERM "$pid"
  ended_with 2 20
  grep -q "kafka:$stats: there is no such topic any more, so the totals are in none; the next start makes them again" background.err
  topic "$stats" 1 cleanup.policy=compact
  timeout "$PATIENCE_S" payagg -q "kafka:$payments" -o "kafka:$stats" --instance one --available-now
  totals_are_exact
}
