# The README's first screen, by the tools that were installed. "I have Kafka" is in tests/kafka/man.bats.

load ../tools/helpers
load ../tools/readme
load units

setup_file() {
  DESTDIR=$BATS_FILE_TMPDIR cmake --install "$(dirname "$PAYSTATS_BIN")" --prefix /usr >"$BATS_FILE_TMPDIR/installed"
}

setup() {
  paystats_setup
  PAYSTATS_BIN=$BATS_FILE_TMPDIR/usr/bin
  PATH=$PAYSTATS_BIN:$PATH
}

@test "I have a file" { play 'I have a file'; }

# In place of systemd (tests/deploy/boot.bats has one): the commands of the target's units.
sudo() { "$@"; }
systemctl() {
  [ "$*" = 'enable --now paystats.target' ] || return 1
  mkdir run state
  start_unit paystats-totals
  start_unit paystats-serve "PAYSTATS_LISTEN=127.0.0.1:$port"
  wait_for 'curl -sSf "http://127.0.0.1:$port/" 2>/dev/null | grep -q paystats'
}

@test "I want the page" {
  port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
  play 'I want the page' "s/8080/$port/"
}
