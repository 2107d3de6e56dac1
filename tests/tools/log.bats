# The durable log as paystats-log(5) has it: several writers, foreign ones among them, repairs, and
# followers whose file is taken away.

load helpers

time='"time":"[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z"'
edgar='{"user":"edgar","paymentAmt":1}'

# lines_are REGEX...: the lines of the log.
lines_are() {
  local line=0 pattern
  [ "$(wc -l <log)" -eq $# ] || { cat log >&2; return 1; }
  for pattern in "$@"; do
    line=$((line + 1))
    sed -n "${line}p" log | grep -qxE -- "$pattern" || { sed -n "${line}p" log >&2; return 1; }
  done
}
pay() { paygen --user b --amount 2 -o log; }

# ---- One request, one line

@test "a batch of any volume is one line, with its time" {
  paygen --user edgar --amount 1.0 --volume 3000000000 -o log
  paygen --user edgar --amount 1e2 -o log
  lines_are "\{\"user\":\"edgar\",\"paymentAmt\":1.0,\"volume\":3000000000,$time\}" \
    "\{\"user\":\"edgar\",\"paymentAmt\":100,$time\}"
  [ "$(payagg log)" = '{"user":"edgar","sum":3000000100.00,"count":3000000001}' ]
}

@test "random payments have times in a log, and none on stdout" {
  paygen --random 1000 --users 10 --seed 3 -o log
  paygen --random 1000 --users 10 --seed 3 >plain
  sed -E "s/,$time//" log | cmp - plain
  [ "$(grep -cE "$time" log)" -eq 1000 ]
}

@test "a server writes a payment, a batch or a group, and the key where a request has one" {
  in_background paystats-serve --stats none --listen 127.0.0.1:0 -o log
  wait_for 'grep -q "listening on" background.err'
  url=$(sed -n 's/.*listening on \(.*\)\/$/\1/p' background.err)
  post() { curl -sS -o posted -w '%{http_code}' -H 'Content-Type: application/json' "$@" "$url/api/payments"; }
  [ "$(post -d "$edgar")" = 200 ]
  [ "$(post -H 'Idempotency-Key: "k-\"1"' -d '{"user":"edgar","paymentAmt":"2.50","volume":"7"}')" = 200 ]
  [ "$(post -H 'Idempotency-Key: k2' -d '[{"user":"ä\n","paymentAmt":1e2},{"user":7,"paymentAmt":1,"volume":3}]')" = 200 ]
  [ "$(post -d "[$edgar]")" = 200 ]
  lines_are "\{\"user\":\"edgar\",\"paymentAmt\":1,$time\}" \
    "\{\"user\":\"edgar\",\"paymentAmt\":2.50,\"volume\":7,$time,\"idempotencyKey\":\"k-\\\\\"1\"\}" \
    "\{$time,\"idempotencyKey\":\"k2\",\"payments\":\[\{\"user\":\"ä\\\\u000a\",\"paymentAmt\":100\},\{\"user\":\"7\",\"paymentAmt\":1,\"volume\":3\}\]\}" \
    "\{\"user\":\"edgar\",\"paymentAmt\":1,$time\}"
  [ "$(post -H 'Idempotency-Key: a' -H 'Idempotency-Key: a' -d "$edgar")" = 400 ]
  [ "$(post -H 'Idempotency-Key: ""' -d "$edgar")" = 400 ]
  payagg log | cmp - <(printf '%s\n' '{"user":"ä\u000a","sum":100.00,"count":1}' \
    '{"user":"edgar","sum":19.50,"count":9}' '{"user":"7","sum":3.00,"count":3}')
}

@test "a request that would be a line over 1 MiB is refused with 413, and nothing of it is written" {
  in_background paystats-serve --stats none --listen 127.0.0.1:0 -o log
  wait_for 'grep -q "listening on" background.err'
  url=$(sed -n 's/.*listening on \(.*\)\/$/\1/p' background.err)
  for amount in 1e14 1e-9; do
    { printf '['; yes "{\"user\":\"a\",\"paymentAmt\":$amount}," | head -30000 | tr -d '\n'; printf '%s]' "$edgar"; } >body
    [ "$(stat -c %s body)" -lt 1048576 ]
    [ "$(curl -sS -o posted -w '%{http_code}' -H 'Content-Type: application/json' \
      --data-binary @body "$url/api/payments")" = 413 ]
    grep -q 'problem:too-large' posted
  done
  [ ! -s log ]
}

# ---- What others wrote

@test "whole lines of other writers stay as they are, whatever they look like" {
  printf '%s\n' " $edgar " "$edgar " "$edgar"$'\r' '  ' '' ' {"konto":7} ' 'not JSON ' '[1] ' >log
  cp log before
  for i in 1 2 3; do pay; done
  head -n 8 log | cmp - before
  [ "$(wc -l <log)" -eq 11 ]
  [ ! -e log.torn ]
  # Counted by every road.
  payagg -q log >want || [ $? -eq 1 ]
  payagg -q <log | cmp - want
  cat log | payagg -q | cmp - want
  in_background payagg -q --follow log
  wait_for '[ -s background.out ] && payagg -q --merge background.out 2>/dev/null | cmp -s - want'
  grep -q '{"user":"edgar","sum":3.00,"count":3}' want
}

@test "a last line without its newline that is whole gets it, whatever its fields are called" {
  for last in "$edgar" ' {"konto":"7","betrag":1} ' '[1]' "$edgar"$'\r'; do
    printf '%s\n%s' "$edgar" "$last" >log
    pay
    [ "$(sed -n 2p log)" = "$last" ]
    [ "$(wc -l <log)" -eq 3 ]
    [ ! -e log.torn ]
  done
}

@test "any other tail is kept in NAME.torn, and told" {
  printf '%s\n{"user":"edgar","payme' "$edgar" >log
  run --separate-stderr pay
  [ "$status" -eq 0 ]
  [[ "$stderr" == *'log: the last 22 bytes'*log.torn* ]]
  [ "$(cat log.torn)" = '{"user":"edgar","payme' ]
  printf '{"a":"%s' "$(head -c 3000000 /dev/zero | tr '\0' x)" >>log
  head -c 5000 /dev/zero >>log
  run -0 --separate-stderr paygen -q --user b --amount 2 -o log
  [[ "$stderr" == *log.torn* ]] # that payments may be missing is not hidden by -q
  tail -n 1 log.torn | tail -c 17 | grep -qx '\[5000 NUL bytes\]'
  [ "$(wc -c <log.torn)" -eq $((23 + 6 + 3000000 + 16 + 1)) ]
  [ "$(payagg log | grep -c .)" -eq 2 ]
}

@test "where there is no room for the tail nothing is written, and the log stays as it is" {
  if [ "$(id -u)" -ne 0 ] || ! { mkdir disk && mount -t tmpfs -o size=64k tmpfs disk; } 2>/dev/null; then
    skip "needs a file system of its own (root)"
  fi
  { echo "$edgar"; printf '{"a":"'; head -c 50000 /dev/zero | tr '\0' x; } >disk/log
  cp disk/log before
  refuses 'log.torn: no space left on device' paygen --user b --amount 2 -o disk/log
  cmp disk/log before
  umount disk
}

@test "a file that is no log is refused as it is" {
  printf 'my notes' >notes.txt
  refuses 'notes.txt: not a log' paygen --user b --amount 2 -o notes.txt
  refuses 'notes.txt: not a log' paystats-serve --stats s --listen 127.0.0.1:0 -o notes.txt
  # However much white space is in front, and whatever the encoding.
  { head -c 5000 /dev/zero | tr '\0' ' '; echo 'my notes'; } >spaces.txt
  refuses 'spaces.txt: not a log' paygen --user b --amount 2 -o spaces.txt
  [ "$(wc -c <spaces.txt)" -eq 5009 ]
  printf '{"user":"b","paymentAmt":2}\n' | iconv -t UTF-16LE >wide.txt
  refuses 'wide.txt: not a log' paygen --user b --amount 2 -o wide.txt
  # As a shell appends: its stdout is no log either.
  ! paygen --user b --amount 2 >>notes.txt 2>said || false
  grep -q 'not a log' said
  [ "$(cat notes.txt)" = 'my notes' ]
}

@test "an adopted stdout goes on with the file that has its name" {
  in_background sh -c 'exec paygen --random 0 --rate 50 >>log'
  wait_for '[ -s log ]'
  mv log log.1
  wait_for '[ -s log ]'
  kill -TERM "$pid"
  ended_with 143
  grep -q 'has been moved or removed' background.err
}

@test "a folder that cannot be synced is told, once" {
  mkdir folder
  chmod 300 folder
  # Root may read everything, but for these capabilities.
  local limited=()
  [ "$(id -u)" -ne 0 ] || limited=(setpriv --bounding-set=-dac_override,-dac_read_search)
  printf '%s\n' "$edgar" "$edgar" |
    "${limited[@]}" paygen --rate 1000 -o folder/log 2>said
  chmod 700 folder
  [ "$(wc -l <folder/log)" -eq 2 ]
  [ "$(grep -c 'warning: folder/log: its folder may not be read' said)" -eq 1 ]
}

# ---- Followers whose file is taken away

follow() {
  in_background payagg --follow log
  wait_for '[ -s background.out ]'
}
ended_with_remedy() {
  ended_with 3
  tail -n 1 background.err | grep -qF -- "$1"
}
# The command that was advised, as sh runs it.
run_remedy() {
  local command
  command=$(tail -n 1 background.err | sed -E 's/.*(there now|go between them\)), in the folder [^:]*: //')
  in_background sh -c "exec $command"
}

@test "a log that shrinks is status 3, with the command that counts what is there now" {
  paygen --random 1000 -o log
  follow
  : >log
  ended_with_remedy ", in the folder $PWD: payagg --follow log"
  grep -q 'shrank.*copytruncate' background.err
}

@test "a log that is renamed and made anew is read to its end, published, and status 3" {
  pay
  follow
  mv log log.1
  echo "$edgar" >>log.1
  wait_for 'grep -q edgar background.out'
  echo "$edgar" >>log.1
  pay
  ended_with_remedy ", in the folder $PWD: payagg --follow log.1 log"
  tail -n 1 background.out | grep -qx '{"user":"edgar","sum":2.00,"count":2}'
  # The remedy counts both.
  run_remedy
  wait_for 'grep -q "\"b\",\"sum\":4.00" background.out'
}

@test "an earlier input that grows after it was read is status 3, and what was read is published" {
  pay
  mv log log.1
  pay
  in_background payagg --follow log.1 log
  wait_for '[ -s background.out ]'
  echo "$edgar" >>log.1
  ended_with 3
  tail -n 1 background.err | grep -q 'log.1: grew from .* for the totals of all: payagg --follow log.1 log$'
  in_background payagg --follow log.1 log
  wait_for 'grep -q edgar background.out && grep -q "\"b\",\"sum\":4.00" background.out'
}

@test "more earlier inputs than there may be descriptors are read" {
  pay
  for i in {1..150}; do echo "$edgar" >"log.$i"; done
  in_background bash -c 'ulimit -n 120; exec payagg --follow log.{1..150} log'
  wait_for 'grep -q "\"edgar\",\"sum\":150.00" background.out'
  echo "$edgar" >>log.150
  ended_with 3
}

@test "a log that is replaced is status 3" {
  pay
  follow
  paygen --user new --amount 1 -o other
  mv other log
  ended_with_remedy ", in the folder $PWD: payagg --follow log"
}

@test "the command that is advised has the options and the other inputs of the one that was given" {
  local name options
  for name in 'a log' "it's \"the\" log" '-log' $'lo\ng'; do
    echo '{"who":"first","much":1}' >earlier
    echo '{"who":"a","much":1}' >"./$name"
    options=(--user-field who --amount-field=much -o'to tals' --trigger 10ms)
    rm -f 'to tals'
    in_background payagg --follow "${options[@]}" -- earlier "$name"
    wait_for 'grep -q "\"a\"" "to tals"'
    mv "./$name" "./$name.1"
    echo '{"who":"b","much":2}' >"./$name"
    ended_with_remedy 'payagg --follow --user-field who --amount-field=much '"'-oto tals'"' --trigger 10ms earlier '
    rm 'to tals'
    run_remedy
    wait_for 'grep -q "\"b\"" "to tals"'
    payagg --merge 'to tals' | cmp - <(printf '%s\n' '{"user":"b","sum":2.00,"count":1}' \
      '{"user":"a","sum":1.00,"count":1}' '{"user":"first","sum":1.00,"count":1}')
    : >"./$name"
    ended_with_remedy ", in the folder $PWD: payagg --follow --user-field who"
    echo '{"who":"c","much":3}' >"./$name"
    rm 'to tals'
    run_remedy
    wait_for 'grep -q "\"c\"" "to tals"'
    payagg --merge 'to tals' | grep -c . | grep -qx 3
    kill -TERM "$pid"
    ended_with 0
  done
}

# ---- Logs of before

@test "an unfinished group at the end of a log of before is moved to NAME.torn" {
  old() { rm -f log log.torn; printf "$1" >log; "$PROJECT/scripts/unmark-log" log 2>said; }
  unchanged() { old "$1" && printf "$1" | cmp - log && [ ! -e log.torn ] && [ ! -s said ]; }
  unchanged ''
  unchanged "$edgar\n"
  unchanged "\n"
  unchanged " $edgar \n$edgar\n"
  unchanged " $edgar \n$edgar"
  unchanged "$edgar\n{\"us"
  unchanged " $edgar \n$edgar\n\n"
  # A log of today, and a file that is no log.
  local dated='{"user":"a","paymentAmt":1,"time":"2026-01-01T00:00:00Z"}'
  unchanged "$dated\n$edgar\n $edgar \n"
  unchanged "$dated\n $edgar \n {\"us"
  unchanged "$edgar\n $dated \n"
  unchanged "$edgar\n  $edgar  \n"
  unchanged "$edgar\n a note \n"
  unchanged "notes\n $edgar \n"
  for tail in " $edgar \n" " $edgar \n $edgar \n {\"us" " $edgar \n{\"us" " {\"us" " $edgar \n $edgar"; do
    for front in '' "$edgar\n" "\n" " $edgar \n$edgar\n"; do
      old "$front$tail"
      printf "$front" | cmp - log
      printf "$tail\n" | cmp - log.torn
      grep -q 'log.torn' said
    done
  done
  # Groups were of any size.
  { echo "$edgar"; yes " $edgar " | head -50000; } >log
  "$PROJECT/scripts/unmark-log" log 2>said
  [ "$(cat log)" = "$edgar" ]
  { echo "$edgar"; yes " $edgar " | head -5; printf '{"user":"%s' "$(head -c 300000 /dev/zero | tr '\0' x)"; } >log
  "$PROJECT/scripts/unmark-log" log 2>said
  [ "$(cat log)" = "$edgar" ]
}

# ---- scripts/join-logs

join() { "$PROJECT/scripts/join-logs" "$@"; }

@test "what is no log is not joined, and the note stays" {
  echo "$edgar" >log
  echo look >log.look
  echo "$edgar" | gzip >old.gz
  echo 'my notes' >notes
  : >empty
  refuses 'is compressed: zcat' join old.gz log
  refuses 'not a log of JSON lines' join notes log
  refuses 'is empty' join empty log
  [ -e log.look ] && [ "$(cat log)" = "$edgar" ] && [ ! -e log.joining ] && [ ! -e log.replaced ]
}

@test "logs that begin alike are joined, once" {
  echo "$edgar" >old
  printf '%s\n' "$edgar" '{"user":"b","paymentAmt":2}' >log
  join old log
  [ "$(grep -c edgar log)" -eq 2 ] && [ "$(payagg log | grep -c 2.00)" -eq 2 ]
  refuses 'joined already' join old log
  [ "$(wc -l <log)" -eq 3 ]
}

@test "a crash after the rename is finished, and joins nothing twice" {
  echo "$edgar" >old
  echo '{"user":"b","paymentAmt":2}' >log
  echo look >log.look
  # Killed as it would rename OLD.
  mkdir bin
  printf '#!/bin/sh\ncase $* in *.joined) kill -9 $PPID; exit 1;; esac\nexec %s "$@"\n' "$(command -v mv)" >bin/mv
  chmod +x bin/mv
  run -137 env PATH="$PWD/bin:$PATH" "$PROJECT/scripts/join-logs" old log
  [ -e log.joining ] && [ -e old ] && [ -e log.look ]
  join old log
  [ "$(wc -l <log)" -eq 2 ]
  [ ! -e log.joining ] && [ ! -e old ] && [ ! -e log.look ]
  # And before it: then it is joined.
  rm log.replaced
  echo "$edgar" >more
  printf '#!/bin/sh\nkill -9 $PPID\n' >bin/mv
  run -137 env PATH="$PWD/bin:$PATH" "$PROJECT/scripts/join-logs" more log
  [ -e log.joining ] && [ "$(wc -l <log)" -eq 2 ]
  join more log
  [ "$(wc -l <log)" -eq 3 ]
}

@test "what comes to the file that is replaced is in the log, too" {
  echo "$edgar" >old
  printf '{"user":"b",' >log
  echo '"paymentAmt":2}' >rest
  mkdir bin
  # Who has the file open, and does not lock, appends to it as it is replaced.
  printf '#!/bin/sh\n[ -e done ] || cat rest >>log; : >done\nexec %s "$@"\n' "$(command -v mv)" >bin/mv
  chmod +x bin/mv
  PATH=$PWD/bin:$PATH join old log
  printf '%s\n' "$edgar" '{"user":"b","paymentAmt":2}' | cmp - log
  echo "$edgar" >more
  refuses 'is there from before' join more log
}

@test "a tail of OLD gets a newline only where it is whole, and LOG.torn is as private as LOG" {
  echo "$edgar" >log
  chmod 640 log
  umask 077
  for tail in '{"user":"to' '{"user":"to"]' '{"user":"a","paymentAmt":1}\0\0'; do
    rm -f log.replaced log.torn old.joined
    printf "$tail" >old
    join old log
    printf "$tail\n" | cmp - log.torn
    [ "$(stat -c %a log.torn)" = 640 ]
    [ "$(cat log)" = "$edgar" ]
  done
  rm log.replaced old.joined
  printf '%s' "$edgar" >old
  join old log
  [ "$(wc -l <log)" -eq 2 ]
}

@test "LOG.torn of whoever makes it is its log's owner's" {
  [ "$(id -u)" -eq 0 ] || skip "needs root"
  printf '{"user":"to' >log
  chown 12345:12346 log
  chmod 660 log
  pay
  [ "$(stat -c %u:%g:%a log.torn)" = 12345:12346:660 ]
  rm log.torn
  echo "$edgar" >log
  printf '{"user":"to' >old
  join old log
  [ "$(stat -c %u:%g:%a log.torn)" = 12345:12346:660 ]
  rm log.torn
  printf ' %s \n' "$edgar" >log
  "$PROJECT/scripts/unmark-log" log
  [ "$(stat -c %u:%g:%a log.torn)" = 12345:12346:660 ]
}
