# paygen at a shell: what it makes, and how it behaves when the world around it does not.

load helpers

oracle="$BATS_TEST_DIRNAME/paygen_oracle.py"
batch='{"user":"edgar","paymentAmt":1.0,"volume":3}'
payment='{"user":"edgar","paymentAmt":1.0}'

# ---- What it makes

@test "a seed gives the same bytes for ever" {
  [ "$(paygen --random 1000000 --users 50000 --seed 1 | sha256sum)" = \
    "4e7d05d823a2e34fe2224d9a7eaa38ba0fb9a05c06055f472cc7bcb0ded42c45  -" ]
  [ "$(paygen --random 100000 | sha256sum)" = \
    "dda54ee5d464ffa5b7e107a593e1445309db02f55fec8f070ac2e5e08b3a9a57  -" ]
  [ "$(paygen --random 100000 --users 300 --skew 1.234 --amount -5:0.125 \
    --seed 18446744073709551615 --allow-negative | sha256sum)" = \
    "d29ff9b3222161b7f47d95b88fb8de5853cd2bc6ec619ba50b89771ef38980c6  -" ]
}

@test "a second implementation, from the description alone, makes the same bytes" {
  check() {
    paygen --random "$1" --users "$2" --skew "$3" --amount "$4" --seed "$5" >got
    "$oracle" lines "$@" >want
    cmp got want
  }
  check 20000 1000 1.0 0.01:100.00 1
  check 5000 3001 0.5 1:5 18446744073709551615
  check 5000 777 10 0.5:0.500000001 0
  check 5000 10 0 7 9
}

@test "the environment and the output do not change the bytes" {
  paygen --random 100000 --seed 5 >plain
  env -i LC_ALL=tr_TR.UTF-8 TZ=Asia/Tokyo "$PAYSTATS_BIN/paygen" --random 100000 --seed 5 | cmp - plain
  # In a log a line has its time as well.
  paygen --random 100000 --seed 5 -o log
  sed -E 's/,"time":"[^"]*"//' log | cmp - plain
}

@test "--expect is the exact totals of what was made" {
  check() {
    paygen --expect want.jsonl "$@" >made.jsonl
    "$oracle" totals <made.jsonl >independent.jsonl
    cmp want.jsonl independent.jsonl
    [ -s want.jsonl ]
  }
  check --random 200000 --users 20000
  check --random 50000 --users 10 --amount -0.5:0.000000001 --allow-negative
  check --random 20000 --amount 0.000000001:999999999999999.999999999
  check --user 'é"\' --amount 1e2 --volume 1000
  seq 5000 | awk '{ printf "{\"user\":\"u%d\",\"paymentAmt\":%d.5e-3,\"volume\":\"%d\"}\n", $1 % 97, $1, $1 % 5 + 1 }' >batches.jsonl
  check batches.jsonl
}

@test "--expect replaces its file, and only when all is made" {
  echo old >want.jsonl
  refuses 'missing.jsonl' paygen missing.jsonl --expect want.jsonl
  [ "$(cat want.jsonl)" = old ]
  silent paygen --user edgar --amount 1 -o log --expect want.jsonl
  [ "$(cat want.jsonl)" = '{"user":"edgar","sum":1.00,"count":1}' ]
  [ "$(ls -A | grep -c want)" -eq 1 ]
}

@test "an amount is written as plain decimals, its fraction as given" {
  made() { paygen --user e --amount "$1" --allow-negative | sed 's/.*"paymentAmt":\(.*\)}$/\1/'; }
  [ "$(made 1.0)" = 1.0 ]
  [ "$(made 1e2)" = 100 ]
  [ "$(made 1.50e1)" = 15.0 ]
  [ "$(made 0.000000001)" = 0.000000001 ]
  [ "$(made -2.5)" = -2.5 ]
}

@test "a batch is so many payments, from options and from lines" {
  paygen --user edgar --amount 1.0 --volume 3 >from_options
  yes "$payment" | head -3 | cmp - from_options
  echo "$batch" | paygen | cmp - from_options
  echo "$batch" >in
  paygen in | cmp - from_options
  paygen - <in | cmp - from_options
}

