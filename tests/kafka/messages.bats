# What other producers write: whatever they compress with, put around a payment or take for one, totals
# are exact, and what is no payment is told with its place.

load ../tools/helpers
load helpers

# aggregate [OPTION...]: payagg over what is there now.
aggregate() {
  timeout 240 payagg -q "kafka:$payments" -o "kafka:$stats" --available-now --instance one "$@"
}

# workload SEED: payments, a line each.
workload() { paygen --random 2000 --users 50 --seed "$1"; }

# taken: what is there is counted once, by this run or the next, which judges what it finds.
taken() {
  aggregate
  totals_are_exact
  pay --random 100 --users 50 --seed 99
  silent aggregate
  totals_are_exact
}

@test "compressed in each way, with headers, with keys of any kind and with none: each payment counts once" {
  topics_for 3
  local seed=0 codec
  for codec in none gzip snappy lz4 zstd; do
    seed=$((seed + 1))
    workload $seed >lines
    produce "$payments" -X "compression.codec=$codec" <lines
    keyed <lines | produce_keyed "$payments" -X "compression.codec=$codec" -H name=value -H null
    produce "$payments" -X "compression.codec=$codec" -k 'another key' <lines
  done
  [ "$(consume "$payments" | wc -l)" -eq 30000 ]
  workload 6 | python3 -c '
import json, sys
for number, line in enumerate(sys.stdin):
    print(json.dumps({"value": line.strip(), "key": (None, "", "\x00\xff\x80", "{}")[number % 4], "headers":
                      [["null", None], ["binary", "\x00\xfe\r"], ["binary", ""], ["src", "{}"]][:number % 5]}))' |
    "$BATS_TEST_DIRNAME/produce_raw.py" "$KAFKA" "$payments"
  taken
}

# bats test_tags=situation
@test "with the time of the broker, or of 1970: each payment counts once, and the last one is known again" {
  local type
  for type in LogAppendTime CreateTime; do
    payments=$(unique payments) stats=$(unique stats)
    topic "$payments" 2 "message.timestamp.type=$type"
    topic "$stats" 2 cleanup.policy=compact
    workload 1 | python3 -c '
import json, sys
for number, line in enumerate(sys.stdin):
    print(json.dumps({"value": line.strip(), "timestamp": 1 + number % 3, "partition": number % 2}))' |
      "$BATS_TEST_DIRNAME/produce_raw.py" "$KAFKA" "$payments"
    taken
  done
}

@test "what is nearly a payment is one or a reject with partition, offset and reason" {
  topic "$payments" 2
  topic "$stats" 2 cleanup.policy=compact
  cat >messages.py <<'END'
import json
PAYMENT = '{"user":"ada","paymentAmt":1.5}'
BAD = [  # value, reason
    (None, "a message without a value"),
    ("\0\0\0\0\1" + PAYMENT, "schema registry"),
    (PAYMENT + "\n" + PAYMENT, "more than one object"),
    (json.dumps(PAYMENT), "not a JSON object"),
    ("\xef\xbb\xbf" + PAYMENT, "byte order mark"),
    ('{"schema":{"type":"struct"},"payload":' + PAYMENT + "}", "user: missing"),
    ('{"user":"\xff","paymentAmt":1}', "not valid UTF-8"),
    ("[[" + PAYMENT + "]]", "[0]: not a JSON object"),
    ("[]", "a group without payments"),
    (PAYMENT[:-1], "cut short"),
    ("<payment/>", "not valid JSON"),
    ("", "not valid JSON"),
]
GOOD = [  # value, payments of 1.5 of ada
    (PAYMENT, 1),
    ('{\n  "user": "ada",\n  "paymentAmt": 1.5\n}', 1),
    (PAYMENT + "\r\n", 1),
    ("\n" + PAYMENT, 1),
    ('{"\\u0075ser":"\\u0061d\\u0061","paymentAmt":"1.5"}', 1),
    ('{"user":"ada","paymentAmt":1.5,"volume":2}', 2),
    ("[" + PAYMENT + "," + PAYMENT + "]", 2),
    ('{"payments":[' + PAYMENT + "]}", 1),
    ('{"user":"a\\u0000","paymentAmt":3}', 0),
]
END
  python3 -c '
import json
from messages import BAD, GOOD
for value, _ in [pair for pairs in zip(BAD, GOOD) for pair in pairs] + BAD[len(GOOD):] + GOOD[len(BAD):]:
    print(json.dumps({"value": value, "partition": 1}))' |
    "$BATS_TEST_DIRNAME/produce_raw.py" "$KAFKA" "$payments"
  run -1 aggregate --rejects rejects
  python3 - "$payments" <<'END'
import json, sys
from messages import BAD, GOOD
offsets = [2 * n for n in range(len(GOOD))] + list(range(2 * len(GOOD), len(GOOD) + len(BAD)))
rows = [json.loads(line) for line in open("rejects", encoding="utf-8")]
for row, (value, reason), offset in zip(rows, BAD, offsets):
    assert (row["source"], row["partition"], row["offset"]) == (sys.argv[1], 1, offset), row
    assert reason in row["error"], (row, reason)
assert len(rows) == len(BAD), rows
END
  consume "$stats" | payagg --merge >totals
  count=$(python3 -c 'from messages import GOOD; print(sum(count for _, count in GOOD))')
  printf '{"user":"ada","sum":%s,"count":%s}\n{"user":"a\\u0000","sum":3.00,"count":1}\n' \
    "$(python3 -c "print(f'{$count * 1.5:.2f}')")" "$count" | cmp totals -
  # What is behind them is all that is read next.
  echo '{"user":"ada","paymentAmt":1}' | produce "$payments" -p 1
  silent aggregate --rejects none
  [ ! -s none ]
}

