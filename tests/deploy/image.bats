# The image for containers, as `make image` makes it: what is in it, that it is the same twice, and each tool in
# a container that has next to nothing: 32 MB, no root, no capabilities, a root that is read-only.
# bats file_tags=deploy-long

load ../tools/helpers
load package
load podman

readonly build=$(dirname "$PAYSTATS_BIN")
readonly bytes_max=25000000
readonly user=65532

setup_file() {
  podman_up
  cd "$BATS_FILE_TMPDIR" || return 1
  "$PROJECT/scripts/image" --build "$build" --into once
  mv once/*.oci.tar image.tar
  podman load --quiet --input image.tar >loaded
  IMAGE=$(sed -n 's/^Loaded image: //p' loaded)
  export IMAGE
}
teardown_file() { podman_down; }

setup() {
  paystats_setup
  archive=$BATS_FILE_TMPDIR/image.tar
}
teardown() {
  [ ! -e "$BATS_TEST_TMPDIR/kafka" ] || "$PROJECT/scripts/kafka" stop --now --wipe --dir "$BATS_TEST_TMPDIR/kafka"
  podman rm --all --force --time 0 >/dev/null
  podman volume rm --all --force >/dev/null
}

# All that a container is not to have; what it is given besides stands in front of the image.
readonly bare=(--read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges --pids-limit 64 --memory 32m --memory-swap 32m)
contained() { podman run --rm --interactive --network none "${bare[@]}" "$IMAGE" "$@"; }

# of_archive FILE PATH [FILTER]: what the archive says of its image, by jq.
of_archive() { tar -xOf "$1" "$2" | jq -r "${3:-.}"; }
blob() { echo "blobs/sha256/${1#sha256:}"; }
# id_of FILE: of the image in it: the hash of its configuration.
id_of() { of_archive "$1" "$(blob "$(of_archive "$1" index.json '.manifests[0].digest')")" .config.digest; }

# list_root: kind, rights, owner and path of all that is in the image.
list_root() {
  [ -e "$BATS_FILE_TMPDIR/root.tar" ] || podman export --output "$BATS_FILE_TMPDIR/root.tar" "$(podman create "$IMAGE")"
  tar --numeric-owner -tvf "$BATS_FILE_TMPDIR/root.tar" | awk '{ print $1, $2, $6 }'
}

@test "it has the tools, the page, and no shell; nothing is set-user-ID or writable; it is small" {
  list_root >list
  for tool in "${tools[@]}"; do grep -qx -- "-rwxr-xr-x 0/0 usr/bin/$tool" list; done
  [ "$(grep -c ' usr/bin/.' list)" -eq ${#tools[@]} ]
  for file in "$PROJECT"/www/*; do grep -q " usr/share/paystats/www/${file##*/}$" list; done
  grep -q ' usr/share/paystats/www/jquery.min.js$' list
  run grep -E '^-..[sS]|^-.....[sS]|^[-d].......w| (usr/)?s?bin/(sh|bash|busybox)$' list
  [ "$output" = 'drwxrwxrwt 0/0 tmp/' ]
  # Of its user are the places of volumes alone.
  [ "$(grep -F " $user/$user " list | sort -k3)" = "drwxr-x--- $user/$user run/paystats/
drwxr-x--- $user/$user var/lib/paystats/" ]
  [ "$(podman image inspect --format '{{.Config.User}} {{.Architecture}} {{.Os}}' "$IMAGE")" = "$user:$user $(dpkg --print-architecture) linux" ]
  size=$(podman image inspect --format '{{.Size}}' "$IMAGE")
  echo "size: $size" >&3
  [ "$size" -lt $bytes_max ]
}

@test "tools are stripped; each library has its licence beside it, and each text that one refers to is there" {
  local library package name
  list_root >list
  mkdir root
  tar -C root -xf "$BATS_FILE_TMPDIR/root.tar"
  for tool in "${tools[@]}"; do is_stripped "root/usr/bin/$tool"; done
  ls root/usr/lib/*-linux-gnu/ >libraries
  [ "$(wc -l <libraries)" -gt 10 ]
  while read -r library; do
    # Of the package that this machine has it from.
    package=$(dpkg-query --search "*/$library" | grep -E "^[^ ]*: /(usr/)?lib/$(gcc -dumpmachine)/|^libc6[^ ]*: /lib64" | sed 's/[:,].*//' | head -n 1)
    [ -n "$package" ]
    cmp "root/usr/share/doc/$package/copyright" "/usr/share/doc/$package/copyright"
  done <libraries
  [ -s root/usr/share/doc/paystats/copyright ]
  for name in $("$PROJECT/scripts/setup" --notices); do
    cmp "root/usr/share/doc/paystats/notices/$name" "/usr/share/doc/$name/copyright"
  done
  grep -rhoE '/usr/share/common-licenses/[A-Za-z0-9.+-]*[A-Za-z0-9]' root/usr/share/doc | sort -u >texts
  [ -s texts ]
  while read -r name; do [ -s "root/$name" ]; done <texts
  # What ldd finds here is what is there, and there is nothing else.
  for tool in "${tools[@]}"; do ldd "$PAYSTATS_BIN/$tool"; done | sed -n 's/^\t\([^ ]*\/\)\?\(lib[^ ]*\|ld-[^ ]*\) .*/\2/p' | sort -u >needed
  diff needed <(sort libraries)
}

