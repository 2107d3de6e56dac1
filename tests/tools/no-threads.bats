# Where no thread can be had at the start: a message, status 2, and nothing left behind; or the tool
# goes on without.

load helpers

# The limit is one of a user, and root is exempt from it: so all runs as nobody, in a folder that
# nobody can reach and with tools from there.
setup() {
  paystats_setup
  [ "$(id -u)" -eq 0 ] || skip "only root can become a user who has no other process"
  folder=$(mktemp -d /tmp/paystats-no-threads-XXXXXX)
  mkdir "$folder/bin" "$folder/run"
  cp "$PAYSTATS_BIN"/{payagg,paygen,paystats-cache,paystats-serve} "$folder/bin"
  chmod 755 "$folder" "$folder/bin"
  chown 65534:65534 "$folder/run"
  PATH=$folder/bin:$PATH
  cd "$folder/run" || return 1
  printf '{"user":"a","sum":1.00,"count":1}\n' >"$folder/stats.jsonl"
  printf '{"user":"a","paymentAmt":1.00}\n' >"$folder/payments.jsonl"
}

teardown() {
  [ -z "${folder:-}" ] || rm -rf "$folder"
}

# with_threads N COMMAND...: as nobody, who may have so many, the first of the process included. (A
# leak checker would be another one.)
with_threads() {
  local n=$1
  shift
  ASAN_OPTIONS=detect_leaks=0 timeout 120 setpriv --reuid=65534 --regid=65534 --clear-groups \
    prlimit --nproc="$n:$n" -- "$@"
}

# alone COMMAND...: with the first thread only.
alone() { with_threads 1 "$@"; }

no_thread='error: thread: resource temporarily unavailable (see ulimit -u)'

@test "a cache that cannot start its reader says so, and leaves no socket" {
  refuses "paystats-cache: $no_thread" \
    alone paystats-cache --socket stats.sock --metrics cache.prom "$folder/stats.jsonl"
  [ ! -e stats.sock ]
  rm refused.out refused.err
  [ "$(ls)" = cache.prom ]
}

@test "a list that cannot be made leaves no file" {
  refuses "paystats-cache: $no_thread" alone paystats-cache --top 5 -o top.jsonl "$folder/stats.jsonl"
  rm refused.out refused.err
  [ -z "$(ls -A)" ]
}

@test "a server that cannot start its writer says so" {
  refuses "paystats-serve: $no_thread" \
    alone paystats-serve -q --stats stats.sock --listen 127.0.0.1:0 -o payments.jsonl
  rm refused.out refused.err
  [ "$(ls -A)" = payments.jsonl ] && [ ! -s payments.jsonl ]
}

@test "an aggregation in several threads that can have none says so, and leaves no file" {
  cat "$folder/payments.jsonl" |
    refuses "payagg: $no_thread" alone payagg --jobs 4 -o totals.jsonl
  rm refused.out refused.err
  [ -z "$(ls -A)" ]
}

@test "an aggregation in one thread needs no other" {
  alone payagg --jobs 1 <"$folder/payments.jsonl" >out
  diff out "$folder/stats.jsonl"
}

# librdkafka has a thread of its own, and one a broker.
@test "a topic whose broker can have no thread is no broker that is away" {
  local n tool=(-q -b 127.0.0.1:1)
  for n in 1 2 3; do
    refuses 'error: kafka: ' with_threads "$n" payagg "${tool[@]}" kafka:p -o kafka:s
    refuses 'error: kafka: ' with_threads "$n" payagg "${tool[@]}" kafka:p
    refuses 'error: kafka: ' with_threads "$n" paygen "${tool[@]}" --random 10 -o kafka:p
    refuses 'error: kafka: ' with_threads "$n" paystats-cache "${tool[@]}" --socket stats.sock kafka:s
    refuses 'error: kafka: ' with_threads "$n" paystats-serve "${tool[@]}" --stats none --listen 127.0.0.1:0 -o kafka:p
  done
  refuses 'error: kafka: Unable to create broker thread (see ulimit -u)' with_threads 2 payagg "${tool[@]}" kafka:p
  rm refused.out refused.err
  [ -z "$(ls -A)" ]
}
