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
  # Bats waits for whoever holds its descriptor 3; a shell has its background jobs ignore SIGINT.
  setsid env --default-signal=INT "$@" <$input >background.out 2>background.err 3>&- &
  pid=$!
  started+=("$pid")
}

# wait_for CONDITION [LIMIT_S]: looks each 20 ms until the shell words of CONDITION are true.
wait_for() {
  local condition=$1 limit=${2:-10} end
  end=$(($(date +%s%N) + limit * 1000000000))
  until eval "$condition"; do
    if [ "$(date +%s%N)" -gt "$end" ]; then
      echo "waited $limit s for: $condition" >&2
      return 1
    fi
    sleep 0.02
  done
}

# ended_with STATUS [LIMIT_S]: `pid` ends within the limit (10 s), with this status (128 + signal).
ended_with() {
  wait_for '! kill -0 "$pid" 2>/dev/null' "${2:-10}" || return 1
  local status=0
  wait "$pid" || status=$?
  [ "$status" -eq "$1" ] || {
    echo "ended with $status, not $1: $(cat background.err)" >&2
    return 1
  }
}

# refuses WORDS COMMAND...: exit 2, nothing on stdout, and a message with these words.
refuses() {
  local words=$1 status=0
  shift
  "$@" >refused.out 2>refused.err || status=$?
  [ "$status" -eq 2 ] && [ ! -s refused.out ] && grep -qF -- "$words" refused.err || {
    echo "$*: status $status, stderr: $(cat refused.err)" >&2
    return 1
  }
}

# silent COMMAND...: exit 0 and not a byte on stdout or stderr.
silent() {
  local status=0 said
  said=$("$@" 2>&1) || status=$?
  [ "$status" -eq 0 ] && [ -z "$said" ] || {
    echo "$*: status $status, said: $said" >&2
    return 1
  }
}
