# paystats-cache at a shell: the list, the socket, the questions to it, and how each of them ends.

load helpers

on_terminal="$BATS_TEST_DIRNAME/on_terminal.py"

stats() { printf '{"user":"%s","sum":%s,"count":%s}\n' "$@"; }

# many N: stats of user1 to userN. (Bats takes a millisecond for each command of a loop.)
many() { seq "$1" | sed 's/.*/{"user":"user&","sum":&.00,"count":1}/'; }

# start_cache [OPTION...]: one that holds stats.sock, fed through the FIFO background.in by
# descriptor 9. It is there, and nothing has been read, when this returns.
start_cache() {
  mkfifo background.in
  in_background paystats-cache --socket stats.sock "$@"
  exec 9>background.in
  wait_for '[ -S stats.sock ] && paystats-cache --connect stats.sock --top 1 2>/dev/null'
  cache=$pid
}

end_input() { exec 9>&-; }

# start_list: one that will print a list, has read a line, and waits for more on descriptor 9.
start_list() {
  rm -f background.in cache.prom
  mkfifo background.in
  in_background paystats-cache --top 5 --metrics cache.prom
  exec 9>background.in
  stats a 1.00 1 >&9
  wait_for 'grep -qsx "paystats_cache_users 1" cache.prom'
}

# first N: the first N users of the cache.
first() { paystats-cache -q --connect stats.sock --top "$1"; }

# ask LINE...: sends each as a request on one connection and prints the answers.
ask() {
  python3 - "$@" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect("stats.sock")
s.sendall(b"".join(line.encode() + b"\n" for line in sys.argv[1:]))
s.shutdown(socket.SHUT_WR)
while block := s.recv(65536):
    sys.stdout.buffer.write(block)
END
}

# ---- --top: a list at the end of the input

@test "the first users of a workload, through the whole chain" {
  paygen --random 200000 --users 20000 --seed 1 --expect want.jsonl >p.jsonl
  payagg <p.jsonl | paystats-cache --top 10 >out
  head -10 want.jsonl | cmp - out
  payagg --output-mode update --max-records 1000 <p.jsonl | paystats-cache --top 20000 | cmp - want.jsonl
  payagg p.jsonl -o totals.jsonl
  paystats-cache totals.jsonl --top 18446744073709551615 | cmp - want.jsonl
}

@test "of each user the newest stats count; a repeat does no harm" {
  { stats a 1.00 1; stats b 5.00 1; stats a 7.125 2; stats a 7.125 2; } >s.jsonl
  paystats-cache --top 9 s.jsonl >out
  { stats a 7.125 2; stats b 5.00 1; } | cmp - out
}

@test "of partials the highest offset of each partition counts, and partitions add up" {
  cat >s.jsonl <<'END'
{"user":"a","sum":5.00,"count":5,"partition":0,"offset":50}
{"user":"a","sum":1.00,"count":1,"partition":0,"offset":10}
{"user":"a","sum":0.25,"count":1,"partition":1,"offset":3}
END
  paystats-cache --top 9 s.jsonl >out
  stats a 5.25 6 | cmp - out
}

@test "a change of kind replaces what was held, with one warning" {
  for i in 1 2 3; do
    stats a 1.00 1
    echo '{"user":"a","sum":5.00,"count":5,"partition":0,"offset":50}'
  done >s.jsonl
  paystats-cache --top 9 s.jsonl >out 2>err
  stats a 5.00 5 | cmp - out
  [ "$(wc -l <err)" -eq 1 ]
  grep -q 'warning: .*with and without a partition' err
}

@test "several inputs are read in turn; a last line without newline counts, an empty line does not" {
  { stats a 1.00 1; printf '\n\r\n%s' "$(stats b 2.00 1)"; } >one
  printf '%s' "$(stats a 3.00 1)" >two
  stats c 9.00 1 | paystats-cache --top 9 one - two >out
  { stats c 9.00 1; stats a 3.00 1; stats b 2.00 1; } | cmp - out
}

