# Idempotency keys, as clients and operators meet them: a request that is sent again is paid once,
# with one server or several on one log, whoever is killed, stopped or waited for meanwhile.

load helpers
load server
load keyed

total() { payagg payments.jsonl | tr -d '\n'; }

# The lock of the log, as a writer has it that takes long.
hold_lock() {
  exec 8>>payments.jsonl
  flock -x 8
}
free_lock() { flock -u 8; }

@test "a request that is sent again is answered as the first time, and paid once" {
  server one -o payments.jsonl
  [ "$(post one k-1 '{"user":"edgar","paymentAmt":1.0,"volume":7}')" = 200 ]
  cp post.out first.out
  [ "$(post one k-1 '[ {"volume":"7", "paymentAmt":"1", "user":"edgar"} ]')" = 200 ]
  cmp post.out first.out
  [ "$(post one k-1 '{"user":"edgar","paymentAmt":1.0}')" = 422 ]
  grep -q 'problem:key-reused' post.out
  [ "$(post one k-2 '{"user":"edgar","paymentAmt":0.5}')" = 200 ]
  [ "$(total)" = '{"user":"edgar","sum":7.50,"count":8}' ]
  [ "$(asked one k-1)" = 200 ]
  cmp asked.out first.out
  [ "$(asked one k-3)" = 404 ]
  grep -qE '"horizon":\{"kept":"log","instance":"[0-9a-f]{16}","complete":true,"memorySeconds":86400}' asked.out
}

@test "a key is as good after kill -9, and with another server of the same log" {
  server one -o payments.jsonl
  server two -o payments.jsonl
  [ "$(post one k '{"user":"edgar","paymentAmt":1,"volume":2}')" = 200 ]
  [ "$(post two k '{"user":"edgar","paymentAmt":1,"volume":2}')" = 200 ]
  kill -KILL "$one_pid"
  server three -o payments.jsonl
  [ "$(post three k '{"user":"edgar","paymentAmt":1,"volume":2}')" = 200 ]
  grep -qF '{"accepted":2}' post.out
  [ "$(total)" = '{"user":"edgar","sum":2.00,"count":2}' ]
}

@test "fifty requests of one key at two servers at once: paid once, and all are told 200" {
  server one -o payments.jsonl
  server two -o payments.jsonl
  post_at_once 25 k '{"user":"edgar","paymentAmt":1}' one two
  [ "$(cat status.* | sort | uniq -c | tr -s ' ')" = ' 50 200' ]
  [ "$(total)" = '{"user":"edgar","sum":1.00,"count":1}' ]
}

@test "a server that sleeps with the lock: others say that nothing was taken, and it never is" {
  server one -o payments.jsonl
  # As a server that is stopped in the middle of a commit.
  hold_lock
  [ "$(post one k '{"user":"edgar","paymentAmt":1}')" = 503 ]
  grep -q 'problem:busy' post.out
  free_lock
  [ "$(asked one k)" = 404 ]
  [ ! -s payments.jsonl ]
  [ "$(post one k '{"user":"edgar","paymentAmt":2}')" = 200 ]
  [ "$(total)" = '{"user":"edgar","sum":2.00,"count":1}' ]
}

@test "whose client has left while it waited for the lock is never written" {
  server one -o payments.jsonl
  hold_lock
  ! curl -sS --max-time 0.5 -H "$J" --data-binary '{"user":"gone","paymentAmt":1}' "$one_url/api/payments" || false
  free_lock
  [ "$(post one k '{"user":"edgar","paymentAmt":2}')" = 200 ]
  [ "$(total)" = '{"user":"edgar","sum":2.00,"count":1}' ]
}

@test "a server that is told to end while it waits for the lock ends, and takes nothing" {
  server one -o payments.jsonl
  hold_lock
  curl -sS --max-time 120 -H "$J" --data-binary '{"user":"edgar","paymentAmt":1}' \
    "$one_url/api/payments" >late.out 2>&1 8>&- &
  local client=$!
  wait_for 'curl -sS "$one_url/metrics" | grep -q "^paystats_serve_posts_waiting 1"'
  kill -TERM "$one_pid"
  wait_for '! kill -0 "$one_pid" 2>/dev/null'
  wait "$one_pid"
  wait "$client" || true
  grep -q 'problem:stopping' late.out
  free_lock
  [ ! -s payments.jsonl ]
}

