# bats file_tags=deploy-long
#
# A machine with deploy/systemd is booted, by systemd-nspawn: what its services survive, with the same
# totals, and what they do not. As root. The machine has no network but loopback, and the release of this one,
# since the tools are those that were built here. Its disk for /var/lib/paystats has 8 MB. The last test joins it
# to a network.
#
# The tests are of one machine, in order: each leaves it at work, and in $BATS_FILE_TMPDIR/want what edgar's
# sum is by then.

load ../tools/helpers
load pi5

MACHINE=$BATS_FILE_TMPDIR/machine
STATE=$BATS_FILE_TMPDIR/state
BASE=${XDG_CACHE_HOME:-$HOME/.cache}/paystats/machine-$(. /etc/os-release && echo "$VERSION_CODENAME").tar

# The packages of the libraries that the tools are linked with.
libraries() {
  ldd "$PAYSTATS_BIN"/{paygen,payagg,paystats-cache,paystats-serve} | sed -n 's/.* => \(.*\) (.*/\1/p' | sort -u |
    while read -r file; do dpkg-query -S "$(realpath "$file")" "$file" 2>>unknown | head -1 | cut -d: -f1; done | sort -u
}

# make_base: a minimal system, of which each machine is a copy; kept for a week.
make_base() {
  local packages suite
  packages=$(libraries | paste -sd,)
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  [ -z "$(find "$BASE" -newer "$PAYSTATS_BIN/../CMakeCache.txt" -mtime -7 2>>unknown)" ] || return 0
  mkdir -p "$(dirname "$BASE")"
  # The sources of apt that are of the release itself.
  grep -lE "\b$suite\b" /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>>unknown >sources || [ -s sources ]
  xargs mmdebstrap --quiet --variant=minbase --include="systemd,systemd-sysv,dbus,curl,$packages" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$suite" "$BASE.new.tar" <sources >mmdebstrap.log 2>&1 || { cat mmdebstrap.log >&2; return 1; }
  mv "$BASE.new.tar" "$BASE"
}

# in_machine COMMAND...: there, as root.
in_machine() { nsenter -t "$(cat "$BATS_FILE_TMPDIR/leader")" -a -- "$@"; }
unit_is() { [ "$(in_machine systemctl show -P "$2" "$1")" = "$3" ]; }

start_machine() {
  # bpf: for IPAddressDeny=, as on a machine that is no container.
  systemd-nspawn --quiet -D "$MACHINE" --private-network --boot --register=no --keep-unit --link-journal=no \
    --system-call-filter=bpf --bind="$STATE:/var/lib/paystats" systemd.unit=multi-user.target \
    </dev/null >>"$BATS_FILE_TMPDIR/console" 2>&1 3>&- &
  local nspawn=$!
  echo "$nspawn" >"$BATS_FILE_TMPDIR/nspawn"
  wait_for 'pgrep -P '"$nspawn"' -x systemd >"$BATS_FILE_TMPDIR/leader"'
  wait_for '[[ $(in_machine systemctl is-system-running 2>&1) =~ ^(running|degraded)$ ]]'
}

# However the machine ends.
machine_ends() { wait_for '! kill -0 "$(cat "$BATS_FILE_TMPDIR/nspawn")" 2>/dev/null'; }

setup_file() {
  [ "$(id -u)" -eq 0 ] || skip "needs root: a machine is booted"
  mountpoint -q /sys/fs/cgroup || skip "systemd starts nowhere without control groups, as in a chroot"
  cd "$BATS_FILE_TMPDIR"
  make_base
  mkdir machine state
  mount -t tmpfs -o size=8m,mode=0755 paystats-test state
  tar -xf "$BASE" -C machine
  DESTDIR=$PWD/machine cmake --install "$PAYSTATS_BIN/.." --prefix /usr >installed
  systemd-sysusers --root="$PWD/machine" paystats.conf
  systemctl --root="$PWD/machine" enable paystats.target 2>enabled
  : >machine/etc/machine-id
  echo 0 >want
  start_machine
}

teardown_file() {
  leave_network || true
  if [ -s "$BATS_FILE_TMPDIR/leader" ]; then
    # Whatever holds it.
    kill -KILL "$(cat "$BATS_FILE_TMPDIR/leader")" 2>/dev/null || true
    machine_ends || true
  fi
  ! mountpoint -q "$STATE" || umount "$STATE"
}

# ask PATH [WORD...]: of the server in the machine, by curl.
ask() { in_machine curl -sS --max-time 20 "${@:2}" "http://127.0.0.1:8080$1"; }

