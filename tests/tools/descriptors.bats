# What the tools do where few descriptors are to be had (`ulimit -n`): each says so and ends with
# status 2, or goes on with less. None ends by a signal, and none leaves a socket or a lock.

load helpers

# with_descriptors N COMMAND...: in the background, with at most N open files.
with_descriptors() { in_background bash -c 'ulimit -n "$0" && exec "$@"' "$@"; }

gone() { ! kill -0 "$pid" 2>/dev/null; }

# runs_or_says_why N READY COMMAND...: it ends by itself, with status 0, or with status 2 and a
# message; or its stderr shows READY, and it ends when it is told to, with status 0, or of that TERM
# where its input was not at its end.
runs_or_says_why() {
  local n=$1 ready=$2 status=0 told=0
  shift 2
  rm -f background.err
  with_descriptors "$n" "$@"
  wait_for 'gone || grep -qsF -- "$ready" background.err'
  if ! gone; then kill "$pid" && told=143; fi
  wait_for gone || { echo "$n descriptors: does not hear TERM" >&2 && return 1; }
  wait "$pid" || status=$?
  { [ "$status" -eq 0 ] || [ "$status" -eq "$told" ] || { [ "$status" -eq 2 ] && grep -q "^$1: error: " background.err; }; } &&
    [ -z "$(find . -name '*.sock*' -o -name '*.tmp*' -o -name '.*.*')" ] || {
    echo "$n descriptors: status $status, stderr: $(cat background.err), left: $(ls -A)" >&2
    return 1
  }
}

# for_each_limit READY COMMAND...: with 4 to 40 descriptors. It has been seen to refuse and to run.
for_each_limit() {
  local n refused=0 ran=0
  for n in {4..40}; do
    runs_or_says_why "$n" "$@" || return 1
    if grep -q ': error: ' background.err; then refused=$((refused + 1)); else ran=$((ran + 1)); fi
  done
  [ "$ran" -gt 0 ] && [ "$refused" -gt 0 ]
}

@test "with few descriptors a cache says so or serves, and hears that it is to end" {
  echo '{"user":"a","sum":1.00,"count":1}' >stats.jsonl
  for_each_limit 'listening on' paystats-cache -v --socket stats.sock --hold stats.jsonl
}

@test "with few descriptors a server says so or serves, and hears that it is to end" {
  for_each_limit 'listening on' paystats-serve --stats none --listen localhost:0
  for_each_limit 'listening on' paystats-serve --stats none --listen localhost:0 -o payments.jsonl
}

@test "with few descriptors payagg and paygen say so or do their work" {
  paygen --random 10 --users 3 >payments.jsonl
  for_each_limit never payagg payments.jsonl -o totals.jsonl --metrics m.prom --rejects bad.jsonl
  for_each_limit never paygen --random 10 --users 3 -o made.jsonl
}

# of_a_topic LIMITS BROKER COMMAND...: with so many descriptors and nobody at BROKER it refuses, and says
# that it is for want of descriptors, or waits for the broker, and says why. Each takes a second or more.
of_a_topic() {
  local limits=$1 broker=$2 n refused=0
  shift 2
  for n in $limits; do
    runs_or_says_why "$n" "no broker at $broker answers ($broker/bootstrap: Connect to " "$@" || return 1
    ! grep -q ': error: ' background.err || {
      grep -qi 'too many open files' background.err || { cat background.err >&2 && return 1; }
      ! grep -q 'no broker at' background.err || { cat background.err >&2 && return 1; }
      refused=$((refused + 1))
    }
  done
  [ "$refused" -gt 0 ]
}

@test "with few descriptors a topic's broker that cannot be asked is no broker that is away" {
  local broker=127.0.0.1:1
  of_a_topic "$(seq 4 12)" $broker payagg -b $broker kafka:p -o kafka:s
  of_a_topic "6 7 8 9" $broker paygen -b $broker --random 10 -o kafka:p
  of_a_topic "6 7 8 9" $broker paystats-cache -b $broker --socket stats.sock kafka:s
  of_a_topic "6 7 8 9" $broker paystats-serve -b $broker --stats none --listen 127.0.0.1:0 -o kafka:p
  # A name is looked up before.
  of_a_topic "$(seq 5 10)" localhost:1 payagg -b localhost:1 kafka:p -o kafka:s
}

# ---- While it serves: no descriptor is free for a client that comes