@test "messages up to 2.5 MB: over 1 MiB a reject that is cut and says how long it was; 40 of 900 kB count" {
  topic "$payments" 1 max.message.bytes=3000000
  topic "$stats" 1 cleanup.policy=compact
  rejects=$(unique rejects)
  topic "$rejects" 1
  python3 -c '
import json
for size in [900_000] * 40 + [1 << 20, (1 << 20) + 1, 1_500_000, 2_500_000]:
    frame = json.dumps({"user": "ada", "paymentAmt": 1, "x": ""})
    print(json.dumps({"value": frame[:-2] + "y" * (size - len(frame)) + frame[-2:]}))' |
    "$BATS_TEST_DIRNAME/produce_raw.py" "$KAFKA" "$payments" message.max.bytes=4000000
  run -1 aggregate --rejects "kafka:$rejects"
  [ "$(consume "$stats" | payagg --merge)" = '{"user":"ada","sum":41.00,"count":41}' ]
  consume "$rejects" | python3 -c '
import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert [(row["offset"], row["error"], row["bytes"], row["truncated"]) for row in rows] == [
    (offset, "longer than 1 MiB", size, True)
    for offset, size in zip((41, 42, 43), ((1 << 20) + 1, 1_500_000, 2_500_000))], rows
assert all(65_000 < len(row["record"]) <= 65_536 for row in rows)'
  silent aggregate --rejects "kafka:$rejects"
}

# bats test_tags=situation
@test "transactions of many senders, seven of twenty aborted: what is committed counts, once, as it is committed" {
  topics_for 1
  in_background payagg "kafka:$payments" -o "kafka:$stats" --instance one --metrics prom
  local n
  for n in {1..20}; do
    open_transaction "t$n" < <(yes "{\"user\":\"u$((n % 6))\",\"paymentAmt\":$n}" | head -n "$n")
  done
  echo '{"user":"u1","paymentAmt":0.5}' | produce "$payments"
  for n in 20 1 3 5 7 9 11 13 15 17 19 2 4 6 8 10 12 14 16 18; do
    if [ $((n % 3)) -eq 1 ]; then touch "t$n/abort"; else touch "t$n/commit"; fi
    wait "${started[n]}"
  done
  wait_for totals_are_exact
  kill -TERM "$pid"
  ended_with 0 10
  # All but 1, 4, ... 19.
  [ "$(consume "$payments" | wc -l)" -eq $((1 + 20 * 21 / 2 - 70)) ]
  silent aggregate
  totals_are_exact
}

@test "payments without keys in twelve partitions, three jobs: the cache adds up what they share" {
  topics_for 12
  paygen --random 20000 --users 300 --seed 1 --expect expected | produce "$payments"
  aggregate --jobs 3
  totals_are_exact
  paystats-cache -q "kafka:$stats" --top 1000 | cmp - expected
  # Users are in many partitions.
  [ "$(consume "$stats" -f '%p %k\n' | sort -u | wc -l)" -gt 1000 ]
}

# bats test_tags=situation
@test "Java's own producer, compressing in each way, with headers" {
  [ -n "$KAFKA_DIR" ] || skip "Java's tools need the folder of scripts/kafka, and only an address is given"
  topics_for 3
  local codec seed=0
  for codec in none gzip snappy lz4 zstd; do
    seed=$((seed + 1))
    workload $seed | keyed | sed 's/^/one:1,two:zwei\t/' |
      broker admin console-producer --topic "$payments" --compression-codec "$codec" --property parse.key=true \
        --property parse.headers=true --property 'key.separator=	' --property 'headers.delimiter=	' >/dev/null
  done
  [ "$(consume "$payments" -f '%h\n' | sort | uniq -c | sed 's/^ *//')" = '10000 one=1,two=zwei' ]
  taken
}
