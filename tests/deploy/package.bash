# What is asked of each package, of whichever processor (`load package`).

tools=(paygen payagg paystats-cache paystats-serve)

# is_stripped PROGRAM: readelf knows programs of each processor.
is_stripped() {
  readelf -SW "$1" >sections
  grep -q ' \.text ' sections
  run grep -c ' \.symtab \| \.debug' sections
  [ "$output" = 0 ]
}

lintian_is_silent() {
  command -v lintian >/dev/null || skip "lintian is not installed (scripts/setup-deploy)"
  run lintian --fail-on error,warning --tag-display-limit 0 "$1"
  echo "$output"
  [ "$status" -eq 0 ]
}
