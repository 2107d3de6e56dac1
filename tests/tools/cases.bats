# What people who do this job have met with other tools, each a file or a line that they did not make
# themselves: it is counted exactly or refused, and the words say what it is.

load helpers

edgar='{"user":"edgar","paymentAmt":1.0}'
anna='{"user":"anna","paymentAmt":"2.50"}'
mark=$'\xef\xbb\xbf'

# rejected WORDS: payagg takes stdin, counts nothing, and says these words of its first line.
rejected() {
  local status=0
  payagg >rejected.out 2>rejected.err || status=$?
  [ "$status" -eq 1 ] && [ ! -s rejected.out ] && grep -qF -- "payagg: error: -:1: $1" rejected.err || {
    echo "status $status, stderr: $(cat rejected.err)" >&2
    return 1
  }
}

# sums_to SUM COUNT AMOUNT: a payment of this amount, as it is written, is so much.
sums_to() {
  local got
  got=$(printf '{"user":"a","paymentAmt":%s}\n' "$3" | payagg)
  [ "$got" = "{\"user\":\"a\",\"sum\":$1,\"count\":$2}" ] || { echo "$3: $got" >&2; return 1; }
}

# ---- How an input begins

@test "exports from Windows tools: a byte-order mark is skipped in each input, and told once of each" {
  printf '%s%s\r\nbad\r\n' "$mark" "$edgar" >a
  printf '%s%s\n' "$mark" "$edgar" >b
  # By one job: of several, each tells of its own inputs when it comes to them.
  run -1 --separate-stderr payagg --jobs 1 a b - <b
  [ "$output" = '{"user":"edgar","sum":3.00,"count":3}' ]
  [ "${stderr_lines[0]}" = 'payagg: a: begins with a byte-order mark, which was skipped' ]
  [ "${stderr_lines[1]}" = 'payagg: error: a:2: not valid JSON' ]
  [ "${stderr_lines[2]}" = 'payagg: b: begins with a byte-order mark, which was skipped' ]
  [ "${stderr_lines[3]}" = 'payagg: stdin: begins with a byte-order mark, which was skipped' ]
  [ "${#stderr_lines[@]}" -eq 5 ]
  silent payagg -q b -o out
}

@test "a file of nothing but a byte-order mark is empty" {
  printf %s "$mark" >a
  run -0 --separate-stderr payagg a
  [ -z "$output" ]
  [ "$stderr" = 'payagg: a: begins with a byte-order mark, which was skipped' ]
}

@test "a byte-order mark anywhere else is a reject" {
  printf '%s%s\n' "$mark" "$edgar" >a
  cat a a | { payagg 2>err || true; } >out
  grep -qF -- '-:2: begins with a byte order mark' err
  echo '{"user":"edgar","sum":1.00,"count":1}' | cmp - out
  run -1 payagg <<<"$mark$mark$edgar"
  [[ "$output" == *'-:1: begins with a byte order mark'* ]]
}

@test "files cut among several threads: the mark is skipped and line numbers stay" {
  { printf %s "$mark"; paygen --random 400000 --users 100 --seed 1 --expect want.jsonl; } >big
  echo bad >>big
  run -1 --separate-stderr payagg --jobs 2 big -o out
  [ "${stderr_lines[1]}" = 'payagg: error: big:400001: not valid JSON' ]
  cmp out want.jsonl
  run -2 --separate-stderr payagg --jobs 2 big <(:) <(gzip <big)
  [[ "$stderr" == *': is compressed by gzip: '* ]]
  gzip -1c big >big.gz
  refuses 'big.gz: is compressed by gzip: zcat big.gz | payagg' payagg --jobs 2 big big.gz
}

