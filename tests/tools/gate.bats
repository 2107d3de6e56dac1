# scripts/ctest-repeats: what the gate lets fail once, and what it does not, by ctest's own words about
# tests that do. And how the gate itself ends.

load helpers

# project_of NAME:LABEL:FAILURES...: a project of such tests. A test fails so often, and passes then.
project_of() {
  cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(judged NONE)
enable_testing()
END
  local each name label
  for each in "$@"; do
    name=${each%%:*} label=${each#*:} label=${label%:*}
    cat >>CMakeLists.txt <<END
add_test(NAME $name COMMAND sh -c "echo x >>$name.runs; [ \$(wc -l <$name.runs) -gt ${each##*:} ]")
set_tests_properties($name PROPERTIES LABELS "$label")
END
  done
}

# judged NAME:LABEL:FAILURES...: runs such tests as the gate does, and judges the run.
judged() {
  project_of "$@"
  cmake -S . -B tree >configured
  ctest --test-dir tree -j2 --output-on-failure --repeat until-pass:2 >log || true
  run --separate-stderr "$PROJECT/scripts/ctest-repeats" log tree
}

@test "where nothing is repeated, that is said" {
  judged one:kafka:0 two:unit:0
  [ "$status" -eq 0 ]
  [ "$output" = 'repeated: none' ]
}

@test "tests with a broker or a browser may fail once, and are named" {
  judged one:kafka:1 two:web:1 three:unit:0 'four:unit;kafka:1' five:kafka:0
  [ "$status" -eq 0 ]
  [ "$output" = 'repeated: four, one, two' ]
  [ -z "$stderr" ]
}

@test "more than four that fail once are too many" {
  judged a:kafka:1 b:kafka:1 c:web:1 d:kafka:1
  [ "$status" -eq 0 ]
  rm -r tree
  judged a:kafka:1 b:kafka:1 c:web:1 d:kafka:1 e:kafka:1
  [ "$status" -eq 1 ]
  [ "$output" = 'repeated: a, b, c, d, e' ]
  [ "$stderr" = '5 tests failed at first, more than 4' ]
}

@test "another one may not fail at all, though it passes then" {
  judged one:kafka:1 two:unit:1
  [ "$status" -eq 1 ]
  [ "$output" = 'repeated: one, two' ]
  [ "$stderr" = 'two failed at first, and has neither a broker nor a browser' ]
}

@test "a log without tests is no proof" {
  judged one:kafka:0
  : >log
  run -1 "$PROJECT/scripts/ctest-repeats" log tree
}

# gate NAME:LABEL:FAILURES...: the gate of a project that has such tests and nothing else.
gate() {
  project_of "$@"
  mkdir -p scripts
  cp "$PROJECT"/scripts/{test,ctest-repeats} scripts
  printf '#!/bin/sh\n' | tee scripts/setup-web scripts/setup-deploy >scripts/setup-kafka
  printf '#!/bin/sh\n[ "$1" = --fast ] || exit %s\n' "${tidy_status:-0}" >scripts/check-tidy
  printf '#!/bin/sh\nexec cmake -S . -B "$1"\n' >scripts/build
  chmod +x scripts/*
  run --separate-stderr scripts/test
}

# The last lines, from the list of the tests that were run twice on.
ending() { sed -n '/^repeated: /,$p' <<<"$output"; }

@test "the gate ends with the words of ctest" {
  gate one:kafka:1 two:unit:0
  [ "$status" -eq 0 ]
  [[ "$(ending)" == 'repeated: one'*'100% tests passed, 0 tests failed out of 2'*'Total Test time'* ]]
}

@test "the gate in which a test fails names those run twice, and ends with the words and status of ctest" {
  gate one:kafka:1 two:kafka:9 three:kafka:0
  [ "$status" -eq 8 ]
  [[ "$(ending)" == 'repeated: one, two'*'67% tests passed, 1 tests failed out of 3'*'FAILED'*'two (Failed)'* ]]
}

@test "the gate fails where a test was run twice that may not be" {
  gate one:web:0 two:other:1
  [ "$status" -eq 1 ]
  [ "$(ending)" = 'repeated: two' ]
}

@test "the gate leaves out what is for a configuration that has to be named" {
  gate one:kafka:0
  cat >>CMakeLists.txt <<'END'
add_test(NAME long COMMAND false CONFIGURATIONS situations)
set_tests_properties(long PROPERTIES LABELS "kafka;situations")
END
  run --separate-stderr scripts/test
  [ "$status" -eq 0 ]
  [[ "$(ending)" == 'repeated: none'*'100% tests passed, 0 tests failed out of 1'* ]]
  run -8 ctest --test-dir build/release -C situations -L situations
  [[ "$output" == *'0% tests passed, 1 tests failed out of 1'* ]]
}

@test "the gate in which tidy fails names the tests that were run twice as well" {
  tidy_status=3
  gate one:kafka:1 two:unit:0
  [ "$status" -eq 3 ]
  [ "$(ending)" = 'repeated: one' ]
}
