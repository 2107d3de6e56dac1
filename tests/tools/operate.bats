# docs/operate.md tells the truth: what it shows is typed as it stands there, section by section. Its sections on
# Kafka are in tests/kafka/operate.bats.

load helpers

DOCUMENT=$PROJECT/docs/operate.md

# typed TITLE [OLD=NEW...]: the section, by tests/tools/typed.py.
typed() { "$BATS_TEST_DIRNAME/typed.py" "$DOCUMENT" "$@" 3>&-; }

free_port() { python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

@test "a log is copied while it is written, a torn tail does no harm, and a copy is restored" { typed 'Back-up and restore'; }

@test "a log is rotated, and its follower ends with 3" { typed Rotation; }

@test "what a user and a key take in memory" { typed 'Memory for each user and key' "\b8080=$(free_port)"; }

@test "what a payment and a commit take on a disk" {
  # A file system in memory writes nothing.
  if [ "$(stat -f -c %T .)" = tmpfs ]; then
    folder=$(mktemp -d -p /var/tmp)
    cd "$folder"
    [ "$(stat -f -c %T .)" != tmpfs ] || skip "/tmp and /var/tmp are in memory: no disk to write to"
  fi
  typed 'Bytes on a disk, or an SD card'
}

@test "what is worth watching is there" { typed 'What to watch' "\b8080=$(free_port)"; }

@test "a clock that went back is found in a log" { typed Clocks; }

@test "every section with examples is typed, here or on Kafka, and no other" {
  "$BATS_TEST_DIRNAME/typed.py" "$DOCUMENT" | sort >shown
  grep -ohP "^(@test .*\{ |  )typed ('\K[^']*|\K\w+)" "$BATS_TEST_DIRNAME"/{.,../kafka}/operate.bats | sort >tested
  [ "$(wc -l <shown)" -ge 8 ]
  diff shown tested
}

@test "what a document shows otherwise is told: the output, a number beyond a third, a command that fails or never comes" {
  typed_text() {
    printf '## One\n\n%s\n' "$1" >text.md
    "$BATS_TEST_DIRNAME/typed.py" text.md One "${@:2}" 3>&-
  }
  typed_text $'    f() { echo about 100 bytes; }\n\n    $ f\n    about 134 bytes\n    $ true |\n      cat'
  run ! typed_text $'    $ echo about 100 bytes\n    about 160 bytes'
  run ! typed_text $'    $ echo 100 bytes\n    101 bytes'
  run ! typed_text $'    $ echo one\n    $ echo two\n    two'
  run ! typed_text $'    $ echo one; false\n    one'
  run ! typed_text $'    $ false\n    $ echo one\n    one'
  run ! typed_text $'    echo one'
  typed_text $'    $ echo one\n    two' one=two
}

teardown() {
  [ -z "${folder:-}" ] || rm -r "$folder"
}
