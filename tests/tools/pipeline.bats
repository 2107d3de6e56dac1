# scripts/pipeline: the durable pipeline of one machine, started, hurt, stopped and started again.

load helpers

setup() {
  paystats_setup
  command -v paystats-serve >/dev/null || { echo "paystats-serve is not built" >&2; return 1; }
  PIPELINE=$PROJECT/scripts/pipeline
  export PAYSTATS_BIN
}

# start_pipeline [OPTION...]: starts one on ./state and sets `pid` and `page` (its address).
start_pipeline() {
  in_background "$PIPELINE" --state state --listen 127.0.0.1:0 "$@"
  wait_for '[ -s background.out ]' || { cat background.err >&2; return 1; }
  page=$(cat background.out)
}

# child NAME: the pid of that tool of the pipeline. payagg's parent is the cache.
child() {
  case $1 in
    payagg) pgrep -P "$(child paystats-cache)" -x payagg ;;
    *) pgrep -P "$pid" -x "$1" ;;
  esac
}

# pay USER AMOUNT VOLUME: posts a batch; prints the status.
pay() {
  curl -s -o posted.out -w '%{http_code}' -H 'Content-Type: application/json' \
    -d "{\"user\":\"$1\",\"paymentAmt\":\"$2\",\"volume\":\"$3\"}" "${page}api/payments"
}

# stats JQ-FREE-FIELD: a number or string of the whole answer, by its name.
stats() { curl -s "${page}api/stats" | python3 -c "import json,sys; print(json.load(sys.stdin).get('$1'))"; }

# stop SIGNAL [STATUS]: ends the pipeline, and checks that it took no more than five seconds.
stop() {
  children=$(pgrep -P "$pid" | tee children; pgrep -P "$(paste -sd, children)" || true)
  kill "-$1" "$pid"
  ended_with "${2:-0}" 5
}

nothing_is_left() {
  local each
  for each in $children; do
    within 2 "! kill -0 $each 2>/dev/null" || return 1
  done
}

