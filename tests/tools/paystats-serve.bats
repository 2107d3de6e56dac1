# paystats-serve at a shell: alone, in the ring, and with a durable log, while processes are killed,
# disks fill and readers stall.
#
# Servers listen on a free port; `serve` sets `url`. Processes are ended by their ids alone.

load helpers

# start NAME INPUT OUTPUT COMMAND...: in the background, its stderr in NAME.err and its id in
# `NAME_pid`.
start() {
  local name=$1 input=$2 output=$3
  shift 3
  # A shell has its background jobs ignore SIGINT.
  env --default-signal=INT "$@" <"$input" >"$output" 2>"$name.err" 3>&- &
  started+=("$!")
  printf -v "${name}_pid" %s "$!"
}

# serve OUTPUT WORDS...: a server whose stdout is OUTPUT (a file or a FIFO).
serve() {
  local output=$1
  shift
  start serve /dev/null "$output" paystats-serve --stats stats.sock --listen localhost:0 "$@"
  wait_for 'grep -q "listening on" serve.err'
  url=$(sed -n 's/.*listening on \(.*\)\/$/\1/p' serve.err)
}

# submit JSON: prints the status; the body is in submit.out.
submit() {
  curl -sS --max-time 120 -o submit.out -w '%{http_code}' -H 'Content-Type: application/json' \
    --data-binary "$1" "$url/api/payments"
}

status() { curl -sS --max-time 120 -o status.out -w '%{http_code}' "$url$1"; }
gone() { ! kill -0 "$1" 2>/dev/null; }
# ends PID STATUS: it does. Not in a subshell, which could not wait for it.
ends() {
  local status=0
  wait_for "gone $1" || return 1
  wait "$1" || status=$?
  [ "$status" -eq "$2" ] || {
    echo "ended with $status, not $2" >&2
    return 1
  }
}

# The ring: serve -> payagg -> cache -> serve, by FIFOs, so that each id is known.
start_ring() {
  mkfifo payments stats
  start cache stats /dev/null paystats-cache --socket stats.sock
  start agg payments stats payagg --output-mode update
  serve payments
  wait_for '[ "$(status /readyz)" = 200 ]'
}

start_durable() {
  mkfifo stats
  serve serve.out -o payments.jsonl "$@"
  start cache stats /dev/null paystats-cache --socket stats.sock
  start agg /dev/null stats payagg --follow payments.jsonl
  wait_for '[ "$(status /readyz)" = 200 ]'
}

has_total() { curl -sS "$url/api/stats/$1" | grep -qF "\"sum\":\"$2\""; }

@test "a closed stdout is refused before the first client comes" {
  refuses 'stdout: bad file descriptor' timeout 120 bash -c \
    'exec paystats-serve --stats none --listen localhost:0 >&-'
}

@test "a path of --stats where no cache answers is told once, and a cache that comes later is seen" {
  serve serve.out -v
  wait_for 'grep -q "no cache" serve.err'
  grep -qx 'paystats-serve: warning: stats.sock: no cache answers there yet: totals are unavailable (see --stats)' serve.err
  mkfifo stats
  start cache stats /dev/null paystats-cache --socket stats.sock
  exec 9>stats
  wait_for 'grep -q "the cache is there" serve.err'
  kill "$cache_pid"
  exec 9>&-
  wait_for 'grep -q "the cache is away" serve.err'
  [ "$(grep -c "no cache" serve.err)" -eq 1 ]
}

@test "says on stderr where it listens and what an acknowledgement is worth" {
  serve serve.out -o payments.jsonl
  grep -qx 'paystats-serve: an acknowledged payment is on the disk, in payments.jsonl' serve.err
  grep -qE '^paystats-serve: listening on http://127\.0\.0\.1:[0-9]+/$' serve.err
  kill "$serve_pid"
  ends "$serve_pid" 0
  mkfifo pipe
  start reader pipe reader.out cat
  serve pipe
  grep -q 'handed to stdout' serve.err
  : >>log.jsonl
  paystats-serve --stats s --listen localhost:0 >>log.jsonl 2>append.err 3>&- &
  started+=("$!")
  wait_for 'grep -q "on the disk, in stdout" append.err'
}

