# For tests of idempotency keys on topics: servers of one set of topics, and whether all was paid once.
# After helpers of both folders, ../tools/server and ../tools/keyed.

# keyed_setup: names of the three topics, and `pair`, the options that say two of them.
keyed_setup() {
  payments=$(unique payments)
  requests=$(unique requests)
  answers=$(unique answers)
  pair=(--requests "$requests" --answers "$answers")
}

SAFE=cleanup.policy=delete,message.timestamp.type=LogAppendTime,retention.ms=-1,retention.bytes=-1

# all_topics [PARTITIONS]
all_topics() {
  topic "$payments" "${1:-1}"
  topic "$requests" "${1:-1}" "$SAFE"
  topic "$answers" "${1:-1}" "$SAFE"
}

# on_topics NAME WORDS...: a server of these topics.
on_topics() { server "$1" -v -o "kafka:$payments" "${pair[@]}" "${@:2}"; }

# killed NAME [SIGNAL]: it has ended by then; with another signal than KILL, well.
killed() {
  local name=${1}_pid
  pid=${!name}
  kill "-${2:-KILL}" "$pid"
  if [ "${2:-KILL}" = KILL ]; then ended_with 137; else ended_with 0; fi
}

# paid: lines "COUNT USER" of the topic of payments.
paid() { consume "$payments" -f '%k\n' | sort | uniq -c | sed 's/^ *//'; }

# has_some NAME: the server has been given partitions.
has_some() { wait_for "grep -q 'partition [0-9]* from offset' $1.err"; }

# each_paid_once TOLD...: of each POST its three payments are there, once, and there are no others. (Who
# posts with a key goes on until it is told 200.)
each_paid_once() {
  cut -d ' ' -f 1 "$@" | sort -u | sed 's/^/3 /' >paid.want
  [ -s paid.want ]
  paid | sort -k 2 | diff paid.want - | head -n 10 >paid.odd
  [ ! -s paid.odd ] || { cat paid.odd >&2; return 1; }
}

# all_known NAME TOLD...: this server answers each of these keys as it was answered.
all_known() {
  local address=${1}_url
  shift
  cut -d ' ' -f 1 "$@" | sort -u >known
  sed "s|.*|url = ${!address}/api/payments/&\noutput = /dev/null|" known >known.curl
  curl -sS --max-time 120 -w '%{http_code}\n' --config known.curl | sort | uniq -c | tr -s ' ' >known.statuses
  [ "$(cat known.statuses)" = " $(wc -l <known) 200" ] || { cat known.statuses >&2; return 1; }
}

# warned NAME...: what these servers have warned of, but for what each here says at its start.
warned() {
  local name
  for name in "$@"; do
    grep -e '^paystats-serve: warning:' -e '^paystats-serve: error:' "$name.err" | grep -v -e 'no page is installed' -e 'no cache answers' || true
  done
}