@test "no input gives no output" {
  silent paystats-cache --top 5 </dev/null
}

@test "a line that is no stats is put aside with its line number, and the status is 1" {
  { stats a 1.00 1; echo garbage; stats b 2.00 1; } >s.jsonl
  run --separate-stderr paystats-cache --top 9 s.jsonl
  [ "$status" -eq 1 ]
  [ "${#lines[@]}" -eq 2 ]
  [[ "${stderr_lines[0]}" == "paystats-cache: error: s.jsonl:2: "* ]]

  run --separate-stderr paystats-cache --top 9 s.jsonl --rejects bad.jsonl
  [ "$status" -eq 1 ]
  grep -q '^{"source":"s.jsonl","line":2,"error":".*","record":"garbage"}$' bad.jsonl
}

@test "partials that would overflow are put aside, and what was held stays" {
  most=170141183460469231731687303715.88
  for partition in 0 1; do
    echo "{\"user\":\"a\",\"sum\":$most,\"count\":1,\"partition\":$partition,\"offset\":1}"
  done >s.jsonl
  run --separate-stderr paystats-cache --top 9 s.jsonl
  [ "$status" -eq 1 ]
  [ "$output" = "$(stats a $most 1)" ]
  [[ "$stderr" == *"s.jsonl:2: "*overflow* ]]
}

@test "a file given with -o is replaced at the end and not before" {
  echo old >list
  refuses missing.jsonl paystats-cache --top 5 missing.jsonl -o list
  [ "$(cat list)" = old ]
  stats a 1.00 1 | paystats-cache --top 5 -o list
  stats a 1.00 1 | cmp - list
  [ "$(ls -A)" = "$(printf '%s\n' list refused.err refused.out)" ]
}

@test "on a terminal the list is a table" {
  { stats anna 12.50 3; stats 日本 7.00 12345; } >s.jsonl
  "$on_terminal" 80x24 paystats-cache --top 9 s.jsonl >out
  printf '%s\n' 'RANK  USER    SUM  COUNT' \
                '   1  anna  12.50      3' \
                '   2  日本   7.00  12345' | diff - out
}

@test "a hostile name does not drive a terminal, and is not changed elsewhere" {
  echo '{"user":"\u001b[2J\u202e\u009b","sum":1,"count":1}' >s.jsonl
  "$on_terminal" 80x24 paystats-cache --top 9 s.jsonl >out
  grep -qF '\u001b[2J\u202e\u009b' out
  run ! grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xc2\x9b|\xe2\x80\xae' out
  paystats-cache --top 9 s.jsonl >out
  printf '{"user":"\\u001b[2J\xe2\x80\xae\xc2\x9b","sum":1.00,"count":1}\n' | cmp - out
}

@test "a reader that has seen enough is no failure" {
  many 20000 >s.jsonl
  paystats-cache --top 20000 s.jsonl 2>err | head -1 >out
  [ "${PIPESTATUS[0]}" -eq 0 ]
  stats user20000 20000.00 1 | cmp - out
  [ ! -s err ]
}

@test "a reader that goes while the input is quiet is noticed" {
  mkfifo quiet
  exec 8<>quiet
  { paystats-cache --top 5 quiet; echo $? >status; } | true
  [ "$(cat status)" -eq 0 ]
  exec 8>&-
}

@test "what cannot be written is status 2" {
  stats a 1.00 1 >s.jsonl
  run -2 paystats-cache --top 5 s.jsonl -o /dev/full
  run -2 bash -c 'paystats-cache --top 5 s.jsonl >/dev/full'
  [[ "$output" == *"no space left"* ]]
  run -2 bash -c 'paystats-cache --top 5 s.jsonl >&-'
  run -2 paystats-cache --top 5 s.jsonl -o missing/list
  echo garbage >bad
  run -2 paystats-cache --top 5 bad --rejects /dev/full
}

