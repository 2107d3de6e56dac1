# Idempotency keys on topics: a request that is sent again is paid once, whichever server it is sent
# to and whoever is killed meanwhile; and topics that keys would not be safe in are refused. What
# becomes of them while a broker is away is in away.bats.

load ../tools/helpers
load ../tools/server
load ../tools/keyed
load helpers
load posting
load keyed_topics

setup() {
  paystats_setup
  keyed_setup
}

# refused_topics WORDS: a server of these topics is refused, with a message that has these words.
refused_topics() {
  refuses "$1" timeout "$PATIENCE_S" paystats-serve --stats none.sock --listen localhost:0 -o "kafka:$payments" "${pair[@]}"
}

# ends NAME WORDS: it ends with status 3, and says these words.
ends() {
  local name=${1}_pid
  pid=${!name}
  ended_with 3 || { cat "$1.err" >&2; return 1; }
  grep -qF -- "$2" "$1.err" || { cat "$1.err" >&2; return 1; }
}

# request KEY USER: as a server would send it, with the key of the message before a tab.
request() {
  printf '%s\t{"user":"%s","paymentAmt":1,"volume":2,"idempotencyKey":"%s","output":"%s"}\n' "$1" "$2" "$1" "$payments"
}

# unused_port: not of the range that outgoing connections take theirs from.
unused_port() {
  python3 -c '
import random, socket
while True:
    try:
        one = socket.socket()
        one.bind(("127.0.0.1", random.randrange(15000, 32000)))
        print(one.getsockname()[1])
        break
    except OSError:
        pass'
}

# ---- Clients

