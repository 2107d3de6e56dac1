# SIGHUP, which a terminal that goes sends, is a normal end like SIGTERM; and one that was ignored at
# the start, as nohup does, stays so.

load helpers

setup() { paystats_setup; }

# on_hangup STATUS READY COMMAND...: the tool ends with STATUS at the signal, once READY is true.
on_hangup() {
  local status=$1 ready=$2
  shift 2
  in_background "$@"
  wait_for "$ready"
  kill -HUP "$pid"
  ended_with "$status"
}

@test "SIGHUP ends what runs until it is told, as SIGTERM does" {
  : >payments.jsonl
  on_hangup 0 '[ -s background.out ]' payagg --follow --ready-line payments.jsonl
  mkfifo stats
  sleep 1000 3>&- >stats &
  started+=("$!")
  on_hangup 0 '[ -S cache.sock ]' paystats-cache --socket cache.sock stats
  [ ! -e cache.sock ]
  on_hangup 0 '[ -n "$(port_of "$pid")" ]' paystats-serve --stats cache.sock -o payments.jsonl --listen 127.0.0.1:0
}

@test "SIGHUP ends paygen in its middle, and it dies of the signal" {
  on_hangup 129 '[ -s payments.jsonl ]' paygen --random 0 --rate 1000 -o payments.jsonl
  # What is there are whole payments.
  payagg -q payments.jsonl >totals
}

@test "SIGHUP that is ignored at the start stays ignored" {
  : >payments.jsonl
  in_background bash -c "trap '' HUP; exec payagg --follow --ready-line payments.jsonl"
  wait_for '[ -s background.out ]'
  kill -HUP "$pid"
  echo '{"user":"edgar","paymentAmt":1}' >>payments.jsonl
  wait_for 'grep -q edgar background.out'
  kill -TERM "$pid"
  ended_with 0
}

# first_process COMMAND...: starts it as the first process of a container, and sets `first`, its pid outside.
first_process() {
  unshare --map-root-user --pid --fork true 2>refused || skip "no namespace of processes: $(cat refused)"
  in_background unshare --map-root-user --pid --fork --kill-child "$@"
  wait_for 'first=$(pgrep -P "$pid")'
}

@test "the first process of a container, which no signal without a handler ends, ends by one that has come" {
  first_process paygen --random 0 --rate 1000 -o payments.jsonl
  wait_for '[ -s payments.jsonl ]'
  kill -TERM "$first"
  ended_with 143
  payagg -q payments.jsonl >totals
}

@test "so does one that is stuck in a write, by the second signal" {
  mkfifo stuck
  sleep 1000 3>&- <stuck &
  started+=("$!")
  first_process bash -c 'exec paygen --random 0 >stuck'
  wait_for '[ "$(cat "/proc/$first/comm")" = paygen ] && grep -q "^SigCgt:.*[4-7c-f]...$" "/proc/$first/status"'
  wait_for 'kill -TERM "$first" 2>/dev/null; ! kill -0 "$pid" 2>/dev/null' 30
  ended_with 143
}