@test "what cannot be read is status 2, and nothing is written" {
  mkdir folder
  refuses 'missing.jsonl: no such file or directory' paystats-cache --top 5 missing.jsonl
  refuses folder paystats-cache --top 5 folder
}

@test "a file is not for two things" {
  echo '{"user":"edgar","sum":1.00,"count":1}' >in
  refuses 'in: is both input and output' paystats-cache in --top 3 -o ./in
  refuses 'in: is both input and --metrics' paystats-cache in --top 3 --metrics in
  refuses 'output and --rejects are the same place' paystats-cache in --top 3 -o out --rejects out
  [ "$(wc -l <in)" -eq 1 ]
}

@test "--users-max ends it with what to do next" {
  { stats a 1.00 1; stats b 2.00 1; stats a 3.00 2; } >s.jsonl
  paystats-cache --top 1 --users-max 2 s.jsonl
  stats c 1.00 1 >>s.jsonl
  refuses 'more than 2 users: raise --users-max' paystats-cache --top 1 --users-max 2 s.jsonl
}

@test "what cannot be meant is refused before anything is opened" {
  refuses '--socket PATH, --top N or --connect PATH' paystats-cache
  refuses '--socket and --connect' paystats-cache --socket s --connect s
  refuses '--socket and --top' paystats-cache --socket s --top 5
  refuses '--hold needs --socket' paystats-cache --hold --top 5
  refuses '--user needs --connect' paystats-cache --user a --top 5
  refuses '--watch needs --connect' paystats-cache --watch --top 5
  refuses '--output needs' paystats-cache --socket s -o out
  refuses '--output and --watch' paystats-cache --connect s --watch -o out
  refuses 'no INPUT' paystats-cache --connect s --top 5 file
  refuses '--connect reads nothing' paystats-cache --connect s --top 5 --rejects bad
  refuses '--user excludes' paystats-cache --connect s --user a --top 5
  refuses '--connect needs' paystats-cache --connect s
  refuses 'at most 1000' paystats-cache --connect s --top 1001
  refuses 'not UTF-8' paystats-cache --connect s --user $'\xff'
  refuses '--top' paystats-cache --top 0
  refuses '--top' paystats-cache --top many
  [ "$(ls -A)" = "$(printf '%s\n' refused.err refused.out)" ]
}

@test "interrupted, it prints what it has, says so, and dies of the signal" {
  for signal in INT TERM; do
    start_list
    kill -$signal "$pid"
    ended_with $((128 + $(kill -l $signal)))
    stats a 1.00 1 | cmp - background.out
    grep -q 'cut short' background.err
    end_input
  done
}

@test "interrupted, it reads on what is in the pipe" {
  start_list
  kill -STOP "$pid" # it meets the signal and what is in the pipe at once
  stats b 2.00 1 >&9
  kill -INT "$pid"
  kill -CONT "$pid"
  ended_with 130
  end_input
  { stats b 2.00 1; stats a 1.00 1; } | cmp - background.out
}

@test "it lives under cron: an empty environment, no stdin, silent on success" {
  stats a 1.00 1 >s.jsonl
  silent env -i "$PAYSTATS_BIN/paystats-cache" --top 5 s.jsonl -o list <&-
  silent env -i flock -n lock "$PAYSTATS_BIN/paystats-cache" --top 5 s.jsonl -o list </dev/null
  stats a 1.00 1 | cmp - list
  silent env -i "$PAYSTATS_BIN/paystats-cache" --socket stats.sock s.jsonl <&-
}

@test "--metrics is kept and is true at the end" {
  { stats a 1.00 1; echo garbage; stats b 2.00 1; } >s.jsonl
  run -1 paystats-cache --top 1 s.jsonl --metrics cache.prom
  grep -qx 'paystats_cache_records_read_total 3' cache.prom
  grep -qx 'paystats_cache_records_accepted_total 2' cache.prom
  grep -qx 'paystats_cache_records_rejected_total 1' cache.prom
  grep -qx 'paystats_cache_users 2' cache.prom
  refuses missing paystats-cache --top 1 s.jsonl --metrics missing/cache.prom
}

