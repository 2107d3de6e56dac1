# paystats-cache --run: the cache and the command that feeds it as one, for a service manager.

load helpers

stats() { printf '{"user":"%s","sum":%s,"count":%s}\n' "$@"; }
first() { paystats-cache -q --connect stats.sock --top "$1"; }

# pay USER AMOUNT: into the log.
pay() { paygen -q --user "$1" --amount "$2" -o log; }

# start_pair: payagg on `log`, which is there, and the cache that starts it; sets `cache` and `payagg`.
start_pair() {
  in_background paystats-cache --socket stats.sock --ready-line --run payagg --follow --ready-line log
  cache=$pid
  wait_for 'payagg=$(pgrep -P "$cache" -x payagg)'
}

# gone PID: it runs no more. What is nobody's child any more is reaped by whom it was given to.
gone() { [[ $(ps -o stat= -p "$1") =~ ^(Z.*)?$ ]]; }

@test "the pair shows the totals of the log, and of what comes" {
  pay edgar 12.50
  start_pair
  wait_for '[ "$(first 5 2>/dev/null)" = "$(stats edgar 12.50 1)" ]'
  pay anna 99
  wait_for '[ "$(first 5)" = "$(stats anna 99.00 1; stats edgar 12.50 1)" ]'
  [ ! -s background.out ] && [ ! -s background.err ]
}

@test "it is ready when payagg says so" {
  paygen --random 1000 --users 50 --seed 8 --expect want.jsonl -o log
  start_pair
  wait_for 'python3 - <<END
import socket, sys
cache = socket.socket(socket.AF_UNIX)
cache.connect("stats.sock")
cache.sendall(b"{}\n")
sys.exit("\"ready\":true" not in cache.makefile().readline())
END'
  first 1000 | cmp - want.jsonl
}

@test "payagg's 3 is its 3, and its words are on its stderr" {
  pay edgar 1
  start_pair
  wait_for '[ "$(first 5 2>/dev/null)" = "$(stats edgar 1.00 1)" ]'
  mv log old
  pay edgar 2
  ended_with 3
  grep -q '^payagg: error: .*log' background.err
  grep -qx 'paystats-cache: error: payagg ended with status 3' background.err
  [ ! -e stats.sock ]
}

@test "with payagg --no-start-file its 3 holds for each start, until a person has looked" {
  pair=(paystats-cache --socket stats.sock --ready-line --run payagg --follow --ready-line --no-start-file no-start log)
  pay edgar 1
  in_background "${pair[@]}"
  wait_for '[ "$(first 5 2>/dev/null)" = "$(stats edgar 1.00 1)" ]'
  mv log old
  pay edgar 2
  ended_with 3
  said=$(sed -n 's/^payagg: error: //p' background.err | head -n 1)
  [[ $said == *log:*'is another file now'* ]]
  [ "$(cut -d ' ' -f 2- no-start)" = "$said" ]
  for _ in 1 2; do
    run -3 --separate-stderr "${pair[@]}"
    [[ $stderr == "payagg: error: "*Z" $said"$'\n'"payagg: error: no start while no-start is there; "*$'\n'* ]]
  done
  # The remedy that it names.
  remedy=$(sed -n 's/^payagg: error: no start while .* is there; once a person has looked: //p' background.err)
  sh -c "$remedy"
  in_background "${pair[@]}"
  wait_for '[ "$(first 5 2>/dev/null)" = "$(stats edgar 2.00 1)" ]'
}

@test "TERM, INT and HUP end both, with 0" {
  for signal in TERM INT HUP; do
    : >log
    start_pair
    wait_for '[ -S stats.sock ]'
    kill -$signal "$cache"
    ended_with 0 4
    gone "$payagg"
    [ ! -e stats.sock ] && [ ! -s background.err ]
  done
}

@test "SIGHUP that was ignored at the start stays so, of both" {
  : >log
  in_background bash -c "trap '' HUP; exec paystats-cache --socket stats.sock --run payagg --follow log"
  cache=$pid
  wait_for 'payagg=$(pgrep -P "$cache" -x payagg)'
  kill -HUP "$cache" "$payagg"
  pay edgar 1
  wait_for '[ "$(first 5 2>/dev/null)" = "$(stats edgar 1.00 1)" ]'
  kill -TERM "$cache"
  ended_with 0
}

@test "Ctrl-C that reaches both ends both" {
  : >log
  start_pair
  wait_for '[ -S stats.sock ]'
  kill -INT -- "-$cache"
  ended_with 0 4
  gone "$payagg"
}

@test "kill -9 of payagg ends the cache with 137, and it says so" {
  : >log
  start_pair
  wait_for '[ -S stats.sock ]'
  kill -KILL "$payagg"
  ended_with 137
  [ "$(cat background.err)" = 'paystats-cache: error: payagg was killed by SIGKILL' ]
  [ ! -e stats.sock ]
}

@test "kill -9 of the cache ends payagg, even one that can do nothing for itself" {
  : >log
  start_pair
  wait_for '[ -S stats.sock ]'
  kill -STOP "$payagg"
  kill -KILL "$cache"
  ended_with 137
  wait_for 'gone "$payagg"'
}

