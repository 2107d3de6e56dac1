# deploy/systemd: the units are what systemd takes, say what they may not do, and their commands work.
# Without a systemd that runs; tests/deploy/boot.bats has one.

load ../tools/helpers
load units

# settings UNIT: fails with what is missing.
has_settings() {
  local unit=$1 each missing=""
  shift
  for each in "$@"; do
    grep -qxF -- "$each" "$UNITS/$unit" || missing+=" $each"
  done
  [ -z "$missing" ] || { echo "$unit lacks:$missing" >&2; return 1; }
}

@test "each service says what it may not do" {
  for unit in paystats-serve paystats-totals paystats-nightly; do
    has_settings $unit.service User=paystats Group=paystats UMask=0027 \
      "StateDirectory=paystats$([ $unit = paystats-nightly ] || echo ' paystats/no-start')" StateDirectoryMode=0750 RestartPreventExitStatus="$([ $unit != paystats-nightly ] || echo '1 ')3" \
      NoNewPrivileges=yes CapabilityBoundingSet= AmbientCapabilities= \
      ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes DevicePolicy=closed PrivateUsers=yes \
      ProtectHostname=yes ProtectClock=yes ProtectKernelTunables=yes ProtectKernelModules=yes ProtectKernelLogs=yes \
      ProtectControlGroups=yes ProtectProc=invisible ProcSubset=pid \
      RestrictNamespaces=yes RestrictRealtime=yes RestrictSUIDSGID=yes LockPersonality=yes \
      MemoryDenyWriteExecute=yes RemoveIPC=yes KeyringMode=private \
      SystemCallArchitectures=native SystemCallFilter=@system-service 'SystemCallFilter=~@privileged @resources' \
      SystemCallErrorNumber=EPERM
    [ -n "$(value $unit.service MemoryMax)" ]
    [ -n "$(value $unit.service StartLimitBurst)" ]
    ! grep -q '^DynamicUser' "$UNITS/$unit.service" || false
  done
  has_settings paystats-serve.service 'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6' Restart=always
  has_settings paystats-totals.service RestrictAddressFamilies=AF_UNIX IPAddressDeny=any PrivateNetwork=yes \
    ReadOnlyPaths=/var/lib/paystats ReadWritePaths=/var/lib/paystats/no-start RuntimeDirectory=paystats Restart=always KillMode=mixed
  has_settings paystats-nightly.service RestrictAddressFamilies=AF_UNIX IPAddressDeny=any PrivateNetwork=yes
  # Of one unit alone: it is removed when that stops.
  [ "$(grep -l ^RuntimeDirectory= "$UNITS"/*.service)" = "$UNITS/paystats-totals.service" ]
}