@test "--metrics is renewed while it runs" {
  start_cache --metrics cache.prom
  grep -qx 'paystats_cache_users 0' cache.prom
  stats a 1.00 1 >&9
  wait_for 'grep -qx "paystats_cache_users 1" cache.prom'
  wait_for 'grep -qx "paystats_cache_ready 1" cache.prom'
}

# ---- --socket: a cache that answers

@test "it answers while its input goes on" {
  start_cache
  stats a 1.00 1 >&9
  wait_for '[ "$(first 5)" = "$(stats a 1.00 1)" ]'
  { stats b 2.00 1; stats a 3.00 2; } >&9
  wait_for '[ "$(first 5)" = "$(stats a 3.00 2; stats b 2.00 1)" ]'
  [ "$(first 1)" = "$(stats a 3.00 2)" ]
  [ "$(paystats-cache -q --connect stats.sock --user b)" = "$(stats b 2.00 1)" ]
}

@test "with --ready-line it is ready when payagg says so, however long that takes" {
  paygen --random 1000 --users 50 --seed 8 --expect want.jsonl -o log
  mkfifo held
  start_cache --ready-line
  exec 8<>held
  payagg --follow --ready-line log >held &
  started+=($!)
  # All of its lines but the empty one are passed on, and then nothing for longer than a pause: another
  # cache, without the option, that is fed the same and later, calls it one.
  for _ in {1..50}; do read -r line <&8; printf '%s\n' "$line" | tee -a passed_on >&9; done
  wait_for '[ "$(first 1000 | wc -l)" -eq 50 ]'
  mkfifo other.in
  paystats-cache --socket other.sock --metrics other.prom other.in 3>&- 9>&- &
  started+=($!)
  exec 7>other.in
  cat passed_on >&7
  wait_for 'grep -qsx "paystats_cache_ready 1" other.prom'
  ask '{}' | grep -q '"ready":false'
  read -r line <&8
  [ "$line" = "" ]
  echo >&9
  wait_for 'ask "{}" | grep -q "\"ready\":true"'
  first 1000 | cmp - want.jsonl
}

@test "the protocol: a line of JSON for each line of JSON, in order" {
  { stats edgar 7.00 7; stats edith 8.50 1; stats anna 9.00 2; } >s.jsonl
  in_background paystats-cache --socket stats.sock --hold s.jsonl
  wait_for '[ -S stats.sock ] && ask "{}" | grep -q "\"ready\":true"'
  ask '{"limit":1,"offset":1}' '{"user":"edgar"}' 'garbage' '{"q":"ed","limit":1}' '{"user":"x"}' >answers
  [ "$(wc -l <answers)" -eq 5 ]
  python3 - <<'END'
import json
page, user, error, found, nobody = [json.loads(line) for line in open("answers")]
assert len(page["instance"]) == 16 and int(page["instance"], 16) >= 0
assert page["version"] > 0 and page["ready"] is True and page["offset"] == 1
assert (page["users"], page["sum"], page["count"]) == (3, "24.50", 10)
assert page["stats"] == [{"rank": 2, "user": "edith", "sum": "8.50", "count": 1}]
assert user["stats"] == [{"rank": 3, "user": "edgar", "sum": "7.00", "count": 7}]
assert list(error) == ["error"]
assert [row["user"] for row in found["stats"]] == ["edith"]
assert nobody["stats"] == []
END
}

@test "the socket and its lock are open to the owner alone, whatever the umask" {
  umask 0
  start_cache
  [ "$(stat -c %a stats.sock stats.sock.lock)" = $'600\n600' ]
  [ "$(cat stats.sock.lock)" = "$cache" ]
}

