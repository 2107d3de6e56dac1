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
  cp "$PAYSTATS_BIN"/{payagg,paystats-cache,paystats-serve} "$folder/bin"
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

# alone COMMAND...: as nobody, who may have one process with one thread. (A leak checker would be
# another thread.)
alone() {
  ASAN_OPTIONS=detect_leaks=0 timeout 120 setpriv --reuid=65534 --regid=65534 --clear-groups \
    prlimit --nproc=1:1 -- "$@"
}

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