@test "it prints the address of a page that answers by then, and nothing else" {
  start_pipeline
  [[ $page =~ ^http://127\.0\.0\.1:[0-9]+/$ ]]
  curl -s "$page" | grep -q '<title>paystats</title>'
  curl -s "${page}jquery.min.js" | head -c 200 | grep -q jQuery
  [ "$(wc -l <background.out)" -eq 1 ]
  [ ! -s background.err ]
}

@test "-q says nothing at all" {
  in_background "$PIPELINE" -q --state state --listen 127.0.0.1:0
  wait_for '[ -S state/stats.sock ] && child paystats-serve >/dev/null'
  stop TERM
  [ ! -s background.out ] && [ ! -s background.err ]
}

@test "stopped and started again it shows the same totals" {
  start_pipeline
  [ "$(pay edgar 12.50 7)" = 200 ]
  wait_for '[ "$(stats sum)" = 87.50 ]'
  stop TERM
  start_pipeline
  wait_for '[ "$(stats sum)" = 87.50 ] && [ "$(stats count)" = 7 ]'
  [ "$(pay edgar 0.01 1)" = 200 ]
  wait_for '[ "$(stats sum)" = 87.51 ]'
}

@test "what ends with status 3 is not started again, the rest goes on, and it says so at the end" {
  start_pipeline
  [ "$(pay edgar 1 1)" = 200 ]
  wait_for '[ "$(stats sum)" = 1.00 ]'
  mv state/payments.jsonl state/old.jsonl
  [ "$(pay edgar 1 1)" = 200 ]
  wait_for 'grep -q "not started again" background.err'
  grep -q "payagg --progress never --follow --ready-line .*old.jsonl .*payments.jsonl" background.err
  ! child payagg || false
  ! child paystats-cache || false
  [ "$(pay edgar 1 1)" = 200 ]
  stop TERM 3
  nothing_is_left
  # Nor by another start: that would show what is in the new file alone.
  run -3 "$PIPELINE" --state state --listen 127.0.0.1:0
  [[ $output == *"does not start while '"*"/state/payments.jsonl.look' is there" ]]
  remedy=$(grep -o "then '.*join-logs' .*" <<<"$output")
  eval "${remedy#then }"
  start_pipeline
  wait_for '[ "$(stats sum)" = 3.00 ]'
}

# ends_for_a_look STATE: it has ended with status 3, and so does the next start; sets `said`.
ends_for_a_look() {
  local look=$1/payments.jsonl.look
  wait_for '[ -s "$look" ]'
  stop TERM 3
  run -3 "$PIPELINE" --state "$1" --listen 127.0.0.1:0
  said=$output
}

@test "the remedy of a renamed log is one command, refused while the pipeline runs" {
  state="it's a state"
  in_background "$PIPELINE" --state "$state" --listen 127.0.0.1:0
  wait_for '[ -s background.out ]'
  page=$(cat background.out)
  [ "$(pay edgar 1 1)" = 200 ]
  chmod 640 "$state/payments.jsonl"
  wait_for '[ "$(stats sum)" = 1.00 ]'
  printf '{"user":"to' >>"$state/payments.jsonl"
  mv "$state/payments.jsonl" "$state/old.jsonl"
  [ "$(pay edgar 1 1)" = 200 ]
  wait_for '[ -s "$state/payments.jsonl.look" ]'
  remedy=$(sed -n "s/.*, then \('.*join-logs' .*\)/\1/p" "$state/payments.jsonl.look")
  refuses 'a pipeline runs' eval "$remedy"
  [ "$(pay edgar 1 1)" = 200 ]
  ends_for_a_look "$state"
  chmod 640 "$state/payments.jsonl"
  # Other writers go on: what they append while they wait for the lock is not lost.
  { for i in {1..20}; do echo '{"user":"edgar","paymentAmt":1}' | paygen -q -o "$state/payments.jsonl" -; done; } 3>&- &
  eval "$remedy"
  wait $!
  [ "$(stat -c %a "$state/payments.jsonl")" = 640 ]
  [ "$(cat "$state/payments.jsonl.torn")" = '{"user":"to' ]
  # Once more changes nothing.
  cp "$state/payments.jsonl" once
  refuses 'joined already' eval "$remedy"
  cmp once "$state/payments.jsonl"
  in_background "$PIPELINE" --state "$state" --listen 127.0.0.1:0
  wait_for '[ -s background.out ]'
  page=$(cat background.out)
  wait_for '[ "$(stats sum)" = 23.00 ]'
}

@test "the remedy of a log that was cut to nothing, or removed" {
  start_pipeline
  [ "$(pay edgar 1 1)" = 200 ]
  wait_for '[ "$(stats sum)" = 1.00 ]'
  cp state/payments.jsonl copy
  : >state/payments.jsonl
  ends_for_a_look state
  [[ $said == *copytruncate*"join-logs' COPY "*'totals of what is in '* ]]
  eval "$(sed -n "s/.*, then \('.*join-logs' .*\)/\1/p" state/payments.jsonl.look | sed 's/COPY/copy/')"
  start_pipeline
  wait_for '[ "$(stats sum)" = 1.00 ]'
  rm state/payments.jsonl
  [ "$(pay edgar 2 1)" = 200 ]
  ends_for_a_look state
  [[ $said == *'was removed'* ]]
  eval "$(sed -n 's/.*: \(rm -- .*\)/\1/p' state/payments.jsonl.look)"
  start_pipeline
  wait_for '[ "$(stats sum)" = 2.00 ]'
}

@test "a log that was replaced while nothing ran is not shown without what is missing" {
  mkdir state
  echo '{"user":"edgar","paymentAmt":1}' >state/payments.jsonl
  start_pipeline
  stop TERM
  mv state/payments.jsonl state/old.jsonl
  echo '{"user":"edgar","paymentAmt":2}' >state/payments.jsonl
  run -3 "$PIPELINE" --state state --listen 127.0.0.1:0
  [[ $output == *'is another file than before'* ]]
  # After one more rotation neither file is joined in the wrong place.
  mv state/payments.jsonl state/middle.jsonl
  echo '{"user":"edgar","paymentAmt":4}' >state/payments.jsonl
  cp state/old.jsonl copy
  join=$PROJECT/scripts/join-logs
  refuses 'is another file again' "$join" state/old.jsonl state/payments.jsonl
  refuses 'is not the file that' "$join" copy state/payments.jsonl
  "$join" state/middle.jsonl state/payments.jsonl
  rm state/payments.jsonl.replaced
  run -3 "$PIPELINE" --state state --listen 127.0.0.1:0
  "$join" state/old.jsonl state/payments.jsonl
  start_pipeline
  wait_for '[ "$(stats sum)" = 7.00 ]'
}

@test "a log that was replaced while payagg was not there is not shown either, nor one with another name" {
  start_pipeline
  [ "$(pay edgar 1 1)" = 200 ]
  wait_for '[ "$(stats sum)" = 1.00 ]'
  mkdir elsewhere
  ln state/payments.jsonl elsewhere/kept
  kill -STOP "$(child payagg)"
  echo '{"user":"edgar","paymentAmt":2}' >new
  mv new state/payments.jsonl
  kill -KILL "$(child payagg)"
  ends_for_a_look state
  [[ $said == *"find / -inum $(stat -c %i elsewhere/kept)"* ]]
  "$PROJECT/scripts/join-logs" elsewhere/kept state/payments.jsonl
  start_pipeline
  wait_for '[ "$(stats sum)" = 3.00 ]'
}

@test "a log that is none is refused in the words of the server" {
  mkdir state
  echo 'some notes' >state/payments.jsonl
  refuses 'payments.jsonl: not a log of JSON lines' "$PIPELINE" --state state --listen 127.0.0.1:0
  grep -q 'paystats-serve did not start$' refused.err
  ! grep -q -e --listen refused.err || false
}

@test "an unfinished group of a log of before does not count, once" {
  mkdir state
  printf '%s\n' '{"user":"a","paymentAmt":1}' ' {"user":"a","paymentAmt":1} ' >state/payments.jsonl
  start_pipeline
  [ "$(pay a 1 1)" = 200 ]
  wait_for '[ "$(stats sum)" = 2.00 ]'
  stop TERM
  # Spaces mean nothing from then on.
  printf '%s\n' ' {"user":"a","paymentAmt":1} ' >>state/payments.jsonl
  start_pipeline
  wait_for '[ "$(stats sum)" = 3.00 ]'
  [ "$(wc -l <state/payments.jsonl.torn)" -eq 2 ]
}

@test "Ctrl-C and TERM end it all within five seconds, and no process is left" {
  for signal in INT TERM HUP; do
    start_pipeline --demo --rate 500
    wait_for '[ "$(stats count)" -gt 50 ]'
    stop $signal
    nothing_is_left
  done
}

@test "Ctrl-C before the page answers ends it all, too" {
  in_background "$PIPELINE" --state state --listen 127.0.0.1:0
  wait_for 'child paystats-serve >/dev/null'
  stop INT
  nothing_is_left
}

@test "kill -9 of the supervisor leaves no process, and the next start is not in its way" {
  start_pipeline
  [ "$(pay edgar 1 1)" = 200 ]
  port=${page%/} port=${port##*:}
  stop KILL 137
  nothing_is_left
  in_background "$PIPELINE" --state state --listen "127.0.0.1:$port"
  wait_for '[ -s background.out ]'
  wait_for '[ "$(stats sum)" = 1.00 ]'
}

@test "a second pipeline on the same state is refused, naming the first" {
  start_pipeline
  refuses "another pipeline runs on it (pid $pid)" "$PIPELINE" --state state --listen 127.0.0.1:0
  in_background "$PIPELINE" --state elsewhere --listen 127.0.0.1:0
  wait_for '[ -s background.out ]'
}

@test "an address that is taken is an error, said once, and nothing is left" {
  start_pipeline
  address=${page#http://}
  refuses "did not start on ${address%/}" timeout 240 "$PIPELINE" --state elsewhere --listen "${address%/}"
  # Who runs on a state is in its folder.
  readlink /proc/[0-9]*/cwd | grep -qx "$PWD/state"
  ! readlink /proc/[0-9]*/cwd | grep -qx "$PWD/elsewhere" || false
  flock -n elsewhere/pipeline.lock true
}

@test "kill -9 of each process in turn, under load: exact totals afterwards" {
  start_pipeline --demo --rate 300
  # What the server has said yes to, and what it may have taken without coming to say so.
  sure=0 perhaps=0
  pay_three() {
    if [ "$(pay edgar 0.01 3)" = 200 ]; then sure=$((sure + 3)); else perhaps=$((perhaps + 3)); fi
  }
  for round in 1 2 3; do
    for victim in payagg paystats-cache paystats-serve paygen; do
      for _ in 1 2 3 4 5; do pay_three; done
      # Again until one was there to be hit: payagg and the cache are taken down as a pair.
      wait_for 'kill -9 "$(child $victim)" 2>/dev/null'
      pay_three
    done
  done
  wait_for '[ "$(pay edgar 0.01 3)" = 200 ]'
  sure=$((sure + 3))
  wait_for '[ "$(stats ready)" = True ]'
  stop TERM

  # The log is the truth: what it sums to from its beginning is what the page shows.
  payagg -q state/payments.jsonl >totals.jsonl
  start_pipeline
  [ "$(python3 "$BATS_TEST_DIRNAME/sum_stats.py" <totals.jsonl | tee want)" ]
  wait_for '[ "$(stats users) $(stats sum) $(stats count)" = "$(cat want)" ]'
  count=$(python3 -c '
import json, sys
print(next(row["count"] for row in map(json.loads, sys.stdin) if row["user"] == "edgar"))' <totals.jsonl)
  echo "edgar: $count payments; $sure acknowledged, $perhaps of unknown outcome"
  [ "$count" -ge "$sure" ] && [ "$count" -le $((sure + perhaps)) ]
  # No half batch.
  [ $((count % 3)) -eq 0 ]
}

@test "payagg and the cache are put back up as a pair, more slowly each time" {
  start_pipeline
  pair() { echo "$(child payagg) $(child paystats-cache)"; }
  for _ in 1 2 3; do
    # The page may answer before either has come to be what it is started as.
    wait_for 'old=$(pair); [[ $old =~ ^[0-9]+\ [0-9]+$ ]]'
    kill -9 "${old% *}"
    # Two new ones.
    wait_for '[[ $(pair) =~ ^([0-9]+)\ ([0-9]+)$ && ${BASH_REMATCH[1]} != "${old% *}" && ${BASH_REMATCH[2]} != "${old#* }" ]]'
  done
  grep -o 'again in [0-9]* ms' background.err | diff - <(printf 'again in %s ms\n' 100 200 400)
  grep -q 'payagg and paystats-cache ended (status 137)' background.err
}

@test "the state's folder may have a path longer than a socket's may be" {
  deep=$(printf 'a-rather-long-name-of-a-folder/%.0s' 1 2 3 4 5 6)
  in_background "$PIPELINE" --state "$deep" --listen 127.0.0.1:0
  wait_for '[ -s background.out ]'
  page=$(cat background.out)
  [ "$(pay edgar 1 1)" = 200 ]
  wait_for '[ "$(stats sum)" = 1.00 ]'
}

@test "it listens on a Unix socket, whose path is not one of the state's folder, and says how to ask" {
  in_background "$PIPELINE" --state state --listen unix:p.sock
  wait_for '[ -s background.out ]'
  [ "$(cat background.out)" = "unix:$PWD/p.sock" ]
  [ "$(cat background.err)" = "pipeline: for instance: curl --unix-socket '$PWD/p.sock' http://localhost/" ]
  by_socket() { curl -sS --max-time 120 --unix-socket p.sock "$@"; }
  by_socket http://localhost/ | grep -q '<title>paystats</title>'
  post() { by_socket -H 'Content-Type: application/json' -d '{"user":"edgar","paymentAmt":1}' http://localhost/api/payments; }
  [ "$(post)" = '{"accepted":1}' ]
  first=$(child paystats-serve)
  kill -KILL "$first"
  wait_for '[ -n "$(child paystats-serve)" ] && [ "$(child paystats-serve)" != "$first" ]'
  wait_for '[ "$(post 2>post.err)" = "{\"accepted\":1}" ]'
  wait_for 'by_socket http://localhost/api/stats/edgar | grep -q "\"sum\":\"2.00\""'
  stop INT
  [ ! -e p.sock ]
}

@test "a Unix socket on which another program listens is left to it" {
  in_background socat UNIX-LISTEN:taken.sock,fork SYSTEM:'echo here'
  wait_for '[ "$(socat -u UNIX-CONNECT:taken.sock - 2>connect.err)" = here ]'
  refuses "taken.sock: another program listens there (process $pid): stop it, or use another path" \
    timeout 240 "$PIPELINE" --state state --listen unix:taken.sock
  refuses "did not start on unix:$PWD/taken.sock" timeout 240 "$PIPELINE" --state state --listen unix:taken.sock
  [ "$(socat -u UNIX-CONNECT:taken.sock - 2>connect.err)" = here ]
}

@test "the state's folder may have any name" {
  in_background "$PIPELINE" --state "a b*\$c'd" --listen 127.0.0.1:0
  wait_for '[ -s background.out ]'
  [ -e "a b*\$c'd/payments.jsonl" ]
}

@test "--demo makes payments" {
  start_pipeline --demo --rate 200
  wait_for '[ "$(stats count)" -gt 100 ]'
  [ "$(stats users)" -gt 10 ]
}

@test "what follows -- goes to paystats-serve, at each start" {
  refuses '--public-url: https://pay.example.com/a b/: a character in the path' \
    "$PIPELINE" --state state --listen 127.0.0.1:0 -- --public-url 'https://pay.example.com/a b/'
  start_pipeline -- --allow-host pay.example.org --volume-max 7
  named() { curl -s -o named.out -w '%{http_code}' -H "Host: $1" "$page"; }
  [ "$(named pay.example.org)" = 200 ]
  [ "$(named pay.example.com)" = 421 ]
  [ "$(pay edgar 1 8)" = 422 ]
  first=$(child paystats-serve)
  kill -KILL "$first"
  wait_for '[ -n "$(child paystats-serve)" ] && [ "$(child paystats-serve)" != "$first" ]'
  wait_for '[ "$(named pay.example.org)" = 200 ]'
  [ "$(named pay.example.com)" = 421 ]
  stop TERM
}

@test "mistakes on the command line are exit 2 with a message" {
  refuses 'unknown option --what' "$PIPELINE" --what
  refuses '--state wants a value' "$PIPELINE" --state
  refuses '--listen wants HOST:PORT or unix:PATH, not 8080' "$PIPELINE" --listen 8080
  refuses '--listen wants HOST:PORT or unix:PATH, not unix:' "$PIPELINE" --listen unix:
  refuses '--rate wants a positive integer' "$PIPELINE" --rate fast
  refuses 'no such folder' env PAYSTATS_BIN=/nowhere "$PIPELINE"
  touch file
  refuses 'cannot keep the state there' "$PIPELINE" --state file
}

@test "--help is the head of the script" {
  "$PIPELINE" --help | grep -q -- '--state DIR'
  "$PIPELINE" --help | grep -q -- '-- SERVER-OPTIONS'
}
