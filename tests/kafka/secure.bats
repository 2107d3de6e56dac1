# TLS and SASL by librdkafka's own properties, on every tool.

load ../tools/helpers
load helpers

setup_file() {
  # The broker that ctest shares has these listeners as well.
  if [ -n "${PAYSTATS_KAFKA_DIR:-}" ]; then kafka_up; else kafka_up --tls; fi
}

setup() {
  paystats_setup
  payments=$(unique payments)
  stats=$(unique stats)
  topic "$payments" 2
  topic "$stats" 2 cleanup.policy=compact
}

# chain PROPERTY-FILE: a workload through all three readers and writers of topics, by that listener.
chain() {
  # The address is in the file: the environment's must not be in its way.
  unset KAFKA_BROKERS
  paygen -q -F "$1" -o "kafka:$payments" --random 2000 --users 50 --seed 1 --expect expected
  timeout 240 payagg -q -F "$1" "kafka:$payments" -o "kafka:$stats" --available-now
  timeout 240 payagg -q -F "$1" --merge "kafka:$stats" --available-now | cmp - expected
  timeout 240 paystats-cache -q -F "$1" "kafka:$stats" --top 50 | cmp - expected
}

@test "TLS" {
  chain "$KAFKA_DIR/tls.properties"
}

@test "TLS with SASL/PLAIN" {
  chain "$KAFKA_DIR/sasl-plain.properties"
}

@test "a certificate that nobody vouches for is refused, and the reason is told" {
  grep -v '^ssl.ca' "$KAFKA_DIR/tls.properties" >unknown.properties
  unset KAFKA_BROKERS
  refuses 'no broker at' timeout 240 payagg -F unknown.properties "kafka:$payments" -o "kafka:$stats" --broker-timeout 2s
}

@test "a wrong password is refused" {
  sed 's/^\(sasl.password\) *=.*/\1=wrong/' "$KAFKA_DIR/sasl-plain.properties" >wrong.properties
  unset KAFKA_BROKERS
  refuses 'no broker at' timeout 240 paygen -F wrong.properties -o "kafka:$payments" --user a --amount 1 --broker-timeout 2s
}
