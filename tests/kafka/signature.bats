# What payagg writes for a later judgement: next to each offset that it commits what the totals are
# there, and in each total which payments it was made of. signatures.py judges both from outside.

load ../tools/helpers
load helpers

# aggregate [OPTION...]: payagg over what is there now.
aggregate() {
  timeout 240 payagg -q "kafka:$payments" -o "kafka:$stats" --available-now --instance one "$@"
}

# whole TOPIC: each committed message with all that signatures.py wants to know of it.
whole() { consume "$1" -f '%p\t%o\t%T\t%S\t%h\t%k\t%s\n'; }

# signed ID: each committed offset is signed with what is there, and each total says its source; the
# cluster is the one that is there.
signed() {
  topics committed "$group" --metadata >committed
  whole "$payments" >payments
  whole "$stats" >stats
  local cluster
  cluster=$("$BATS_TEST_DIRNAME/signatures.py" offsets "$1" "$stats" committed payments stats)
  [ "$("$BATS_TEST_DIRNAME/signatures.py" sources "$group" "$payments" payments stats)" = "$cluster" ]
  topics ready --cluster "$cluster" --timeout 10
}

@test "each offset is signed with its totals and its last message, each total with its payments" {
  topics_for 4
  pay --random 30000 --users 700 --seed 3
  aggregate
  signed "$group.one"
  [ "$(wc -l <committed)" -eq 4 ]
  pay --random 3000 --users 900 --seed 4
  aggregate
  signed "$group.one"
}

@test "at least once as well, without a transactional id" {
  topics_for 2
  pay --random 5000 --users 300 --seed 3
  aggregate --guarantee at-least-once
  signed ''
}

# bats test_tags=situation
@test "behind transactions, whose ends are no messages" {
  topics_for 2
  for seed in 1 2 3; do
    pay --atomic --random 200 --users 30 --seed "$seed"
    aggregate
    signed "$group.one"
  done
}

@test "a reject is a message as well, and has no header" {
  topics_for 1
  rejects=$(unique rejects)
  topic "$rejects" 1
  pay --user edgar --amount 1 --volume 3
  echo 'no payment' | produce "$payments"
  printf 'key\t\n' | produce_keyed "$payments" -Z
  run -1 aggregate --rejects "kafka:$rejects"
  signed "$group.one"
  # The last message has no value.
  grep -q 'key.*-1\|-1.*key' payments
  consume "$rejects" -f '%h|%s\n' >rejected
  [ "$(wc -l <rejected)" -eq 2 ]
  ! grep -v '^|' rejected || false
}

@test "who reads nothing of a partition passes on what it found" {
  topics_for 2
  pay --random 1000 --users 50 --seed 3
  aggregate
  topics committed "$group" --metadata >before
  aggregate
  topics committed "$group" --metadata | cmp - before
  echo '{"user":"edgar","paymentAmt":1}' | produce "$payments" -p 1
  aggregate
  signed "$group.one"
  grep "^$payments 0 " before >before.0
  grep "^$payments 0 " committed | cmp - before.0
  grep "^$payments 1 " before >before.1
  ! grep "^$payments 1 " committed | cmp -s - before.1 || false
}

@test "offsets that nobody has signed are taken as they are, and signed" {
  topics_for 2
  pay --random 1000 --users 50 --seed 3 --expect expected
  kcat -q -G "$group" -b "$KAFKA" -X auto.offset.reset=earliest -e "$payments" >/dev/null
  topics committed "$group" --metadata | grep -q ' ""$'
  aggregate
  consume "$stats" | payagg --merge | cmp - expected
  signed "$group.one"
}

# bats test_tags=situation
@test "the parts of a large publication carry the signature of the offsets that they commit" {
  topics_for 1
  pay --random 260000 --users 500000 --skew 0 --seed 4
  aggregate --trigger 60s
  signed "$group.one"
  # All that has been committed, in its order, as the broker keeps it.
  consume __consumer_offsets -f '%K %S\n%k%s\n' >kept
  python3 - "$group" >history <<'END'
import re, struct, sys
data = open("kept", "rb").read()
while data:
    head, data = data.split(b"\n", 1)
    keys, values = (max(int(size), 0) for size in head.split())
    key, value, data = data[:keys], data[keys:keys + values], data[keys + values + 1:]
    signature = re.search(rb"\nv1 (\{[ -~]*\})", value)
    if signature and struct.pack(">h", len(sys.argv[1])) + sys.argv[1].encode() in key:
        print(struct.unpack_from(">q", value, 2)[0], signature[1].decode())
END
  # Of an offset never two things are said. One is committed by a publication and then by the first
  # parts of the next one.
  [ -z "$(sort -u history | cut -d ' ' -f 1 | uniq -d)" ]
  [ "$(sort history | uniq -c | sort -n | tail -n 1 | awk '{ print $1 }')" -ge 3 ]
  tail -n 1 history | grep -q '^260000 {"users":2[0-9]\{5\},'
}