@test "paygen's batches and partial stats may begin with a mark as well" {
  printf '%s{"user":"edgar","paymentAmt":1.0,"volume":2}\n' "$mark" | paygen 2>err >out
  printf '%s\n' "$edgar" "$edgar" | cmp - out
  grep -qx 'paygen: stdin: begins with a byte-order mark, which was skipped' err
  printf '%s{"user":"edgar","sum":2.00,"count":2}\n' "$mark" >stats
  payagg -q --merge stats | cmp - <(echo '{"user":"edgar","sum":2.00,"count":2}')
  run -0 --separate-stderr paystats-cache --top 1 <stats
  [ "$output" = '{"user":"edgar","sum":2.00,"count":2}' ]
}

@test "a followed file may begin with a mark" {
  printf '%s%s\n' "$mark" "$edgar" >log
  in_background payagg --follow --ready-line log
  wait_for '[ "$(wc -l <background.out)" -ge 2 ]'
  kill -TERM "$pid"
  ended_with 0
  grep -qF '"sum":1.00,"count":1' background.out
  grep -qF 'log: begins with a byte-order mark' background.err
}

@test "UTF-16 and UTF-32 are refused as a whole, with the command that converts them" {
  printf '%s\n%s\n' "$edgar" "$anna" >a
  iconv -f UTF-8 -t UTF-16 a >a16
  refuses 'a16: is UTF-16, and UTF-8 is wanted: iconv -f UTF-16 -t UTF-8 a16 | payagg' payagg a16
  iconv -f UTF-16 -t UTF-8 a16 | payagg | cmp - <(payagg a)
  for form in UTF-16LE UTF-16BE UTF-32 UTF-32LE UTF-32BE; do
    iconv -f UTF-8 -t "$form" a >wide
    refuses "wide: is ${form:0:6}, and UTF-8 is wanted" payagg wide
    refuses "stdin: is ${form:0:6}, and UTF-8 is wanted" payagg <wide
    refuses "stdin: is ${form:0:6}, and UTF-8 is wanted" paygen <wide
  done
}

@test "compressed files are refused as a whole, with the command that decompresses them" {
  paygen --random 1000 --seed 1 >a
  gzip -c a >a.gz
  refuses 'a.gz: is compressed by gzip: zcat a.gz | payagg' payagg a.gz
  refuses 'stdin: is compressed by gzip: ... | zcat | payagg' payagg <a.gz
  zcat a.gz | payagg | cmp - <(payagg a)
  printf '\x28\xb5\x2f\xfd\x04\x00' >a.zst
  refuses 'a.zst: is compressed by zstd: zstdcat a.zst | payagg' payagg a.zst
  printf '\xfd7zXZ\x00' >a.xz
  refuses 'a.xz: is compressed by xz: xzcat a.xz | payagg' payagg a.xz
  printf 'BZh91AY&SY' >a.bz2
  refuses 'a.bz2: is compressed by bzip2: bzcat a.bz2 | payagg' payagg a.bz2
}

# The command of the refusal, as sh runs it.
advised() {
  local status=0
  "$@" >refused.out 2>refused.err || status=$?
  [ "$status" -eq 2 ] && [ ! -s refused.out ] || { echo "status $status: $(cat refused.err)" >&2; return 1; }
  sed -E 's/^.*(is compressed by [a-z0-9]*|and UTF-8 is wanted|more than 15 digits\)|what is there now): //' refused.err
}

