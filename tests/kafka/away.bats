# paygen and paystats-serve while their broker is away: killed and started again under load, or gone
# for good. Nothing is lost, nothing is there twice, nothing hangs, and it is said once.

load ../tools/helpers
load ../tools/server
load ../tools/keyed
load helpers
load posting
load keyed_topics

setup_file() { kafka_up --own; }

setup() {
  paystats_setup
  broker start >/dev/null  # a test before may have left it stopped
  payments=$(unique payments)
}

# rises_to COUNT: so many messages are in the topic, committed or not.
rises_to() { wait_for "[ \"\$(end_offsets $payments --uncommitted | awk '{ s += \$2 } END { print s + 0 }')\" -ge $1 ]"; }

@test "paygen while the broker is killed and started: every payment once, and the wait is said" {
  topic "$payments" 3
  in_background paygen --random 400000 --users 1000 --rate 50000 -o "kafka:$payments" --expect expected
  for round in 1 2; do
    rises_to $((round * 80000))
    said=$(grep -c 'no broker at .* answers' background.err || true)
    broker kill 1
    wait_for "[ \$(grep -c 'no broker at .* answers' background.err) -gt $said ]"
    broker start >/dev/null
    wait_for "[ \$(grep -c 'answer again' background.err) -eq $round ]"
  done
  ended_with 0
  # Where the broker takes longer than ten seconds to start, the wait is said again.
  ! grep -v -e 'no broker at ' -e 'answer again' background.err || false
  [ "$(grep -c 'no broker at .* answers' background.err)" -le 6 ]
  consume "$payments" | payagg | cmp - expected
  [ "$(consume "$payments" | wc -l)" -eq 400000 ]
}

@test "paygen --atomic while the broker is killed and started: every batch once, as a whole" {
  topic "$payments" 3
  seq 3000 | sed 's/.*/{"user":"u&","paymentAmt":1,"volume":100}/' >batches
  in_background paygen batches --rate 30000 --atomic -o "kafka:$payments" --expect expected
  for round in 1 2; do
    rises_to $((round * 60000))
    broker kill 1
    broker start >/dev/null
  done
  ended_with 0
  consume "$payments" | payagg | cmp - expected
  [ "$(wc -l <expected)" -eq 3000 ]
}

@test "payagg and a cache that follow topics go on where their broker was killed and started" {
  topic "$payments" 3
  paygen --random 3000 --users 50 --skew 0 --seed 3 -o "kafka:$payments" -q
  stats=$(unique stats)
  topic "$stats" 3 cleanup.policy=compact
  printf 'anna\t{"user":"anna","sum":1.00,"count":1,"partition":0,"offset":1}\n' | produce_keyed "$stats" -p 0
  payagg "kafka:$payments" >totals 2>payagg.err 3>&- &
  started+=($!)
  local reader=$!
  in_background paystats-cache "kafka:$stats" --socket stats.sock
  wait_for '[ -s totals ] && paystats-cache --connect stats.sock --top 3 2>/dev/null | grep -q anna'
  for round in 1 2; do
    broker kill 1
    wait_for "grep -q 'no broker at .* answers' payagg.err && grep -q 'no broker at .* answers' background.err"
    broker start >/dev/null
    echo "{\"user\":\"late$round\",\"paymentAmt\":1}" | produce "$payments"
    printf 'late%s\t{"user":"late%s","sum":1.00,"count":1,"partition":1,"offset":1}\n' "$round" "$round" | produce_keyed "$stats" -p 1
    wait_for "grep -q late$round totals && paystats-cache --connect stats.sock --top 3 | grep -q late$round"
  done
  ! grep -v -e 'no broker at ' -e 'answer again' payagg.err background.err || false
  paystats-cache --connect stats.sock --top 3 | grep -q anna
  kill -TERM "$pid" "$reader"
  ended_with 0
}

@test "--broker-timeout: exit 2 that says how many did not arrive; --expect has what did" {
  topic "$payments" 1
  in_background paygen --random 0 --users 10 --rate 20000 -o "kafka:$payments" --expect expected --broker-timeout 1s
  rises_to 20000
  broker kill 1
  ended_with 2
  grep -qE "kafka:$payments: [0-9]+ payments not delivered: no broker at $KAFKA answered within 1000 ms" background.err
  broker start >/dev/null
  python3 - expected <(consume "$payments" | payagg) <<'END'
import json, sys
known, found = ({r["user"]: r["count"] for r in map(json.loads, open(path))} for path in sys.argv[1:])
sys.exit(any(known[user] > found[user] for user in known) or not known)
END
}