@test "a request that is sent again is paid once, and answered as the first time, by another server as well" {
  all_topics 3
  on_topics one
  on_topics two
  [ "$(post one k-1 '{"user":"edgar","paymentAmt":1.0,"volume":7}')" = 200 ]
  [ "$(cat post.out)" = '{"accepted":7}' ]
  cp post.out first.out
  for name in one two; do
    [ "$(post $name k-1 '[ {"volume":"7", "paymentAmt":"1", "user":"edgar"} ]')" = 200 ]
    cmp post.out first.out
    [ "$(post $name k-1 '{"user":"edgar","paymentAmt":1.0}')" = 422 ]
    grep -q 'problem:key-reused' post.out
    [ "$(asked $name k-1)" = 200 ]
    cmp asked.out first.out
    [ "$(asked $name k-2)" = 404 ]
    grep -q '"horizon":{"kept":"topic","instance":"[0-9a-f]*","complete":false,"memorySeconds":86400}' asked.out
  done
  [ "$(post two k-2 '{"user":"ada","paymentAmt":1}')" = 200 ]
  [ "$(asked one k-2)" = 200 ]
  [ "$(paid)" = '1 ada
7 edgar' ]
}

@test "fifty requests of one key at two servers at once: paid once, and all are told 200" {
  all_topics
  on_topics one
  on_topics two
  post_at_once 25 k '{"user":"edgar","paymentAmt":1,"volume":3}' one two
  [ "$(cat status.* | sort | uniq -c | tr -s ' ')" = ' 50 200' ]
  [ "$(paid)" = '3 edgar' ]
}

@test "a group of several batches arrives as a whole and exactly, whatever its users and amounts look like" {
  all_topics 3
  on_topics one
  cat >group <<'END'
[{"user":"zo\u00eb \"q\" \\ \t\/","paymentAmt":1e2,"volume":2},{"user":"\ud83d\ude00","paymentAmt":"0.10","volume":3},
 {"user":"日本","paymentAmt":123456789012345.123456789},{"user":"edgar","paymentAmt":5E-9,"volume":1000},
 {"user":"edgar","paymentAmt":0.1e1},{"user":7,"paymentAmt":"1.50e+1"}]
END
  [ "$(post one k @group)" = 200 ]
  [ "$(cat post.out)" = '{"accepted":1008}' ]
  [ "$(post one k @group)" = 200 ]
  payagg --available-now --output-mode final "kafka:$payments" >totals
  python3 - "$PROJECT/tests/fault" group totals <<'END'
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import log_oracle
group, totals = (open(path, "rb").read() for path in sys.argv[2:])
want = log_oracle.totals_of(log_oracle.read_line(group))
found = log_oracle.stats_totals(totals)
sys.exit(f"{found}\nin place of\n{want}" if want != found or len(want) != 5 else 0)
END
}

@test "as many keys as there may be: later ones are refused, and none is forgotten" {
  all_topics
  on_topics one --keys-max 3
  for i in 1 2 3; do [ "$(post one "k$i" '{"user":"edgar","paymentAmt":1}')" = 200 ]; done
  [ "$(post one k4 '{"user":"edgar","paymentAmt":1}')" = 503 ]
  grep -q 'problem:busy' post.out
  [ "$(post one k1 '{"user":"edgar","paymentAmt":1}')" = 200 ]
  [ "$(asked one k1)" = 200 ]
  [ "$(asked one k4)" = 404 ]
  # What another server takes is not forgotten here either.
  on_topics two
  for i in 4 5 6 7; do [ "$(post two "k$i" '{"user":"ada","paymentAmt":1}')" = 200 ]; done
  for i in 4 5 6 7; do [ "$(post one "k$i" '{"user":"ada","paymentAmt":1}')" = 200 ]; done
  [ "$(post one k1 '{"user":"edgar","paymentAmt":1}')" = 200 ]
  [ "$(paid)" = '4 ada
3 edgar' ]
}

@test "requests without a key go their own way, in between" {
  all_topics
  on_topics one
  for key in a b; do
    [ "$(curl -sS --max-time 120 -o post.out -w '%{http_code}' -H "$J" --data-binary '{"user":"plain","paymentAmt":1}' "$one_url/api/payments")" = 200 ]
    [ "$(post one $key '{"user":"keyed","paymentAmt":1}')" = 200 ]
  done
  [ "$(paid)" = '2 keyed
2 plain' ]
  [ "$(end_offsets "$requests")" = '0 2' ]
}

# ---- Crashes

@test "kill -9 of a server whose partitions are posted to at the other one: all are told 200, each is paid once" {
  all_topics 4
  on_topics one
  on_topics two
  has_some one
  has_some two
  port=${two_url##*:}
  post_from 16 a-
  wait_for '[ "$(grep -c " 200 " told)" -ge 100 ]'
  killed one
  # Two of four partitions were the dead one's, so soon all clients wait for one of them.
  before=$(grep -c ' 200 ' told)
  wait_for "[ \$(grep -c ' 200 ' told) -ge $((before + 200)) ]"
  stop_posting
  each_paid_once told
  # Which are still known to one that comes back, and to the one that was there.
  on_topics one
  all_known one told
  all_known two told
  [ -z "$(warned one two)" ] || { warned one two >&2; return 1; }
}

@test "the only server is killed, or told to end, again and again while clients post: each is paid once" {
  all_topics 2
  port=$(unused_port)
  listen=127.0.0.1:$port
  on_topics one
  post_from 8 a-
  for signal in KILL TERM KILL; do
    before=$(grep -c ' 200 ' told || true)
    wait_for "[ \$(grep -c ' 200 ' told) -ge $((before + 50)) ]"
    killed one "$signal"
    on_topics one
  done
  before=$(grep -c ' 200 ' told)
  wait_for "[ \$(grep -c ' 200 ' told) -ge $((before + 50)) ]"
  stop_posting
  each_paid_once told
  all_known one told
}

@test "the offsets of the group moved by hand: nothing is paid twice, nothing is skipped" {
  [ -n "$KAFKA_DIR" ] || skip "Java's tools need the folder of scripts/kafka, and only an address is given"
  all_topics
  on_topics one -X session.timeout.ms=1500
  for i in 1 2 3; do [ "$(post one "k$i" '{"user":"edgar","paymentAmt":1,"volume":2}')" = 200 ]; done
  user=4
  for to in --to-earliest --to-latest; do
    killed one TERM
    # One that nobody has paid yet.
    request "k$user" "u$user" | produce_keyed "$requests"
    # A member of a static name is in its group until its session is over.
    wait_for "broker admin groups --group paystats-serve.$requests --topic $requests --reset-offsets $to --execute 2>&1 |
      grep -q '$requests  *0  *[0-9]'"
    on_topics one -X session.timeout.ms=1500
    [ "$(post one "k$user" "{\"user\":\"u$user\",\"paymentAmt\":1,\"volume\":2}")" = 200 ]
    for i in 1 2 3; do [ "$(post one "k$i" '{"user":"edgar","paymentAmt":1,"volume":2}')" = 200 ]; done
    user=$((user + 1))
  done
  [ "$(paid)" = '6 edgar
2 u4
2 u5' ]
}

@test "a topic of requests that is made anew, and shorter, ends the server with what to do" {
  all_topics
  on_topics one
  for i in 1 2 3; do [ "$(post one "k$i" '{"user":"edgar","paymentAmt":1}')" = 200 ]; done
  killed one TERM
  topics delete "$requests"
  wait_for '! topics list | grep -q "^$requests "'
  topic "$requests" 1 "$SAFE"
  on_topics one
  ends one 'name a new pair of topics (--requests, --answers)'
  [ "$(paid)" = '3 edgar' ]
}

# bats test_tags=situation
@test "a topic of requests that is made anew, and shorter, while the server is suspended" {
  all_topics
  on_topics one -X session.timeout.ms=60000
  for i in 1 2 3; do [ "$(post one "k$i" '{"user":"edgar","paymentAmt":1}')" = 200 ]; done
  kill -STOP "$one_pid"
  topics delete "$requests"
  wait_for '! topics list | grep -q "^$requests "'
  topic "$requests" 1 "$SAFE"
  kill -CONT "$one_pid"
  ends one 'name a new pair of topics (--requests, --answers)'
  [ "$(paid)" = '3 edgar' ]
}

# ---- What others write

@test "two outputs that share the topics: the server that meets a request of the other ends" {
  all_topics
  on_topics one
  has_some one
  other=$(unique other)
  topic "$other" 1
  server two -v -o "kafka:$other" "${pair[@]}"
  # Whoever has the partition.
  curl -sS --max-time 120 -H "$J" -H 'Idempotency-Key: a' --data-binary '{"user":"ada","paymentAmt":1}' "$one_url/api/payments" >/dev/null 2>&1 3>&- &
  started+=("$!")
  curl -sS --max-time 120 -H "$J" -H 'Idempotency-Key: b' --data-binary '{"user":"bob","paymentAmt":1}' "$two_url/api/payments" >/dev/null 2>&1 3>&- &
  started+=("$!")
  wait_for '! kill -0 "$one_pid" 2>/dev/null || ! kill -0 "$two_pid" 2>/dev/null'
  if kill -0 "$one_pid" 2>/dev/null; then
    ends two "a request for kafka:$payments, but this server writes to kafka:$other"
  else
    ends one "a request for kafka:$other with answers in kafka:$answers, but this server writes to kafka:$payments"
  fi
  [ "$(consume "$payments" -f '%k\n' | grep -vcx ada)" = 0 ]
  [ "$(consume "$other" -f '%k\n' | grep -vcx bob)" = 0 ]
}

@test "messages that are no requests are answered with an error and warned of, and block nothing" {
  all_topics
  on_topics one
  {
    printf 'k1\tnot JSON\n'
    printf 'k2\t{"user":"edgar","paymentAmt":"much"}\n'
    printf 'k3\t{"payments":[{"user":"edgar","paymentAmt":1},{"user":"","paymentAmt":1}]}\n'
    printf 'k4\t{"payments":[]}\n'
    printf 'k5\t[]\n'
    printf 'k6\t{"user":"edgar","paymentAmt":1,"volume":1000001}\n'
    printf '\t{"user":"edgar","paymentAmt":1}\n'
    printf 'k\303\244\t{"user":"edgar","paymentAmt":1}\n'
    request k9 edgar
  } | produce_keyed "$requests"
  printf 'k10\t\n' | produce_keyed "$requests" -Z
  [ "$(post one k11 '{"user":"ada","paymentAmt":1}')" = 200 ]
  # Now with payments.
  [ "$(post one k2 '{"user":"bob","paymentAmt":1}')" = 200 ]
  [ "$(paid)" = '1 ada
1 bob
2 edgar' ]
  [ "$(consume "$answers" | grep -o '"offset":[0-9]*' | cut -d : -f 2 | tr '\n' ' ')" = '0 1 2 3 4 5 6 7 8 9 10 11 ' ]
  [ "$(consume "$answers" | grep -c '"error":"')" -eq 9 ]
  [ "$(grep -c "warning: .*kafka:$requests: partition 0, offset [0-9]*: .*: it is not paid" one.err)" -eq 9 ]
  # And none of this hinders a start.
  killed one TERM
  on_topics one
  [ "$(post one k11 '{"user":"ada","paymentAmt":1}')" = 200 ]
  [ "$(post one k12 '{"user":"ada","paymentAmt":1}')" = 200 ]
}

@test "what the output refuses is answered with an error and told to its client, and blocks nothing" {
  topic "$payments" 1 max.message.bytes=100000
  topic "$requests" 1 "$SAFE"
  topic "$answers" 1 "$SAFE"
  on_topics one
  has_some one
  for user in a b c d; do
    volume=1
    [ "$user" != b ] || volume=10000
    (
      name=of-$user
      curl -sS -o "$name.out" -w '%{http_code}' -H 'Content-Type: application/json' -H "Idempotency-Key: k-$user" \
        -d "{\"user\":\"$user\",\"paymentAmt\":1,\"volume\":$volume}" "$one_url/api/payments" >"$name.status"
    ) &
  done
  wait $(jobs -p | grep -vx "$one_pid")
  grep . of-?.status of-?.out one.err >&2 # shown where the next line fails
  [ "$(cat of-a.status of-c.status of-d.status)" = 200200200 ]
  [ "$(cat of-b.status)" = 507 ]
  [ "$(asked one k-b)" = 404 ]
  [ "$(post one k-b '{"user":"b","paymentAmt":1,"volume":2}')" = 200 ] # its key is not bound
  [ "$(paid | sort -k 2)" = '1 a
2 b
1 c
1 d' ]
  consume "$answers" | grep -c '"error":"kafka:[^"]* refuses it: ' | grep -qx 1
  grep -q 'warning: kafka:.*refuses it: .*it is not paid' one.err
}

@test "a request that the topic of requests has no room for is refused with 413" {
  topic "$payments" 1
  topic "$requests" 1 "$SAFE,max.message.bytes=20000"
  topic "$answers" 1 "$SAFE"
  on_topics one
  big=$(head -c 19500 /dev/zero | tr '\0' ' ')
  many=$(for i in $(seq 700); do printf ',{"user":"u%d","paymentAmt":1}' "$i"; done)
  [ "$(post one k-1 "[${many#,}]")" = 413 ]
  grep -q 'bytes' post.out
  [ "$(post one k-1 "{\"user\":\"a\",$big\"paymentAmt\":1}")" = 200 ] # white space is not sent on
}

@test "an answer that is none ends the server that would go on by it" {
  all_topics
  echo 'k	{"idempotencyKey":"other","offset":1}' | produce_keyed "$answers"
  on_topics one
  ends one "kafka:$answers: partition 0, offset 0: not an answer"
}

# ---- The topics

@test "without the two topics this is said, a request with a key is refused, and others are taken" {
  topic "$payments" 1
  topic "$requests" 1 "$SAFE"
  refused_topics "kafka:$answers: there is no such topic; --create-topics makes it"
  # Of the default names as well, where nobody has made them.
  if topics list | grep -q '^payment-requests '; then skip 'somebody has made payment-requests'; fi
  server one -o "kafka:$payments"
  grep -qF 'kafka:payment-requests: there is no such topic, so requests with an idempotency key are refused' one.err
  [ "$(post one k '{"user":"edgar","paymentAmt":1}')" = 501 ]
  grep -q 'problem:keys-not-kept' post.out
  [ "$(asked one k)" = 501 ]
  [ "$(curl -sS --max-time 120 -o post.out -w '%{http_code}' -H "$J" --data-binary '{"user":"ada","paymentAmt":1}' "$one_url/api/payments")" = 200 ]
  [ "$(paid)" = '1 ada' ]
}

@test "--create-topics makes them as they have to be" {
  topic "$payments" 3
  on_topics one --create-topics
  [ "$(topics list | grep -e "^$requests " -e "^$answers " | sort)" = "$answers 3
$requests 3" ]
  [ "$(post one k '{"user":"edgar","paymentAmt":1}')" = 200 ]
  # They are checked by one that makes nothing.
  on_topics two
  [ "$(post two k '{"user":"edgar","paymentAmt":1}')" = 200 ]
  # For a longer memory they would be too short.
  refuses 'retention.ms is 172800000' paystats-serve --stats none.sock --listen localhost:0 -o "kafka:$payments" \
    "${pair[@]}" --idempotency-memory 25h
  [ "$(paid)" = '1 edgar' ]
}

# do_as_told: the command that a server was refused with, as it stands there; `broker admin` puts the address
# of the cluster in by itself.
do_as_told() {
  read -ra words < <(sed -n "s/.*kafka-configs.sh --bootstrap-server $KAFKA //p" refused.err)
  [ "${#words[@]}" -ge 5 ]
  broker admin configs "${words[@]}"
}

@test "topics in which keys would not be safe are refused, and the command in the message mends them" {
  [ -n "$KAFKA_DIR" ] || skip "Java's tools need the folder of scripts/kafka, and only an address is given"
  topic "$payments" 1
  topic "$requests" 1 "$SAFE"
  # With every fault that there is, and within a retention of the default.
  topic "$answers" 1 cleanup.policy=compact,retention.ms=172799999,retention.bytes=1000000
  refused_topics 'cleanup.policy is compact'
  for words in 'message.timestamp.type is CreateTime' 'retention.ms is 172799999' 'retention.bytes is 1000000'; do
    grep -qF "$words" refused.err
  done
  do_as_told
  # Now they are right, each by itself, but not together: the requests are kept for ever.
  refused_topics 'a request that is there for longer than its answer could be paid again'
  do_as_told
  on_topics one
  [ "$(post one k '{"user":"edgar","paymentAmt":1}')" = 200 ]
}

@test "each setting that makes keys unsafe is refused by itself, in either topic" {
  topic "$payments" 1
  for bad in cleanup.policy=compact message.timestamp.type=CreateTime retention.ms=1000 retention.bytes=1; do
    bad_topic=$(unique bad)
    topic "$bad_topic" 1 "$(sed "s/${bad%%=*}=[^,]*/$bad/" <<<"$SAFE")"
    good_topic=$(unique good)
    topic "$good_topic" 1 "$SAFE"
    pair=(--requests "$bad_topic" --answers "$good_topic")
    refused_topics "kafka:$bad_topic: ${bad%%=*} is ${bad#*=}"
    pair=(--requests "$good_topic" --answers "$bad_topic")
    refused_topics "kafka:$bad_topic: ${bad%%=*} is ${bad#*=}"
  done
  topic "$requests" 2 "$SAFE"
  topic "$answers" 3 "$SAFE"
  pair=(--requests "$requests" --answers "$answers")
  refused_topics "kafka:$requests has 2 partitions and kafka:$answers has 3"
}

@test "one topic in the place of two is refused" {
  all_topics
  pair=(--requests "$requests" --answers "$requests")
  refused_topics 'need a topic each'
  pair=(--requests "$payments" --answers "$answers")
  refused_topics 'need a topic each'
  pair=(--requests "$requests" --answers "$payments")
  refused_topics 'need a topic each'
}

@test "a topic of answers that is made anew: what was paid is not paid again, and a repeat would be, which is said" {
  all_topics
  on_topics one
  for key in a b c; do [ "$(post one $key '{"user":"edgar","paymentAmt":1}')" = 200 ]; done
  killed one TERM
  topics delete "$answers"
  wait_for '! topics list | grep -q "^$answers "'
  topic "$answers" 1 "$SAFE"
  on_topics one
  [ "$(post one d '{"user":"edgar","paymentAmt":1}')" = 200 ]
  grep -qF "warning: kafka:$answers: partition 0 has no answers, though requests up to offset 2 have been paid" one.err
  [ "$(paid)" = '4 edgar' ]
}

@test "a key whose request is sent again many times is one key to a server that starts" {
  all_topics
  on_topics one
  on_topics two
  # Each is a message of its own, and has an answer.
  post_at_once 20 k '{"user":"edgar","paymentAmt":1}' one two
  on_topics three
  [ "$(post three k '{"user":"edgar","paymentAmt":1}')" = 200 ]
  curl -sS "$three_url/metrics" | grep -x 'paystats_serve_idempotency_keys 1'
}