@test "the command that a refusal advises is the one that was given, behind the filter" {
  local name
  printf '%s\n' '{"name":"a","paymentAmt":1,"volume":2}' '{"name":"b","paymentAmt":"2.50"}' >plain
  payagg -q --user-field name plain >want
  payagg -q --user-field name plain plain >twice
  mkdir names
  cd names
  for name in a.gz 'a b.gz' "it's \"a\".gz" -x.gz -- '$(x)`y`;*.gz' $'new\nline.gz' $'\033[2J.gz' 'ä.gz' 'a\b%s.gz'; do
    gzip -c ../plain >"./$name"
    sh -c "$(advised payagg -q --user-field name -- "$name")" | cmp - ../want
    sh -c "$(advised payagg -q --user-field=name -o "to tals" -- "$name")"
    cmp "to tals" ../want
    rm -f x "to tals"
    sh -c "$(advised payagg -qox --user-field name ../plain -- "$name")"
    cmp x ../twice
    sh -c "$(advised payagg --output=it\'s --quiet --volume-field '' --user-field name -- "$name" ../plain)"
    cmp "it's" ../twice
    # Where the input cannot be stdin a file is made of it.
    sh -c "$(advised payagg -q --user-field name - "./$name" <../plain | sed 's/\.\.\./cat ..\/plain/')" | cmp - ../twice
    rm -f ./*.jsonl
  done
  iconv -f UTF-8 -t UTF-16 ../plain >wide
  sh -c "$(advised payagg -q --user-field name wide)" | cmp - ../want
  jq -s . ../plain >'pretty print'
  sh -c "$(advised payagg -q --user-field name 'pretty print')" | cmp - ../want
  jq . ../plain >pretty
  sh -c "$(advised payagg -q --user-field name pretty)" | cmp - ../want
  [ "$(sh -c "$(advised paygen --user-field name --volume-field=volume pretty)" | wc -l)" -eq 3 ]
}

@test "a file that cannot be followed is refused, and does not wait for a line for ever" {
  echo "$edgar" | gzip -n >tiny.gz
  [ "$(wc -l <tiny.gz)" -eq 0 ]
  payagg <(echo "$edgar") >want
  command=$(advised payagg --follow -o totals tiny.gz)
  [ "$command" = 'zcat tiny.gz | payagg -o totals' ]
  sh -c "$command"
  cmp totals want
  printf '{\n  "user": "edgar",\n  "paymentAmt": 1.0\n}\n' >pretty
  refuses 'pretty: is JSON over several lines' payagg --follow pretty
  sh -c "$(advised payagg -q --follow --ready-line --output-mode update --trigger 1s pretty)" | cmp - want
  refuses 'as files of /proc' payagg --follow /proc/self/status
}

@test "a mark in front of a line of just 1 MiB is no part of its length" {
  local bytes road
  for bytes in 1048576 1048577; do
    { printf %s "$mark"; printf '{"user":"a","paymentAmt":1,"x":"%0*d"}\n' $((bytes - 34)) 0; echo "$edgar"; } >log
    [ "$(head -n 1 log | wc -c)" -eq $((bytes + 4)) ]
    for road in 'payagg -q log' 'payagg -q <log' 'cat log | payagg -q' 'cat log | payagg -q --jobs 2' \
      'payagg -q --jobs 2 log /dev/null' 'payagg --follow --ready-line log | sed /^\$/q | head -n -1 | sort'; do
      bash -c "$road" >got || true
      [ "$(wc -l <got)" -eq $((1048578 - bytes)) ] || { echo "$bytes by $road: $(cat got)" >&2; return 1; }
    done
  done
}

@test "pretty printers: of JSON over several lines nothing is counted, and jq -c is named" {
  printf '[\n  %s,\n  %s\n]\n' "$edgar" "$anna" >array
  refuses "array: is JSON over several lines, and one object a line is wanted (jq before 1.7 rounds numbers of more than 15 digits): jq -c '.[]' array | payagg" \
    payagg array
  refuses "jq -c '.[]'" payagg < <(cat array)
  printf '{\n  "user": "edgar",\n  "paymentAmt": 1.0\n}\n' >object
  refuses 'jq -c . object | payagg' payagg object
  # However the lines are cut, of one element too, and whatever empty lines stand in front.
  for text in '[%s,\n%s\n]\n' '{"payments":[%s,\n%s\n]}\n' '\n[\n%s,\n%s\n]\n' '\r\n \n[%s,\r\n%s]\n' \
    '[\n%s\n,%s\n]\n' '[\n%.0s%s\n]' '{"payments":[\n%.0s%s\n]}\n'; do
    printf "$text" '{"user":"a","paymentAmt":1}' '{"user":"b","paymentAmt":2}' >cut
    refuses 'is JSON over several lines' payagg cut
    refuses 'is JSON over several lines' payagg < <(cat cut)
  done
  printf '{"payments": [\n%s,\n%s\n]}\n' "$edgar" "$anna" | refuses 'over several lines' payagg
}

@test "a writer that was cut short: a first line that looks like the beginning of more costs itself alone" {
  local first road
  want='{"user":"edgar","sum":2.00,"count":2}'
  for first in '[' '{' "[$edgar," '{"user":"a",' '{"time":"t","payments":[' ' [{ '; do
    printf '%s\n%s\n\n%s\n' "$first" "$edgar" "$edgar" >log
    for road in 'payagg log' 'payagg <log' 'cat log | payagg' 'cat log | payagg --jobs 2' \
      'payagg --jobs 2 log /dev/null' '{ head -n 1 log; sleep 0.1; tail -n +2 log; } | payagg'; do
      run -1 --separate-stderr bash -c "$road"
      [ "$output" = "$want" ] || { echo "$first by $road: $output" >&2; return 1; }
      [[ "${stderr_lines[0]}" == *':1: does not end on its line: it was cut short'* ]]
    done
    in_background payagg --follow --ready-line log
    wait_for 'grep -qx "" background.out'
    echo "$edgar" >>log
    wait_for "grep -qF '\"sum\":3.00,\"count\":3' background.out"
    kill -TERM "$pid"
    ended_with 1
    rm background.out
  done
}

@test "what somebody wrote into the beginning of a log costs the lines behind it by no road" {
  local begin road want='{"user":"edgar","sum":3.00,"count":3}'
  for begin in '{\n  "user": "x",\n  "paymentAmt": 3\n}\n' '{"payments":[\n{"user":"c",\n' '[\n%s\n]\n' \
    '{\n"a":1,\n'; do
    { printf "$begin" '{"user":"edgar"}'; printf '%s\n' "$edgar" "$edgar" "$edgar"; } >log
    for road in 'payagg log' 'payagg <log' 'cat log | payagg' 'cat log | payagg --jobs 2' \
      'payagg --jobs 2 log /dev/null' '{ head -n 2 log; sleep 0.1; tail -n +3 log; } | payagg'; do
      run -1 --separate-stderr bash -c "$road"
      [ "$output" = "$want" ] || { echo "$begin by $road: $output" >&2; return 1; }
    done
    # A follower that sees the lines come, and one that finds them.
    for start in empty whole; do
      if [ "$start" = empty ]; then : >followed; else cp log followed; fi
      in_background payagg --follow --ready-line followed
      wait_for 'grep -qx "" background.out'
      if [ "$start" = empty ]; then while IFS= read -r line; do printf '%s\n' "$line" >>followed; done <log; fi
      wait_for "grep -qxF '$want' background.out"
      kill -TERM "$pid"
      ended_with 1
      rm background.out
    done
  done
}

@test "a long array and a stream of pretty objects are refused as well, by each road" {
  local road
  printf '[\n' >array
  yes "$edgar," | head -n 100000 >>array
  printf '%s\n]\n' "$edgar" >>array
  yes "$edgar" | head -n 3000 | jq . >stream
  for name in array stream; do
    for road in "payagg $name" "payagg <$name" "cat $name | payagg" "cat $name | payagg --jobs 2" \
      "payagg --jobs 2 $name /dev/null" "payagg --follow $name"; do
      refuses 'is JSON over several lines' bash -c "$road"
    done
  done
}

@test "lines of JSON over several lines that stand in the middle are told as what they are" {
  printf '%s\n[%s,\n%s,\n%s]\n' "$edgar" "$edgar" "$anna" "$edgar" >array
  run -1 --separate-stderr payagg array
  [ "$output" = '{"user":"edgar","sum":1.00,"count":1}' ]
  [[ "${stderr_lines[0]}" == 'payagg: error: array:2: does not end on its line'*'jq -c'* ]]
  [[ "${stderr_lines[1]}" == "payagg: error: array:3: part of JSON over several lines"*"jq -c '.[]'"* ]]
  [[ "${stderr_lines[2]}" == "payagg: error: array:4: part of JSON over several lines"* ]]
}

# ---- Lines of another kind

@test "jq --seq: a JSON text sequence is said to be one" {
  printf '\x1e%s\n' "$edgar" | rejected 'is a JSON text sequence (RFC 7464)'
  printf '\x1e%s\n' "$edgar" | tr -d '\036' | silent payagg -o out
}

@test "glued writers: two objects on a line are said to be two" {
  rejected 'more than one object on a line' <<<"$edgar$anna"
  rejected 'more than one object on a line' <<<"$edgar, $anna"
  rejected 'trailing bytes behind the JSON text' <<<"$edgar# edgar"
}

@test "spreadsheets: CSV is said to be CSV" {
  printf 'user,paymentAmt\nedgar,1.0\n' | rejected 'looks like CSV: one JSON object a line is wanted'
  printf 'user;paymentAmt\nedgar;1,0\n' | rejected 'looks like CSV'
}

@test "a schema registry's frame is said to be one" {
  printf '\0\0\0\0\014%s\n' "$edgar" | rejected "begins with the 5 bytes that a schema registry's serializer puts in front of JSON"
}

@test "a line that was cut short is told from one that is no JSON" {
  rejected 'does not end on its line: it was cut short' <<<'{"user":"edgar","payme'
  rejected 'not valid JSON' <<<'{"user":"edgar",}'
}

@test "what a foreign line holds does not reach the terminal" {
  printf '\033[2J,\033]0;x\007\n\x1e\033[2J\n' | { payagg 2>err || [ $? -eq 1 ]; }
  [ "$(tr -d '[:print:]\n' <err | wc -c)" -eq 0 ]
}

# ---- Records of others

@test "order streams: users that are integers are taken by their digits" {
  printf '%s\n' '{"user_id":1,"amount":99.99}' '{"user_id":"1","amount":"0.01"}' >in
  payagg --user-field user_id --amount-field amount in | cmp - <(echo '{"user":"1","sum":100.00,"count":2}')
  local user
  for user in 1.0 1e0 true null '{}' '[1]'; do
    printf '{"user_id":%s,"amount":1}\n' "$user" >in
    run -1 --separate-stderr payagg --user-field user_id --amount-field amount in
    [ -z "$output" ] || { echo "$user: $output" >&2; return 1; }
  done
}

@test "market data: a volume of others is a field like any other, and is told once" {
  printf '%s\n' '{"symbol":"B","price":"2.10","volume":1}' '{"symbol":"B","price":"4.10","volume":1200}' >in
  run -0 --separate-stderr payagg --user-field symbol --amount-field price in
  [ "$output" = '{"user":"B","sum":6.20,"count":2}' ]
  [ "${#stderr_lines[@]}" -eq 1 ]
  [[ "$stderr" == *volume* ]]
  run -0 --separate-stderr payagg --user-field symbol --amount-field price --volume-field volume in
  [ "$output" = '{"user":"B","sum":4922.10,"count":1201}' ]
}

# ---- Files that are none

@test "a file of /proc is read to its end, whatever size it says it has" {
  # The environment of a process, NUL behind each entry: a line of it ends with a newline of its value.
  in_background env -i X="
$edgar
" "$(type -P sleep)" 100
  wait_for "grep -qs paymentAmt /proc/$pid/environ"
  for how in "payagg /proc/$pid/environ" "payagg --jobs 2 /proc/$pid/environ /dev/null" \
    "payagg - </proc/$pid/environ"; do
    run -1 --separate-stderr bash -c "$how"
    [ "$output" = '{"user":"edgar","sum":1.00,"count":1}' ]
  done
}

@test "a file of /sys, which says that it is a page long, is read like a pipe" {
  local file=/sys/kernel/mm/transparent_hugepage/enabled road
  [ -r "$file" ] && [ "$(stat -c %s "$file")" -gt "$(wc -c <"$file")" ] || skip "no such file here"
  for road in "payagg $file" "payagg <$file" "payagg --jobs 2 $file /dev/null" "cat $file | payagg"; do
    run -1 --separate-stderr bash -c "$road"
    [[ "$stderr" == *':1: not valid JSON'* ]] || { echo "$road: $stderr" >&2; return 1; }
  done
  refuses 'as files of /proc and /sys' payagg --follow "$file"
}

@test "a name and its value, as in /proc/cpuinfo, is not said to be CSV" {
  printf 'processor\t: 0\n' | rejected 'not valid JSON'
  printf 'Name:\tcat\n' | rejected 'not valid JSON'
  printf 'edgar\t1.0\n' | rejected 'looks like CSV'
}

@test "a payment that has an array payments is told what it lacks" {
  printf '{"payments":[%s],"paymentAmt":5}\n' "$edgar" | rejected 'user: missing'
}

@test "a FIFO is read until its last writer has gone" {
  mkfifo fifo
  { echo "$edgar"; echo "$anna"; } >fifo &
  payagg fifo | cmp - <(printf '%s\n' "$edgar" "$anna" | payagg)
  wait
}

# ---- Amounts, as people write them

@test "forty forms of number are exact, or refused, and none is guessed" {
  sums_to 900719925474099.30 1 900719925474099.3
  sums_to 0.000000001 1 1e-9
  sums_to 100.00 1 1e2
  sums_to 100.00 1 1E+2
  sums_to 0.00 1 -0
  sums_to 0.00 1 0e-18
  sums_to 0.00 1 0e999999999
  sums_to 1.00 1 1.000000000000000000000000000000
  sums_to -1.50 1 -1.5
  sums_to 0.10 1 '"0.1"'
  sums_to 100000000000000.00 1 1e14
  local form
  for form in 9007199254740993 1e15 1e-10 0.0000000001 01 +1 .5 1. 1e 1e+ - -- 0x10 1_000 NaN Infinity -Infinity true null \
    '[]' '{}' '""' '" 1"' '"1 "' '"1,234.56"' '"12,50"' '"$5"' '"€5"' '"5 EUR"' '"1e"' '"0x1"' '"١"' '"1\u0000"' \
    '"(5)"' '"5-"' '"NaN"' '"1.2.3"' '"--1"' '"½"' '"1/2"' '"5%"'; do
    printf '{"user":"a","paymentAmt":%s}\n' "$form" >one
    run -1 --separate-stderr payagg one
    [ -z "$output" ] || { echo "$form: $output" >&2; return 1; }
  done
}

# ---- Tails and sizes

@test "a tail of NULs costs no payment" {
  { echo "$edgar"; echo "$anna"; head -c 5000 /dev/zero; } >log
  run -1 --separate-stderr payagg log
  [ "$(wc -l <<<"$output")" -eq 2 ]
  [[ "${stderr_lines[0]}" == 'payagg: error: log:3: holds a NUL byte' ]]
}

@test "a line of 3 MB is one reject, and those around it count" {
  { echo "$edgar"; printf '{"user":"%03000000d","paymentAmt":1}\n' 0; echo "$edgar"; echo bad; } >log
  run -1 --separate-stderr payagg log
  [ "$output" = '{"user":"edgar","sum":2.00,"count":2}' ]
  [ "${stderr_lines[0]}" = 'payagg: error: log:2: longer than 1 MiB' ]
  [ "${stderr_lines[1]}" = 'payagg: error: log:4: not valid JSON' ]
}

@test "white space around a line changes nothing" {
  printf ' %s\n%s \n\t%s\t\r\n \n' "$edgar" "$edgar" "$edgar" >log
  payagg log | cmp - <(echo '{"user":"edgar","sum":3.00,"count":3}')
  payagg <log | cmp - <(echo '{"user":"edgar","sum":3.00,"count":3}')
  payagg < <(cat log) | cmp - <(echo '{"user":"edgar","sum":3.00,"count":3}')
}