@test "a payment is a batch of one; a last line without newline counts; an empty line does not" {
  printf '\n%s\n\n{"paymentAmt":"2","x":[1],"user":"a"}' "$payment" >in
  paygen in >out
  printf '%s\n{"user":"a","paymentAmt":2}\n' "$payment" | cmp - out
}

@test "several inputs come one after the other" {
  for user in a b c; do echo "{\"user\":\"$user\",\"paymentAmt\":1}" >"$user"; done
  [ "$(paygen a - c <b | tr -dc 'abc\n' | sed 's/ayme.*//' | cut -c1-4 | wc -l)" -eq 3 ]
  [ "$(paygen a - c <b | sed 's/.*user":"\(.\).*/\1/' | tr -d '\n')" = abc ]
}

@test "Zipf's first user has its share" {
  # One in 7.485 among a thousand users.
  [ "$(paygen --random 100000 | grep -c '"user1"')" -gt 12900 ]
  [ "$(paygen --random 100000 | grep -c '"user1"')" -lt 13800 ]
}

# ---- Bad input

@test "a bad line is put aside with its number, and the rest is made: exit 1" {
  { echo "$payment"; echo nonsense; echo "$payment"; } >in
  run --separate-stderr paygen in
  [ "$status" -eq 1 ]
  [ "${#lines[@]}" -eq 2 ]
  [ "${stderr_lines[0]}" = "paygen: error: in:2: $(sed -n 's/.*error: in:2: //p' <<<"$stderr")" ]
  [ "${stderr_lines[1]}" = "paygen: error: 1 record rejected" ]
}

@test "the first ten bad lines are shown, and then a count" {
  yes nonsense | head -25 >in
  run --separate-stderr paygen <in
  [ "$status" -eq 1 ]
  [ "${#stderr_lines[@]}" -eq 11 ]
  [[ "${stderr_lines[9]}" == "paygen: error: -:10: "* ]]
  [ "${stderr_lines[10]}" = "paygen: error: 25 records rejected, the first 10 are shown" ]
}

@test "--rejects takes every bad line, and accepted + rejected = read" {
  seq 1000 | LC_ALL=C awk '
    $1 % 4 == 0 { print "{\"user\":\"\",\"paymentAmt\":1}" }
    $1 % 4 == 1 { print "{\"user\":\"u\",\"paymentAmt\":0}" }
    $1 % 4 == 2 { printf "{\"user\":\"\377\",\"paymentAmt\":1}\n" }
    $1 % 4 == 3 { print "{\"user\":\"u\",\"paymentAmt\":" $1 "}" }' >in
  run --separate-stderr paygen in --rejects bad.jsonl -o made.jsonl
  [ "$status" -eq 1 ]
  [ "$stderr" = "paygen: warning: 750 records rejected: see bad.jsonl" ]
  [ "$(wc -l <made.jsonl)" -eq 250 ]
  [ "$(wc -l <bad.jsonl)" -eq 750 ]
  # Each line of the input is in one of the two, by its number.
  [ "$(sed 's/.*"line":\([0-9]*\).*/\1/' bad.jsonl | sort -n | uniq | wc -l)" -eq 750 ]
  grep -q '"recordBase64"' bad.jsonl
  python3 -c 'import json, sys; [json.loads(line) for line in open("bad.jsonl", "rb")]'
}

@test "a line over a megabyte is one reject" {
  { echo "$payment"; head -c 3000000 /dev/zero | tr '\0' x; echo; echo "$payment"; } >in
  run --separate-stderr paygen in --rejects bad.jsonl
  [ "$status" -eq 1 ]
  [ "${#lines[@]}" -eq 2 ]
  [ "$(wc -l <bad.jsonl)" -eq 1 ]
  grep -q '"line":2,' bad.jsonl
  grep -q '"bytes":3000000,"truncated":true' bad.jsonl
}