# clients COUNT HOW: a program that opens as many connections to ADDRESS (a path or a port), says
# "open" in clients.out, and keeps them until it is killed. Sets `clients`.
clients() {
  python3 - "$@" >clients.out 3>&- <<'END' &
import signal, socket, sys
address = sys.argv[2]
kept = []
for _ in range(int(sys.argv[1])):
    if address.isdigit():
        kept.append(socket.create_connection(("127.0.0.1", int(address))))
        kept[-1].sendall(b"GET / HTTP/1.1\r\n")  # does not idle, so nobody takes its place
    else:
        kept.append(socket.socket(socket.AF_UNIX))
        kept[-1].connect(address)
print("open", flush=True)
signal.pause()
END
  clients=$!
  started+=("$clients")
  wait_for 'grep -q open clients.out'
}

# late_client ADDRESS: a program that is served, and on USR1 (when no descriptor is free) comes once
# more, and asks. When it is sure that the server has seen it come and does not answer, it says "waits"
# in late.out; and once it is answered, "served at last". Sets `late`.
late_client() {
  python3 - "$1" >late.out 2>late.err 3>&- <<'END' &
import select, signal, socket, sys
address = sys.argv[1]
http = address.isdigit()
question = f"GET /healthz HTTP/1.1\r\nHost: localhost:{address}\r\n\r\n" if http else '{"limit":1}\n'
good = "HTTP/1.1 200 " if http else '"users":0'

def connect():
    client = socket.socket(socket.AF_INET if http else socket.AF_UNIX)
    client.settimeout(120)
    client.connect(("127.0.0.1", int(address)) if http else address)
    return client

def answer(client):
    said = client.recv(1 << 16).decode()
    assert good in said, said
    return said

def ask(client):
    client.sendall(question.encode())
    return answer(client)

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
served = [connect() for _ in range(3)]
for client in served:
    ask(client)
print("served", flush=True)
signal.sigwait([signal.SIGUSR1])
late = connect()
late.sendall(question.encode())
if http:
    # Each time that it finds none, one of those who idle has to go.
    while served:
        ready = select.select([late, *served], [], [], 120)[0]
        assert ready, "nobody had to go"
        for client in ready:
            assert client is not late, answer(late)
            if not client.recv(1 << 16):
                served.remove(client)
else:
    for _ in range(20):
        ask(served[0])
assert not select.select([late], [], [], 0)[0], answer(late)
print("waits", flush=True)
answer(late)
print("served at last", flush=True)
END
  late=$!
  started+=("$late")
  late_says served
}

# late_says WORDS
late_says() {
  local words=$1
  wait_for 'grep -qF -- "$words" late.out || ! kill -0 "$late" 2>/dev/null'
  grep -qF -- "$words" late.out || {
    cat late.out late.err >&2
    return 1
  }
}

@test "a cache without a free descriptor serves again when one is free, and hears TERM meanwhile" {
  mkfifo background.in
  with_descriptors 24 paystats-cache -v --socket stats.sock
  exec 9>background.in
  wait_for 'grep -q "listening on" background.err'
  late_client stats.sock
  prlimit --pid "$pid" --nofile="$(ls /proc/"$pid"/fd | wc -l)":24
  clients 3 stats.sock
  kill -USR1 "$late"
  late_says waits
  prlimit --pid "$pid" --nofile=24:24
  late_says 'served at last'
  paystats-cache --connect stats.sock --top 1
  prlimit --pid "$pid" --nofile="$(ls /proc/"$pid"/fd | wc -l)":24
  kill "$pid"
  exec 9>&-
  ended_with 0
}

@test "a server without a free descriptor serves again when one is free, and hears TERM meanwhile" {
  local port
  with_descriptors 24 paystats-serve --stats none --listen localhost:0
  wait_for 'grep -q "listening on" background.err'
  port=$(sed -n 's|.*listening on .*:\([0-9]*\)/$|\1|p' background.err)
  late_client "$port"
  prlimit --pid "$pid" --nofile=4:24
  clients 3 "$port"
  kill -USR1 "$late"
  late_says waits
  prlimit --pid "$pid" --nofile=24:24
  late_says 'served at last'
  [ "$(curl -s --max-time 120 -o page -w '%{http_code}' "localhost:$port/healthz")" = 200 ]
  prlimit --pid "$pid" --nofile=4:24
  clients 3 "$port"
  kill "$pid"
  ended_with 0
}
