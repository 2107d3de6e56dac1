# Kafka 3.8.1, the oldest broker that is tested: exactness, and SCRAM, which librdkafka before 2.6.1
# does not manage with later brokers (it repeats a nonce that those refuse).

load ../tools/helpers
load helpers

setup_file() { kafka_up --version 3.8.1 --tls; }

setup() {
  name_topics
  topics_for 3
}

merged() { consume "$stats" | payagg --merge; }

@test "killed while it reads, payagg ends with exact totals" {
  for seed in 1 2 3; do
    paygen -q -o "kafka:$payments" --random 30000 --users 2000 --seed "$seed"
    in_background payagg -q "kafka:$payments" -o "kafka:$stats" --max-records 1000 --metrics prom
    wait_for 'grep -q "^payagg_triggers_total [1-9]" prom 2>/dev/null'
    kill -9 "$pid"
    rm prom
  done
  timeout 240 payagg -q "kafka:$payments" -o "kafka:$stats" --available-now
  consume "$payments" | payagg >expected
  merged | cmp - expected
}

@test "a batch is one transaction, and SASL/SCRAM opens the door" {
  unset KAFKA_BROKERS
  paygen -q -F "$KAFKA_DIR/sasl.properties" -o "kafka:$payments" --atomic --user edgar --amount 1.25 --volume 1000
  timeout 240 payagg -q -F "$KAFKA_DIR/sasl.properties" "kafka:$payments" -o "kafka:$stats" --available-now
  [ "$(merged)" = '{"user":"edgar","sum":1250.00,"count":1000}' ]
}