@test "amounts that are not positive are rejects, unless allowed" {
  printf '{"user":"a","paymentAmt":%s}\n' -1 0 0.00 >in
  run --separate-stderr paygen in
  [ "$status" -eq 1 ]
  [ -z "$output" ]
  [ "$(paygen in --allow-negative | wc -l)" -eq 3 ]
}

# ---- What cannot go together

@test "a log is neither what was expected nor what is read nor the rejects" {
  paygen --user edgar --amount 1 -o log
  cp log before
  refuses 'output and --expect are the same place' paygen --user e --amount 1 -o log --expect ./log
  refuses 'output and --rejects are the same place' paygen in -o log --rejects log
  refuses 'log: is both input and output' paygen log -o log
  refuses 'log: is both input and --expect' paygen log --expect log
  cmp log before
}

@test "impossible combinations are refused before anything is opened" {
  refuses '--random and --user' paygen --random 1 --user e --amount 1 -o made
  refuses '--random and --volume' paygen --random 1 --volume 2 -o made
  refuses '--users needs --random' paygen --users 5 -o made
  refuses '--skew needs --random' paygen --skew 1 -o made
  refuses '--seed needs --random' paygen --seed 1 -o made
  refuses '--user needs --amount' paygen --user e -o made
  refuses '--amount needs' paygen --amount 1 -o made
  refuses '--volume needs' paygen --volume 1 -o made
  refuses 'reads no INPUT' paygen --random 1 in -o made
  refuses 'reads no INPUT' paygen --user e --amount 1 in -o made
  refuses '--volume' paygen --user e --amount 1 --volume 0 -o made
  refuses '--rate' paygen --random 1 --rate 0 -o made
  refuses '--duration' paygen --random 1 --duration 0 -o made
  refuses 'lower bound 2' paygen --random 1 --amount 2:1 -o made
  refuses '9 decimals' paygen --random 1 --amount 0.0000000001:1 -o made
  refuses '9 decimals' paygen --user e --amount 1.0000000001 -o made
  refuses 'not a decimal number' paygen --user e --amount 0x10 -o made
  refuses 'a range LO:HI needs --random' paygen --user e --amount 1:2 -o made
  refuses 'more than 0' paygen --user e --amount -1 -o made
  refuses 'more than 0' paygen --random 1 --amount 0:1 -o made
  refuses '--skew' paygen --random 1 --skew 1.0001 -o made
  refuses '--users' paygen --random 1 --users 0 -o made
  refuses '--atomic needs a topic' paygen --user e --amount 1 --atomic -o made
  refuses 'standard output' paygen --random 1 --expect -
  refuses 'standard output' paygen --rejects -
  [ ! -e made ]
}

@test "a topic needs a broker, and is no place for totals" {
  unset KAFKA_BROKERS
  refuses 'a topic needs a broker' paygen --random 1 -o kafka:payments
  refuses '--expect' paygen --random 1 -o made --expect kafka:totals
  refuses 'a topic needs a broker' paygen kafka:payments -o made
}

@test "a missing input, a folder, and an output in no folder are exit 2" {
  refuses 'missing.jsonl: no such file' paygen missing.jsonl
  mkdir folder
  refuses 'folder' paygen folder
  refuses 'nowhere/made' paygen --random 1 -o nowhere/made
  refuses 'nowhere/want' paygen --random 1 --expect nowhere/want
  refuses 'nowhere/bad' paygen --rejects nowhere/bad
}

@test "a hostile name of a file does not reach the terminal" {
  refuses '\u001b[2J' paygen $'\e[2Jmissing'
  ! grep -q $'\e' refused.err || false
}

# ---- Outputs that fail or go away

@test "a full device is exit 2 and said" {
  for arguments in '--random 10' '--random 0' '--user e --amount 1' '--random 10 --rate 1000'; do
    run --separate-stderr paygen $arguments -o /dev/full
    [ "$status" -eq 2 ]
    [ "$stderr" = "paygen: error: /dev/full: no space left on device" ]
  done
  run --separate-stderr bash -c 'paygen --random 10 >/dev/full'
  [ "$status" -eq 2 ]
  [ "$stderr" = "paygen: error: stdout: no space left on device" ]
  refuses '/dev/full' paygen --random 10 -o made --expect /dev/full
  echo nonsense >in
  refuses '/dev/full' paygen in --rejects /dev/full
}

