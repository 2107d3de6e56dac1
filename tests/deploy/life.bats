# The life of the package in a fresh system of this machine's release: installed, upgraded, removed, purged.
# What is kept of an old version and a new one is the same tree, packed twice. tests/deploy/on_release runs this with
# packages of another release (PAYSTATS_RELEASE), which it has made: PAYSTATS_PACKAGES/old and new.
# bats file_tags=deploy-long

load ../tools/helpers
load ../tools/readme

setup_file() {
  [ "$(id -u)" -eq 0 ] || skip "a chroot takes root"
  grep -qx ID=debian /etc/os-release || skip "a fresh Debian can be made on Debian alone"
  command -v debootstrap >/dev/null || skip "debootstrap is not installed (scripts/setup-deploy --long)"
  cd "$BATS_FILE_TMPDIR" || return 1
  local pack=("$PROJECT/scripts/package" --build "$(dirname "$PAYSTATS_BIN")")
  local packages=${PAYSTATS_PACKAGES:-$PWD}
  if [ -z "${PAYSTATS_PACKAGES:-}" ]; then
    PAYSTATS_PACKAGE_VERSION=0.1.0 "${pack[@]}" --into old deb
    "${pack[@]}" --into new deb
  fi
  mkdir system
  cp "$packages"/old/*.deb system/old.deb
  cp "$packages"/new/*.deb system/new.deb
  cp "$BATS_TEST_DIRNAME/steps.bash" system/
}

# in_system [--boot]: runs what it reads in a fresh one.
in_system() {
  { echo 'source /mnt/steps.bash'; cat; echo 'echo all steps done'; } >"$BATS_FILE_TMPDIR/system/$BATS_TEST_NUMBER"
  run "$BATS_TEST_DIRNAME/fresh_system" "$BATS_FILE_TMPDIR/system/old.deb" "$BATS_FILE_TMPDIR/system" "$BATS_TEST_NUMBER" "$@"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *'all steps done'* ]]
}

@test "installed, used, upgraded, removed and purged, it leaves nothing" {
  in_system <<'END'
install_dependencies
snapshot >/tmp/before

apt install /mnt/old.deb
dpkg --verify paystats
getent passwd paystats
for tool in paygen payagg paystats-cache paystats-serve; do "$tool" --version | grep -q "^$tool "; done
paygen --random 10000 --users 100 --seed 1 --expect /tmp/want | payagg >/tmp/got
cmp /tmp/want /tmp/got
# Nothing is enabled, and nothing runs.
test -z "$(find /etc/systemd -name '*paystats*')"
all_ended
# What the page is made of, jQuery of the distribution included.
start_pipeline
for file in '' app.js style.css jquery.min.js; do
  http GET "/$file" >/tmp/got
  [[ $(head -n 1 /tmp/got) == 'HTTP/1.1 200 '* ]]
done
grep -q 'jQuery v' /tmp/got
stop_pipeline

# Settings that were changed stay.
echo '# changed' >>/etc/default/paystats
apt install /mnt/new.deb
test "$(dpkg-query -W -f '${Version}' paystats)" = "$(dpkg-deb --field /mnt/new.deb Version)"
grep -q '# changed' /etc/default/paystats
# dpkg asks for no older one by itself.
apt-get -qq -s install /mnt/old.deb && false
apt install --reinstall /mnt/new.deb

apt remove paystats
test ! -e /usr/bin/payagg
grep -q '# changed' /etc/default/paystats
test -e /var/lib/paystats/payments.jsonl
apt purge paystats 2>/tmp/said
cat /tmp/said
test ! -s /tmp/said
getent passwd paystats
rm -r /run/paystats /run/serve.err /run/totals.err
snapshot >/tmp/after
diff /tmp/before /tmp/after
END
}

@test "purged with a log, it leaves the log, and says so" {
  in_system <<'END'
install_dependencies
snapshot >/tmp/before
apt install /mnt/new.deb
start_pipeline
pay edgar 12.50 7
wait_until has_total edgar 87.50 7
stop_pipeline
cd /var/lib/paystats
mv payments.jsonl payments.jsonl.1
gzip payments.jsonl.1
as_paystats touch payments.jsonl
sha256sum payments.jsonl.1.gz >/tmp/sum
apt purge paystats 2>/tmp/said
cat /tmp/said
grep -q '^paystats: /var/lib/paystats is kept: it may hold payments, in /var/lib/paystats/payments.jsonl.1.gz;' /tmp/said
sha256sum --check /tmp/sum
# Its owner is still there, so nobody else can be given its number.
test "$(stat -c %U payments.jsonl.1.gz)" = paystats
rm -r /run/paystats /run/serve.err /run/totals.err
snapshot >/tmp/after
test "$(diff /tmp/before /tmp/after | sed -n 's/^[<>] .* \(\/[^ ]*\) *$/\1/p' | sort -u)" = '/var/lib/paystats
/var/lib/paystats/payments.jsonl
/var/lib/paystats/payments.jsonl.1.gz'
# Installed again, it goes on with that.
apt install /mnt/new.deb
test "$(zcat payments.jsonl.1.gz | payagg)" = '{"user":"edgar","sum":87.50,"count":7}'
END
}

@test "a pipeline that runs goes on after an upgrade, and with the same totals when it is started again" {
  in_system <<'END'
apt install /mnt/old.deb
start_pipeline
pay edgar 12.50 7
wait_until has_total edgar 87.50 7
before=$(stat -c %i /usr/bin/paystats-serve)

# Payments go on all the time, each answered.
( n=0; while [ ! -e /tmp/enough ]; do pay ann 0.01 1; n=$((n + 1)); echo $n >/tmp/paid.new; mv /tmp/paid.new /tmp/paid; done ) &
paying=$!
wait_until test -e /tmp/paid
apt install /mnt/new.deb
test "$(stat -c %i /usr/bin/paystats-serve)" != "$before"
paid=$(cat /tmp/paid)
more() { [ "$(cat /tmp/paid)" -gt "$((paid + 3))" ]; }
wait_until more
touch /tmp/enough
wait $paying
# shellcheck disable=SC2086
kill -0 $pids
count=$(cat /tmp/paid)
sum=$(printf '%d.%02d' $((count / 100)) $((count % 100)))
wait_until has_total ann "$sum" "$count"
has_total edgar 87.50 7

stop_pipeline
start_pipeline
wait_until has_total ann "$sum" "$count"
has_total edgar 87.50 7
pay edgar 12.50 1
wait_until has_total edgar 100.00 8
stop_pipeline
END
}

@test "what was enabled stays so in an upgrade, and purge removes the links" {
  in_system <<'END'
apt install systemd
install_dependencies
snapshot >/tmp/before
apt install /mnt/old.deb
systemctl is-enabled paystats.target && false
systemctl enable paystats.target
links() { find /etc/systemd/system -type l -name 'paystats*' | sort; }
links >/tmp/links
test -s /tmp/links
apt install /mnt/new.deb
links | cmp - /tmp/links
test "$(systemctl is-enabled paystats.target)" = enabled
apt remove paystats
apt install /mnt/new.deb
test "$(systemctl is-enabled paystats.target)" = enabled
apt purge paystats
test -z "$(links)"
snapshot >/tmp/after
diff /tmp/before /tmp/after
END
}

@test "where systemd runs, an upgrade restarts what runs, removal stops it, and nothing is started" {
  in_system <<'END'
apt install systemd
install_dependencies
# A systemd that only writes down what it was told, by whom and about what.
mkdir -p /run/systemd/system
printf '#!/bin/sh\necho "$*" >>/tmp/told\n' >/usr/bin/systemctl
told() {
  grep -q daemon-reload /tmp/told
  grep -v daemon-reload /tmp/told || true
  : >/tmp/told
}

apt install /mnt/old.deb
test -z "$(told)"
apt install /mnt/new.deb
test "$(told)" = 'try-restart paystats-serve.service paystats-totals.service paystats-nightly.timer'
# Who has forbidden it is obeyed.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt install --reinstall /mnt/new.deb
test -z "$(told)"
rm /usr/sbin/policy-rc.d
apt remove paystats
told >/tmp/stopped
[[ $(cat /tmp/stopped) == 'stop paystats.target '* ]]
for unit in paystats-serve.service paystats-totals.service paystats-nightly.service paystats-nightly.timer; do
  grep -qw -- "$unit" /tmp/stopped
done
apt purge paystats
test -z "$(told)"
END
}

@test "on a machine with systemd, what runs is restarted by an upgrade, with the same totals" {
  command -v systemd-nspawn >/dev/null || skip "systemd-nspawn is not installed (scripts/setup-deploy --long)"
  mountpoint -q /sys/fs/cgroup || skip "systemd starts nowhere without control groups, as in a chroot"
  in_system --boot <<'END'
port=8080
pid_of() { systemctl show -P MainPID "$1"; }
apt install /mnt/old.deb
test "$(systemctl is-active paystats.target paystats-serve paystats-totals | sort -u)" = inactive
systemctl enable --now paystats.target
wait_until is_ready
pay edgar 12.50 7
wait_until has_total edgar 87.50 7

serve=$(pid_of paystats-serve) totals=$(pid_of paystats-totals)
apt install /mnt/new.deb
test "$(pid_of paystats-serve)" != "$serve"
test "$(pid_of paystats-totals)" != "$totals"
wait_until is_ready
wait_until has_total edgar 87.50 7
pay edgar 12.50 1
wait_until has_total edgar 100.00 8

# What the operator has stopped stays so, and the rest runs on.
systemctl stop paystats-totals
apt install --reinstall /mnt/new.deb
test "$(systemctl is-active paystats-totals)" = inactive
test "$(systemctl is-active paystats-nightly.timer)" = inactive
test "$(systemctl is-active paystats-serve)" = active

apt remove paystats
test -z "$(systemctl list-units --no-legend 'paystats*')"
all_ended
apt purge paystats
test "$(find / -xdev -name '*paystats*' ! -path '/mnt/*' ! -path '/proc/*' ! -path '/sys/*' ! -path '/var/cache/*'   ! -path '/var/log/*' ! -path /var/lib/paystats)" = ''
test "$(grep -c edgar /var/lib/paystats/payments.jsonl)" = 2
END
}

@test "on a machine with systemd, README's first screen is typed at once, as it stands" {
  command -v systemd-nspawn >/dev/null || skip "systemd-nspawn is not installed (scripts/setup-deploy --long)"
  mountpoint -q /sys/fs/cgroup || skip "systemd starts nowhere without control groups, as in a chroot"
  local words
  for words in 'I have a file' 'I want the page'; do
    block "$words" | sed -n 's/^\$ //p' >"$BATS_FILE_TMPDIR/system/$words"
    block "$words" | grep -v '^\$ ' >"$BATS_FILE_TMPDIR/system/$words.said"
    [ "$(wc -l <"$BATS_FILE_TMPDIR/system/$words")" -ge 3 ]
  done
  in_system --boot <<'END'
apt install /mnt/new.deb curl jq
# In place of the program, for root.
printf '#!/bin/sh\nexec "$@"\n' >/usr/local/bin/sudo
chmod +x /usr/local/bin/sudo
cd /tmp
for words in 'I have a file' 'I want the page'; do
  PATH=/usr/local/bin:$PATH bash -euo pipefail "/mnt/$words" >said 2>err || { cat err; false; }
  diff "/mnt/$words.said" said
done
END
}

@test "settings that were made before the package: dpkg asks, and README's words keep them" {
  sed -n "s/^    sudo apt-get install \(-y -o [^ ]*\) .*/\1/p" "$PROJECT/README.md" >"$BATS_FILE_TMPDIR/system/words"
  [ "$(wc -l <"$BATS_FILE_TMPDIR/system/words")" = 1 ]
  in_system <<'END'
install_dependencies
echo PAYSTATS_LISTEN=mine >/etc/default/paystats
apt install /mnt/new.deb && false
# shellcheck disable=SC2046 # words
apt install $(cat /mnt/words) /mnt/new.deb
test "$(dpkg-query -W -f '${db:Status-Status}' paystats)" = installed
test "$(cat /etc/default/paystats)" = PAYSTATS_LISTEN=mine
END
}