@test "a socket on which another program listens is left to it" {
  in_background socat UNIX-LISTEN:stats.sock,fork SYSTEM:'echo here'
  wait_for '[ "$(socat -u UNIX-CONNECT:stats.sock - 2>connect.err)" = here ]'
  refuses "stats.sock: another program listens there (process $pid): stop it, or use another path" \
    timeout 240 paystats-cache --socket stats.sock /dev/null
  [ "$(socat -u UNIX-CONNECT:stats.sock -)" = here ]
  [ ! -e stats.sock.lock ]
}

@test "a second cache on the socket is refused and told who has it; the first goes on" {
  start_cache
  stats a 1.00 1 >&9
  refuses "process $cache" paystats-cache --socket stats.sock /dev/null
  wait_for '[ "$(first 5)" = "$(stats a 1.00 1)" ]'
}

@test "it ends with its input, removes its socket, and says nothing" {
  start_cache
  end_input
  ended_with 0 2
  [ ! -e stats.sock ] && [ ! -e stats.sock.lock ]
  [ ! -s background.out ] && [ ! -s background.err ]
}

@test "--hold stays when its input has ended" {
  start_cache --hold
  # Another one, whose input ends later, has come to its end meanwhile.
  mkfifo other.in
  paystats-cache --socket other.sock other.in 3>&- 9>&- &
  other=$!
  started+=("$other")
  exec 8>other.in
  stats a 1.00 1 >&9
  end_input
  wait_for '[ "$(first 5)" = "$(stats a 1.00 1)" ]'
  exec 8>&-
  wait "$other"
  [ "$(first 5)" = "$(stats a 1.00 1)" ]
  kill -TERM "$cache"
  ended_with 0
  [ ! -e stats.sock ]
}

@test "a signal ends it with 0, after what is in the pipe" {
  for signal in INT TERM; do
    rm -f background.in
    start_cache
    kill -$signal "$cache"
    stats a 1.00 1 >&9
    wait_for '[ "$(first 5)" = "$(stats a 1.00 1)" ]'
    ended_with 0 3 # 500 ms of silence
    [ ! -e stats.sock ]
    end_input
  done
}

@test "rejects make its status 1" {
  start_cache
  echo garbage >&9
  end_input
  ended_with 1
  grep -q -- '-:1: ' background.err
}

@test "killed and started again it takes its place; what it left is stale" {
  start_cache
  kill -KILL "$cache"
  ended_with 137
  end_input
  [ -S stats.sock ]
  refuses 'start it again' paystats-cache --connect stats.sock --top 5
  rm background.in
  start_cache
  stats a 1.00 1 >&9
  wait_for '[ "$(first 5)" = "$(stats a 1.00 1)" ]'
}

@test "ten restarts by kill -9 in a row, each under questions" {
  stats a 1.00 1 >s.jsonl
  for i in $(seq 10); do
    in_background paystats-cache --socket stats.sock --hold s.jsonl
    wait_for '[ "$(first 1 2>/dev/null)" = "$(stats a 1.00 1)" ]'
    kill -KILL "$pid"
    ended_with 137
  done
}

@test "a path that is no socket is never removed; one that is too long is refused" {
  echo precious >document
  refuses 'not a socket' paystats-cache --socket document /dev/null
  [ "$(cat document)" = precious ]
  [ ! -e document.lock ]
  long=$(printf 'x%.0s' $(seq 108))
  refuses 'at most 107 bytes' paystats-cache --socket "$long" /dev/null
  refuses 'at most 107 bytes' paystats-cache --connect "$long" --top 1
  refuses 'no such file or directory' paystats-cache --socket missing/stats.sock /dev/null
}

@test "an input that is missing leaves no socket behind" {
  refuses missing.jsonl paystats-cache --socket stats.sock missing.jsonl
  [ ! -e stats.sock ] && [ ! -e stats.sock.lock ]
}

