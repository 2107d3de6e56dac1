# payagg at a shell: what it says, when it says it, and how it ends.

load helpers

edgar='{"user":"edgar","paymentAmt":1.0}'
anna='{"user":"anna","paymentAmt":"2.50"}'

# in_order FILE: its stats are ordered by sum, then user (ASCII names and two decimals only).
in_order() {
  sed 's/{"user":"\(.*\)","sum":\(.*\),"count":.*/\2 \1/' "$1" | LC_ALL=C sort -c -s -k1,1nr -k2,2
}

# ---- What it says

@test "sums and counts per user, the largest sum first" {
  printf '%s\n' "$edgar" "$anna" "$edgar" | payagg >out
  printf '%s\n' '{"user":"anna","sum":2.50,"count":1}' '{"user":"edgar","sum":2.00,"count":2}' | cmp - out
}

@test "the totals of a workload are those that paygen expects, byte for byte" {
  paygen --random 300000 --users 20000 --seed 1 --expect want.jsonl >p.jsonl
  payagg <p.jsonl | cmp - want.jsonl
  payagg p.jsonl | cmp - want.jsonl
  cat p.jsonl | payagg | cmp - want.jsonl
  cat p.jsonl | payagg - -o got.jsonl
  cmp got.jsonl want.jsonl
  in_order want.jsonl
}

@test "0.1 summed a million times is 100000.00" {
  paygen --user edgar --amount 0.1 --volume 1000000 | payagg >out
  echo '{"user":"edgar","sum":100000.00,"count":1000000}' | cmp - out
}

@test "several inputs are one input; a last line without newline counts, an empty line does not" {
  printf '%s\n\n\r\n%s' "$edgar" "$anna" >a
  printf '\n%s' "$edgar" >b
  printf '%s\n' "$edgar" | payagg a - b >out
  printf '%s\n' '{"user":"edgar","sum":3.00,"count":3}' '{"user":"anna","sum":2.50,"count":1}' | cmp - out
}

@test "no input gives no output" {
  silent payagg </dev/null
  payagg -o out </dev/null
  [ -f out ] && [ ! -s out ]
}

@test "fields may have other names; the output still says user" {
  echo '{"who":"edgar","much":"1.5","user":7,"paymentAmt":"x"}' |
    payagg --user-field who --amount-field much >out
  echo '{"user":"edgar","sum":1.50,"count":1}' | cmp - out
  echo '[{"who":7,"much":2,"n":3},{"who":"7","much":1}]' |
    payagg --user-field who --amount-field much --volume-field n >out
  echo '{"user":"7","sum":7.00,"count":4}' | cmp - out
}

@test "a volume beside fields of other names is ignored, and told once" {
  printf '{"who":"e","much":1,"volume":%s}\n' '"none"' 7 8 >lines
  payagg --user-field who --amount-field much lines >out 2>err
  echo '{"user":"e","sum":3.00,"count":3}' | cmp - out
  [ "$(grep -c -- '--volume-field volume' err)" -eq 1 ] && [ "$(wc -l <err)" -eq 1 ]
  silent payagg --user-field who --amount-field much --volume-field '' lines -o out
  echo '{"user":"e","sum":3.00,"count":3}' | cmp - out
  run -1 payagg -q --user-field who --amount-field much --volume-field volume lines -o out
  echo '{"user":"e","sum":15.00,"count":15}' | cmp - out
}

