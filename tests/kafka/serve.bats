# paystats-serve to a topic: what is acknowledged is in it, each POST as a whole, and none of what was
# refused. What happens while a broker is away is in away.bats.

load ../tools/helpers
load helpers
load posting

@test "a POST is answered once its payments are committed, keyed by user" {
  topic "$payments" 3
  serve -o "kafka:$payments"
  grep -qF "an acknowledged payment has been committed to kafka:$payments" serve.err
  [ "$(submit '[{"user":"edgar","paymentAmt":1.0,"volume":7},{"user":"zo\u00eb","paymentAmt":"2.5"}]')" = 200 ]
  [ "$(cat submit.out)" = '{"accepted":8}' ]
  [ "$(consume "$payments" -f '%k %s\n' | sort | uniq -c | sed 's/^ *//')" = '7 edgar {"user":"edgar","paymentAmt":1.0}
1 zoë {"user":"zoë","paymentAmt":2.5}' ]
}

@test "a POST with one bad payment leaves nothing in the topic" {
  topic "$payments" 1
  serve -o "kafka:$payments"
  [ "$(submit '[{"user":"edgar","paymentAmt":1},{"user":"ada","paymentAmt":"x"}]')" = 422 ]
  [ "$(submit '{"user":"ada","paymentAmt":2}')" = 200 ]
  [ "$(consume "$payments")" = '{"user":"ada","paymentAmt":2}' ]
}

@test "a POST that the broker refuses is undone, and the very next one goes well" {
  topic "$payments" 1 max.message.bytes=300
  serve -o "kafka:$payments"
  for user in a b c; do
    [ "$(submit "{\"user\":\"$(printf 'x%.0s' {1..500})\",\"paymentAmt\":1}")" = 507 ]
    [ "$(submit "{\"user\":\"$user\",\"paymentAmt\":1}")" = 200 ]
  done
  [ "$(consume "$payments" -f '%k ')" = 'a b c ' ]
}

@test "a POST larger than the queue of messages is one transaction" {
  topic "$payments" 1
  serve -o "kafka:$payments" --volume-max 1000000
  [ "$(submit '{"user":"edgar","paymentAmt":0.01,"volume":300000}')" = 200 ]
  [ "$(end_offsets "$payments")" = "0 300001" ]
}

@test "many clients share transactions: each POST is there as a whole, once, and there are far fewer commits" {
  topic "$payments" 1
  serve -o "kafka:$payments"
  post_from 32
  wait_for '[ "$(grep -c " 200 " told)" -ge 1000 ]'
  stop_posting
  told_the_truth "$payments"
  run -1 grep -v ' 200 ' told
  posts=$(wc -l <told)
  commits=$(($(end_offsets "$payments" | cut -d ' ' -f 2) - posts * 3))
  [ "$commits" -lt $((posts / 4)) ] || { echo "$commits commits for $posts posts" >&2; return 1; }
}

@test "kill -9 while many clients post: acknowledged is there, each POST is whole or absent, and the next server is not held up" {
  topic "$payments" 3
  for round in 1 2 3; do
    serve -o "kafka:$payments"
    post_from 16
    wait_for '[ "$(grep -c " 200 " told)" -ge 50 ]'
    kill -KILL "$serve_pid"
    ended_with 137
    stop_posting
    mv told "told.$round"
  done
  serve -o "kafka:$payments"
  submit '{"user":"last","paymentAmt":1.5,"volume":3}' >status 3>&- &
  within 7 '[ -s status ]'  # the transaction's own time-out is 10 s
  [ "$(cat status)" = 200 ]
  told_the_truth "$payments" told.1 told.2 told.3
}

@test "a stopped server is done with what was in flight, at once" {
  topic "$payments" 2
  serve -o "kafka:$payments"
  post_from 16
  wait_for '[ "$(grep -c " 200 " told)" -ge 50 ]'
  kill -TERM "$serve_pid"
  pid=$serve_pid
  ended_with 0 5
  stop_posting
  told_the_truth "$payments"
  run -1 grep -v -e ' 200 ' -e ' 0 ' -e 'stopping' told
}

@test "two servers of one topic on one host do not fence each other; two of one name do, with a message" {
  topic "$payments" 2
  serve -o "kafka:$payments"
  serve -o "kafka:$payments"
  for _ in 1 2 3; do [ "$(submit '{"user":"edgar","paymentAmt":1}')" = 200 ]; done
  other=$url
  serve -o "kafka:$payments" --instance one
  first=$serve_pid first_url=$url
  mv serve.err first.err
  serve -o "kafka:$payments" --instance one
  [ "$(submit '{"user":"edgar","paymentAmt":1}')" = 200 ]
  url=$first_url
  [ "$(submit '{"user":"edgar","paymentAmt":1}')" = 503 ]
  pid=$first
  ended_with 2
  grep -qF "another process has taken over the transactional id paystats-serve.$payments.one" first.err
  url=$other
  [ "$(submit '{"user":"edgar","paymentAmt":1}')" = 200 ]
}

@test "a topic that does not exist is said before the first client comes; --create-topics makes it" {
  refuses "--create-topics makes it" paystats-serve --stats stats.sock --listen localhost:0 -o "kafka:$payments"
  serve -o "kafka:$payments" --create-topics --requests "$(unique requests)" --answers "$(unique answers)"
  [ "$(submit '{"user":"edgar","paymentAmt":1}')" = 200 ]
  [ "$(consume "$payments")" = '{"user":"edgar","paymentAmt":1}' ]
}