@test "made again, later, elsewhere and by another umask, it has the same id" {
  mkdir -p another/folder
  touch "$PAYSTATS_BIN"/paygen "$build"/www/*
  (umask 077 && TZ=Pacific/Kiritimati TMPDIR=$PWD/another/folder "$PROJECT/scripts/image" --build "$build" --into twice)
  [ "$(id_of twice/*.oci.tar)" = "$(id_of "$archive")" ]
  [[ $(id_of "$archive") == sha256:* ]]
  # Of another commit's time it is another one.
  SOURCE_DATE_EPOCH=1000000000 "$PROJECT/scripts/image" --build "$build" --into other
  [ "$(id_of other/*.oci.tar)" != "$(id_of "$archive")" ]
}

@test "hadolint finds nothing in its Containerfile, and something in a bad one" {
  hadolint=$(command -v hadolint || compgen -G "${XDG_CACHE_HOME:-$HOME/.cache}/paystats/hadolint-*/bin/hadolint" | head -n 1) ||
    skip "hadolint is not installed (scripts/setup-deploy --long)"
  silent "$hadolint" --no-color "$PROJECT/deploy/docker/Containerfile"
  printf 'FROM debian:latest\nRUN cd /tmp\n' >Containerfile
  run "$hadolint" Containerfile
  [ "$status" -eq 1 ]
}

@test "paygen, payagg and paystats-cache say in it what they say outside of it, in 32 MB" {
  paygen --random 1000000 --users 50000 --seed 1 --expect want >payments
  [ "$(contained paygen --random 1000000 --users 50000 --seed 1 | sha256sum)" = "$(sha256sum <payments)" ]
  contained payagg <payments | cmp - want
  contained payagg --jobs 1 <payments | contained paystats-cache --top 5 >top
  paystats-cache --top 5 want | cmp - top
  for tool in "${tools[@]}"; do [ "$(contained "$tool" --version)" = "$("$tool" --version)" ]; done
}

@test "the limit of memory is real, and so is the read-only root" {
  paygen --random 1000000 --users 50000 --seed 1 >payments
  run -137 podman run --rm --interactive --network none "${bare[@]}" --memory 6m --memory-swap 6m "$IMAGE" payagg <payments
  for place in / /var/lib/paystats/ /run/paystats/ /usr/bin/; do
    run -2 contained paygen --random 10 -o "${place}payments.jsonl"
    [[ $output == *'read-only file system'* ]]
  done
  # A volume takes it, though its user is not root.
  podman volume create --label test log >/dev/null
  podman run --rm --network none "${bare[@]}" --volume log:/var/lib/paystats "$IMAGE" \
    paygen --random 10 --seed 1 -o /var/lib/paystats/payments.jsonl
  contained_log=$(podman volume inspect --format '{{.Mountpoint}}' log)/payments.jsonl
  [ "$(stat -c %u:%g "$contained_log")" = "$user:$user" ]
  [ "$(wc -l <"$contained_log")" -eq 10 ]
}

# commands PART: those of the README under that heading, in its words but for what sed is told.
commands() {
  awk -v "part=$1" '/^#/ { on = $0 ~ "^#+ " part "$" } on && sub(/^    /, "")' "$PROJECT/deploy/docker/README.md" | sed "${@:2}"
}

@test "the README's first commands load it and sum a file" {
  mkdir -p build/release/package
  ln -s "$archive" build/release/package/paystats-0-amd64.oci.tar
  paygen --random 1000 --users 20 --seed 1 --expect want >payments.jsonl
  commands 'An image for containers' '' >steps
  [ "$(wc -l <steps)" -eq 3 ]
  source ./steps >got
  cmp got want
  [ "$image" = "$IMAGE" ]
}