@test "a signal while the broker is away ends paygen, which says what did not arrive" {
  topic "$payments" 1
  in_background paygen --random 0 --rate 1000 -o "kafka:$payments"
  rises_to 1000
  broker kill 1
  wait_for 'grep -q "no broker at" background.err'
  kill -TERM "$pid"
  ended_with 2
  grep -qE 'payments? not delivered' background.err
}

@test "serve while the broker is killed and started: all are told the truth, and payments go on" {
  topic "$payments" 3
  serve -o "kafka:$payments"
  post_from 16
  for round in 1 2; do
    before=$(grep -c ' 200 ' told || true)
    wait_for "[ \$(grep -c ' 200 ' told) -ge $((before + 100)) ]"
    broker kill 1
    wait_for "[ \$(grep -c 'no broker at .* answers' serve.err) -eq $round ]"
    broker start >/dev/null
  done
  before=$(grep -c ' 200 ' told || true)
  wait_for "[ \$(grep -c ' 200 ' told) -ge $((before + 100)) ]"
  stop_posting
  told_the_truth "$payments"
}

# bats test_tags=situation
@test "posts and their totals while the broker is told to end, killed and suspended: the truth is told, totals are exact" {
  stats=$(unique stats)
  topic "$payments" 3
  topic "$stats" 3 cleanup.policy=compact
  payagg "kafka:$payments" -o "kafka:$stats" --instance one 2>payagg.err 3>&- &
  local payagg_pid=$! before signal
  started+=("$payagg_pid")
  serve -o "kafka:$payments"
  post_from 8
  for signal in TERM KILL STOP KILL; do
    before=$(grep -c ' 200 ' told || true)
    wait_for "[ \$(grep -c ' 200 ' told) -ge $((before + 100)) ]"
    before=$(grep -c ' 503 ' told || true)
    broker kill 1 "$signal"
    # Until a POST has been given up.
    wait_for "[ \$(grep -c ' 503 ' told) -gt $before ]"
    if [ "$signal" = STOP ]; then broker kill 1 CONT; else broker start >/dev/null; fi
  done
  before=$(grep -c ' 200 ' told)
  wait_for "[ \$(grep -c ' 200 ' told) -ge $((before + 100)) ]"
  stop_posting
  told_the_truth "$payments"
  wait_for totals_are_exact
  kill -0 "$payagg_pid" "$serve_pid"
}

@test "serve without a broker: 503 after ten seconds, at once a healthy page, and it works again later" {
  topic "$payments" 1
  serve -o "kafka:$payments"
  [ "$(submit '{"user":"before","paymentAmt":1.5,"volume":3}')" = 200 ]
  broker kill 1
  echo "before 200 -" >told
  count=0
  for user in one two three; do
    (
      status=$(curl -sS --max-time 120 -o "$user.out" -w '%{http_code}' -H 'Content-Type: application/json' \
        --data-binary "{\"user\":\"$user\",\"paymentAmt\":1.5,\"volume\":3}" "$url/api/payments")
      echo "$user $status $(grep -oE 'busy|outcome-unknown|not-stored' "$user.out")"
    ) >"$user.told" 3>&- &
    count=$((count + 1))
    wait_for '[ "$(waiting)" -eq $count ]'
  done
  curl -sS --max-time 120 -o /dev/null -w '%{http_code}' "$url/healthz" >health 3>&- &
  within 2 '[ -s health ]'
  [ "$(cat health)" = 200 ]
  within 15 '[ -s one.told ] && [ -s two.told ] && [ -s three.told ]'
  cat one.told two.told three.told >>told
  run -1 grep -v -e ' 503 ' -e '^before' told
  broker start >/dev/null
  # Without a POST: a load balancer sends none to a server that is not ready.
  wait_for 'grep -q "payments are refused meanwhile" serve.err && grep -q "payments can be written again" serve.err'
  wait_for "curl -sS --max-time 120 $url/metrics | grep -qx 'paystats_serve_output_up 1'"
  wait_for '[ "$(submit "{\"user\":\"again\",\"paymentAmt\":1}")" = 200 ]'
  told_the_truth "$payments"
}

