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
