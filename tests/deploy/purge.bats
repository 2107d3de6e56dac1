# What purging the package does to /var/lib/paystats, by its own script in a root of the test's: the folder
# goes where nothing in it can be a payment, and else stays as it is and is named.

load ../tools/helpers

postrm=$PROJECT/deploy/debian/postrm
export DPKG_MAINTSCRIPT_PACKAGE=paystats  # as dpkg says

setup() {
  paystats_setup
  state=$PWD/root/var/lib/paystats
  mkdir -p "$state"
}

purge() { DPKG_ROOT=$PWD/root run --separate-stderr "$postrm" purge; }

# Everything below the root: kinds, names, targets of links, content.
tree() {
  find root -printf '%y %p %l %s\n' | sort
  find root -type f -exec sha256sum '{}' + | sort
}

# is_removed: the folder as it is now is removed, without a word.
is_removed() {
  purge
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  [ -z "$stderr" ]
  [ ! -e "$state" ] && [ ! -L "$state" ]
}

# is_kept [PATTERN]: nothing of it is changed, and stderr says so, with words of that pattern.
is_kept() {
  tree >before
  purge
  tree >after
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  [[ $stderr == "paystats: $state is kept: "*${1:-}* ]]
  diff before after
}

@test "where there is no folder, nothing is said" {
  rmdir "$state"
  is_removed
  rm -r root/var
  is_removed
}

@test "an empty folder goes, and folders in it" {
  is_removed
  mkdir -p "$state/archive/2026" "$state/a b"
  is_removed
}

@test "a log that never had a payment goes, with locks, sockets, pipes and the days of the nightly job" {
  mkdir "$state/nightly"
  : >"$state/nightly/2026-11-30.done"
  : >"$state/payments.jsonl"
  : >"$state/stats.sock.lock"
  : >"$state"/$'a name\nwith a newline'
  : >"$state/.hidden"
  mkfifo "$state/pipe"
  socat -u "UNIX-LISTEN:$state/stats.sock" - 2>socat.err &
  started+=("$!")
  wait_for "[ -S '$state/stats.sock' ]"
  is_removed
}

@test "the messages of status 3 are no payments, where a unit keeps them" {
  mkdir "$state/no-start"
  echo '2026-11-30T10:00:00.000Z payments.jsonl: shrank' | tee "$state/no-start/serve" >"$state/no-start/totals"
  is_removed
  mkdir -p "$state/no-start/more"
  echo 'no-start/totals' >"$state/no-start/more/totals"
  is_kept no-start/more/totals
  rm "$state/no-start/more/totals"
  echo '{"user":"edgar","paymentAmt":1}' >"$state/totals"
  is_kept "$state/totals"
}

@test "room that a full disk's server has reserved behind an empty log is no payment" {
  : >"$state/payments.jsonl"
  fallocate --keep-size -l 65536 "$state/payments.jsonl" || skip "this file system reserves no room"
  [ "$(stat -c %b "$state/payments.jsonl")" -gt 0 ]
  is_removed
}

@test "a log stays, whatever stands beside it" {
  paygen --quiet --user edgar --amount 1 -o "$state/payments.jsonl"
  : >"$state/empty.jsonl"
  mkdir "$state/empty"
  mkfifo "$state/pipe"
  is_kept "$state/payments.jsonl"
}

@test "logs stay under any name: rotated, compressed, moved, rejected, summed" {
  local name
  paygen --quiet --user edgar --amount 1 >log
  for name in payments.jsonl.1 payments.jsonl-20261130 payments.jsonl.torn rejects.jsonl totals.jsonl \
    00000001.jsonl ledger .payments.jsonl.swp 'a b' $'new\nline' -rf payments.json; do
    cp log "$state/$name"
    : >"$state/payments.jsonl"
    is_kept
    rm -- "$state/$name"
  done
  for name in gzip zstd xz; do
    # Debian 12's smallest system has no zstd: any bytes are as good.
    if command -v "$name" >/dev/null; then "$name" -c <log >packed; else echo packed >packed; fi
    cp packed "$state/payments.jsonl.1.${name:0:2}"
    is_kept
    rm "$state"/payments.jsonl.1.*
  done
  is_removed
}

@test "a log in a folder below stays" {
  mkdir -p "$state/archive/2025/12"
  paygen --quiet --user edgar --amount 1 -o "$state/archive/2025/12/log"
  is_kept archive/2025/12/log
}

@test "what is no payment for certain stays as well: one byte, NULs, text" {
  printf x >"$state/x"
  is_kept
  printf '\0' >"$state/x"
  is_kept
  truncate -s 1M "$state/x"
  is_kept
  echo 'ask ann about november' >"$state/x"
  is_kept
}

@test "a name that is shown drives no terminal" {
  echo payment >"$state"/$'\e[31m\nlog'
  is_kept
  [[ $stderr == *"$state/?[31m?log;"* ]]
  rm -r "$state"
  ln -s $'\e[31m' "$state"
  is_kept 'a symbolic link to ?[31m'
}