@test "a reader that has had enough ends it quietly: paygen | head -1" {
  for arguments in '--random 0' '--random 5000000' '--user e --amount 1 --volume 5000000' \
    '--random 0 --rate 100000'; do
    run bash -c "paygen $arguments | head -1 >first; exit \${PIPESTATUS[0]}"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    [ "$(wc -l <first)" -eq 1 ]
  done
}

@test "a reader that goes while paygen waits is noticed at once" {
  run timeout 120 bash -c 'paygen --random 0 --rate 1 | head -1 >first; exit ${PIPESTATUS[0]}'
  [ "$status" -eq 0 ]
  mkfifo background.in
  sleep infinity >background.in 3>&- &
  started+=($!)
  run timeout 120 bash -c 'paygen <background.in | true; exit ${PIPESTATUS[0]}'
  [ "$status" -eq 0 ]
}

@test "an output that is closed has the totals of what it took whole" {
  bash -c 'paygen --random 0 --expect want.jsonl | head -c 20000000 >taken; exit ${PIPESTATUS[0]}'
  # What it took whole begins as the workload does, and is about as long as what was read.
  counted=$(sed 's/.*"count":\([0-9]*\)}/\1/' want.jsonl | awk '{ n += $1 } END { print n }')
  [ "$counted" -gt 400000 ]
  paygen --random "$counted" | "$oracle" totals | cmp - want.jsonl
}

@test "stdout closed from the start is exit 2" {
  run --separate-stderr bash -c 'paygen --random 1 >&-'
  [ "$status" -eq 2 ]
  [[ "$stderr" == "paygen: error: stdout: "* ]]
}

# ---- The pace

@test "a rate is kept, and a duration holds rate x time payments" {
  start=$(date +%s%N)
  [ "$(paygen --random 0 --rate 1000 --duration 500ms | wc -l)" -eq 500 ]
  took=$((($(date +%s%N) - start) / 1000000))
  [ "$took" -ge 490 ]
  [ "$(paygen --random 100 --rate 1000 --duration 10s | wc -l)" -eq 100 ]
  [ "$(paygen --user e --amount 1 --rate 200 --duration 200ms | wc -l)" -eq 40 ]
  [ "$(paygen --user e --amount 1 --volume 10 --rate 1000 | wc -l)" -eq 10 ]
  [ "$(echo "$batch" | paygen --rate 100 | wc -l)" -eq 3 ]
}

@test "a rate does not change the bytes" {
  paygen --random 300 --rate 10000 | cmp - <(paygen --random 300)
}

@test "a duration ends the wait for input" {
  mkfifo background.in
  sleep infinity >background.in 3>&- &
  started+=($!)
  run timeout 120 paygen --duration 100ms <background.in
  [ "$status" -eq 0 ]
}

@test "what came is passed on before the wait for more" {
  mkfifo background.in
  in_background paygen
  exec 9>background.in
  echo "$batch" >&9
  wait_for '[ "$(wc -l <background.out)" -eq 3 ]'
  exec 9>&-
  ended_with 0
}

# ---- Signals

@test "a signal ends an endless workload at a payment border, and its totals are those made" {
  for signal in INT TERM; do
    rm -f made.jsonl
    in_background paygen --random 0 --expect want.jsonl -o made.jsonl
    wait_for '[ -s made.jsonl ]'
    kill -$signal "$pid"
    ended_with $((128 + $(kill -l $signal)))
    [ ! -s background.err ]
    [ "$(tail -c 1 made.jsonl)" = "" ]
    "$oracle" totals <made.jsonl | cmp - want.jsonl
  done
}

@test "a signal ends a slow rate at once" {
  in_background paygen --random 0 --rate 1 -o made.jsonl
  wait_for '[ -s made.jsonl ]'
  kill -TERM "$pid"
  ended_with 143 2
}