@test "too many users end it though the input goes on" {
  start_cache --users-max 1
  { stats a 1.00 1; stats b 1.00 1; } >&9
  ended_with 2
  grep -q 'raise --users-max' background.err
  [ ! -e stats.sock ]
}

@test "in the memory-only chain every process ends within a second" {
  mkfifo to_agg to_cache
  in_background payagg --output-mode update to_agg -o to_cache
  agg=$pid
  in_background paystats-cache --socket stats.sock to_cache
  exec 9>to_agg
  echo '{"user":"edgar","paymentAmt":1.0}' >&9
  wait_for '[ "$(first 5 2>/dev/null)" = "$(stats edgar 1.00 1)" ]'
  exec 9>&-
  ended_with 0 1
  wait "$agg"
}

@test "when the process that feeds it is killed, it ends with its input" {
  mkfifo to_agg to_cache
  in_background payagg --output-mode update to_agg -o to_cache
  agg=$pid
  in_background paystats-cache --socket stats.sock to_cache
  exec 9>to_agg
  wait_for '[ -S stats.sock ]'
  kill -KILL "$agg"
  ended_with 0 1
  exec 9>&-
}

# ---- --connect: questions to it

@test "a question where no cache is says what to do" {
  refuses 'start a cache there first' paystats-cache --connect none.sock --top 5
  echo text >document
  refuses document paystats-cache --connect document --top 5
  start_cache
  refuses 'nobody: no stats of this user' paystats-cache -q --connect stats.sock --user nobody
}

@test "what was asked goes into a file, as a whole" {
  start_cache
  stats a 1.00 1 >&9
  wait_for '[ -n "$(first 1)" ]'
  paystats-cache -q --connect stats.sock --top 5 -o list
  stats a 1.00 1 | cmp - list
  run -2 bash -c 'paystats-cache -q --connect stats.sock --top 5 >/dev/full'
  run -2 bash -c 'paystats-cache -q --connect stats.sock --top 5 >&-'
}

@test "on a terminal an answer is a table" {
  start_cache
  { echo '{"user":"\u001b[2J","sum":5,"count":1}'; stats b 2.00 1; } >&9
  wait_for '[ "$(first 5 | wc -l)" -eq 2 ]'
  "$on_terminal" 80x24 paystats-cache -q --connect stats.sock --user b >out
  printf '%s\n' 'RANK  USER   SUM  COUNT' '   2  b     2.00      1' | diff - out
  "$on_terminal" 80x24 paystats-cache -q --connect stats.sock --top 5 >out
  grep -qF '   1  \u001b[2J  5.00' out
  run ! grep -q $'\x1b' out
}

@test "--watch prints an answer now and after each change, until the cache ends" {
  start_cache
  watched=$(mktemp -p .)
  paystats-cache --connect stats.sock --watch --top 1 >"$watched" 2>watch.err 3>&- 9>&- &
  watcher=$!
  wait_for '[ "$(wc -l <"$watched")" -ge 1 ]'
  stats a 1.00 1 >&9
  wait_for 'tail -1 "$watched" | grep -q "\"user\":\"a\",\"sum\":\"1.00\""'
  stats b 2.00 1 >&9
  wait_for 'tail -1 "$watched" | grep -q "\"user\":\"b\",\"sum\":\"2.00\""'
  end_input
  ended_with 0
  wait "$watcher"
  grep -q 'the cache has ended' watch.err
}

@test "--watch comes at most ten times a second, and its last answer is the newest" {
  start_cache
  paystats-cache --connect stats.sock --watch >watched 2>/dev/null 3>&- 9>&- &
  watcher=$!
  wait_for '[ -s watched ]'
  begun=$(date +%s%N)
  seq 2000 | sed 's/.*/{"user":"a","sum":&.00,"count":&}/' >&9
  end_input
  ended_with 0
  wait "$watcher"
  took_ms=$((($(date +%s%N) - begun) / 1000000))
  [ "$(wc -l <watched)" -le $((took_ms / 100 + 5)) ]
  tail -1 watched | grep -q '"sum":"2000.00","count":2000}\]}$'
}

