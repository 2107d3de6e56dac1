# Beside Java's own clients: the same partitions for the same keys, and topics that they can read.

load ../tools/helpers
load helpers

setup() {
  paystats_setup
  [ -n "$KAFKA_DIR" ] || skip "Java's tools need the folder of scripts/kafka, and only an address is given"
}

@test "Java's default partitioner and ours put a thousand keys on the same partitions" {
  ours=$(unique ours) theirs=$(unique theirs)
  topic "$ours" 12
  topic "$theirs" 12
  paygen --random 3000 --users 1000 --skew 0 --seed 1 >lines
  for name in 'zoë' '日本' 'a"b' 'x\\y'; do printf '{"user":"%s","paymentAmt":1}\n' "${name//\"/\\\"}"; done >>lines
  paygen lines -o "kafka:$ours"
  keyed <lines | broker admin console-producer --topic "$theirs" \
    --property parse.key=true --property 'key.separator=	' >/dev/null
  consume "$ours" -f '%p\t%k\n' | sort -u >by_us
  consume "$theirs" -f '%p\t%k\n' | sort -u >by_java
  [ "$(wc -l <by_us)" -ge 950 ]
  cmp by_us by_java
}

@test "Java's console consumer reads payments and stats, keys and all" {
  payments=$(unique payments) stats=$(unique stats)
  topic "$payments" 2
  topic "$stats" 2 cleanup.policy=compact
  paygen --random 2000 --users 50 --seed 1 -o "kafka:$payments" --expect expected
  timeout 240 payagg -q "kafka:$payments" -o "kafka:$stats" --available-now
  java_reads() {
    broker admin console-consumer --topic "$1" --from-beginning \
      --isolation-level read_committed --max-messages "$2" --timeout-ms 20000 \
      --property print.key=true --property 'key.separator=	' 2>/dev/null
  }
  java_reads "$payments" 2000 | sort >paid
  consume "$payments" -f '%k\t%s\n' | sort | cmp - paid
  java_reads "$stats" "$(consume "$stats" | wc -l)" | cut -f 2 | payagg --merge | cmp - expected
}
