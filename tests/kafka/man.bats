# The examples of the man pages that need a broker; the others are run by tests/tools/man.bats.

load ../tools/helpers
load helpers

@test "the examples on Kafka of every man page run" {
  PAYSTATS_SUFFIX=$(unique man)
  export PAYSTATS_SUFFIX
  ran=0
  for page in "$PROJECT"/man/*; do
    said=$("$PROJECT/tests/tools/check_man.py" kafka "$PAYSTATS_BIN" "$page") || { echo "$said" >&2; return 1; }
    [[ $said == *" 0 examples,"* ]] || ran=$((ran + 1))
  done
  [ "$ran" -ge 1 ]
}