@test "a batch counts as all its payments, and a group whole or not at all" {
  cat >lines <<'EOF'
{"user":"edgar","paymentAmt":1.5,"volume":7}
{"time":"2026-11-29T07:52:22.123Z","idempotencyKey":"k","payments":[{"user":"ada","paymentAmt":2,"volume":"3"},{"user":"edgar","paymentAmt":"1"}]}
[{"user":"ada","paymentAmt":-1}]
{"user":"ada","paymentAmt":1,"payments":[{"user":"x","paymentAmt":1}]}
{"payments":[{"user":"x","paymentAmt":1},{"user":"x","paymentAmt":"1,5"}]}
[{"user":"x","paymentAmt":1},[]]
[]
EOF
  for road in 'lines' '--jobs 3 lines' '- --jobs 2' 'lines --output-mode update'; do
    run -1 payagg $road --rejects bad -o out <lines
    printf '%s\n' '{"user":"edgar","sum":11.50,"count":8}' '{"user":"ada","sum":6.00,"count":5}' | cmp - out
    [ "$(sed 's/.*"line":\([0-9]*\),"error":"\([^"]*\)".*/\1 \2/' bad)" = \
      '5 payments[1]: paymentAmt: not a decimal number
6 [1]: not a JSON object
7 a group without payments' ]
    rm out bad
  done
}

@test "a group of which one payment would overflow is not counted at all" {
  cat >lines <<'EOF'
{"user":"edgar","paymentAmt":0,"volume":18446744073709551615}
[{"user":"new","paymentAmt":1},{"user":"ada","paymentAmt":1},{"user":"edgar","paymentAmt":0}]
{"user":"ada","paymentAmt":1}
EOF
  run -1 payagg --jobs 1 lines -o out
  printf '%s\n' '{"user":"ada","sum":1.00,"count":1}' \
    '{"user":"edgar","sum":0.00,"count":18446744073709551615}' | cmp - out
}

@test "a group with more payments than are decoded at once is counted whole" {
  { printf '['; for i in $(seq 30000); do printf '{"user":"u%d","paymentAmt":1},' $((i % 700)); done
    printf '{"user":"u0","paymentAmt":1}]\n'; } >lines
  cat lines >>lines2; cat lines >>lines2; echo '{"user":"u0","paymentAmt":1}' >>lines2
  silent payagg lines2 --metrics m -o out
  jq -s -e 'length == 700 and (map(.count) | add) == 60003' out
  grep -q '^payagg_records_accepted_total 3$' m
}

@test "names come out as the bytes that they are" {
  printf '%s\n' '{"user":"\u001b[2J\"\\\u00e9\ud83d\ude00\u202e","paymentAmt":1}' | payagg >out
  printf '{"user":"\\u001b[2J\\"\\\\é😀\xe2\x80\xae","sum":1.00,"count":1}\n' | cmp - out
}

# ---- Bad lines

@test "a line that is not JSON is put aside with its line number" {
  printf '%s\n' "$edgar" '' 'junk' '{"user":"edgar"}' >in
  run -1 --separate-stderr payagg in
  [ "$output" = '{"user":"edgar","sum":1.00,"count":1}' ]
  [ "${stderr_lines[0]}" = 'payagg: error: in:3: not valid JSON' ]
  [ "${stderr_lines[1]}" = 'payagg: error: in:4: paymentAmt: missing' ]
  [[ "${stderr_lines[2]}" == *'2 records rejected'* ]]
}

@test "a user may be an integer, which is taken by its digits" {
  printf '{"user":%s,"paymentAmt":1}\n' 7 '"7"' -7 7.0 1e3 -0 >lines
  run -1 payagg lines --rejects bad -o out
  printf '%s\n' '{"user":"7","sum":2.00,"count":2}' '{"user":"-7","sum":1.00,"count":1}' | cmp - out
  [ "$(grep -c 'user: not a string or an integer' bad)" -eq 3 ]
}

@test "only the first ten bad lines are shown, then their number" {
  run -1 --separate-stderr payagg < <(yes junk | head -50)
  [ "${#stderr_lines[@]}" -eq 11 ]
  [[ "${stderr_lines[10]}" == *50* ]]
}

@test "--rejects takes each bad line whole, and accepted and rejected are what was read" {
  { paygen --random 1000 --seed 3; printf 'x\n{"user":"\xff","paymentAmt":1}\n[]\n'; } >in
  run -1 --separate-stderr payagg in --rejects bad.jsonl --metrics m.prom -o out
  [ "$(wc -l <bad.jsonl)" -eq 3 ]
  grep -qF '"source":"in","line":1001,' bad.jsonl
  grep -qF '"recordBase64":' bad.jsonl
  grep -qx 'payagg_records_read_total 1003' m.prom
  grep -qx 'payagg_records_accepted_total 1000' m.prom
  grep -qx 'payagg_records_rejected_total 3' m.prom
  grep -qx "payagg_bytes_read_total $(stat -c %s in)" m.prom
  payagg in --rejects bad.jsonl -o out || [ $? -eq 1 ]
  [ "$(wc -l <bad.jsonl)" -eq 6 ]
}

@test "rejects that cannot be written are status 2" {
  run -2 payagg --rejects /dev/full <<<junk
  [[ "$output" == *'no space left'* ]]
  refuses 'no/dir' payagg --rejects no/dir <<<junk
}

@test "hostile records do not drive the terminal that shows them" {
  printf '%s\n' $'\e[2Jx\u202e' '{"user":"\u001b[2J","paymentAmt":1}' >in
  # A pty for stderr, so that whatever is different on a terminal is at work.
  python3 - >shown <<'EOF'
import os, pty, subprocess, sys
master, slave = pty.openpty()
run = subprocess.Popen(["payagg", "in", "--progress", "never"], stdout=subprocess.DEVNULL, stderr=slave)
os.close(slave)
shown = b""
while True:
    try:
        piece = os.read(master, 65536)
    except OSError:
        break
    if not piece:
        break
    shown += piece
assert run.wait() == 1, run.returncode
sys.stdout.buffer.write(shown)
EOF
  grep -q 'in:1:' shown
  ! grep -qP '\x1b|\xe2\x80\xae' shown || false
}

@test "a hostile file name does not either" {
  run -2 payagg $'no\e[2Jsuch'
  [[ "$output" == *'no\u001b[2Jsuch'* ]]
}

# ---- Triggers and modes

@test "update says what changed, at once after a quiet time" {
  mkfifo background.in
  in_background payagg --output-mode update --trigger 50ms
  exec 7>background.in
  echo "$edgar" >&7
  wait_for '[ "$(wc -l <background.out)" -eq 1 ]'
  printf '%s\n' "$anna" "$edgar" >&7
  wait_for '[ "$(wc -l <background.out)" -eq 3 ]'
  exec 7>&-
  ended_with 0
  printf '%s\n' '{"user":"edgar","sum":1.00,"count":1}' '{"user":"anna","sum":2.50,"count":1}' \
    '{"user":"edgar","sum":2.00,"count":2}' | cmp - background.out
}

@test "the last update of each user is its final total" {
  paygen --random 100000 --users 3000 --seed 2 --expect want.jsonl | payagg --output-mode update --trigger 1ms >updates
  payagg --merge updates | cmp - want.jsonl
}

@test "update appends to a file" {
  echo old >out
  echo "$edgar" | payagg --output-mode update -o out
  printf '%s\n' old '{"user":"edgar","sum":1.00,"count":1}' | cmp - out
}

@test "--max-records publishes after each N" {
  for i in 1 2 3 4 5; do echo "$edgar"; done >in
  payagg in --output-mode update --max-records 2 >out
  [ "$(sed 's/.*count"://' out | tr -d '}\n')" = 245 ]
}

@test "complete says all users each time, and a file is replaced each time" {
  printf '%s\n' "$edgar" "$anna" "$edgar" | payagg --output-mode complete --max-records 2 >out
  [ "$(wc -l <out)" -eq 4 ]
  mkfifo background.in
  in_background payagg --output-mode complete --trigger 0 -o all.jsonl
  exec 7>background.in
  echo "$edgar" >&7
  wait_for 'grep -qs edgar all.jsonl'
  echo "$anna" >&7
  wait_for 'grep -qs anna all.jsonl'
  [ "$(wc -l <all.jsonl)" -eq 2 ]
  exec 7>&-
  ended_with 0
  [ "$(ls | wc -l)" -eq 5 ] # background.{in,out,err}, out, all.jsonl: no temporary file stays
}

@test "final replaces a file, and only at the end" {
  echo old >out
  mkfifo background.in
  in_background payagg -o out
  exec 7>background.in
  paygen --random 1000 >&7
  [ "$(cat out)" = old ]
  exec 7>&-
  ended_with 0
  ! grep -q old out || false
}

@test "append is refused with the reason, and so are combinations that mean nothing" {
  refuses 'a total is never finished' payagg --output-mode append
  refuses 'not one of final, update, complete' payagg --output-mode all
  refuses 'with --follow there is none' payagg --output-mode final --follow x
  refuses '--follow needs a file' payagg --follow
  refuses '--trigger has no effect' payagg --trigger 1s
  refuses '--jobs needs' payagg --jobs 2 --output-mode update
  refuses 'the input is stats' payagg --merge --user-field who
  refuses 'a topic needs a broker' env -u KAFKA_BROKERS payagg kafka:payments
  refuses 'needs payments from a topic' payagg -o kafka:stats
}

@test "a file cannot be input and output at once" {
  echo "$edgar" >in
  refuses 'in: is both input and output' payagg in -o in
  refuses 'in: is both input and --rejects' payagg in --rejects in
  refuses 'in: is both input and --metrics' payagg in --metrics ./in
  refuses 'in: is both input and output' payagg --follow in -o ./in
  run -2 sh -c 'payagg --follow in >>in'
  [ "$(wc -l <in)" -eq 1 ]
  refuses 'are the same place' payagg in --rejects -
  refuses 'output and --rejects are the same place' payagg in -o out --rejects ./out
  refuses 'output and --metrics are the same place' payagg in -o out --metrics out
  refuses '--rejects and --metrics are the same place' payagg in --rejects out --metrics out
  [ ! -e out ]
  payagg in -o /dev/null --rejects /dev/null --metrics /dev/null
  [ -c /dev/null ]
}

# ---- Jobs

# mixed_lines N: 2 N payments, bad and empty lines between them, one that is too long, one cut off.
mixed_lines() {
  paygen --random "$1" --users 30000 --seed 4
  for i in $(seq 1 200); do printf 'junk%s\n\n%s\n' "$i" '{"user":"a"}'; done
  paygen --random "$1" --users 30000 --seed 5
  head -c 3000000 /dev/zero | tr '\0' 'z'
  printf '\n%s\nlast' "$edgar"
}

# same_for_any_jobs REJECTS COMMAND: COMMAND with --jobs of any number does what it does with 1.
same_for_any_jobs() {
  run -1 "$2" --jobs 1 -o want --rejects want.rejects --metrics want.prom
  [ "$(wc -l <want.rejects)" -eq "$1" ]
  for jobs in 2 3 8; do
    rm -f got.rejects
    run -1 "$2" --jobs $jobs -o got --rejects got.rejects --metrics got.prom
    cmp got want
    cmp got.rejects want.rejects
    cmp got.prom want.prom
  done
}

@test "--jobs gives the same totals and rejects, byte for byte" {
  mixed_lines 400000 >one
  { echo bad; paygen --random 1000 --seed 6; } >two
  [ "$(stat -c %s one)" -gt 25000000 ]
  files() { payagg "$@" one two; }
  same_for_any_jobs 403 files
  rm -f got.rejects
  run -1 payagg -o got --rejects got.rejects - two <one
  cmp got want
  sed 's/"source":"one"/"source":"-"/' want.rejects | cmp - got.rejects
}

@test "--jobs rejects the payments that one job rejects where a sum would overflow" {
  batch() { echo "{\"user\":\"edgar\",\"paymentAmt\":$1,\"volume\":1000000000000000}"; }
  # In parts all of it fits: the first is in one segment, the others are in another.
  { batch 100000000000000; echo bad; paygen --random 100000 --seed 8; } >one
  { echo bad; batch 100000000000000; echo bad; batch -100000000000000; } >two
  files() { payagg "$@" one two; }
  same_for_any_jobs 4 files
  [ "$(sed -n 's/.*"source":"\([a-z]*\)","line":\([0-9]*\),.*/\1 \2/p' want.rejects)" = \
    'one 2
two 1
two 2
two 3' ]
  run -1 --separate-stderr payagg -v --jobs 2 one two -o got
  cmp got want
  [ "$(grep -c 'read again by one job' <<<"$stderr")" -eq 1 ]
  [ "$(grep -c 'error: two:2: ' <<<"$stderr")" -eq 1 ]
  run -2 payagg --jobs 2 -o pipe < <(cat one two)
  [[ "$output" == *'totals may not fit: --jobs 1 counts what does'* ]]
  [ ! -e pipe ]
}

@test "--jobs on a pipe gives the same totals and rejects, byte for byte" {
  mixed_lines 200000 >in
  piped() { cat in | payagg "$@"; }
  same_for_any_jobs 402 piped
  run -1 piped -o got
  cmp got want
  run -2 payagg --jobs 2 --users-max 1000 -o got < <(cat in)
  [[ "$output" == *'more than 1000 users'* ]]
}

# ---- Merge

@test "--merge of parts is the whole" {
  paygen --random 200000 --users 5000 --seed 7 --expect want.jsonl >p
  split -n l/5 p part.
  for part in part.??; do payagg "$part" -o "$part.stats"; done
  payagg --merge part.*.stats | cmp - want.jsonl
  paygen --random 200000 --users 5000 --seed 7 | payagg --output-mode update | payagg --merge | cmp - want.jsonl
}

@test "--merge keeps the highest offset of each partition, over all inputs" {
  echo '{"user":"a","sum":5.00,"count":5,"partition":0,"offset":9}' >one
  printf '%s\n' '{"user":"a","sum":4.00,"count":4,"partition":0,"offset":7}' \
    '{"user":"a","sum":1.00,"count":1,"partition":1,"offset":0}' >two
  [ "$(payagg --merge one two)" = '{"user":"a","sum":6.00,"count":6}' ]
  [ "$(payagg --merge two one)" = '{"user":"a","sum":6.00,"count":6}' ]
  echo '{"user":"a","sum":2.00,"count":2}' >three
  run --separate-stderr payagg --merge one two three
  [ "$status" -eq 0 ]
  [ "$output" = '{"user":"a","sum":2.00,"count":2}' ]
  [[ "$stderr" == 'payagg: warning: user a:'* ]]
  run -1 payagg --merge <<<"$edgar"
}

# ---- Limits

@test "--users-max is an error with a way out, and the old file stays" {
  echo old >out
  paygen --random 1000 --users 50 --skew 0 >in
  refuses 'more than 10 users: raise --users-max' payagg --users-max 10 in -o out
  [ "$(cat out)" = old ]
  payagg --users-max 50 in -o out
}

@test "a line over 1 MiB is one reject, however long it is" {
  { echo "$edgar"; head -c 30000000 /dev/zero | tr '\0' 'x'; echo; echo "$edgar"; } >in
  run -1 --separate-stderr payagg in
  [ "$output" = '{"user":"edgar","sum":2.00,"count":2}' ]
  [[ "${stderr_lines[0]}" == *'in:2: '* ]]
}

# ---- Outputs that fail

@test "a full disk is status 2" {
  run -2 --separate-stderr sh -c 'echo "$1" | payagg >/dev/full' - "$edgar"
  [[ "$stderr" == 'payagg: error: stdout: no space left on device' ]]
  run -2 sh -c 'echo "$1" | payagg --output-mode update >/dev/full' - "$edgar"
  run -2 payagg -o /dev/full <<<"$edgar"
}

@test "a missing or unreadable input is status 2, before a byte is read" {
  echo "$edgar" >in
  refuses 'missing: no such file or directory' payagg in missing
  mkdir folder
  refuses 'folder: is a directory' payagg folder
  refuses 'nowhere/out' payagg in -o nowhere/out
  refuses 'nowhere/m' payagg in --metrics nowhere/m
  [ ! -e missing ]
}

@test "a reader that goes away is a quiet end where the input has one" {
  paygen --random 100000 --users 50000 >p
  run --separate-stderr bash -c 'payagg p | head -1; echo "${PIPESTATUS[0]}"'
  [ "${lines[1]}" = 0 ]
  [ -z "$stderr" ]
  run --separate-stderr bash -c 'payagg --output-mode update p | :; echo "${PIPESTATUS[0]}"'
  [ "${lines[0]}" = 0 ]
  [ -z "$stderr" ]
}

@test "a reader that goes away is noticed while the input is quiet" {
  mkfifo in out
  exec 7<>in
  in_background bash -c 'payagg --output-mode update in >out'
  cat out >seen &
  reader=$!
  started+=("$reader")
  echo "$edgar" >&7
  wait_for '[ -s seen ]'
  kill "$reader"
  ended_with 0
  [ ! -s background.err ]
}

@test "with --follow a reader that goes away is status 2, noticed while nothing comes" {
  echo "$edgar" >log
  mkfifo out
  in_background bash -c 'exec payagg --follow log >out'
  read -r line <out
  [ "$line" = '{"user":"edgar","sum":1.00,"count":1}' ]
  ended_with 2
  grep -q 'broken pipe\|went away\|closed' background.err
}

# ---- Following

@test "--follow says nothing before it has caught up, then all at once, then what changes" {
  paygen --random 200000 --users 1000 --seed 8 --expect want.jsonl -o log
  in_background payagg --follow log
  wait_for '[ "$(wc -l <background.out)" -ge "$(wc -l <want.jsonl)" ]'
  [ "$(wc -l <background.out)" -eq "$(wc -l <want.jsonl)" ]
  payagg --merge background.out | cmp - want.jsonl
  paygen --user edgar --amount 2 -o log
  wait_for 'grep -q edgar background.out'
  kill -TERM "$pid"
  ended_with 0
}

@test "--follow waits for a file, and follows several writers to the exact totals" {
  in_background payagg --follow log
  wait_for 'grep -q log background.err'
  for seed in 1 2 3; do
    paygen --random 3000 --users 100 --seed $seed --rate 20000 -o log &
    writers+=($!)
    started+=($!)
  done
  wait "${writers[@]}"
  payagg log -o want.jsonl
  [ "$(sed 's/.*count":\([0-9]*\)}/\1/' want.jsonl | awk '{ n += $1 } END { print n }')" -eq 9000 ]
  wait_for 'payagg --merge background.out 2>/dev/null | cmp -s - want.jsonl'
  kill -INT "$pid"
  ended_with 0
}

@test "earlier inputs are read once, the last is followed" {
  echo "$anna" >old
  echo "$edgar" >log
  in_background payagg --follow old log
  wait_for '[ "$(wc -l <background.out)" -eq 2 ]'
  echo "$edgar" >>log
  wait_for 'grep -q "count\":2" background.out'
  kill -TERM "$pid"
  ended_with 0
}

# ---- Signals

@test "an interrupted final prints the totals of what came, says so, and dies of the signal" {
  mkfifo background.in
  in_background payagg
  exec 7>background.in
  echo "$edgar" >&7
  until_read
  kill -INT "$pid"
  ended_with 130
  exec 7>&-
  echo '{"user":"edgar","sum":1.00,"count":1}' | cmp - background.out
  grep -q 'cut short' background.err
}

# Until the FIFO is empty, as FIONREAD on it says: what was written has been read.
until_read() {
  wait_for 'python3 -c "
import array, fcntl, os, sys, termios
fd = os.open(\"background.in\", os.O_RDONLY | os.O_NONBLOCK)
n = array.array(\"i\", [0])
fcntl.ioctl(fd, termios.FIONREAD, n)
sys.exit(n[0] != 0)"'
}

@test "what is under way in a pipe at a signal is still read" {
  mkfifo background.in
  in_background payagg
  exec 7>background.in
  echo "$edgar" >&7
  until_read
  kill -TERM "$pid"
  echo "$anna" >&7
  exec 7>&-
  ended_with 143
  [ "$(wc -l <background.out)" -eq 2 ]
  grep -q 'cut short' background.err
}

@test "a signal is the normal end of an update that reads a pipe" {
  mkfifo background.in
  in_background payagg --output-mode update
  exec 7>background.in
  echo "$edgar" >&7
  wait_for '[ -s background.out ]'
  kill -TERM "$pid"
  echo "$anna" >&7
  exec 7>&-
  ended_with 0
  [ "$(wc -l <background.out)" -eq 2 ]
  [ ! -s background.err ]
}

@test "an interrupted run over files keeps the front of the input, with one job or more" {
  mkfifo gate
  paygen --random 50000 --seed 9 >p
  # The second input never comes, so the signal finds it between the two.
  in_background payagg p gate
  wait_for 'ls -l /proc/$pid/fd 2>/dev/null | grep -q gate'
  kill -TERM "$pid"
  ended_with 143
  payagg p | cmp - background.out
  grep -q 'cut short' background.err
}

@test "a signal ends the wait for the reader of a FIFO" {
  echo "$edgar" >in
  mkfifo out
  in_background payagg in -o out
  # Signals are taken note of, and it sleeps: there is nothing else to sleep for.
  wait_for 'ls -l /proc/$pid/fd | grep -q eventfd && grep -q "^State:.S" /proc/$pid/status'
  kill -TERM "$pid"
  ended_with 143
}

# ---- Life under cron, and on a terminal

@test "it lives with an empty environment and closed descriptors" {
  echo "$edgar" >in
  env -i "$PAYSTATS_BIN/payagg" in -o out <&- >&- 2>&-
  grep -q edgar out
  env -i LC_ALL=tr_TR.UTF-8 "$PAYSTATS_BIN/payagg" in -o out2
  cmp out out2
  silent env -i "$PAYSTATS_BIN/payagg" in -o out
  run -2 sh -c 'payagg in >&-'
}

@test "a closed stdin is not an empty one: totals stay as they were" {
  echo "$edgar" | payagg -o out
  cp out was
  for tool in 'payagg -o out' 'payagg --jobs 2 -o out' 'paygen -o out' 'paystats-cache --top 5 -o out'; do
    run -2 --separate-stderr sh -c "$tool <&-"
    [[ "$stderr" == *'stdin: bad file descriptor'* ]]
    cmp out was
  done
}

@test "a progress line is on stderr where asked for, and gone at the end" {
  paygen --random 2000 --rate 2000 --seed 1 | payagg --progress always -o out 2>err
  grep -qa 'records' err
  printf '\r\033[K' | cmp - <(tail -c 4 err)
  paygen --random 1000 >p
  payagg p -o out 2>err
  [ ! -s err ]
}

@test "memory that is not there is an error that says so, in any thread" {
  paygen -q --random 3000000 --users 3000000 --skew 0 --seed 1 >many
  for jobs in 1 2; do
    status=0
    (ulimit -v 80000; exec payagg --jobs "$jobs" many) >/dev/null 2>err || status=$?
    [ "$status" -eq 2 ]
    [ "$(cat err)" = "payagg: error: no more memory" ]
  done
}
