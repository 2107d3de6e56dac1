# The tools as built for arm64, run by qemu as on a Raspberry Pi 5: its processor, and its kernel's pages of
# 16 KiB. They say the same bytes as those of this machine. Needs a machine that is not arm64 itself.
# bats file_tags=deploy-long

load ../tools/helpers

readonly pages='4096 16384 65536'
readonly rooms='money record totals log view'

setup_file() {
  # ctest's output shows which step of the build failed.
  "$PROJECT/scripts/build-arm64" -DBUILD_TESTING=ON -DPAYSTATS_UNITY_TESTS=ON -- \
    paygen payagg paystats-cache paystats-serve page $(printf 'tests/test_%s ' $rooms)
  BATS_SYSROOT=$("$PROJECT/scripts/build-arm64" --sysroot)
  export BATS_SYSROOT
}

setup() {
  paystats_setup
  arm64=$PROJECT/build/arm64
  page_bytes=4096
}

# on_arm64 PROGRAM WORD...
on_arm64() {
  qemu-aarch64-static -cpu cortex-a76 -p "$page_bytes" -L "$BATS_SYSROOT" "$arm64/$1" "${@:2}"
}

@test "what was built is for arm64, and can be loaded with pages of up to 64 KiB" {
  for tool in paygen payagg paystats-cache paystats-serve; do
    aarch64-linux-gnu-readelf -h "$arm64/bin/$tool" | grep -q 'Machine: *AArch64'
    run -0 bash -c "aarch64-linux-gnu-readelf -lW '$arm64/bin/$tool' | awk '\$1 == \"LOAD\" { print \$NF }' | sort -u"
    [ "$output" = 0x10000 ]
  done
}

@test "unit tests of what counts, reads and keeps, on pages of 16 KiB" {
  page_bytes=16384
  for room in $rooms; do
    on_arm64 "tests/test_$room" --gtest_brief=1 >tested 2>&1 || { cat tested >&2; return 1; }
    grep -q 'PASSED' tested
  done
}

@test "the pipeline says the same bytes as on this machine, on pages of each size" {
  paygen --random 20000 --users 500 --seed 1 --expect expected >payments
  payagg <payments >total
  paystats-cache --top 10 total >top
  for page_bytes in $pages; do
    on_arm64 bin/paygen --random 20000 --users 500 --seed 1 --expect expected.arm64 >payments.arm64
    cmp payments.arm64 payments
    cmp expected.arm64 expected
    on_arm64 bin/payagg <payments | cmp - total
    on_arm64 bin/payagg --jobs 2 payments | cmp - total
    on_arm64 bin/payagg <payments | on_arm64 bin/paystats-cache --top 10 | cmp - top
  done
}

@test "a log is written, followed and answered for, on pages of each size" {
  for page_bytes in $pages; do
    rm -f log.jsonl sock
    on_arm64 bin/paygen --random 5000 --users 100 --seed 2 -o log.jsonl -q
    qemu="qemu-aarch64-static -cpu cortex-a76 -p $page_bytes -L $BATS_SYSROOT"
    in_background bash -c "$qemu $arm64/bin/payagg --follow --ready-line log.jsonl |
      exec $qemu $arm64/bin/paystats-cache --ready-line --socket sock"
    wait_for '[ -S sock ] && on_arm64 bin/paystats-cache --connect sock --top 1 >shown 2>/dev/null'
    # What comes later, from a writer of this machine.
    paygen --random 5000 --users 100 --seed 3 -o log.jsonl -q
    payagg log.jsonl >total
    paystats-cache --top 5 total >top
    wait_for 'on_arm64 bin/paystats-cache --connect sock --top 5 | cmp -s - top'
    kill -TERM -- "-$pid"
    wait "$pid" || true
  done
}