@test "serve that is told to end without a broker ends soon" {
  topic "$payments" 1
  serve -o "kafka:$payments"
  [ "$(submit '{"user":"before","paymentAmt":1}')" = 200 ]
  broker kill 1
  submit '{"user":"after","paymentAmt":1}' >status 3>&- &
  wait_for '[ "$(waiting)" -eq 1 ]'
  kill -TERM "$serve_pid"
  pid=$serve_pid
  within 9 '! kill -0 "$pid" 2>/dev/null'
  wait_for '[ -s status ]'
  [ "$(cat status)" = 503 ]
}

# post_away NAME KEY: posts a payment of that user; what it was told is in KEY.told, as in `told`.
post_away() {
  local address=${1}_url status
  status=$(curl -sS --max-time 120 -o "$2.out" -w '%{http_code}' -H "$J" -H "Idempotency-Key: $2" \
    --data-binary "{\"user\":\"$2\",\"paymentAmt\":1.5,\"volume\":3}" "${!address}/api/payments")
  echo "$2 $status $(grep -oE 'busy|outcome-unknown|not-stored' "$2.out" || echo -)" >"$2.told"
}

# The three topics and a server of them, which knows the key `before`; then the broker is away as SIGNAL
# does it, and what is told meanwhile is in `told`.
keyed_without_broker() {
  keyed_setup
  all_topics
  on_topics one
  post_away one before
  [ "$(cat before.told)" = 'before 200 -' ]
  broker kill 1 "$1"
  count=0
  for user in first second third; do
    post_away one "$user" 3>&- &
    count=$((count + 1))
    wait_for '[ "$(url=$one_url waiting)" -eq $count ]'
  done
  # What is known is known.
  [ "$(post one before '{"user":"before","paymentAmt":1.5,"volume":3}')" = 200 ]
  [ "$(asked one before)" = 200 ]
  asked one nobody >nobody.status 3>&- &
  within 11 '[ -s first.told ] && [ -s second.told ] && [ -s third.told ] && [ -s nobody.status ]'
  [ "$(cat nobody.status)" = 503 ]
  cat ./*.told >told
  run -1 grep -v -e ' 503 busy' -e ' 503 outcome-unknown' -e '^before 200' told || { cat told >&2; return 1; }
}

# What was told without the broker holds with it; and to send again is certain.
certain_with_broker() {
  # Without a request: a load balancer sends none to a server that is not ready.
  wait_for "curl -sS --max-time 120 $one_url/metrics | grep -qx 'paystats_serve_output_up 1'"
  wait_for '[ "$(asked one nobody)" = 404 ]'
  # Of one partition: whatever was sent before that question is decided.
  told_the_truth "$payments"
  while read -r user status problem; do
    [ "$problem" = outcome-unknown ] || continue
    # 409: whether it was delivered is not known, so that it may still come.
    if [ "$(consume "$payments" -f '%k\n' | grep -cx "$user")" -gt 0 ]; then known='200'; else known='404|409'; fi
    [[ "$(asked one "$user")" =~ ^($known)$ ]]
  done <told
  for user in before first second third; do
    [ "$(post one "$user" "{\"user\":\"$user\",\"paymentAmt\":1.5,\"volume\":3}")" = 200 ]
  done
  each_paid_once told
}

@test "keyed requests while the broker is gone: told within 11 s, by what holds once it is back" {
  keyed_without_broker KILL
  broker start >/dev/null
  certain_with_broker
}

@test "keyed requests while the broker is stopped: told within 11 s, by what holds once it goes on" {
  keyed_without_broker STOP
  broker kill 1 CONT
  certain_with_broker
}

@test "keyed requests at two servers while the broker is killed and started: all are told 200, each is paid once" {
  keyed_setup
  all_topics 3
  on_topics one
  on_topics two
  port=${one_url##*:}
  post_from 8 a-
  for _ in 1 2; do
    before=$(grep -c ' 200 ' told || true)
    wait_for "[ \$(grep -c ' 200 ' told) -ge $((before + 100)) ]"
    broker kill 1
    broker start >/dev/null
  done
  before=$(grep -c ' 200 ' told)
  wait_for "[ \$(grep -c ' 200 ' told) -ge $((before + 100)) ]"
  stop_posting
  each_paid_once told
  all_known one told
  all_known two told
}