@test "an address that others can reach is warned of, one that is taken is exit 2" {
  start any /dev/null any.out paystats-serve --stats s --listen 0.0.0.0:0 -o p.jsonl
  wait_for 'grep -q "listening on" any.err'
  grep -q 'warning: 0.0.0.0: not a loopback address' any.err
  port=$(sed -n 's/.*:\([0-9]*\)\/$/\1/p' any.err)
  refuses 'address already in use' paystats-serve --stats s --listen "0.0.0.0:$port" -o p.jsonl
}

@test "what cannot be meant is refused before anything is opened" {
  refuses '--stats PATH is needed' paystats-serve -o p.jsonl
  refuses 'not an address' paystats-serve --stats s --listen 8080 -o p.jsonl
  refuses 'not an address' paystats-serve --stats s --listen example.org:80 -o p.jsonl
  refuses 'no such file' paystats-serve --stats s --www nowhere -o p.jsonl
  refuses 'no index.html' paystats-serve --stats s --www . -o p.jsonl
  refuses 'no such file' paystats-serve --stats s --listen localhost:0 -o nowhere/p.jsonl
  refuses 'not a whole number' paystats-serve --stats s --volume-max 0 -o p.jsonl
  refuses '--allow-host: a/b: neither NAME nor NAME:PORT' paystats-serve --stats s --allow-host a/b -o p.jsonl
  refuses '--public-url: pay.example.org: must begin with http' paystats-serve --stats s --public-url pay.example.org -o p.jsonl
  refuses '--public-url: http://127.1/: the host is not a name' paystats-serve --stats s --public-url http://127.1/ -o p.jsonl
  refuses '--public-url: http://a/%70/: a percent sign in the path' paystats-serve --stats s --public-url http://a/%70/ -o p.jsonl
  refuses "that path is one of the server's own API" paystats-serve --stats s --public-url http://a/metrics -o p.jsonl
  [ ! -e p.jsonl ]
}

@test "all addresses and reserved names of loopback are names of the server, and no others" {
  serve serve.out -o p.jsonl
  for host in 127.0.0.2:9090 localhost.:9090 pay.localhost '[0:0::1]:9090'; do
    [ "$(curl -sS --max-time 120 -o asked.out -w '%{http_code}' -H "Host: $host" "$url/healthz")" = 200 ]
  done
  for host in ip6-localhost 127.1 127.0.0.1.evil.example localhost.evil.example; do
    [ "$(curl -sS --max-time 120 -o asked.out -w '%{http_code}' -H "Host: $host" "$url/healthz")" = 421 ]
  done
}

@test "--public-url is told at the start, and names the server, its origin and its path" {
  mkdir www
  echo '<!doctype html>' >www/index.html
  serve serve.out -o p.jsonl --www www --public-url HTTPS://Pay.example.org:443/paystats
  grep -qx 'paystats-serve: the page is at https://pay.example.org/paystats/, by a proxy' serve.err
  asked() { curl -sS --max-time 120 -o asked.out -w '%{http_code} %{redirect_url}' "$@"; }
  [ "$(asked "$url/paystats/" -H 'Host: pay.example.org')" = '200 ' ]
  [ "$(asked "$url/paystats?user=a")" = '308 https://pay.example.org/paystats/?user=a' ]
  local payment=(-H 'Content-Type: application/json' -d '{"user":"edgar","paymentAmt":1}')
  [ "$(asked "$url/paystats/api/payments" -H 'Origin: https://pay.example.org' "${payment[@]}")" = '200 ' ]
  [ "$(asked "$url/paystats/api/payments" -H 'Origin: https://pay.example.com' "${payment[@]}")" = '403 ' ]
  [ "$(wc -l <p.jsonl)" -eq 1 ]
}

