# What a broker refuses for good: rights that are missing or taken away, sizes, settings of a topic.
# It is said once, with the name of what is missing, and ends the tool with status 2.

load ../tools/helpers
load ../tools/server
load posting
load helpers

# The listener without a password is of somebody who may do all, that with one of User:paystats.
setup_file() {
  kafka_up --own --tls --set authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer \
    --set 'super.users=User:ANONYMOUS'
}

setup() {
  name_topics
  properties=$KAFKA_DIR/sasl-plain.properties
}

# grant OPERATION RESOURCE-OPTION...: grant Read --topic t; `deny` takes it back.
grant() { broker admin acls --add --allow-principal User:paystats --operation "$@" >/dev/null; }
deny() { broker admin acls --remove --force --allow-principal User:paystats --operation "$@" >/dev/null; }

# as_user TOOL ARG...: with the rights of User:paystats. Nothing of this waits.
as_user() { env -u KAFKA_BROKERS timeout 60 "$1" -F "$properties" "${@:2}"; }

# topics_for_payagg: both, and the rights that payagg needs from one to the other.
topics_for_payagg() {
  topic "$payments" 1
  topic "$stats" 1 cleanup.policy=compact
  grant Read --topic "$payments" --topic "$stats" --group "$stats"
  grant Write --topic "$stats"
  grant Write --transactional-id "$stats" --resource-pattern-type prefixed
}

aggregate() { as_user payagg -q "kafka:$payments" -o "kafka:$stats" --group "$stats" "$@"; }

pay() { paygen -q -o "kafka:$payments" --random 100 --users 10 --seed 1; }

# bats test_tags=situation
@test "payagg without Write on its output says so and ends, once or at least" {
  topics_for_payagg
  pay
  deny Write --topic "$stats"
  refuses "not authorized: Write on topic $stats" aggregate
  # A producer that sends each message once needs to write to something.
  refuses "not authorized: Write on any topic" aggregate --guarantee at-least-once
  grant Write --topic "$payments"
  refuses "not authorized: Write on topic $stats" aggregate --guarantee at-least-once
}

@test "payagg without Read on its group says so and ends" {
  topics_for_payagg
  pay
  deny Read --group "$stats"
  refuses "not authorized: Read on group $stats" aggregate
}

# bats test_tags=situation
@test "payagg without its transactional id, or its input, says so and ends" {
  topics_for_payagg
  pay
  deny Write --transactional-id "$stats" --resource-pattern-type prefixed
  refuses "not authorized: Write on transactional id $stats." aggregate
  grant Write --transactional-id "$stats" --resource-pattern-type prefixed
  deny Read --topic "$payments"
  refuses "kafka:$payments: not authorized:" aggregate
}

# taken_away OPERATION RESOURCE-OPTION...: the right is taken from a payagg at work, which ends.
taken_away() {
  pay
  in_background env -u KAFKA_BROKERS payagg -q -F "$properties" "kafka:$payments" -o "kafka:$stats" --group "$stats" \
    --metrics prom
  wait_for 'grep -q "^payagg_records_read_total [1-9]" prom && grep -qx "payagg_lag_records 0" prom'
  deny "$@"
  pay
  ended_with 2
  rm prom
}

# bats test_tags=situation
@test "rights that are taken away while payagg is at work end it" {
  topics_for_payagg
  taken_away Write --topic "$stats"
  grep -q "not authorized: Write on topic $stats" background.err
  grant Write --topic "$stats"
  taken_away Read --group "$stats"
  grep -q "not authorized: Read on group $stats" background.err
  grant Read --group "$stats"
  # All that was refused is published by the next.
  aggregate --available-now
  consume "$payments" | payagg >expected
  consume "$stats" | payagg --merge | cmp - expected
}

# bats test_tags=situation
@test "a topic that takes no message of that size ends payagg and paygen" {
  topics_for_payagg
  pay
  broker admin configs --alter --entity-type topics --entity-name "$stats" --add-config max.message.bytes=20 >/dev/null
  refuses "a message is larger than is allowed" aggregate
  grant Write --topic "$payments"
  broker admin configs --alter --entity-type topics --entity-name "$payments" --add-config max.message.bytes=20 >/dev/null
  refuses "a message is larger than is allowed" as_user paygen -o "kafka:$payments" --user a --amount 1
}

# bats test_tags=situation
@test "paygen without Write says so and ends, whole batches or not" {
  topic "$payments" 1
  refuses "not authorized: Describe (Read and Write include it)" as_user paygen -o "kafka:$payments" --user a --amount 1
  grant Read --topic "$payments"
  refuses "not authorized: Write on topic $payments" as_user paygen -o "kafka:$payments" --user a --amount 1
  grant Write --transactional-id "paygen.$payments" --resource-pattern-type prefixed
  refuses "not authorized: Write on topic $payments" as_user paygen -o "kafka:$payments" --user a --amount 1 --atomic
}

@test "paystats-cache without Read says so and ends" {
  topic "$stats" 1 cleanup.policy=compact
  grant Describe --topic "$stats"
  printf 'a\t{"user":"a","sum":1.00,"count":1}\n' | produce_keyed "$stats"
  refuses "not authorized: Read on topic $stats" as_user paystats-cache "kafka:$stats" --top 3
}

# bats test_tags=situation
@test "serve without Write refuses posts and is not ready, and both end when it is given" {
  topic "$payments" 1
  topic "$stats" 1 cleanup.policy=compact
  grant Describe --topic "$payments" --topic payment-requests --topic payment-answers
  grant Write --transactional-id paystats-serve --resource-pattern-type prefixed
  unset KAFKA_BROKERS
  in_background paystats-cache -b "$KAFKA" "kafka:$stats" --socket stats.sock
  serve -F "$properties" -o "kafka:$payments"
  ready() { curl -sS --max-time 60 -o ready.out -w '%{http_code}' "$url/readyz"; }
  wait_for '[ "$(ready)" = 200 ]'
  [ "$(submit '{"user":"a","paymentAmt":1}')" = 507 ]
  grep -q 'problem:not-stored' submit.out
  wait_for "grep -q 'not authorized: Write on topic $payments' serve.err"
  [ "$(ready)" = 503 ]
  # Looked at again and again, it stays so.
  run -124 timeout 4 bash -c "until [ \"\$(curl -sS -o /dev/null -w '%{http_code}' '$url/readyz')\" = 200 ]; do sleep 0.1; done"
  grant Write --topic "$payments"
  wait_for '[ "$(ready)" = 200 ]'
  [ "$(submit '{"user":"a","paymentAmt":1}')" = 200 ]
  [ "$(consume "$payments" -b "$KAFKA" | wc -l)" -eq 1 ]
}