@test "keys that others have written, by hand as well, count where their line counts" {
  echo '{"user":"a","paymentAmt":1,"idempotencyKey":"good"}' >>payments.jsonl
  echo '{"user":"a","paymentAmt":"much","idempotencyKey":"bad"}' >>payments.jsonl
  server one -o payments.jsonl
  echo '{"idempotency\u004bey":"odd","payments":[{"user":"a","paymentAmt":1}]}' >>payments.jsonl
  [ "$(post one good '{"user":"a","paymentAmt":1}')" = 200 ]
  [ "$(post one odd '{"user":"a","paymentAmt":1}')" = 200 ]
  [ "$(post one bad '{"user":"a","paymentAmt":1}')" = 200 ]
  [ "$(grep -c . payments.jsonl)" -eq 4 ]
}

@test "as many keys as there may be: later ones are refused, and none is forgotten" {
  server one -o payments.jsonl --keys-max 3
  local i
  for i in 1 2 3; do [ "$(post one "k$i" '{"user":"edgar","paymentAmt":1}')" = 200 ]; done
  [ "$(post one k4 '{"user":"edgar","paymentAmt":1}')" = 503 ]
  grep -q 'problem:busy' post.out
  [ "$(post one k1 '{"user":"edgar","paymentAmt":1}')" = 200 ]
  curl -sS -o /dev/null -H "$J" --data-binary '{"user":"edgar","paymentAmt":1}' "$one_url/api/payments"
  [ "$(total)" = '{"user":"edgar","sum":4.00,"count":4}' ]
  curl -sS "$one_url/metrics" >metrics
  grep -qx 'paystats_serve_idempotency_keys 3' metrics
  grep -qx 'paystats_serve_idempotency_keys_max 3' metrics
  grep -qx 'paystats_serve_posts_repeated_total 1' metrics
}

@test "a key may be forgotten once the memory has passed, where there is need of room" {
  server one -o payments.jsonl --keys-max 1 --idempotency-memory 1s
  [ "$(post one k1 '{"user":"edgar","paymentAmt":1}')" = 200 ]
  [ "$(post one k1 '{"user":"edgar","paymentAmt":1}')" = 200 ]
  wait_for '[ "$(post one k2 "{\"user\":\"edgar\",\"paymentAmt\":1}")" = 200 ]'
  [ "$(asked one k1)" = 404 ]
  grep -qF '"complete":false' asked.out
}

@test "a log that is rotated twice past a server, that sleeps too, and is compressed: each key once" {
  server one -o payments.jsonl
  server two -o payments.jsonl
  [ "$(post one first '{"user":"edgar","paymentAmt":1}')" = 200 ]
  [ "$(post two k0 '{"user":"edgar","paymentAmt":1}')" = 200 ]
  kill -STOP "$two_pid"
  mv payments.jsonl payments.jsonl.1
  [ "$(post one k '{"user":"edgar","paymentAmt":1}')" = 200 ]
  mv payments.jsonl.1 payments.jsonl.2
  mv payments.jsonl payments.jsonl.1
  [ "$(post one z '{"user":"edgar","paymentAmt":1}')" = 200 ]
  kill -CONT "$two_pid"
  local key
  for key in first k z; do
    [ "$(asked two "$key")" = 200 ]
    [ "$(post two "$key" '{"user":"edgar","paymentAmt":1}')" = 200 ]
  done
  gzip payments.jsonl.1 payments.jsonl.2
  for key in first k z; do
    [ "$(post one "$key" '{"user":"edgar","paymentAmt":1}')" = 200 ]
    [ "$(post two "$key" '{"user":"edgar","paymentAmt":1}')" = 200 ]
  done
  [ "$(gzip -dc payments.jsonl.2.gz payments.jsonl.1.gz | cat - payments.jsonl | payagg)" = '{"user":"edgar","sum":4.00,"count":4}' ]
}