@test "the page is served from its folder; without one the API alone" {
  mkdir www
  echo '<!doctype html>' >www/index.html
  serve serve.out -o p.jsonl --www www
  [ "$(curl -sS "$url/")" = '<!doctype html>' ]
  echo changed >www/index.html
  [ "$(curl -sS "$url/")" = '<!doctype html>' ]
  [ "$(curl -sS -o /dev/null -w '%{http_code}' --path-as-is "$url/../p.jsonl")" = 404 ]
  [ "$(curl -sS -o /dev/null -w '%{http_code}' -H 'Host: evil.example' "$url/")" = 421 ]
}

@test "the ring: a submit shows in the totals, and Ctrl-C ends it in order" {
  start_ring
  [ "$(submit '{"user":"edgar","paymentAmt":0.10,"volume":100}')" = 200 ]
  [ "$(cat submit.out)" = '{"accepted":100}' ]
  wait_for 'has_total edgar 10.00'
  kill -INT "$serve_pid"
  within 2 'gone "$serve_pid" && gone "$agg_pid" && gone "$cache_pid"'
  ends "$serve_pid" 0
  ends "$agg_pid" 0
  ends "$cache_pid" 0
}

@test "the ring: when any process is killed all end within a second" {
  for victim in serve agg cache; do
    mkdir "$victim" && cd "$victim"
    start_ring
    [ "$(submit '{"user":"edgar","paymentAmt":1}')" = 200 ]
    pid_of=${victim}_pid
    kill -KILL "${!pid_of}"
    within 1 'gone "$serve_pid" && gone "$agg_pid" && gone "$cache_pid"' || {
      echo "after the end of $victim somebody hangs" >&2
      return 1
    }
    if [ "$victim" != serve ]; then
      ends "$serve_pid" 2
      grep -q 'error: stdout: nobody reads the payments any more' serve.err
    fi
    cd ..
  done
}

@test "durable: killed in turn under load, the totals are exact afterwards" {
  start_durable
  accepted=0
  unknown=0
  for round in 1 2 3 4 5 6; do
    # Submits on and on, while somebody is killed.
    (
      for i in $(seq 40); do
        code=$(submit '{"user":"edgar","paymentAmt":0.01,"volume":25}' 2>/dev/null) || true
        echo "$code"
      done >"codes.$round"
    ) 3>&- &
    load=$!
    sleep "0.0$((RANDOM % 9 + 1))"  # a moment, not a condition: where the kill falls
    case $((round % 3)) in
      0) kill -KILL "$serve_pid" ;;
      1) kill -KILL "$agg_pid" ;;
      2) kill -KILL "$cache_pid" ;;
    esac
    wait "$load"
    if [ $((round % 3)) = 0 ]; then
      serve serve.out -o payments.jsonl
    else
      kill -KILL "$agg_pid" "$cache_pid" 2>/dev/null || true
      start cache stats /dev/null paystats-cache --socket stats.sock
      start agg /dev/null stats payagg --follow payments.jsonl
    fi
    accepted=$((accepted + $(grep -cx 200 "codes.$round" || true)))
    # Who was cut off does not know: at most the one that was under way.
    unknown=$((unknown + $(grep -cx 000 "codes.$round" || true)))
  done
  wait_for '[ "$(status /readyz)" = 200 ]'
  # No half batch, and at least what was acknowledged.
  payments=$(payagg -q payments.jsonl | sed -n 's/.*"count":\([0-9]*\)}/\1/p')
  [ $((payments % 25)) -eq 0 ]
  [ "$payments" -ge $((accepted * 25)) ]
  [ "$payments" -le $(((accepted + unknown) * 25)) ]
  want=$(payagg -q payments.jsonl | sed -n 's/.*"sum":\([0-9.]*\),.*/\1/p')
  wait_for "has_total edgar $want"
}