@test "systemd finds each of them exposed by 1.5 of 10 at most" {
  for unit in "$UNITS"/*.service; do
    systemd-analyze security --no-pager --offline=true --threshold=15 "$unit" >analysis || { tail -1 analysis; return 1; }
    tail -1 analysis
  done
  # The threshold is one.
  sed -e '/^Protect/d' -e '/^SystemCall/d' "$UNITS/paystats-serve.service" >paystats-serve.service
  ! systemd-analyze security --no-pager --offline=true --threshold=15 ./paystats-serve.service >analysis || false
}

# moved: the files in a folder `units`, with programs of this build in place of the installed ones.
moved() {
  mkdir units
  cp "$UNITS"/*.{service,timer,target} units
  sed -i -e "s,/usr/bin/\(pay\),$PAYSTATS_BIN/\1,g" -e "s,/usr/share/paystats/nightly,$UNITS/nightly,g" units/*.service
}

@test "systemd has nothing to say against any of them" {
  moved
  run -0 systemd-analyze verify --man=no units/*
  [ -z "$output" ]
  sed -i 's/^ProtectHome=yes/ProtectHearth=yes/' units/paystats-serve.service
  run systemd-analyze verify --man=no units/*
  [[ $output == *ProtectHearth* ]]
  systemd-analyze calendar "$(value paystats-nightly.timer OnCalendar)" >calendar
}

@test "the programs and the manual pages that they name are those of this project" {
  cat "$UNITS"/*.service | grep -o '/usr/bin/[a-z-]*' | sort -u | diff - <(printf '/usr/bin/%s\n' payagg paystats-cache paystats-serve)
  [ "$(value paystats-nightly.service ExecStart)" = /usr/share/paystats/nightly ]
  for page in $(sed -n 's/^Documentation=//p' "$UNITS"/*.{service,timer,target}); do
    [[ $page =~ ^man:([a-z-]+)\(([157])\)$ ]]
    [ -e "$PROJECT/man/${BASH_REMATCH[1]}.${BASH_REMATCH[2]}" ]
  done
}

@test "the target wants both services, and neither the nightly example nor anything else is enabled by it" {
  [ "$(value paystats.target Wants)" = 'paystats-serve.service paystats-totals.service' ]
  [ "$(grep -l '^WantedBy=' "$UNITS"/* | xargs -n 1 basename | xargs)" = 'paystats-nightly-unfinished.timer paystats-nightly.timer paystats.target' ]
  for unit in serve totals; do [ "$(value paystats-$unit.service PartOf)" = paystats.target ]; done
}

@test "the file of options shows each variable of the units, with the value that it has without the file" {
  defaults | diff - <(sed -n 's/^#\(PAYSTATS_[A-Z_]*=\)/\1/p' "$UNITS/paystats.default" | sort)
  # All that is set there is a comment, and the examples are options of the tools.
  ! grep -v '^#' "$UNITS/paystats.default" | grep . || false
  for example in $(sed -n 's/^#   PAYSTATS_SERVE_OPTIONS=//p' "$UNITS/paystats.default" | grep -o -e '--[a-z-]*'); do
    paystats-serve --help | grep -q -e "$example "
  done
  for unit in "$UNITS"/*.service; do grep -qx 'EnvironmentFile=-/etc/default/paystats' "$unit"; done
}

@test "the user is a static one of the system, that cannot log in" {
  mkdir -p root/etc root/usr/lib/sysusers.d
  cp "$UNITS/paystats.sysusers" root/usr/lib/sysusers.d/paystats.conf
  systemd-sysusers --root="$PWD/root" paystats.conf
  IFS=: read -r name _ uid _ _ home shell <<<"$(grep ^paystats: root/etc/passwd)"
  [ "$name" = paystats ] && [ "$uid" -lt 1000 ] && [ "$home" = /var/lib/paystats ] && [[ $shell == */nologin ]]
  grep -q ^paystats: root/etc/group
}

@test "of a user paystats that was there before, with another group, the group paystats is made as well" {
  mkdir -p root/etc root/usr/lib/sysusers.d
  echo 'paystats:x:700:100::/home/paystats:/bin/sh' >root/etc/passwd
  echo 'users:x:100:' >root/etc/group
  cp "$UNITS/paystats.sysusers" root/usr/lib/sysusers.d/paystats.conf
  systemd-sysusers --root="$PWD/root" paystats.conf
  # Which the services name: the log is not for all of that other one.
  grep -q ^paystats: root/etc/group
  [ "$(grep -c ^paystats: root/etc/passwd)" = 1 ]
}

