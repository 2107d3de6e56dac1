# What the scripts share that life.bats runs in a fresh system (`source /mnt/steps.bash`). The packages are
# /mnt/old.deb and /mnt/new.deb. A command that fails ends the script, and its trace says which.
exec {trace}>&1
BASH_XTRACEFD=$trace
set -x

# Nothing is fetched, from where nobody listens: all that is needed lies in apt's cache.
apt() {
  apt-get -qq --no-install-recommends -y -o Dpkg::Use-Pty=0 \
    -o Acquire::http::Proxy=http://127.0.0.1:9 -o Acquire::https::Proxy=http://127.0.0.1:9 "$@"
}

# install_dependencies: what the package depends on, without itself.
install_dependencies() {
  local names
  names=$(apt-get -qq -s --no-install-recommends install /mnt/old.deb | sed -n 's/^Inst \(\S*\).*/\1/p' | grep -vx paystats)
  # shellcheck disable=SC2086 # a list of words
  apt install $names "$@"
}

# snapshot: every file of the system, with owner, rights and content. Left out is what dpkg, apt and the
# tools for users write down of each of their runs.
snapshot() {
  local left_out=(-path /proc -o -path /sys -o -path /dev -o -path /mnt -o -path /tmp -o -path /root
    -o -path /var/cache -o -path /var/log -o -path /var/lib/apt -o -path '/var/lib/dpkg/*-old'
    -o -path /var/lib/dpkg/status -o -path /var/lib/dpkg/available -o -path /var/lib/dpkg/triggers
    -o -path /var/lib/dpkg/lock -o -path /var/lib/dpkg/lock-frontend
    -o -path '/etc/passwd*' -o -path '/etc/group*' -o -path '/etc/shadow*' -o -path '/etc/gshadow*'
    -o -path /etc/.pwd.lock)
  find / -xdev \( "${left_out[@]}" \) -prune -o -printf '%y %m %u:%g %p %l\n' | sort
  find / -xdev \( "${left_out[@]}" \) -prune -o -type f -exec sha256sum '{}' + | sort
}

# wait_until COMMAND...: looks until it is true, at most two minutes.
wait_until() {
  local end=$((SECONDS + 120))
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ]; then
      echo "never: $*"
      grep -s '^\(Name\|State\|PPid\)' /proc/[0-9]*/status
      return 1
    fi
    sleep 0.05
  done
}

# as_paystats COMMAND...: by the system user of the package.
as_paystats() { setpriv --reuid paystats --regid paystats --clear-groups "$@"; }

# http METHOD PATH [BODY]: the response of the server at $port, its first line first.
http() {
  local body=${3:-} connection
  exec {connection}<>"/dev/tcp/127.0.0.1/$port"
  printf '%s %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n' "$1" "$2" "$port" >&"$connection"
  if [ -n "$body" ]; then
    printf 'Content-Type: application/json\r\nContent-Length: %d\r\n' ${#body} >&"$connection"
  fi
  printf '\r\n%s' "$body" >&"$connection"
  cat <&"$connection"
  exec {connection}>&-
}

# start_pipeline: the installed tools by hand, as the units run them; sets pids and port.
start_pipeline() {
  install -d -o paystats -g paystats -m 750 /var/lib/paystats /run/paystats
  rm -f /run/serve.err
  as_paystats paystats-serve --listen 127.0.0.1:0 --stats /run/paystats/stats.sock \
    -o /var/lib/paystats/payments.jsonl 2>/run/serve.err &
  as_paystats paystats-cache --socket /run/paystats/stats.sock --ready-line \
    --run payagg --follow --ready-line /var/lib/paystats/payments.jsonl 2>/run/totals.err &
  wait_until grep -q 'http://127.0.0.1:' /run/serve.err
  port=$(sed -n 's/.*http:\/\/127.0.0.1:\([0-9]*\).*/\1/p' /run/serve.err | head -n 1)
  wait_until is_ready
  pids=$(pidof paystats-serve payagg paystats-cache)
}
is_ready() { [[ $(http GET /readyz) == 'HTTP/1.1 200 '* ]]; }

stop_pipeline() {
  # shellcheck disable=SC2086 # a list of words
  kill $pids
  wait_until all_ended
}
all_ended() { ! pidof payagg paystats-cache paystats-serve; }

pay() { [[ $(http POST /api/payments "{\"user\":\"$1\",\"paymentAmt\":$2,\"volume\":$3}") == *'{"accepted":'"$3}"* ]]; }
has_total() { [[ $(http GET "/api/stats/$1") == *"\"sum\":\"$2\",\"count\":$3}"* ]]; }