@test "a link in the folder may be the only name of a log: it stays, with what it leads to" {
  mkdir elsewhere
  paygen --quiet --user edgar --amount 1 -o elsewhere/log
  ln -s "$PWD/elsewhere/log" "$state/payments.jsonl"
  is_kept payments.jsonl
  ln -sfn "$PWD/elsewhere" "$state/payments.jsonl"
  is_kept payments.jsonl
  ln -sfn /not/mounted/now "$state/payments.jsonl"
  is_kept payments.jsonl
  [ -s elsewhere/log ]
}

@test "a folder that is a link stays, and so does what it leads to, empty or not there" {
  rmdir "$state"
  mkdir elsewhere
  ln -s "$PWD/elsewhere" "$state"
  is_kept 'a symbolic link to '
  [ -d elsewhere ]
  paygen --quiet --user edgar --amount 1 -o elsewhere/payments.jsonl
  is_kept 'a symbolic link to '
  [ -s elsewhere/payments.jsonl ]
  ln -sfn /not/mounted/now "$state"
  is_kept 'a symbolic link to /not/mounted/now'
}

@test "a file in place of the folder stays" {
  rmdir "$state"
  : >"$state"
  is_kept 'it is no folder'
}

@test "a file system that is mounted there, or below, stays, though it is empty" {
  unshare --mount true 2>/dev/null || skip "mounting takes root"
  cat >mounted <<'END'
#!/bin/sh
# Each mount goes with this process.
mount -t tmpfs none "$1" && mkdir "$1/lost+found" && DPKG_ROOT=$2 "$3" purge && test -d "$1/lost+found"
END
  chmod +x mounted
  mkdir -p "$state/archive/2025"
  local at
  for at in "$state" "$state/archive"; do
    run --separate-stderr unshare --mount ./mounted "$at" "$PWD/root" "$postrm"
    [ "$status" -eq 0 ]
    [[ $stderr == "paystats: $state is kept: a file system is mounted there" ]]
    [ -d "$state/archive/2025" ]
  done
  # Of the same file system: a folder of somewhere else, which looks like one of its own.
  mkdir -p elsewhere/empty
  sed 's/-t tmpfs none/--bind elsewhere/' mounted >bound
  chmod +x bound
  run --separate-stderr unshare --mount ./bound "$state/archive" "$PWD/root" "$postrm"
  [ "$status" -eq 0 ]
  [ -d elsewhere/empty ]
  is_removed
}

@test "a folder that cannot be searched stays" {
  mkdir programs
  printf '#!/bin/sh\nexit 1\n' >programs/find
  chmod +x programs/find
  PATH=$PWD/programs:$PATH purge
  [ "$status" -eq 0 ]
  [[ $stderr == "paystats: $state is kept: it may hold payments; "* ]]
  [ -d "$state" ]
}

@test "a payment that is written while the folder is being removed stays" {
  local log=$state/payments.jsonl writer
  mkfifo go
  : >"$log"
  flock "$log" sh -c "echo locked >ready; read -r word <go; echo '{\"user\":\"ann\",\"paymentAmt\":1}' >>'$log'" 3>&- &
  started+=("$!")
  writer=$!
  wait_for '[ -s ready ]'
  DPKG_ROOT=$PWD/root in_background "$postrm" purge
  # It has found nothing, and waits for the writer.
  wait_for "grep -q -- '-> FLOCK .*:$(stat -c %i "$log") ' /proc/locks"
  echo >go
  wait "$writer" "$pid"
  [ "$(cat "$log")" = '{"user":"ann","paymentAmt":1}' ]
  [ "$(cat background.err)" = "paystats: $state is kept: something is written there" ]
}

@test "what systemd has written down of the timer goes" {
  mkdir -p root/var/lib/systemd/timers
  : >root/var/lib/systemd/timers/stamp-paystats-nightly.timer
  : >root/var/lib/systemd/timers/stamp-other.timer
  is_removed
  [ "$(ls root/var/lib/systemd/timers)" = stamp-other.timer ]
}

@test "a log elsewhere is named before the settings go that name it" {
  mkdir -p root/etc/default
  cp "$PROJECT/deploy/systemd/paystats.default" root/etc/default/paystats
  removed() { DPKG_ROOT=$PWD/root run --separate-stderr "$postrm" remove; [ "$status" -eq 0 ] && [ -z "$output" ]; }
  removed
  [ -z "$stderr" ]
  echo 'PAYSTATS_LOG=/var/lib/paystats/other.jsonl' >>root/etc/default/paystats
  removed
  [ -z "$stderr" ]
  printf 'PAYSTATS_LOG="/srv/pay\033.jsonl"\n' >>root/etc/default/paystats
  removed
  [ "$stderr" = 'paystats: the log /srv/pay?.jsonl is kept' ]
  # A topic is no file of this machine.
  for topic in kafka:payments '"kafka:payments"'; do
    echo "PAYSTATS_LOG=$topic" >>root/etc/default/paystats
    removed
    [ -z "$stderr" ]
  done
}

@test "removal alone, an upgrade and a failed installation touch nothing" {
  : >"$state/payments.jsonl"
  tree >before
  local word
  for word in remove upgrade failed-upgrade abort-install abort-upgrade disappear; do
    DPKG_ROOT=$PWD/root run --separate-stderr "$postrm" "$word" 0.2.0-1
    [ "$status" -eq 0 ]
    [ -z "$output$stderr" ]
  done
  tree | diff before -
}
