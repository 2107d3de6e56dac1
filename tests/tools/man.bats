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

# differs EDIT WORDS: with its page edited so, payagg is told to differ from it in these words alone.
differs() {
  sed -E "$1" man/payagg.1 >"$BATS_TEST_TMPDIR/payagg.1"
  run tests/tools/check_man.py options "$PAYSTATS_BIN/payagg" "$BATS_TEST_TMPDIR/payagg.1"
  [ "$status" -eq 1 ] && [ "${output//"$BATS_TEST_TMPDIR/payagg.1: "/}" = "$2" ] || {
    echo "$1: status $status: $output" >&2
    return 1
  }
}

@test "a page that says otherwise than --help is told, of each kind" {
  differs '/^.It Fl Fl users-max/,/^.El/ { /^.El/!d }' '--users-max of --help is missing'
  differs 's/^.It Fl Fl merge$/.It Fl Fl split\n&/' $'--split is not in --help\n--split is named, and no option of any tool'
  differs '/^.Sh DESC/a .Fl Fl bogus' '--bogus is named, and no option of any tool'
  differs 's/^(.It) Fl o , /\1 /' '--output: its names are --output, in --help -o, --output'
  differs 's/^(.It Fl Fl metrics Ar) FILE/\1 PATH/' '--metrics: its value is PATH, in --help FILE'
  differs 's/^(.It Fl Fl metrics) Ar FILE/\1/' '--metrics: its value is none, in --help FILE'
  differs 's/^.It Fl Fl follow/& Ar N/' '--follow: its value is N, in --help none'
  differs 's/^(.It Fl Fl progress Cm auto) .*/\1 Ns | Ns Cm never/' '--progress: only --help has the word always'
  differs 's/^.It Fl Fl progress .*/& Ns | Ns Cm maybe/' '--progress: only the page has the word maybe'
  differs 's/by default 100ms/by default 200ms/' '--trigger: no default, in --help 100ms'
  differs 's/by default 100ms/100ms/' '--trigger: no default, in --help 100ms'
  differs 's/by default 100ms/&; by default 1s/' '--trigger: its default is 1s, in --help 100ms'
  differs '/^.It Fl Fl max-records/a By default 7.' '--max-records: a default, 7, and none in --help'
  differs '/^.Op Ar INPUT/d' 'SYNOPSIS has no input, --help INPUT'
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

@test "a reader finds the units of systemd" {
  for unit in deploy/systemd/*.{service,timer,target}; do
    grep -qE "^\.(It )?Pa .*\b$(basename "$unit")" man/paystats.7 || { echo "paystats.7: no $unit"; return 1; }
  done
  grep -qx '\.Sh UNDER SYSTEMD' man/paystats.7
  for unit in paystats-serve paystats-cache:paystats-totals payagg:paystats-totals; do
    grep -A3 -x "\.Pa ${unit#*:}.service ," "man/${unit%:*}.1" | grep -q 'UNDER SYSTEMD'
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