@test "put there by hand, as the page says, units name programs and a job where these are" {
  local prefix unit
  awk '/^    / { lines = lines substr($0, 5) "\n"; if (/^    prefix=/) found = 1; next }
    found { exit } { lines = "" } END { printf "%s", lines }' "$UNITS/README.md" >typed
  grep -q 'enable --now' typed
  sed -i -E "s,([ >])/(etc|usr)/,\1$PWD/root/\2/,g; s,install -D nightly ,&$PWD/root," typed
  sed -i '1i systemctl() { echo "$*" >>'"$PWD"'/told; }\nsystemd-sysusers() { :; }' typed
  for prefix in /usr /usr/local; do
    mkdir -p root/etc/systemd/system root/etc/default root/usr/lib/sysusers.d "root$prefix/bin"
    for tool in paygen payagg paystats-cache paystats-serve; do ln -s "$PAYSTATS_BIN/$tool" "root$prefix/bin/"; done
    (cd "$UNITS" && sed "s,^prefix=.*,prefix=$prefix," "$OLDPWD/typed" | bash -euo pipefail)
    diff <(cd "$UNITS" && ls -- *.service *.timer *.target) <(ls root/etc/systemd/system)
    grep -ohE '/usr/[a-z/]+/pay[a-z/-]+' root/etc/systemd/system/* | sort -u >named
    [ "$(wc -l <named)" -ge 4 ]
    while read -r name; do [ -x "root$name" ] || { echo "$name" >&2; false; }; done <named
    cmp "$UNITS/paystats.default" root/etc/default/paystats
    cmp "$UNITS/paystats.sysusers" root/usr/lib/sysusers.d/paystats.conf
    rm -r root
  done
  [ "$(sort -u told)" = $'daemon-reload\nenable --now paystats.target' ]
}

sum_of() { paystats-cache -q --connect run/stats.sock --user "$1" 2>unanswered | jq -r .sum; }

@test "the commands of the units are the pipeline: a payment by HTTP is a total; the log is for the group" {
  mkdir run state
  start_unit paystats-totals
  totals=$pid
  start_unit paystats-serve PAYSTATS_LISTEN=127.0.0.1:0 'PAYSTATS_SERVE_OPTIONS=--allow-host pi.local --volume-max 7'
  wait_for 'port=$(port_of "$pid") && [ -n "$port" ]'
  post() {
    curl -sS -H "Host: $1" -H 'Content-Type: application/json' -d "{\"user\":\"edgar\",\"paymentAmt\":\"12.50\",\"volume\":$2}" \
      "http://127.0.0.1:$port/api/payments"
  }
  [ "$(post pi.local 7)" = '{"accepted":7}' ]
  [[ $(post pi.local 8) == *'"status":422'* ]]
  wait_for '[ "$(sum_of edgar)" = 87.5 ] || [ "$(sum_of edgar)" = 87.50 ]'
  [ "$(stat -c %a state/payments.jsonl)" = 640 ]
  # payagg's 3 is the unit's.
  mv state/payments.jsonl state/old.jsonl
  [ "$(post pi.local 1)" = '{"accepted":1}' ]
  pid=$totals
  ended_with 3
}

# nightly_tree: the job as it is installed, in usr/, with a clock that shows $TODAY; two batches, for ann and bob.
nightly_tree() {
  mkdir -p usr/bin usr/share/paystats bin state
  cp "$UNITS/nightly" usr/share/paystats/
  ln -s "$PAYSTATS_BIN/paygen" usr/bin/
  printf '#!/bin/sh\n[ "$*" = +%%F ] && echo "$TODAY"\n' >bin/date
  chmod +x bin/date
  printf '%s\n' '{"user":"ann","paymentAmt":3100}' '{"user":"bob","paymentAmt":950}' >nightly.jsonl
  TODAY=2026-11-30
}

# night [WORD...]: the unit's command as systemd starts it, but for its folders.
night() {
  env -i PATH="$PWD/bin:/usr/bin:/bin" TODAY="$TODAY" STATE_DIRECTORY="$PWD/state" PAYSTATS_LOG="$PWD/state/payments.jsonl" \
    "$PWD$(value paystats-nightly.service ExecStart)" "$@" "$PWD/nightly.jsonl"
}
# paid: how often each was, in all logs.
paid() { cat state/payments.jsonl* | payagg | jq -r '"\(.user) \(.count)"' | xargs; }
days() { (cd state/nightly && echo *); }

@test "the nightly job pays once a day, however often it runs, and though the log was rotated" {
  nightly_tree
  night
  night
  [ "$(payagg state/payments.jsonl)" = "$(printf '{"user":"%s","sum":%s,"count":1}\n' ann 3100.00 bob 950.00)" ]
  grep -q 'nightly-2026-11-30-1' state/payments.jsonl
  mv state/payments.jsonl state/payments.jsonl.1
  night
  [ ! -e state/payments.jsonl ]
  TODAY=2026-12-01
  night
  [ "$(paid)" = 'ann 2 bob 2' ]
  # Of days that are done the newest is known, by a file that can hold no payment.
  [ "$(days)" = 2026-12-01.done ]
  [ ! -s state/nightly/2026-12-01.done ]
}

# cut_off: a run that a power cut ends between its two batches.
cut_off() {
  rm usr/bin/paygen
  # Its words: -q BATCHES --idempotency-prefix P -o LOG.
  printf '#!/bin/sh\nhead -n 1 "$2" >one\nshift 2\n"%s" -q one "$@"\nkill -KILL $PPID\n' "$PAYSTATS_BIN/paygen" >usr/bin/paygen
  chmod +x usr/bin/paygen
  run -137 night
  ln -sf "$PAYSTATS_BIN/paygen" usr/bin/paygen
  [ "$(paid)" = 'ann 1' ]
  [ "$(days)" = 2026-11-30.begun ]
}

@test "a night that was cut off is finished under its own date, on a later day too, and begins none by itself" {
  nightly_tree
  cut_off
  TODAY=2026-12-02
  night --unfinished
  [ "$(paid)" = 'ann 1 bob 1' ]
  ! grep -q nightly-2026-12-02- state/payments.jsonl || false
  night --unfinished
  [ "$(paid)" = 'ann 1 bob 1' ]
  night
  [ "$(paid)" = 'ann 2 bob 2' ]
  [ "$(days)" = 2026-12-02.done ]
}

@test "at the boot after it a timer starts the job again, which finishes that night and pays this one" {
  [ "$(value paystats-nightly.timer Also)" = paystats-nightly-unfinished.timer ]
  [ "$(value paystats-nightly-unfinished.timer Unit)" = paystats-nightly.service ]
  nightly_tree
  cut_off
  # The files that it looks for are those that are there, and no longer there after it.
  looked_for=$(value paystats-nightly-unfinished.timer ConditionPathExistsGlob)
  compgen -G "$PWD/state${looked_for#/var/lib/paystats}"
  TODAY=2026-12-01
  night
  [ "$(paid)" = 'ann 2 bob 2' ]
  [ "$(grep -c nightly-2026-11-30- state/payments.jsonl)" = 2 ]
  ! compgen -G "$PWD/state${looked_for#/var/lib/paystats}" || false
}

@test "a night that fails is paid with the next one; one that a person must look at holds up no other" {
  nightly_tree
  # Where the log is to be stands a folder.
  mkdir state/payments.jsonl
  run -2 night
  rmdir state/payments.jsonl
  TODAY=2026-12-01
  night
  [ "$(paid)" = 'ann 2 bob 2' ]
  # Changed after it was paid, while its day is not done.
  : >state/nightly/2026-12-01.begun
  sed -i 's/3100/3200/' nightly.jsonl
  TODAY=2026-12-02
  run -3 night
  [[ $output == *'nightly: 2026-12-01 is not paid in full; to leave it so, remove '*/2026-12-01.begun* ]]
  [ "$(paid)" = 'ann 3 bob 3' ]
  [ "$(days)" = '2026-12-01.begun 2026-12-02.done' ]
  # Where any of them can be paid by another run, the status says so.
  rm usr/bin/paygen
  printf '#!/bin/sh\ncase $* in *-2026-12-01*) exit 3 ;; *) exit 2 ;; esac\n' >usr/bin/paygen
  chmod +x usr/bin/paygen
  TODAY=2026-12-03
  run -2 night
  [ "$(days)" = '2026-12-01.begun 2026-12-02.done 2026-12-03.begun' ]
  ln -sf "$PAYSTATS_BIN/paygen" usr/bin/paygen
  # Lines that are no batches are 1, and their day is done.
  rm state/nightly/2026-12-01.begun
  echo 'no batch' >>nightly.jsonl
  run -1 night
  [ "$(days)" = 2026-12-03.done ]
  [ "$(paid)" = 'ann 4 bob 4' ]
}