@test "a cache that is frozen is away although it has ended nothing, and back when it goes on" {
  start_durable
  wait_for '[ "$(status /readyz)" = 200 ]'
  curl -sN --max-time 120 "$url/api/stream" >events 3>&- &
  started+=("$!")
  wait_for 'grep -q "^event: stats" events'
  kill -STOP "$cache_pid"
  wait_for '[ "$(status /readyz)" = 503 ]'
  [ "$(cat status.out)" = 'the cache is away' ]
  wait_for 'grep -q "^event: away" events'
  [ "$(status /api/stats)" = 503 ]
  # What is taken meanwhile is there afterwards.
  [ "$(submit '{"user":"edgar","paymentAmt":1,"volume":7}')" = 200 ]
  kill -CONT "$cache_pid"
  wait_for '[ "$(status /readyz)" = 200 ]'
  wait_for 'has_total edgar 7.00'
}

# What it says to a service manager: that of sd_notify(3).
@test "a service manager is told when others can connect, or that an address or a broker is waited for" {
  python3 - <<'END'
import os
import signal
import socket
import subprocess

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind("notify")
manager.settimeout(60)


def ready(*words):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve = subprocess.Popen(["paystats-serve", "-q", "--stats", "none.sock", "--listen", f"127.0.0.1:{port}", *words],
                             env={"NOTIFY_SOCKET": os.path.abspath("notify"), "PATH": os.environ["PATH"]})
    assert manager.recv(100) == b"READY=1"
    return serve, port


serve, port = ready("-o", "payments.jsonl")
socket.create_connection(("127.0.0.1", port)).close()  # at the first try
serve.send_signal(signal.SIGTERM)
assert serve.wait(60) == 0
manager.setblocking(False)
try:
    raise AssertionError(manager.recv(100))
except BlockingIOError:
    pass
manager.settimeout(60)
serve, port = ready("-o", "kafka:payments", "-X", "bootstrap.servers=127.0.0.1:1")
serve.send_signal(signal.SIGTERM)
assert serve.wait(60) == 0
END
}

# in_net COMMAND...: in a network of its own, which has only what a test gives it.
in_net() { nsenter -t "$net" -U -n --preserve-credentials "$@"; }

@test "with --wait-for-address it waits for an address that the machine is given late, and else it does not" {
  command -v ip >/dev/null || skip 'no ip (iproute2)'
  unshare -rn sleep 1000 3>&- &
  net=$!
  started+=("$net")
  wait_for '[ "$(readlink /proc/$net/ns/net)" != "$(readlink /proc/$$/ns/net)" ] || gone "$net"'
  gone "$net" && skip 'no network of its own may be made here'
  wait_for 'in_net ip link set lo up 2>in_net.err'
  run -2 in_net paystats-serve --stats none.sock --listen 192.0.2.7:8080 -o payments.jsonl
  [[ $output == *'192.0.2.7:8080: cannot assign requested address'* ]]
  waits() {
    start late /dev/null /dev/null nsenter -t "$net" -U -n --preserve-credentials paystats-serve --stats none.sock \
      --listen 192.0.2.7:8080 --wait-for-address -o payments.jsonl
    wait_for 'grep -q "192.0.2.7: this machine does not have the address yet: waiting for it" late.err'
  }
  waits
  kill "$late_pid"
  ends "$late_pid" 0
  waits
  run -7 in_net curl -sS http://192.0.2.7:8080/healthz
  in_net ip address add 192.0.2.7/32 dev lo
  wait_for 'grep -q "listening on http://192.0.2.7:8080/" late.err'
  [ "$(in_net curl -sS http://192.0.2.7:8080/healthz)" = ok ]
  [ "$(grep -c 'waiting for it' late.err)" -eq 1 ]
  kill "$late_pid"
  ends "$late_pid" 0
}

