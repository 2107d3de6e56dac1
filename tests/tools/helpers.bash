# Shared by the Bats files (`load helpers`). Each test runs in an empty folder of its own, with the
# tools first on PATH; what it has started in the background is ended with it.
#
# A file that needs more defines its own setup(), which begins with paystats_setup.

bats_require_minimum_version 1.5.0

unset CDPATH
PROJECT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
PAYSTATS_BIN=${PAYSTATS_BIN:-$PROJECT/build/release/bin}
PATH=$PAYSTATS_BIN:$PATH

paystats_setup() {
  started=()
  cd "$BATS_TEST_TMPDIR" || return 1
}

setup() { paystats_setup; }

teardown() {
  local pid
  for pid in "${started[@]}"; do
    # Its whole group, where it leads one.
    { kill -KILL -- "-$pid" || kill -KILL "$pid"; wait "$pid"; } 2>/dev/null || true
  done
}

# in_background COMMAND...: starts it, in its own process group, and sets `pid`. Its stdin, stdout
# and stderr are what the call redirects them to; by default /dev/null, background.out and
# background.err.
in_background() {
  local input=/dev/null
  [ -p background.in ] && input=background.in
  # What another one has said is gone by the time that this returns: the job's own redirections come later.
  : >background.out
  : >background.err
  # Bats waits for every process that holds its descriptor 3; a shell has its background jobs ignore SIGINT.
  setsid env --default-signal=INT "$@" <$input >background.out 2>background.err 3>&- &
  pid=$!
  started+=("$pid")
}

# Far more than anything takes on a machine that is busy with other things: reached by a failure alone.
PATIENCE_S=120

# wait_for CONDITION [LIMIT_S]: looks each 20 ms until the shell words of CONDITION are true.
wait_for() {
  local condition=$1 limit=${2:-$PATIENCE_S} end
  end=$(($(date +%s%N) + limit * 1000000000))
  until eval "$condition"; do
    if [ "$(date +%s%N)" -gt "$end" ]; then
      echo "waited $limit s for: $condition" >&2
      return 1
    fi
    sleep 0.02
  done
}

# within SECONDS CONDITION: it becomes true in that time, as a machine that is not busy counts it. A look
# takes as long as two bare processes do that start and end here and now, 25 ms or so where nobody is
# in the way: no verdict comes before so many looks as fit into twice that time.
within() {
  local seconds=$1 condition=$2 looks=0 end
  end=$(($(date +%s%N) + seconds * 1000000000))
  until eval "$condition"; do
    looks=$((looks + 1))
    if [ "$(date +%s%N)" -gt "$end" ] && [ "$looks" -gt $((seconds * 80)) ]; then
      echo "not within $seconds s ($looks looks): $condition" >&2
      return 1
    fi
    sleep 0.02
  done
}

# port_of PID: the port that this process listens on, once it does.
port_of() {
  local socket
  while read -r socket; do
    awk -v inode="$socket" '$4 == "0A" && $10 == inode { split($2, at, ":"); print at[2] }' /proc/net/tcp
  done < <(find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n') |
    while read -r hex; do echo $((16#$hex)); done
}

# ended_with STATUS [SECONDS]: `pid` ends, within SECONDS if given, with this status (128 + signal).
ended_with() {
  if [ $# -gt 1 ]; then within "$2" '! kill -0 "$pid" 2>/dev/null' || return 1
  else wait_for '! kill -0 "$pid" 2>/dev/null' || return 1; fi
  local status=0
  wait "$pid" || status=$?
  [ "$status" -eq "$1" ] || {
    echo "ended with $status, not $1: $(cat background.err)" >&2
    return 1
  }
}

# fails_saying STATUS NAME WORDS COMMAND...: exit STATUS, nothing on stdout, and a message with these words,
# in NAME.err.
fails_saying() {
  local wanted=$1 name=$2 words=$3 status=0
  shift 3
  "$@" >"$name.out" 2>"$name.err" || status=$?
  [ "$status" -eq "$wanted" ] && [ ! -s "$name.out" ] && grep -qF -- "$words" "$name.err" || {
    echo "$*: status $status, stderr: $(cat "$name.err")" >&2
    return 1
  }
}

# refuses WORDS COMMAND...: exit 2, nothing on stdout, and a message with these words, in refused.err.
refuses() { fails_saying 2 refused "$@"; }

# silent COMMAND...: exit 0 and not a byte on stdout or stderr.
silent() {
  local status=0 said
  said=$("$@" 2>&1) || status=$?
  [ "$status" -eq 0 ] && [ -z "$said" ] || {
    echo "$*: status $status, said: $said" >&2
    return 1
  }
}