@test "after a signal what is in the pipe is still made" {
  mkfifo background.in
  in_background paygen --expect want.jsonl
  exec 9>background.in
  echo "$batch" >&9
  wait_for '[ -s background.out ]'
  kill -TERM "$pid"
  echo "$batch" >&9
  exec 9>&-
  ended_with 143
  [ "$(wc -l <background.out)" -eq 6 ]
  [ "$(cat want.jsonl)" = '{"user":"edgar","sum":6.00,"count":6}' ]
}

@test "a signal that comes while a file is read loses and doubles nothing" {
  yes "$batch" | head -2000000 >in
  in_background paygen in --expect want.jsonl -o made.jsonl
  wait_for '[ -s made.jsonl ]'
  kill -TERM "$pid"
  ended_with 143
  "$oracle" totals <made.jsonl | cmp - want.jsonl
}

# ---- The durable log

@test "-o FILE and >> FILE append whole batches" {
  silent paygen --user a --amount 1 --volume 2 -o log
  silent bash -c 'paygen --user b --amount 1 --volume 2 >>log'
  [ "$(wc -l <log)" -eq 2 ]
  [ "$("$oracle" totals <log)" = '{"user":"a","sum":2.00,"count":2}
{"user":"b","sum":2.00,"count":2}' ]
}

@test "many writers of one log lose nothing" {
  for seed in 1 2 3 4; do
    paygen --random 20000 --seed "$seed" --expect "want$seed" -o log 3>&- &
    started+=($!)
  done
  yes "$batch" | head -500 | paygen -o log
  wait
  [ "$(wc -l <log)" -eq 80500 ]
  { for seed in 1 2 3 4; do paygen --random 20000 --seed "$seed"; done; yes "$batch" | head -500 | paygen; } |
    "$oracle" totals >want
  "$oracle" totals <log | cmp - want
}

# ---- Life without a terminal

@test "under cron: no environment, no terminal, stdin closed, silent on success" {
  silent env -i /bin/sh -c "exec setsid flock -n lock '$PAYSTATS_BIN/paygen' --random 100 -o log <&-"
  [ "$(wc -l <log)" -eq 100 ]
  silent env -i /bin/sh -c "exec setsid '$PAYSTATS_BIN/paygen' --random 100 -o log <&- >&- 2>&-"
  [ "$(wc -l <log)" -eq 200 ]
}

@test "under cron: flock -n keeps a second run away from the first" {
  in_background flock -n lock paygen --random 0 --rate 10 -o log
  wait_for '[ -s log ]'
  run flock -n lock paygen --random 5 -o other
  [ "$status" -eq 1 ]
  [ ! -e other ]
}

@test "progress is shown where asked for, and never elsewhere" {
  silent bash -c 'paygen --random 2000 --rate 2000 -o log </dev/null'
  run --separate-stderr paygen --random 2000 --rate 2000 --progress always -o log
  [ "$status" -eq 0 ]
  [[ "$stderr" == *records* ]]
}

@test "batch lines may have fields of other names" {
  echo '{"who":7,"much":"1.50","n":2,"user":null}' |
    paygen --user-field who --amount-field much --volume-field n >out
  printf '{"user":"7","paymentAmt":1.50}\n%.0s' 1 2 | cmp - out
  refuses 'names that begin with / are reserved' paygen --user-field /who lines -o made
  refuses 'are of batch lines' paygen --user-field who --random 1 -o made
}

@test "a group is said to be one, and jq makes batches of it" {
  echo '{"time":"t","payments":[{"user":"a","paymentAmt":1,"volume":2},{"user":"b","paymentAmt":3}]}' >group
  jq -c .payments group >array
  for file in group array; do
    run -1 --separate-stderr paygen "$file"
    [ -z "$output" ]
    [ "${stderr_lines[0]}" = "paygen: error: $file:1: a group of payments: one object a line is wanted (jq -c '.payments[]', or jq -c '.[]' for an array; jq before 1.7 rounds numbers of more than 15 digits)" ]
  done
  [ "$(jq -c '.payments[]' group | paygen | payagg)" = "$(payagg group)" ]
  [ "$(jq -c '.[]' array | paygen | payagg)" = "$(payagg group)" ]
}