@test "a full disk refuses payments with 507, and takes them again when there is room" {
  if [ "$(id -u)" -ne 0 ] || ! { mkdir disk && mount -t tmpfs -o size=64k tmpfs disk; } 2>/dev/null; then
    skip "needs a file system of its own (root)"
  fi
  serve serve.out -o disk/payments.jsonl
  [ "$(submit '{"user":"edgar","paymentAmt":1,"volume":7}')" = 200 ]
  # One line of 180 kB.
  printf '[%s]' "$(yes '{"user":"edgar","paymentAmt":1}' | head -5000 | paste -sd,)" >many
  [ "$(submit @many)" = 507 ]
  grep -q 'problem:not-stored' submit.out
  grep -q 'no space left on device (payments are refused meanwhile)' serve.err
  [ "$(payagg disk/payments.jsonl)" = '{"user":"edgar","sum":7.00,"count":7}' ]
  curl -sS "$url/metrics" | grep -qx 'paystats_serve_output_up 0'
  curl -sS "$url/readyz" | grep -qx 'payments cannot be written'
  mount -o remount,size=1m disk
  # Without a POST: a load balancer sends none to a server that is not ready.
  wait_for "curl -sS $url/metrics | grep -qx 'paystats_serve_output_up 1'"
  grep -q 'payments can be written again' serve.err
  run -1 grep -x 'payments cannot be written' <(curl -sS "$url/readyz")
  [ "$(payagg disk/payments.jsonl)" = '{"user":"edgar","sum":7.00,"count":7}' ]
  [ "$(submit @many)" = 200 ]
  [ "$(payagg disk/payments.jsonl)" = '{"user":"edgar","sum":5007.00,"count":5007}' ]
  kill "$serve_pid"
  ends "$serve_pid" 0
  umount disk
}

@test "a stalled reader of stdout holds up submits and nothing else" {
  mkfifo pipe
  start reader pipe reader.out sleep infinity
  serve pipe
  # More than a pipe holds: this one stays in flight.
  submit '{"user":"edgar","paymentAmt":1,"volume":90000}' >stalled.code 3>&- &
  stalled=$!
  [ "$(status /healthz)" = 200 ]
  wait "$stalled"
  [ "$(cat stalled.code)" = 503 ]
  grep -q 'problem:outcome-unknown' submit.out
  [ "$(status /healthz)" = 200 ]
  kill -KILL "$reader_pid"
  within 2 'gone "$serve_pid"'
  ends "$serve_pid" 2
}

@test "told to end while stdout is stalled it says so and ends with status 2" {
  mkfifo pipe
  start reader pipe reader.out sleep infinity
  serve pipe
  [ "$(submit '{"user":"edgar","paymentAmt":1,"volume":90000}')" = 503 ]
  kill "$serve_pid"
  ends "$serve_pid" 2
  grep -qx 'paystats-serve: error: stdout: does not take the payments that were under way' serve.err
}

@test "a cache that is away is 503, and one that comes back is another instance" {
  start_durable
  [ "$(submit '{"user":"edgar","paymentAmt":1}')" = 200 ]
  wait_for 'has_total edgar 1.00'
  first=$(curl -sS "$url/api/stats" | cut -c1-32)
  curl -sN --max-time 120 "$url/api/stream" >stream.out 3>&- &
  started+=("$!")
  wait_for 'grep -q "event: stats" stream.out'
  kill -KILL "$cache_pid"
  wait_for '[ "$(status /api/stats)" = 503 ]'
  wait_for 'grep -q "event: away" stream.out'
  [ "$(submit '{"user":"edgar","paymentAmt":1}')" = 200 ]
  wait_for 'gone "$agg_pid"' || kill -KILL "$agg_pid"
  start cache stats /dev/null paystats-cache --socket stats.sock
  start agg /dev/null stats payagg --follow payments.jsonl
  wait_for 'has_total edgar 2.00'
  [ "$(curl -sS "$url/api/stats" | cut -c1-32)" != "$first" ]
  wait_for 'grep -q "\"2.00\"" stream.out'
}