# status_of NAME KEY: of a container's first process, as the kernel tells it.
status_of() { sed -n "s/^$2:\t//p" "/proc/$(podman inspect --format '{{.State.Pid}}' "$1")/status"; }

# start NAME WORD...: a container in the background, with the volumes of the pipeline.
start() {
  podman run --detach --name "$1" --network host "${bare[@]}" --volume log:/var/lib/paystats --volume run:/run/paystats \
    "$IMAGE" "${@:2}" >/dev/null
}

# ends_well NAME [STATUS]: it hears TERM as the first process of its container, which the kernel asks of nobody.
ends_well() {
  podman kill --signal TERM "$1" >/dev/null
  wait_for '[ "$(podman inspect --format "{{.State.Status}} {{.State.ExitCode}}" '"$1"')" = "exited '"${2:-0}"'" ]' 20 ||
    { podman inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$1"; podman logs "$1" >&2; return 1; }
}

@test "the README's page and totals share two volumes, with no right at all, and end at TERM as first processes" {
  image=$IMAGE
  commands 'The page' 's/127.0.0.1:8080/127.0.0.1:0/' >steps
  [ "$(grep -c '^podman run' steps)" -eq 2 ]
  source ./steps >/dev/null
  wait_for 'podman logs page 2>&1 | grep -q "listening on"'
  url=$(podman logs page 2>&1 | sed -n 's/.*listening on \(.*\)\/$/\1/p')
  wait_for 'curl -sf -o /dev/null "$url/readyz"'
  curl -sSf "$url/" | grep -q '<title>'
  curl -sSf "$url/jquery.min.js" | grep -q jQuery
  curl -sSf -H 'Content-Type: application/json' -d '{"user":"ann","paymentAmt":2.50,"volume":2}' "$url/api/payments"
  wait_for 'curl -sf "$url/api/stats/ann" | grep -qF "\"sum\":\"5.00\",\"count\":2"'
  for name in page totals; do
    [ "$(status_of "$name" NSpid | awk '{ print $NF }')" = 1 ]
    [ "$(status_of "$name" Uid)" = "$(printf '%s\t%s\t%s\t%s' $user $user $user $user)" ]
    for set in CapInh CapPrm CapEff CapBnd CapAmb; do [ "$(status_of "$name" $set)" = 0000000000000000 ]; done
    [ "$(status_of "$name" NoNewPrivs)" = 1 ]
    [ "$(status_of "$name" Seccomp)" = 2 ]
  done
  ends_well page
  ends_well totals
}

@test "payagg and paygen end at TERM as first processes too" {
  start follower payagg --follow --ready-line /var/lib/paystats/payments.jsonl
  start payer paygen --random 1000000000 --rate 50 -o /var/lib/paystats/payments.jsonl
  wait_for 'podman logs follower 2>/dev/null | grep -q sum'
  ends_well payer 143
  ends_well follower
}

@test "a TLS broker is reached from it, and one whose certificate nobody vouches for is refused" {
  command -v java >/dev/null || skip "no Java (scripts/setup-kafka)"
  "$PROJECT/scripts/kafka" start --dir "$PWD/kafka" --tls --create payments:2 --create stats:2:cleanup.policy=compact >/dev/null
  mkdir client
  cp kafka/ca.pem client/
  sed '/^ssl.ca.location/d' kafka/tls.properties >client/tls.properties
  chmod -R a+rX client
  paygen --random 2000 --users 50 --seed 1 --expect want >payments
  # tls WORD...: a tool with the broker's authority where OpenSSL looks for those that it knows.
  tls() {
    podman run --rm --interactive --network host "${bare[@]}" --volume "$PWD/client:/etc/paystats:ro" "${authorities[@]}"       "$IMAGE" "$1" -q -F /etc/paystats/tls.properties --broker-timeout "${limit}s" "${@:2}" </dev/null
  }
  limit=$PATIENCE_S authorities=(--volume "$PWD/client/ca.pem:/etc/ssl/certs/ca-certificates.crt:ro")
  tls paygen --random 2000 --users 50 --seed 1 -o kafka:payments
  # What has no folder that it may write to needs a name, as in a cluster.
  run -2 tls payagg kafka:payments -o kafka:stats --available-now
  [[ $output == *'/tmp/'*': read-only file system'* ]]
  tls payagg kafka:payments -o kafka:stats --available-now --instance one
  tls payagg --merge kafka:stats --available-now | cmp - want
  tls paystats-cache kafka:stats --top 50 | cmp - want
  # With the authorities of the image alone.
  limit=2 authorities=()
  run -2 tls payagg kafka:payments --available-now
  [[ $output == *'no broker at'* ]]
}
