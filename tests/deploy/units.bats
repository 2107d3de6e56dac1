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
    has_settings $unit.service User=paystats UMask=0027 \
      StateDirectory=paystats StateDirectoryMode=0750 RestartPreventExitStatus="$([ $unit != paystats-nightly ] || echo '1 ')3" \
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
    ReadOnlyPaths=/var/lib/paystats RuntimeDirectory=paystats Restart=always KillMode=mixed
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
  sed -i "s,/usr/bin/\(pay\),$PAYSTATS_BIN/\1,g" units/*.service
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
  cat "$UNITS"/*.service | grep -o '/usr/bin/[a-z-]*' | sort -u | diff - <(printf '/usr/bin/%s\n' payagg paygen paystats-cache paystats-serve)
  for page in $(sed -n 's/^Documentation=//p' "$UNITS"/*.{service,timer,target}); do
    [[ $page =~ ^man:([a-z-]+)\(([157])\)$ ]]
    [ -e "$PROJECT/man/${BASH_REMATCH[1]}.${BASH_REMATCH[2]}" ]
  done
}

@test "the target wants both services, and neither the nightly example nor anything else is enabled by it" {
  [ "$(value paystats.target Wants)" = 'paystats-serve.service paystats-totals.service' ]
  [ "$(grep -l '^WantedBy=' "$UNITS"/* | xargs -n 1 basename | xargs)" = 'paystats-nightly.timer paystats.target' ]
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

@test "the nightly job pays once a day, however often it runs" {
  mkdir state
  printf '%s\n' '{"user":"ann","paymentAmt":3100}' '{"user":"bob","paymentAmt":950}' >nightly.jsonl
  night() {
    value paystats-nightly.service ExecStart | sed -e "s,/usr/bin/\(pay\),$PAYSTATS_BIN/\1,g" \
      -e "s,/etc/paystats/nightly.jsonl,$PWD/nightly.jsonl,g" -e 's/\$\$/$/g' -e 's/%%/%/g' >command
    PAYSTATS_LOG=$PWD/state/payments.jsonl bash command
  }
  # Both runs are of one day.
  wait_for '[ "$(date +%H%M)" != 2359 ]'
  night
  night
  [ "$(payagg state/payments.jsonl)" = "$(printf '{"user":"%s","sum":%s,"count":1}\n' ann 3100.00 bob 950.00)" ]
  grep -q "nightly-$(date +%F)-1" state/payments.jsonl
}
