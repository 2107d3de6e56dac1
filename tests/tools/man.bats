# Man pages tell the truth: the options of --help and of the page are the same, both ways, and the
# examples run.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || return 1
  PAYSTATS_BIN=${PAYSTATS_BIN:-$PWD/build/release/bin}
}

@test "each tool's --help and man page have the same options" {
  for source in tools/*.cc; do
    tool=$(basename "$source" .cc)
    tests/tools/check_man.py options "$PAYSTATS_BIN/$tool" "man/$tool.1"
  done
}

@test "the examples of every man page run" {
  for page in man/*; do
    tests/tools/check_man.py examples "$PAYSTATS_BIN" "$page"
  done
}

@test "each tool's page has the sections of the house, in their order" {
  for page in man/*.1; do
    run grep -oE '^\.Sh .*' "$page"
    order=$(printf '%s\n' "${lines[@]}" | grep -nxE '\.Sh (NAME|SYNOPSIS|DESCRIPTION|OPTIONS|EXIT STATUS|EXAMPLES|SEE ALSO)' | cut -d: -f2 | tr '\n' ' ')
    [ "$order" = ".Sh NAME .Sh SYNOPSIS .Sh DESCRIPTION .Sh OPTIONS .Sh EXIT STATUS .Sh EXAMPLES .Sh SEE ALSO " ] || {
      echo "$page: $order"
      return 1
    }
  done
}

@test "--version prints the tool and its version, --help a usage, both with status 0" {
  for source in tools/*.cc; do
    tool=$(basename "$source" .cc)
    run "$PAYSTATS_BIN/$tool" --version
    [ "$status" -eq 0 ]
    [[ "$output" =~ ^$tool\ [0-9]+\.[0-9]+\.[0-9]+\ \(librdkafka\ [0-9.]+,\ built\ with\ [0-9.]+\)$ ]]
    run "$PAYSTATS_BIN/$tool" --help
    [ "$status" -eq 0 ]
    [[ "$output" == *Usage* ]]
    run "$PAYSTATS_BIN/$tool" --no-such-option
    [ "$status" -eq 2 ]
    [[ "$output" == "$tool: error: "* ]]
  done
}
