# The tools as built for arm64, run by qemu as on a Raspberry Pi 5: its processor, and its kernel's pages of
# 16 KiB. They say the same bytes as those of this machine. And the package of Debian for arm64, as `make
# deb-arm64` makes it, beside that of this machine's tools, and the image. Needs a machine that is not arm64 itself.
# bats file_tags=deploy-long

load ../tools/helpers
load package

readonly pages='4096 16384 65536'
readonly rooms='money record totals log view'

# ctest's output shows which step of the build failed.
build() { "$PROJECT/scripts/build-arm64" -DBUILD_TESTING=ON -DPAYSTATS_UNITY_TESTS=ON -- "$@"; }

setup_file() {
  build to_install
  BATS_SYSROOT=$("$PROJECT/scripts/build-arm64" --sysroot)
  export BATS_SYSROOT
  cd "$BATS_FILE_TMPDIR" || return 1
  # One time for the files of both, as two packages of one commit have it.
  "$PROJECT/scripts/package" --build "$PROJECT/build/arm64" --into there deb
  "$PROJECT/scripts/package" --build "$(dirname "$PAYSTATS_BIN")" --into here deb
  dpkg-deb --raw-extract there/*.deb there/opened
  dpkg-deb --raw-extract here/*.deb here/opened
}

setup() {
  paystats_setup
  arm64=$PROJECT/build/arm64
  there=$BATS_FILE_TMPDIR/there here=$BATS_FILE_TMPDIR/here
  page_bytes=4096
}

# The words in front of a program that run it.
qemu() { echo "qemu-aarch64-static -cpu cortex-a76 -p $page_bytes -L $BATS_SYSROOT"; }

# on_arm64 PROGRAM WORD...
on_arm64() { $(qemu) "$arm64/$1" "${@:2}"; }

@test "what was built is for arm64, and can be loaded with pages of up to 64 KiB" {
  for tool in "${tools[@]}"; do
    aarch64-linux-gnu-readelf -h "$arm64/bin/$tool" | grep -q 'Machine: *AArch64'
    run -0 bash -c "aarch64-linux-gnu-readelf -lW '$arm64/bin/$tool' | awk '\$1 == \"LOAD\" { print \$NF }' | sort -u"
    [ "$output" = 0x10000 ]
  done
}

@test "unit tests of what counts, reads and keeps, on pages of 16 KiB" {
  page_bytes=16384
  build $(printf 'tests/test_%s ' $rooms)
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
    in_background bash -c "$(qemu) $arm64/bin/payagg --follow --ready-line log.jsonl |
      exec $(qemu) $arm64/bin/paystats-cache --ready-line --socket sock"
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

# list FOLDER: rights, owner, size, time, path and target of all in its package; of a tool not the size.
list() { dpkg-deb --contents "$1"/*.deb | awk '$6 ~ "^./usr/bin/pay" { $3 = "" } { print }'; }

@test "the package is for arm64, has all files of this machine's, and is the same bytes twice" {
  [ "$(dpkg-deb --field "$there"/*.deb Architecture)" = arm64 ]
  [ "$(dpkg-deb --field "$here"/*.deb Architecture)" = "$(dpkg --print-architecture)" ]
  version=$(dpkg-deb --field "$here"/*.deb Version)
  ls "$there/paystats_${version}_arm64.deb"
  diff <(list "$here") <(list "$there")
  # Completions as well, which the tools print about themselves.
  run diff -rq --no-dereference "$here/opened" "$there/opened"
  [ "$(sed 's/.* and .*opened\/\(.*\) differ$/\1/' <<<"$output")" = 'DEBIAN/control
DEBIAN/md5sums
usr/bin/payagg
usr/bin/paygen
usr/bin/paystats-cache
usr/bin/paystats-serve' ]
  "$PROJECT/scripts/package" --build "$arm64" --into twice deb
  cmp twice/*.deb "$there"/*.deb
}

# depends FOLDER: what its package depends on, each on a line.
depends() { dpkg-deb --field "$1"/*.deb Depends | sed 's/, /\n/g' | sort; }

@test "it depends on the same packages and versions as this machine's" {
  # But for the version of libgcc-s1: each processor needs other functions of it.
  [ "$(depends "$there" | grep -c '^libgcc-s1 (>= [0-9.]*)$')" = 1 ]
  diff <(depends "$here" | sed '/^libgcc-s1 /s/ (.*//') <(depends "$there" | sed '/^libgcc-s1 /s/ (.*//')
  # CPack lets dpkg-shlibdeps be silent of a library that it knows nothing of: there is none.
  for tool in "${tools[@]}"; do
    aarch64-linux-gnu-readelf -d "$there/opened/usr/bin/$tool" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
  done | sort -u >needed
  [ -s needed ]
  while read -r library; do
    grep -q "^${library%.so.*} ${library##*.so.} " "$BATS_SYSROOT/DEBIAN/shlibs" || {
      echo "$library is unknown" >&2
      return 1
    }
  done <needed
}

@test "tools of the package are stripped, name no folder of the machine, and say the same bytes on 16 KiB" {
  for tool in "${tools[@]}"; do
    is_stripped "$there/opened/usr/bin/$tool"
    run grep -cF -e "$PROJECT" -e "$BATS_SYSROOT" "$there/opened/usr/bin/$tool"
    [ "$output" = 0 ]
  done
  page_bytes=16384 arm64=$there/opened/usr
  paygen --random 20000 --users 500 --seed 1 >payments
  on_arm64 bin/paygen --random 20000 --users 500 --seed 1 | cmp - payments
  payagg <payments | paystats-cache --top 3 >top
  [ "$(wc -l <top)" -eq 3 ]
  on_arm64 bin/paygen --random 20000 --users 500 --seed 1 | on_arm64 bin/payagg |
    on_arm64 bin/paystats-cache --top 3 | cmp - top
  [ "$(on_arm64 bin/paystats-serve --version)" = "$(paystats-serve --version)" ]
}

@test "lintian finds neither errors nor warnings in it" {
  lintian_is_silent "$there"/*.deb
}

@test "the tarball is named for the processor of its tools" {
  "$PROJECT/scripts/package" --build "$arm64" tarball --into .
  ls paystats-*-aarch64.tar.gz
}

@test "the image for arm64 is one, has the libraries that its tools need, and they say the same bytes on 16 KiB" {
  [ "$(id -u)" -eq 0 ] || skip "an image takes root"
  command -v buildah >/dev/null || skip "buildah is not installed (scripts/setup-deploy --long)"
  "$PROJECT/scripts/image" --build "$arm64" --into image
  ls image/paystats-*-arm64.oci.tar
  mkdir layout
  tar -C layout -xf image/*.oci.tar
  blob() { echo "layout/blobs/sha256/${1#sha256:}"; }
  manifest=$(blob "$(jq -r '.manifests[0].digest' layout/index.json)")
  [ "$(jq -r '.architecture + " " + .config.User' "$(blob "$(jq -r .config.digest "$manifest")")")" = 'arm64 65532:65532' ]
  # Nothing of the sysroot is in reach.
  "$PROJECT/scripts/image" --build "$arm64" --root "$PWD/root"
  [ "$(du -s --apparent-size --block-size=1 root | cut -f 1)" -lt 25000000 ]
  paygen --random 20000 --users 500 --seed 1 --expect want >payments
  in_image() { qemu-aarch64-static -cpu cortex-a76 -p 16384 -L "$PWD/root" "$PWD/root/usr/bin/$1" "${@:2}"; }
  in_image paygen --random 20000 --users 500 --seed 1 | cmp - payments
  in_image payagg <payments | cmp - want
  paystats-cache --top 3 want >top
  in_image paystats-cache --top 3 want | cmp - top
  [ "$(in_image paystats-serve --version)" = "$(paystats-serve --version)" ]
}
