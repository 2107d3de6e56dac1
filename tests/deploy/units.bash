# The units of deploy/systemd, read and started without a systemd (`load units`).

UNITS=$PROJECT/deploy/systemd

# value UNIT KEY: what it is set to, a line each.
value() { sed -n "s/^$2=//p" "$UNITS/$1"; }

# defaults: variables and values that the units have of themselves, a line each.
defaults() { sed -n 's/^Environment=//p' "$UNITS"/*.service | xargs -n 1 | sort -u; }

# start_unit UNIT [VARIABLE=VALUE...]: starts its command as systemd does, but that /usr/bin is this build,
# and /run/paystats and /var/lib/paystats are here; sets `pid`.
start_unit() {
  local command
  mkdir -p state/no-start
  command=$(value "$1.service" ExecStart | sed -e "s,/usr/bin/\(pay\),$PAYSTATS_BIN/\1,g" -e "s,/run/paystats,$PWD/run,g" \
    -e "s,/var/lib/paystats,$PWD/state,g" -e 's/\$\$/$/g' -e 's/%%/%/g')
  shift
  # Words of a unit are those of a shell where they have no other quotes than these.
  in_background env -i PATH="$PATH" HOME="$PWD" $(defaults | sed "s,/var/lib/paystats,$PWD/state,") "$@" \
    bash -c "umask 0027; exec $command"
}