@test "it is silent under cron, and its stop is clean with clients still there" {
  start serve /dev/null serve.out env -i "$PAYSTATS_BIN/paystats-serve" -q --stats s \
    --listen localhost:0 -o p.jsonl
  wait_for '[ -n "$(port_of "$serve_pid")" ]'
  exec 9<>"/dev/tcp/127.0.0.1/$(port_of "$serve_pid")"
  printf 'GET /healthz HTTP/1.1\r\nHost: localhost:%s\r\n\r\n' "$(port_of "$serve_pid")" >&9
  read -r answer <&9
  [[ $answer == 'HTTP/1.1 200 '* ]]
  kill "$serve_pid"
  within 2 'gone "$serve_pid"'
  exec 9>&-
  ends "$serve_pid" 0
  [ ! -s serve.err ] && [ ! -s serve.out ]
}

@test "the limit on open files is raised, and one that is too low is said" {
  start serve /dev/null serve.out bash -c 'ulimit -Sn 100; ulimit -Hn 500; exec "$@"' - \
    paystats-serve --stats stats.sock --listen localhost:0 --connections-max 10000
  wait_for 'grep -q "listening on" serve.err'
  grep "there can be 372 connections, not 10000: the hard limit on open files is too low" serve.err
  grep -E "^Max open files +500 +500 " "/proc/$serve_pid/limits"
}

@test "a Unix socket on which another program listens is left to it; what has replaced its own as well" {
  start other /dev/null other.out socat UNIX-LISTEN:serve.sock,fork SYSTEM:'echo here'
  wait_for '[ "$(socat -u UNIX-CONNECT:serve.sock - 2>connect.err)" = here ]'
  refuses "serve.sock: another program listens there (process $other_pid): stop it, or use another path" \
    timeout 240 paystats-serve --stats stats.sock --listen unix:serve.sock -o p.jsonl
  wait_for '[ "$(socat -u UNIX-CONNECT:serve.sock - 2>connect.err)" = here ]'
  [ ! -e serve.sock.lock ]
  start serve /dev/null serve.out paystats-serve --stats stats.sock --listen unix:own.sock -o p.jsonl
  wait_for 'grep -q "listening on" serve.err'
  mv serve.sock own.sock
  kill "$serve_pid"
  ends "$serve_pid" 0
  wait_for '[ "$(socat -u UNIX-CONNECT:own.sock - 2>connect.err)" = here ]'
  [ ! -e own.sock.lock ]
}

@test "it listens on a Unix socket, which another server does not take and the next one finds" {
  start serve /dev/null serve.out paystats-serve --stats stats.sock --listen unix:serve.sock -o p.jsonl
  wait_for 'grep -qx "paystats-serve: listening on unix:serve.sock" serve.err'
  ! grep -q 'not a loopback address' serve.err || false
  [ "$(stat -c %a serve.sock)" = 660 ]
  post() {
    curl -sS --max-time 120 --unix-socket serve.sock -H 'Content-Type: application/json' \
      --data '{"user":"edgar","paymentAmt":1}' http://localhost/api/payments
  }
  [ "$(post)" = '{"accepted":1}' ]
  refuses "serve.sock: another process has this socket (process $serve_pid): stop it, or use another path" \
    paystats-serve --stats stats.sock --listen unix:serve.sock -o other.jsonl
  kill -KILL "$serve_pid"
  wait_for 'gone "$serve_pid"'
  start serve /dev/null serve.out paystats-serve --stats stats.sock --listen unix:serve.sock -o p.jsonl
  wait_for 'grep -q "listening on" serve.err'
  [ "$(post)" = '{"accepted":1}' ]
  [ "$(payagg p.jsonl)" = '{"user":"edgar","sum":2.00,"count":2}' ]
  kill "$serve_pid"
  ends "$serve_pid" 0
  [ ! -e serve.sock ]
  [ ! -e serve.sock.lock ]
}
