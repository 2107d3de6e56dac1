# For tests of paystats-serve on a topic: servers, clients, and whether those were told the truth.

# serve WORDS...: sets `url`, `port` and `serve_pid`; its stderr is in serve.err, which may be moved.
serve() {
  # A shell has its background jobs ignore SIGINT.
  rm -f serve.err
  env --default-signal=INT paystats-serve --stats stats.sock --listen localhost:0 "$@" \
    </dev/null >/dev/null 2>serve.err 3>&- &
  serve_pid=$! pid=$!
  started+=("$pid")
  wait_for 'grep -qs "listening on" serve.err' || { cat serve.err >&2; return 1; }
  url=$(sed -n 's/.*listening on \(.*\)\/$/\1/p' serve.err)
  port=${url##*:}
}

# submit JSON: prints the status; the body is in submit.out.
submit() {
  curl -sS --max-time 120 -o submit.out -w '%{http_code}' -H 'Content-Type: application/json' \
    --data-binary "$1" "$url/api/payments"
}

# waiting: so many POSTs have been read and are not answered yet.
waiting() { curl -sS --max-time 120 "$url/metrics" | sed -n 's/^paystats_serve_posts_waiting //p'; }

# post_from CLIENTS [PREFIX]: they post until stop_posting; what they were told is in `told`. With a
# PREFIX of users they post with keys, until each is answered with 200.
post_from() {
  rm -f posting
  mkfifo posting
  "$BATS_TEST_DIRNAME/poster.py" "$port" "$@" <posting >told 3>&- &
  poster_pid=$!
  started+=("$poster_pid")
  exec {posting_fd}>posting
}

stop_posting() {
  # A server that was started meanwhile has the descriptor too, so to close it is not enough.
  echo >&"$posting_fd"
  exec {posting_fd}>&-
  wait "$poster_pid"
}

# told_the_truth TOPIC [TOLD...]: each POST is in the topic as a whole, once, or not at all; an
# acknowledged one is there, a refused one is not. With several files the same POST may have been
# made in each.
told_the_truth() {
  local topic=$1
  shift
  consume "$topic" >in_topic
  python3 - in_topic "${@:-told}" <<'END'
import collections, json, sys
counts = collections.Counter(json.loads(line)["user"] for line in open(sys.argv[1]))
least, most = collections.Counter(), collections.Counter()
for path in sys.argv[2:]:
    for line in open(path):
        user, status, problem = line.split()
        open_end = status == "0" or problem == "outcome-unknown"
        least[user] += 3 if status == "200" else 0
        most[user] += 3 if status == "200" or open_end else 0
wrong = [f"{user}: {counts[user]} payments, {least[user]} to {most[user]} told"
         for user in most if counts[user] % 3 or not least[user] <= counts[user] <= most[user]]
if wrong:
    sys.exit("\n".join(wrong[:10]))
END
}