@test "however the command ends, that is the status" {
  in_background paystats-cache --socket stats.sock --run sh -c 'echo "{\"user\":\"a\",\"sum\":1,\"count\":1}"; exec sleep 1000'
  wait_for '[ "$(first 5 2>/dev/null)" = "$(stats a 1.00 1)" ]'
  kill -TERM "$(pgrep -P "$pid")"
  ended_with 143
  for status in 0 1 2 77; do
    run -$status paystats-cache --socket stats.sock --run sh -c "exit $status"
  done
}

@test "its rejects make status 1 where the command's is 0" {
  run -1 paystats-cache --socket stats.sock --run echo garbage
  [[ $output == *'echo:1: '* ]]
}

@test "the words of the command are taken as they are, and no shell sees them" {
  run -0 paystats-cache --top 5 --run printf '%s\n' '{"user":"$HOME; *","sum":1,"count":1}' ''
  [ "$output" = "$(stats '$HOME; *' 1.00 1)" ]
  run -1 paystats-cache --top 5 --run payagg --help
  [[ $output == *'payagg:1: '* ]]
}

@test "the command has the standard input, and no descriptor of the cache" {
  run -0 paystats-cache --top 5 --run cat <<<"$(stats a 1.00 1)"
  [ "$output" = "$(stats a 1.00 1)" ]
  # Those that the cache was given itself are the child's, as of a shell's.
  descriptors() { find "/proc/$1/fd" -type l -printf '%f\n' | sort -n | xargs; }
  in_background sleep 1000
  wait_for '[ "$(cat "/proc/$pid/comm")" = sleep ]'
  given=$(descriptors "$pid")
  in_background paystats-cache --socket stats.sock --metrics m.prom --rejects bad --run sleep 1000
  wait_for 'child=$(pgrep -P "$pid" -x sleep) && first 1'
  [ "$(descriptors "$child")" = "$given" ]
  [ "$(descriptors "$pid" | wc -w)" -gt "$(wc -w <<<"$given")" ]
  [[ $(readlink "/proc/$child/fd/1") == pipe:* ]]
}

@test "what cannot be executed is exit 2 with its name, and leaves no socket" {
  refuses '--run: no-such-command: no such file or directory' paystats-cache --socket stats.sock --run no-such-command
  refuses '--run: ./none: no such file or directory' paystats-cache --socket stats.sock --run ./none
  echo 'echo a shell would run this' >script
  refuses '--run: ./script: permission denied' paystats-cache --socket stats.sock --run ./script
  chmod +x script
  refuses '--run: ./script: exec format error' paystats-cache --socket stats.sock --run ./script
  [ ! -e stats.sock ] && [ ! -e stats.sock.lock ]
}

@test "the command is not started where the cache cannot be" {
  : >log
  start_pair
  wait_for '[ -S stats.sock ]'
  refuses "process $cache" paystats-cache --socket stats.sock --run touch started
  [ ! -e started ]
}

@test "what cannot be meant is refused before anything is started" {
  refuses '--run: the command is missing' paystats-cache --socket stats.sock --run
  refuses 'without a =' paystats-cache --socket stats.sock --run=touch
  refuses '--run reads no INPUT' paystats-cache --socket stats.sock - --run touch started
  refuses '--hold and --run' paystats-cache --socket stats.sock --hold --run touch started
  refuses '--run and --connect' paystats-cache --connect stats.sock --top 5 --run touch started
  refuses '--socket PATH, --top N' paystats-cache --run touch started
  [ ! -e started ]
}

@test "an error of the cache ends the command, and is the status" {
  in_background paystats-cache --socket stats.sock --users-max 1 --run \
    sh -c 'for u in a b; do echo "{\"user\":\"$u\",\"sum\":1,\"count\":1}"; done; exec sleep 1000'
  ended_with 2
  grep -q 'raise --users-max' background.err
}

# ---- --top

@test "with --top the list is of a command that has done all; else there is none, nor a file" {
  paygen --random 1000 --users 50 --seed 8 --expect want.jsonl >p.jsonl
  paystats-cache --top 10 --run payagg p.jsonl | cmp - <(head -10 want.jsonl)
  run -3 --separate-stderr paystats-cache --top 10 -o list --run sh -c 'payagg p.jsonl; exit 3'
  [ -z "$output" ] && [ ! -e list ]
  run -137 --separate-stderr paystats-cache --top 10 --run sh -c 'payagg p.jsonl; kill -9 $$'
  [ -z "$output" ]
  [[ $stderr == *'sh was killed by SIGKILL'* ]]
}

@test "with --top there is no list of a command that ended with 3, stopped or not" {
  in_background paystats-cache --top 10 --metrics m.prom -o list \
    --run sh -c 'echo "{\"user\":\"a\",\"sum\":1,\"count\":1}"; trap "exit 3" INT; while :; do sleep 0.05; done'
  wait_for 'grep -qsx "paystats_cache_users 1" m.prom'
  kill -INT "$pid"
  ended_with 3
  [ ! -e list ]
  grep -qx 'paystats-cache: error: sh ended with status 3' background.err
}

@test "with --top an interrupted list says so, and it dies of the signal" {
  in_background paystats-cache --top 10 --metrics m.prom --run sh -c 'echo "{\"user\":\"a\",\"sum\":1,\"count\":1}"; exec sleep 1000'
  wait_for 'grep -qsx "paystats_cache_users 1" m.prom'
  child=$(pgrep -P "$pid")
  kill -INT "$pid"
  ended_with 130
  stats a 1.00 1 | cmp - background.out
  grep -q 'cut short' background.err
  gone "$child"
}