@test "an idle server tells of another log, and of one that was cut" {
  server one -o payments.jsonl
  [ "$(post one k '{"user":"edgar","paymentAmt":1}')" = 200 ]
  curl -sS "$one_url/api/idempotency" >before
  mv payments.jsonl payments.jsonl.1
  paygen -q --user ann --amount 1 --idempotency-prefix j -o payments.jsonl
  wait_for 'curl -sS "$one_url/api/idempotency" | grep -q "\"keys\":2"'
  curl -sS "$one_url/api/idempotency" >after
  [ "$(grep -o '"instance":"[^"]*' before)" != "$(grep -o '"instance":"[^"]*' after)" ]
  grep -qF '"complete":true' after
  cp payments.jsonl payments.jsonl.2
  : >payments.jsonl
  [ "$(asked one j-1)" = 404 ]
  grep -qF '"complete":false' asked.out
  curl -sS "$one_url/api/idempotency" >cut
  [ "$(grep -o '"instance":"[^"]*' cut)" != "$(grep -o '"instance":"[^"]*' after)" ]
  [ "$(asked one k)" = 200 ]
}

@test "the time of day plays no part: the log of a machine that was set back to 1970" {
  echo '{"user":"edgar","paymentAmt":1,"time":"1970-01-01T00:00:07.000Z","idempotencyKey":"k"}' >payments.jsonl
  server one -o payments.jsonl
  [ "$(post one k '{"user":"edgar","paymentAmt":1}')" = 200 ]
  [ "$(grep -c . payments.jsonl)" -eq 1 ]
}

# set_clock SECONDS: so much the time of day of a server is off that is started from now on, and later.
set_clock() { python3 -c 'import sys; sys.stdout.buffer.write(int(sys.argv[1]).to_bytes(8, sys.byteorder, signed=True))' "$1" 1<>clock; }

@test "the time of day plays no part: a clock that jumps by decades makes no key older or younger" {
  paystats-serve() {
    exec env LD_PRELOAD="$PAYSTATS_BIN/../tests/fault/libwall_clock.so" PAYSTATS_WALL_CLOCK=clock paystats-serve "$@"
  }
  set_clock "-$EPOCHSECONDS"
  server one -o payments.jsonl --keys-max 2
  [ "$(post one k-1 '{"user":"edgar","paymentAmt":1}')" = 200 ]
  grep -qF '"time":"1970-01-01T00:' payments.jsonl
  set_clock 2500000000
  [ "$(post one k-2 '{"user":"edgar","paymentAmt":2}')" = 200 ]
  grep -qE '"time":"2[1-9]' payments.jsonl
  [ "$(post one k-3 '{"user":"edgar","paymentAmt":4}')" = 503 ]
  set_clock 0
  [ "$(post one k-3 '{"user":"edgar","paymentAmt":4}')" = 503 ]
  [ "$(post one k-1 '{"user":"edgar","paymentAmt":1}')" = 200 ]
  [ "$(post one k-2 '{"user":"edgar","paymentAmt":2}')" = 200 ]
  [ "$(total)" = '{"user":"edgar","sum":3.00,"count":2}' ]
}

@test "a pipe: keys live as long as the server, which is said at its start" {
  mkfifo payments
  cat payments >taken &
  started+=("$!")
  server one_on payments
  grep -q 'a request with an idempotency key is taken once, as long as this server runs' one.err
  [ "$(post one k '{"user":"edgar","paymentAmt":1,"volume":2}')" = 200 ]
  [ "$(post one k '{"user":"edgar","paymentAmt":1,"volume":2}')" = 200 ]
  [ "$(post one k '{"user":"edgar","paymentAmt":1,"volume":3}')" = 422 ]
  wait_for '[ "$(grep -c . taken)" -eq 2 ]'
  curl -sS "$one_url/api/idempotency" | grep -qF '"kept":"process"'
}

@test "a full pipe: who has waited too long is told that nothing was taken, and nothing ever is" {
  mkfifo payments
  exec 7<>payments
  head -c 2000000 /dev/zero >payments &
  started+=("$!")
  server one_on payments
  [ "$(post one k '{"user":"edgar","paymentAmt":1}')" = 503 ]
  grep -q 'problem:busy' post.out
  kill "${started[0]}"
  cat <&7 >taken &
  started+=("$!")
  exec 7>&-
  [ "$(post one k '{"user":"edgar","paymentAmt":2}')" = 200 ]
  wait_for 'grep -aq edgar taken'
  [ "$(grep -ac edgar taken)" -eq 1 ]
}

@test "a million keys are read at a start, while requests without one are taken" {
  python3 -c '
for i in range(1_000_000):
    print("{\"user\":\"u%d\",\"paymentAmt\":1.0,\"time\":\"2026-11-29T07:52:22.123Z\",\"idempotencyKey\":\"key-%d\"}" % (i % 1000, i))
' >payments.jsonl
  server one -o payments.jsonl
  [ "$(post one key-0 '{"user":"u0","paymentAmt":1}')" = 200 ]
  [ "$(post one key-999999 '{"user":"u999","paymentAmt":1}')" = 200 ]
  [ "$(post one key-1000000 '{"user":"u0","paymentAmt":1}')" = 200 ]
  [ "$(wc -l <payments.jsonl)" -eq 1000001 ]
}

# ---- paygen --idempotency-prefix

job() { printf '%s\n' '{"user":"a","paymentAmt":1,"volume":2}' '' '{"user":"b","paymentAmt":2}' >job.jsonl; }

@test "a job that runs twice pays once, on Monday for Friday too" {
  job
  paygen job.jsonl --idempotency-prefix friday -o payments.jsonl --expect want.jsonl
  cp payments.jsonl once.jsonl
  run -0 --separate-stderr paygen job.jsonl --idempotency-prefix friday -o payments.jsonl --expect again.jsonl
  [ "$stderr" = 'paygen: 2 of 2 batches had been made before, and were left out' ]
  cmp payments.jsonl once.jsonl
  cmp want.jsonl again.jsonl
  [ "$(grep -o 'idempotencyKey":"[^"]*' payments.jsonl | tr '\n' ' ')" = 'idempotencyKey":"friday-1 idempotencyKey":"friday-3 ' ]
  # A longer file: what is new is made.
  echo '{"user":"c","paymentAmt":3}' >>job.jsonl
  paygen -q job.jsonl --idempotency-prefix friday -o payments.jsonl
  [ "$(payagg payments.jsonl | wc -l)" -eq 3 ]
  paygen -q --user d --amount 4 --volume 5 --idempotency-prefix d -o payments.jsonl
  silent paygen -q --user d --amount 4 --volume 5 --idempotency-prefix d -o payments.jsonl
  [ "$(grep -c '"d"' payments.jsonl)" -eq 1 ]
}

@test "another content for the same key is status 3 with the line, and what came before it is made" {
  job
  paygen job.jsonl --idempotency-prefix j -o payments.jsonl
  printf '%s\n' '' '{"user":"new","paymentAmt":7}' '{"user":"b","paymentAmt":3}' '{"user":"c","paymentAmt":7}' >job.jsonl
  run -3 --separate-stderr paygen job.jsonl --idempotency-prefix j -o payments.jsonl --expect want.jsonl
  [ "$(cat want.jsonl)" = '{"user":"new","sum":7.00,"count":1}' ]
  [[ $stderr == *'batch 3 is not what was made for its number, payments.jsonl:2: {"user":"b","paymentAmt":2,'* ]]
  [ "$(payagg payments.jsonl | grep -c new)" -eq 1 ]
  [ "$(payagg payments.jsonl | grep -c '"c"')" -eq 0 ]
}

@test "a random workload that was killed is made once in the end" {
  in_background paygen --random 300000 --seed 1 --idempotency-prefix r -o payments.jsonl
  wait_for '[ -s payments.jsonl ]'
  kill -KILL "$pid"
  paygen -q --random 300000 --seed 1 --idempotency-prefix r -o payments.jsonl --expect want.jsonl
  payagg payments.jsonl >got.jsonl
  cmp got.jsonl want.jsonl
}

@test "two jobs of one prefix at once: each batch once" {
  paygen -q --random 20000 --seed 1 --idempotency-prefix r -o payments.jsonl &
  local other=$!
  paygen -q --random 20000 --seed 1 --idempotency-prefix r -o payments.jsonl --expect want.jsonl
  wait "$other"
  [ "$(wc -l <payments.jsonl)" -eq 20000 ]
  payagg payments.jsonl >got.jsonl
  cmp got.jsonl want.jsonl
}

@test "a prefix is refused where batches would have no numbers, or the output no keys" {
  job
  refuses 'needs a log as output' paygen job.jsonl --idempotency-prefix p
  refuses 'needs a log as output' paygen job.jsonl --idempotency-prefix p -o /dev/null
  refuses 'cannot be combined with --rate' paygen job.jsonl --rate 5 --idempotency-prefix p -o log
  refuses 'cannot be combined with --duration' paygen job.jsonl --duration 5s --idempotency-prefix p -o log
  refuses 'has an end' paygen --random 0 --idempotency-prefix p -o log
  refuses 'needs one INPUT' paygen job.jsonl - --idempotency-prefix p -o log
  refuses 'printable ASCII' paygen job.jsonl --idempotency-prefix '' -o log
  refuses 'printable ASCII' paygen job.jsonl --idempotency-prefix 'ä' -o log
}

@test "paygen that waits for the lock of a log heeds a signal, and then writes nothing" {
  : >payments.jsonl
  hold_lock
  in_background paygen --user edgar --amount 1 -o payments.jsonl 8>&-
  within 5 'grep -q "waiting for another process" background.err'
  kill -TERM "$pid"
  ended_with 143 5
  free_lock
  [ ! -s payments.jsonl ]
}