@test "no night begins without batches, or with a clock that went back" {
  nightly_tree
  mv nightly.jsonl elsewhere
  run -2 night
  [[ $output == 'nightly: '*'/nightly.jsonl cannot be read' ]]
  [ ! -e state/nightly ]
  mv elsewhere nightly.jsonl
  night
  TODAY=2026-11-29
  run -3 night
  [[ $output == 'nightly: 2026-11-30 is paid already, and today is 2026-11-29: '*/2026-11-30.done ]]
  [ "$(paid)" = 'ann 1 bob 1' ]
}

@test "a log that is a topic is refused, for a person to look at, and no night begins" {
  nightly_tree
  run -3 env PAYSTATS_LOG=kafka:payments STATE_DIRECTORY="$PWD/state" usr/share/paystats/nightly nightly.jsonl
  [ "$output" = 'nightly: the log kafka:payments is a topic; this job needs a file' ]
  run -3 env STATE_DIRECTORY="$PWD/state" usr/share/paystats/nightly --unfinished nightly.jsonl kafka:payments
  [ ! -e state/nightly ]
}

# cron LINE: runs the line's command as crontab(5) says: by /bin/sh, with next to no environment; a % that has no \ in
# front of it ends the command, and what follows is its input.
cron() {
  local command input=''
  command=$(sed -E 's/^(@[a-z]+|([^ ]+ ){4}[^ ]+) [a-z]+ //; s/(^|[^\\])%/\1\n/; s/\\%/%/g' <<<"$1")
  if [[ $command == *$'\n'* ]]; then input=${command#*$'\n'} command=${command%%$'\n'*}; fi
  (cd / && env -i HOME=/ LOGNAME=paystats SHELL=/bin/sh PATH="$bin:/usr/bin:/bin" TODAY="$TODAY" \
    /bin/sh -c "$(sed "s,/usr/share,$usr/share,g" <<<"$command")" <<<"$input")
}

@test "the lines for cron pay once a day, and finish what a power cut has ended" {
  nightly_tree
  bin=$PWD/bin usr=$PWD/usr
  sed -i -e "s,/var/lib/paystats,$PWD/state,g" -e "s,/etc/paystats,$PWD,g" usr/share/paystats/nightly
  [ "$(cron '0 0 * * * paystats printf "\%s" "$SHELL"; cat%there')" = /bin/shthere ]
  sed -n '/^With cron/,/^cron /s/^    //p' "$UNITS/README.md" >lines
  midnight=$(grep '^0 0 \* \* \* paystats /' lines)
  reboot=$(grep '^@reboot paystats /' lines)
  [ "$(wc -l <lines)" = 2 ]
  cron "$midnight"
  cron "$midnight"
  cron "$reboot"
  [ "$(paid)" = 'ann 1 bob 1' ]
  [ "$(stat -c %a state/payments.jsonl)" = 640 ]
  rm -r state/*
  cut_off
  TODAY=2026-12-01
  cron "$reboot"
  [ "$(paid)" = 'ann 1 bob 1' ]
  cron "$midnight"
  [ "$(paid)" = 'ann 2 bob 2' ]
}

@test "the lines for cron with another log pay into that one alone" {
  nightly_tree
  bin=$PWD/bin usr=$PWD/usr
  sed -n '/^cron does not read/,/^It makes/s/^    //p' "$UNITS/README.md" |
    sed -e "s,/etc/paystats,$PWD,; s,LOG\$,$PWD/other.jsonl," >lines
  [ "$(wc -l <lines)" = 2 ]
  sed -i -e "s,/var/lib/paystats,$PWD/state,g" usr/share/paystats/nightly
  cron "$(grep '^0 0 \* \* \* paystats /' lines)"
  [ "$(payagg other.jsonl | jq -r '"\(.user) \(.count)"' | xargs)" = 'ann 1 bob 1' ]
  : >state/nightly/2026-11-29.begun
  cron "$(grep '^@reboot paystats /.* --unfinished ' lines)"
  [ "$(payagg other.jsonl | jq -r '"\(.user) \(.count)"' | xargs)" = 'ann 2 bob 2' ]
  [ "$(ls state)" = nightly ]
}