@test "--watch ends with its reader, at once where something changes and soon where nothing does" {
  start_cache
  stats a 1.00 1 >&9
  paystats-cache --connect stats.sock --watch 2>err 3>&- 9>&- | head -1 >out
  [ "${PIPESTATUS[0]}" -eq 0 ]
  [ "$(wc -l <out)" -eq 1 ]
  [ ! -s err ]
}

@test "--watch dies of the signal that ends it" {
  start_cache
  rm background.in
  in_background paystats-cache --connect stats.sock --watch
  wait_for '[ -s background.out ]'
  kill -INT "$pid"
  ended_with 130
}

@test "--watch on a terminal draws a table over the old one, no higher than the screen" {
  start_cache
  many 30 >&9
  wait_for '[ "$(first 50 | wc -l)" -eq 30 ]'
  "$on_terminal" 80x10 paystats-cache --connect stats.sock --watch >drawn 2>/dev/null 3>&- 9>&- &
  watcher=$!
  wait_for '[ "$(grep -c $'"'\x1b\\\\[K$'"' drawn)" -ge 9 ]'
  # Each time that it was drawn: what the cache says may come once more where nothing has changed.
  awk 'BEGIN { RS = "\033\\[H" } NR > 1 && gsub(/\033\[K\n/, "") > 9 { exit 1 }' drawn
  head -c 3 drawn | cmp - <(printf '\x1b[H')
  grep -q 'user24' drawn
  run ! grep -q 'user23' drawn
  stats nina 99.00 1 >&9
  wait_for 'grep -q nina drawn'
  end_input
  ended_with 0
  wait "$watcher"
}

@test "a stopped watcher holds nobody up" {
  start_cache
  many 1000 >&9
  wait_for '[ "$(first 1000 | wc -l)" -eq 1000 ]'
  paystats-cache --connect stats.sock --watch --top 1000 >watched 2>/dev/null 3>&- 9>&- &
  watcher=$!
  started+=("$watcher")
  paystats-cache --connect stats.sock --watch --top 1 >watched_too 2>/dev/null 3>&- 9>&- &
  started+=($!)
  wait_for '[ -s watched ] && [ -s watched_too ]'
  kill -STOP "$watcher"
  # Another watcher is told of each change, as the stopped one would be.
  for i in $(seq 20); do
    stats a "$((i * 1000)).00" "$i" >&9
    within 2 'tail -n 1 watched_too | grep -qF "\"sum\":\"$((i * 1000)).00\",\"count\":$i}"'
    [ "$(first 1)" = "$(stats a "$((i * 1000)).00" "$i")" ]
  done
  kill -CONT "$watcher"
  wait_for 'tail -1 watched | grep -q "\"sum\":\"20000.00\",\"count\":20}"'
}

@test "rude clients at a shell: garbage, half a line, and a line without end" {
  start_cache
  stats a 1.00 1 >&9
  wait_for '[ -n "$(first 1)" ]'
  python3 - <<'END'
import os, socket
def client():
    s = socket.socket(socket.AF_UNIX)
    s.connect("stats.sock")
    return s
half = client()
half.sendall(b'{"limit":')
noise = client()
noise.sendall(b"\0\xff\x80 garbage\n" + os.urandom(1000).replace(b"\n", b"") + b"\n{}\n")
lines = noise.makefile("rb")
assert [lines.readline().startswith(b'{"error":') for _ in range(3)] == [True, True, False]
endless = client()
try:
    for _ in range(1024):
        endless.sendall(b"x" * (1 << 20))
    raise SystemExit("the server took a gigabyte")
except BrokenPipeError:
    pass
assert endless.recv(1000).startswith(b'{"error":')
END
  [ "$(first 5)" = "$(stats a 1.00 1)" ]
}