# pay CENTS [STATUS]: edgar's payment, that is answered so.
pay() {
  local status
  status=$(ask /api/payments -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' \
    -d "{\"user\":\"edgar\",\"paymentAmt\":\"0.0$1\"}")
  [ "$status" = "${2:-200}" ] || { echo "answered with $status" >&2; return 1; }
  [ "$status" != 200 ] || echo $(($(cat "$BATS_FILE_TMPDIR/want") + $1)) >"$BATS_FILE_TMPDIR/want"
}

# What the page shows, in cents, is what was paid; the log says the same.
total_is_right() {
  local want
  want=$(printf '%d.%02d' $(($(cat "$BATS_FILE_TMPDIR/want") / 100)) $(($(cat "$BATS_FILE_TMPDIR/want") % 100)))
  wait_for '[ "$(ask /api/stats/edgar 2>asked | jq -r ".stats[0].sum // .sum" 2>asked)" = '"$want"' ]'
  [ "$(payagg -q "$STATE/payments.jsonl" | jq -r 'select(.user == "edgar").sum * 100 | round')" = "$(cat "$BATS_FILE_TMPDIR/want")" ]
}

# process NAME: its number in the machine.
process() { in_machine sh -c 'for p in /proc/[0-9]*; do read -r c <$p/comm && [ "$c" = "$1" ] && echo ${p#/proc/}; done; true' sh "${1:0:15}"; }

@test "after the start all is there, as the user paystats and without any right" {
  wait_for 'unit_is paystats-serve.service ActiveState active && unit_is paystats-totals.service ActiveState active'
  [ -z "$(in_machine systemctl --failed --no-legend)" ]
  wait_for 'ask / 2>asked | grep -q "<title>paystats</title>"'
  wait_for 'pay 7'
  total_is_right
  uid=$(in_machine id -u paystats)
  for name in paystats-serve paystats-cache payagg; do
    in_machine cat "/proc/$(process $name)/status" >status
    grep -qP "^Uid:\t$uid\t$uid\t$uid\t$uid$" status
    grep -qP '^CapEff:\t0+$' status
    grep -qP '^CapBnd:\t0+$' status
    grep -qP '^NoNewPrivs:\t1$' status
    grep -qP '^Seccomp:\t2$' status
  done
  [ "$(in_machine stat -c '%U %a' /var/lib/paystats /var/lib/paystats/payments.jsonl /run/paystats | xargs)" = 'paystats 750 paystats 640 paystats 750' ]
  # Who is in the group reads, and who is not does not.
  in_machine setpriv --reuid nobody --regid nogroup --groups paystats cat /var/lib/paystats/payments.jsonl >read
  ! in_machine setpriv --reuid nobody --regid nogroup --clear-groups cat /var/lib/paystats/payments.jsonl 2>refused || false
}

@test "idle, the three processes take less than 20 MB in all" {
  local pids pss=0 pid
  wait_for 'pay 1'
  total_is_right
  pids="$(process paystats-serve) $(process paystats-cache) $(process payagg)"
  for pid in $pids; do pss=$((pss + $(in_machine awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup"))); done
  # What they take of a core is printed alone: a timing is no verdict.
  ran() { for pid in $pids; do in_machine sh -c "cat /proc/$pid/task/*/schedstat"; done | awk '{ all += $1 } END { printf "%.0f", all }'; }
  before=$(ran)
  sleep 20
  awk -v kb=$pss -v ns=$(($(ran) - before)) \
    'BEGIN { printf "# idle: %.1f MB (sum of Pss), %.2f %% of a core in 20 s\n", kb * 1024 / 1e6, ns / 20e9 * 100 }' >&3
  [ $((pss * 1024)) -lt 20000000 ]
}

@test "what the totals may not do, they cannot" {
  totals=$(process paystats-cache)
  there() { in_machine nsenter -t "$totals" -m -n -- "$@"; }
  ! there sh -c 'echo >>/var/lib/paystats/payments.jsonl' 2>refused || false
  grep -qi 'read-only' refused
  [ "$(in_machine readlink "/proc/$totals/ns/net")" != "$(in_machine readlink /proc/1/ns/net)" ]
  [ "$(in_machine readlink "/proc/$(process paystats-serve)/ns/net")" = "$(in_machine readlink /proc/1/ns/net)" ]
  ! there ls /root/. 2>>refused | grep . || false
}

@test "the cache is asked at a shell as the user paystats, as the page of the units and the manual say" {
  line=$(sed -n 's/^    //p' "$PROJECT/deploy/systemd/README.md" | grep -F 'sudo -u')
  grep -qxF -- "$line" "$PROJECT/man/paystats.7"
  in_machine sh -c 'sudo() { [ "$1 $2" = "-u paystats" ] && shift 2 && setpriv --reuid paystats --regid paystats --clear-groups "$@"; }
'"$line" >answered
  [ "$(jq -r 'select(.user == "edgar").sum * 100 | round' answered)" = "$(cat "$BATS_FILE_TMPDIR/want")" ]
  # A member of the group alone may not.
  run -2 in_machine setpriv --reuid nobody --regid nogroup --groups paystats ${line#sudo -u paystats }
}

@test "kill -9 of each: it is there again, with the same totals" {
  for victim in paystats-serve paystats-cache payagg; do
    unit=paystats-totals.service
    [ "$victim" != paystats-serve ] || unit=paystats-serve.service
    restarts=$(in_machine systemctl show -P NRestarts $unit)
    in_machine sh -c "kill -KILL $(process $victim)"
    wait_for 'unit_is $unit NRestarts $((restarts + 1)) && unit_is $unit ActiveState active'
    wait_for 'pay 3'
    total_is_right
  done
}

@test "a reboot: the same totals" {
  in_machine systemctl reboot
  machine_ends
  start_machine
  total_is_right
  [ -z "$(in_machine systemctl --failed --no-legend)" ]
}

@test "the machine is cut off: the same totals" {
  wait_for 'pay 5'
  kill -KILL "$(cat "$BATS_FILE_TMPDIR/leader")"
  machine_ends
  start_machine
  total_is_right
}

@test "a full disk refuses payments and ends nothing; what was taken is there" {
  wait_for 'pay 1'
  serve=$(process paystats-serve)
  ! dd if=/dev/zero of="$STATE/filler" bs=64k 2>dd || false
  # Until the page that the log is in is full.
  wait_for '! pay 1 2>refused'
  grep -q 'answered with 507' refused
  rm "$STATE/filler"
  wait_for 'pay 2 2>refused'
  total_is_right
  [ "$(process paystats-serve)" = "$serve" ]
}

@test "payagg's 3 leaves the totals down, and the page up, until a person has looked" {
  restarts=$(in_machine systemctl show -P NRestarts paystats-totals.service)
  mv "$STATE/payments.jsonl" "$STATE/old.jsonl"
  pay 4
  wait_for 'unit_is paystats-totals.service ActiveState failed'
  unit_is paystats-totals.service ExecMainStatus 3
  unit_is paystats-totals.service NRestarts "$restarts"
  unit_is paystats-serve.service ActiveState active
  in_machine journalctl -u paystats-totals.service -o cat | grep -q '^payagg: error: .*payments.jsonl'
  # A start by hand is none, nor is that of a reboot.
  in_machine systemctl start paystats-totals.service
  wait_for 'unit_is paystats-totals.service ActiveState failed'
  unit_is paystats-totals.service ExecMainStatus 3
  in_machine systemctl reboot
  machine_ends
  start_machine
  wait_for 'unit_is paystats-totals.service ActiveState failed'
  unit_is paystats-totals.service ExecMainStatus 3
  in_machine journalctl -b -u paystats-totals.service -o cat | grep -q '^payagg: error: .*Z .*payments.jsonl'
  # What the message says, by hand.
  in_machine systemctl stop paystats-serve.service
  cat "$STATE/payments.jsonl" >>"$STATE/old.jsonl"
  mv "$STATE/old.jsonl" "$STATE/payments.jsonl"
  in_machine rm /var/lib/paystats/no-start/totals
  in_machine systemctl start paystats.target
  total_is_right
}

@test "the nightly job, run twice, pays once" {
  in_machine mkdir -p /etc/paystats
  echo '{"user":"edgar","paymentAmt":"0.09"}' >"$MACHINE/etc/paystats/nightly.jsonl"
  wait_for '[ "$(date +%H%M)" != 2359 ]'
  in_machine systemctl start paystats-nightly.service
  in_machine systemctl start paystats-nightly.service
  echo $(($(cat "$BATS_FILE_TMPDIR/want") + 9)) >"$BATS_FILE_TMPDIR/want"
  total_is_right
  in_machine systemctl enable --now paystats-nightly.timer 2>enabled
  unit_is paystats-nightly.timer ActiveState active
}

@test "a night that a power cut ended goes on at the boot, under its own date, and no other night begins" {
  in_machine systemctl is-enabled paystats-nightly-unfinished.timer >enabled
  # As a run leaves it that was cut off before its first payment.
  in_machine setpriv --reuid paystats --regid paystats --clear-groups sh -c ': >/var/lib/paystats/nightly/2026-01-31.begun'
  sync
  wait_for '[ "$(date +%H%M)" != 2359 ]'
  kill -KILL "$(cat "$BATS_FILE_TMPDIR/leader")"
  machine_ends
  start_machine
  wait_for '[ ! -e "$STATE/nightly/2026-01-31.begun" ]'
  grep -q '"nightly-2026-01-31-1"' "$STATE/payments.jsonl"
  echo $(($(cat "$BATS_FILE_TMPDIR/want") + 9)) >"$BATS_FILE_TMPDIR/want"
  total_is_right
  wait_for 'unit_is paystats-nightly.service ActiveState inactive'
  unit_is paystats-nightly.service Result success
  # At the next boot nothing is to be finished.
  in_machine systemctl reboot
  machine_ends
  start_machine
  unit_is paystats-nightly-unfinished.timer ActiveState inactive
  unit_is paystats-nightly.timer ActiveState active
  unit_is paystats-nightly.service ExecMainStartTimestampMonotonic 0
  total_is_right
}

@test "what is stopped ends well, and leaves nothing but the log" {
  in_machine systemctl stop paystats.target
  for unit in paystats-serve.service paystats-totals.service; do
    wait_for 'unit_is $unit ActiveState inactive'
    unit_is $unit Result success
  done
  [ -z "$(process payagg)" ]
  [ ! -e "/proc/$(cat "$BATS_FILE_TMPDIR/leader")/root/run/paystats" ]
}

@test "a log that is made anew is for the group paystats, though the user had another one before" {
  in_machine usermod -g users paystats
  mv "$STATE/payments.jsonl" "$STATE/old.jsonl"
  in_machine systemctl start paystats.target
  before=$(cat "$BATS_FILE_TMPDIR/want")
  wait_for 'pay 1'
  [ "$(in_machine stat -c '%U %G %a' /var/lib/paystats /var/lib/paystats/payments.jsonl /run/paystats | xargs)" = 'paystats paystats 750 paystats paystats 640 paystats paystats 750' ]
  in_machine systemctl stop paystats.target
  mv "$STATE/old.jsonl" "$STATE/payments.jsonl"
  echo "$before" >"$BATS_FILE_TMPDIR/want"
  in_machine usermod -g paystats paystats
}

@test "with a log in another folder, as the file of settings says, the disk there is mounted before it is written" {
  settings=$PROJECT/deploy/systemd/paystats.default
  sed -n '/^# .* For \/srv\/pay/,/^# and/s/^#   \([[A-Z]\)/\1/p' "$settings" >more
  [ "$(wc -l <more)" = 4 ]
  uid=$(in_machine id -u paystats)
  mkdir -p "$MACHINE"/srv/pay "$MACHINE"/etc/systemd/system/paystats-{serve,totals}.service.d
  echo "tmpfs /srv/pay tmpfs nofail,noauto,uid=$uid,mode=750" >>"$MACHINE/etc/fstab"
  cp more "$MACHINE/etc/systemd/system/paystats-serve.service.d/log.conf"
  head -n 2 more >"$MACHINE/etc/systemd/system/paystats-totals.service.d/log.conf"
  echo PAYSTATS_LOG=/srv/pay/payments.jsonl >>"$MACHINE/etc/default/paystats"
  in_machine systemctl daemon-reload
  before=$(cat "$BATS_FILE_TMPDIR/want")
  in_machine systemctl start paystats.target
  wait_for 'pay 1'
  in_machine mountpoint -q /srv/pay
  [ "$(in_machine stat -c '%U %G %a' /srv/pay/payments.jsonl)" = 'paystats paystats 640' ]
  wait_for '[ "$(ask /api/stats/edgar 2>asked | jq -r ".stats[0].sum" 2>asked)" = 0.01 ]'
  in_machine systemctl stop paystats.target
  # As on a machine that has none of that.
  in_machine umount /srv/pay
  : >"$MACHINE/etc/fstab"
  rm -r "$MACHINE"/etc/systemd/system/paystats-{serve,totals}.service.d
  cp "$settings" "$MACHINE/etc/default/paystats"
  in_machine systemctl daemon-reload
  echo "$before" >"$BATS_FILE_TMPDIR/want"
}

@test "a start that cannot be ends visibly" {
  echo PAYSTATS_LISTEN=nowhere >>"$MACHINE/etc/default/paystats"
  in_machine systemctl start paystats.target
  wait_for 'unit_is paystats-serve.service ActiveState failed'
  in_machine systemctl --failed --no-legend | grep -q paystats-serve
  in_machine journalctl -u paystats-serve.service -o cat | grep -q -- 'nowhere'
}

# The two Pis that docs/three-pis.md gives commands to from elsewhere.
ssh() {
  case "$*" in
    'pi5 sudo k3s kubectl -n paystats get secret '*' -o json') cat "$9.json" ;;
    # Which is not in the machine.
    'pi4-page sudo openssl '*) "${@:3:$#-3}" "$MACHINE${*: -1}" ;;
    'pi4-page '*) in_machine sh -c "sudo() { \"\$@\"; }; ${*:2}" ;;
  esac
}

# typed WORDS: the commands of that block of docs/three-pis.md, in the machine, faster than a person types them: what
# was started may not listen yet.
typed() {
  {
    echo 'sudo() { "$@"; }; curl() { command curl --retry 60 --retry-delay 1 --retry-connrefused "$@"; }'
    step "$1"
  } | in_machine bash -euo pipefail
}

# from ADDRESS PATH [WORD...]: what the page answers that address of the network, as nginx asks it.
from() {
  on_network curl -sS --max-time 20 --connect-timeout 5 --interface "192.168.1.$1" -H 'Host: pay.home.arpa' "${@:3}" \
    "http://192.168.1.12:8080$2"
}

@test "on Kafka, as docs/three-pis.md has the units: a POST reaches the topic, and its total comes back" {
  in_machine systemctl stop paystats.target
  in_machine systemctl reset-failed
  cp "$PROJECT/deploy/systemd/paystats.default" "$MACHINE/etc/default/paystats"
  ln -s "$PROJECT/deploy" deploy
  join_network "$(cat "$BATS_FILE_TMPDIR/leader")"
  make_secrets paystats-serve paystats-cache
  start_broker
  in_background nsenter -t "$(cat "$PI5/holder")" -n payagg -b 127.0.0.1:9092 kafka:payments -o kafka:payment-stats
  (set -e; source <(step 'get secret "$1"'))
  typed paystats-totals.service.d/kafka.conf
  typed 'systemctl enable --now paystats.target'
  wait_for '[ "$(from 13 /readyz -o /dev/null -w "%{http_code}" 2>refused)" = 200 ]'
  [ -z "$(process payagg)" ]
  for name in paystats-serve paystats-cache; do
    in_machine cat "/proc/$(process $name)/status" >status
    grep -qP '^Seccomp:\t2$' status
  done

  # With a key it is a request, which a topic has as well.
  from 13 /api/payments --json '{"user":"edgar","paymentAmt":12.50,"volume":7}' | grep -qx '{"accepted":7}'
  for _ in once twice; do
    from 13 /api/payments --json '{"user":"edgar","paymentAmt":2.50}' -H 'Idempotency-Key: one' | grep -qx '{"accepted":1}'
  done
  on_network kcat -q -b 127.0.0.1:9092 -C -t payments -e >read
  [ "$(grep -c edgar read)" = 8 ]
  wait_for 'from 13 /api/stats/edgar | grep -q "\"sum\":\"90.00\",\"count\":8"'
  [ -z "$(in_machine systemctl --failed --no-legend)" ]

  # From nobody but nginx: nothing is answered, not even that the connection is refused.
  run from 14 /readyz
  stranger=$status

  in_machine systemctl stop paystats.target
  for unit in paystats-serve.service paystats-totals.service; do unit_is $unit Result success; done

  # What systemd was told, and does where the kernel lets it.
  in_machine systemctl show -P IPAddressDeny paystats-serve.service | grep -qw '0\.0\.0\.0/0'
  in_machine systemctl show -P IPAddressAllow paystats-serve.service >allowed
  grep -q '192\.168\.1\.13' allowed
  ! grep -qE '192\.168\.1\.(14|0)|0\.0\.0\.0' allowed || false
  [ "$stranger" -ne 0 ] || skip "by this kernel, or in systemd-nspawn, IPAddressDeny= filters nothing: all else is as it should be"
  [ "$stranger" -eq 28 ]
}
