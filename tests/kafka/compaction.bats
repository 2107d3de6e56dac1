# A broker that compacts the totals as eagerly as it can.
# bats file_tags=situation

load ../tools/helpers
load helpers

setup_file() { kafka_up --set log.cleaner.backoff.ms=100; }

# first PARTITION: the offset of the first record that is left.
first() { consume "$stats" -p "$1" -c 1 -f '%o\n'; }

@test "compacted while payagg is killed, told to end and started again: every record that is left is exact" {
  topic "$payments" 2
  topic "$stats" 2 cleanup.policy=compact,segment.ms=500,min.cleanable.dirty.ratio=0.0
  pay_on 1000
  local signal begun
  for signal in KILL TERM KILL TERM KILL; do
    in_background payagg -q "kafka:$payments" -o "kafka:$stats" --instance one
    wait_for '[ -n "$(first 0)" ] && [ -n "$(first 1)" ]'
    # Both partitions are compacted while it writes.
    begun=("$(first 0)" "$(first 1)")
    wait_for "[ \"\$(first 0)\" -gt ${begun[0]} ] && [ \"\$(first 1)\" -gt ${begun[1]} ]"
    kill -"$signal" "$pid"
    wait "$pid" || true
  done
  no_more_pay
  timeout 240 payagg -q "kafka:$payments" -o "kafka:$stats" --instance one --available-now
  totals_are_exact
  # Most records are gone.
  [ "$(consume "$stats" | wc -l)" -lt $(($(end_offsets "$stats" | awk '{ n += $2 } END { print n }') / 2)) ]
}
