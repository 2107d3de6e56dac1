# What an idle pipeline does: nearly nothing. And what it does not forget meanwhile.

load helpers

setup() {
  paystats_setup
  paystats-serve --stats stats.sock --listen localhost:0 -o payments.jsonl </dev/null >/dev/null 2>serve.err 3>&- &
  serve=$!
  started+=("$serve")
  wait_for 'grep -q "listening on" serve.err'
  url=$(sed -n 's/.*listening on \(.*\)\/$/\1/p' serve.err)
}

start_cache() {
  setsid paystats-cache --socket stats.sock --ready-line --run payagg --follow --ready-line payments.jsonl </dev/null >/dev/null 2>cache.err 3>&- &
  cache=$!
  started+=("$cache")
  wait_for '[ "$(status /readyz)" = 200 ]'
}

status() { curl -sS --max-time 120 -o status.out -w '%{http_code}' "$url$1"; }

# wakeups PID...: how often their threads have been switched to.
wakeups() {
  local pid
  for pid; do cat /proc/"$pid"/task/*/status; done | awk '/_ctxt_switches/ { n += $2 } END { print n }'
}

# quiet RATE SECONDS PID...: for so long they wake at most so often a second.
quiet() {
  local rate=$1 seconds=$2 before
  shift 2
  before=$(wakeups "$@")
  sleep "$seconds"
  echo "$(($(wakeups "$@") - before)) wakeups in $seconds s" | tee -a quiet.out
  [ $(($(wakeups "$@") - before)) -le $((rate * seconds)) ]
}

pay() {
  [ "$(curl -sS -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' --data-binary "$1" \
    "$url/api/payments")" = 200 ]
}

@test "without a client the three wake four times a second at most, paystats-serve twice" {
  start_cache
  pay '{"user":"ann","paymentAmt":"1.50","volume":3}'
  wait_for 'curl -sS "$url/api/stats/ann" | grep -q "\"count\":3"'
  wait_for "quiet 2 3 $serve" 30
  wait_for "quiet 4 3 $serve $cache $(pgrep -P "$cache")" 30
}

@test "a cache that was frozen while there was no client is away for the first one" {
  start_cache
  wait_for "quiet 2 1 $serve" 30
  kill -STOP "$cache"
  sleep 1 # longer than it may be silent while there is a client; nobody has noticed
  [ "$(status /readyz)" = 503 ]
  [ "$(cat status.out)" = 'the cache is away' ]
  kill -CONT "$cache"
  wait_for '[ "$(status /readyz)" = 200 ]'
  wait_for "quiet 2 1 $serve" 30
  kill -STOP "$cache"
  sleep 1
  curl -sS "$url/metrics" >metrics.out
  grep -qx 'paystats_serve_cache_up 0' metrics.out
  kill -CONT "$cache"
}

# files: how many bodies paystats-serve keeps as files in memory.
files() { find "/proc/$serve/fd" -lname '/memfd:body*' | wc -l; }

@test "a large answer that is older now is kept no longer, where there is no client any more" {
  start_cache
  seq 200 | sed 's/.*/{"user":"user&","paymentAmt":1}/' >batches
  paygen -q batches -o payments.jsonl
  wait_for 'curl -sS "$url/api/stats?limit=200" | grep -q "\"user200\""'
  curl -sS "$url/api/stats?limit=200" "$url/api/stats?limit=200" >/dev/null
  [ "$(files)" -eq 1 ]
  wait_for "quiet 2 1 $serve" 30
  [ "$(files)" -eq 1 ]
  paygen -q batches -o payments.jsonl
  wait_for '[ "$(files)" -eq 0 ]'
}
