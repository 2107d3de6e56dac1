# What the scripts share that install or fetch something: packages of Debian and Ubuntu by apt, as root or
# by sudo, and commands that say nothing unless they fail. Sourced by bash with `set -euo pipefail`:
#
#   source "$(dirname "$0")/lib/packages.bash"
#   need_command mvn maven
#   install_missing
#
# It needs nothing but what the smallest Debian has. Messages begin with the name of the script.

script=${0##*/}
missing=()         # packages that are needed and are not there
apt_environment=() # for apt-get install, such as RUNLEVEL=1

say() { echo "$script: $*" >&2; }
fail() { say "error: $*"; exit 2; }

# Runs a command quietly. Where it fails run_failed() ends the script.
run() {
  local file written read_back
  file=$(mktemp)
  exec {written}>"$file" {read_back}<"$file"
  rm -f "$file"
  "$@" >&"$written" 2>&1 </dev/null || run_failed "$@" <&"$read_back"
  exec {written}>&- {read_back}<&-
}

# Reads what the command has said, and ends the script. A script may define another one.
run_failed() { cat >&2; fail "$* failed"; }

# A name that others only mention is known to apt-cache as well, and shown as nothing.
is_available() { [ -n "$(apt-cache show "$1" 2>/dev/null)" ]; }
is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# need_package NAME...: each is missing where it is not installed.
need_package() {
  local name
  for name in "$@"; do is_installed "$name" || missing+=("$name"); done
}

# need_command COMMAND PACKAGE: a command that is there, from wherever, is as good as its package.
need_command() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || missing+=("$2"); }

# leave_to_builder BUILD PATH...: of what root has made, what is within BUILD belongs to whoever builds there.
leave_to_builder() {
  local path
  [ "$(id -u)" -eq 0 ] || return 0
  for path in "${@:2}"; do
    case $path in "$1"/*) chown --no-dereference --reference="$1" "$path" ;; esac
  done
}

# is_recent PATH: it is there, and what it was downloaded of is as good as new: base systems, and libraries for another
# processor, are made anew after a week.
readonly kept_days_max=7
is_recent() { [ -n "$(find "$1" -maxdepth 0 -mtime "-$kept_days_max" 2>/dev/null)" ]; }

java_is_there() {
  local java_version
  java_version=$(java -version 2>&1 | sed -n 's/^[^"]*version "\([0-9]*\).*/\1/p')
  [ "${java_version:-0}" -ge 17 ]
}

# Ends the script where there is neither root nor sudo; the message ends in $besides_sudo.
need_root() {
  as_root=()
  [ "$(id -u)" -ne 0 ] || return 0
  command -v sudo >/dev/null || fail "run as root, or install sudo${besides_sudo:-}"
  as_root=(sudo)
}

# apt_get WORD...: as root.
apt_get() {
  need_root
  run "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${apt_environment[@]}" apt-get -qq "$@"
}

apt_install() { apt_get install --no-install-recommends -y "$@"; }

# Installs what is missing.
install_missing() {
  [ ${#missing[@]} -gt 0 ] || return 0
  need_root
  say "installing ${missing[*]}"
  apt_get update
  apt_install "${missing[@]}"
}
