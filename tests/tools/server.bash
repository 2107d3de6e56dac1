# Servers of a Bats file (`load server`, after helpers).
#
# server NAME WORDS...: one that is called NAME here (NAME_url, NAME_pid, NAME.err), with these options.
# server NAME_on FILE WORDS...: the same, with FILE (or a FIFO) as its stdout.
# It listens at $listen where that is set, else at any free port.
server() {
  local name=$1 output=/dev/null
  shift
  if [[ $name == *_on ]]; then
    name=${name%_on} output=$1
    shift
  fi
  rm -f "$name.err" # of a server before, which listened
  paystats-serve --stats none.sock --listen "${listen:-localhost:0}" "$@" </dev/null >"$output" 2>"$name.err" 3>&- 8>&- &
  started+=("$!")
  printf -v "${name}_pid" %s "$!"
  wait_for "grep -q 'listening on' $name.err || ! kill -0 $! 2>/dev/null"
  grep -q 'listening on' "$name.err" || { cat "$name.err" >&2; return 1; }
  printf -v "${name}_url" %s "$(sed -n 's/.*listening on \(.*\)\/$/\1/p' "$name.err")"
}
