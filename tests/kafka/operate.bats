# What docs/operate.md shows of Kafka, typed as it stands there; the rest is in tests/tools/operate.bats.

load ../tools/helpers
load helpers

# kafka_script NAME TOOL: Kafka's own script of that name, for the broker of the tests.
kafka_script() {
  mkdir -p bin
  cat >"bin/$1.sh" <<END
#!/usr/bin/env bash
[ "\$1" = --bootstrap-server ] && shift 2
exec "$KAFKA_TOOL" admin --dir "$KAFKA_DIR" $2 "\$@"
END
  chmod +x "bin/$1.sh"
  PATH=$PWD/bin:$PATH
}

# typed TITLE [OLD=NEW...]: the section, with topics of this test's own.
typed() {
  "$PROJECT/tests/tools/typed.py" "$PROJECT/docs/operate.md" "$@" "(kafka:|-t |[Tt]opic |size )payments\b=\1$payments" \
    "(payment-(requests|answers))=\1-${payments#payments-}" "payment-stats=$stats" 3>&-
}

@test "payments move from a log to a topic and back, with the same totals" {
  kafka_script kafka-topics topics
  typed 'Between files and Kafka'
}

@test "what a payment, a total and a key take in a topic" {
  kafka_script kafka-log-dirs "org.apache.kafka.tools.LogDirsCommand --bootstrap-server $KAFKA"
  port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
  typed 'Bytes in a topic' "(kafka:|size )posted\b=\1posted-${payments#payments-}" "\b8080=$port"
}
