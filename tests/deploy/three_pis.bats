# docs/three-pis.md: each of its blocks of commands is run by a test here, or marked as what wants the hardware. Of
# those the words are looked at: options of kubectl, and names of units, files, hosts and objects.

load ../tools/helpers
load nginx
load units

readonly page='docs/three-pis.md'
readonly run_marker='^\*Run by a test \("([^"]+)"\)(, with (a stand-in|stand-ins) for ([a-z0-9/ ]+))?\.\*$'
readonly hardware_marker='*On the hardware: not run.*'

setup_file() {
  # Objects of the overlay pi and of what an administrator applies, as kubectl names them.
  export KUBECTL_PINNED='' OBJECTS=$BATS_FILE_TMPDIR/objects
  if home=$("$PROJECT/scripts/setup-kube" 2>"$BATS_FILE_TMPDIR/setup.err"); then
    KUBECTL_PINNED=$home/bin/kubectl
    for part in pi admin; do "$PROJECT/scripts/check-manifests" --print $part >"$BATS_FILE_TMPDIR/$part.yaml"; done
    names_in "$BATS_FILE_TMPDIR"/{pi,admin}.yaml >"$OBJECTS"
  fi
}

setup() {
  paystats_setup
  ln -s "$PROJECT/deploy" deploy
  ln -s "$PROJECT/Makefile" Makefile
}

needs_kubectl() { [ -n "$KUBECTL_PINNED" ] || skip "scripts/setup-kube: $(tail -n 1 "$BATS_FILE_TMPDIR/setup.err")"; }

# names_in FILE...: of the objects in it, such as kafka/pay.
names_in() {
  awk '/^kind: / { kind = tolower($2) } /^metadata:/ { inside = 1; next } /^[a-z]/ { inside = 0 }
    inside && /^  name: / { print kind "/" $2 }' "$@"
}

# blocks [FILE]: its blocks, each behind its marker: "= MARKER", then the lines. A block without one has an empty one.
blocks() {
  awk '/^    / { if (!inside) print "= " marker; inside = 1; print; next }
    /^$/ { next }
    { marker = $0 ~ /^\*.*\*$/ ? $0 : ""; inside = 0 }' "${1:-$PROJECT/$page}"
}

# block_of MARKER-START: the lines of all blocks whose marker begins so.
block_of() { blocks | awk -v start="= $1" '/^= / { found = index($0, start) == 1; next } found { print substr($0, 5) }'; }

# here FOLDER: what it reads, with FOLDER in place of the root of a machine, and without an owner.
here() { sed -E "s,(^|[ '\"=>])/(etc|boot|proc|run|sys|var)/,\1$1/\2/,g; s,-o root -g paystats ,,"; }

# play NAME FOLDER [STAND-IN...]: runs the blocks of this test, with FOLDER in place of / and functions for these
# commands, as the document says.
play() {
  local name=$1 folder=$2 said
  shift 2
  said=$(blocks | sed -nE "s/^= (.*)/\1/p" | grep -F "(\"$name\")" | sed -nE 's/.*\), with (a stand-in|stand-ins) for (.*)\.\*$/\2/p' | sed 's/ and / /' | sort -u)
  [ "$said" = "$*" ] || { echo "stand-ins: the document says '$said', the test has '$*'" >&2; return 1; }
  block_of "*Run by a test (\"$name\")" | here "$folder" >steps
  [ -s steps ]
  [ $# -eq 0 ] || declare -F "$@" >functions  # each is there
  bash -n steps
  # Not to be called in a condition, where -e does not count.
  (set -e; source ./steps)
}
sudo() { "$@"; }

# judge FILE: whether each block of this document is run by a test of this file, or marked as hardware's.
judge() {
  local line wrong=0 tests names=''
  tests=$(sed -nE 's/^@test "(.*)" \{$/\1/p' "$BATS_TEST_FILENAME")
  while IFS= read -r line; do
    line=${line#= }
    if [[ $line =~ $run_marker ]]; then
      names+=${BASH_REMATCH[1]}$'\n'
      grep -qxF -e "${BASH_REMATCH[1]}" <<<"$tests" || { echo "no such test: $line"; wrong=1; }
      grep -qF -e "play '${BASH_REMATCH[1]}'" "$BATS_TEST_FILENAME" || { echo "not played: $line"; wrong=1; }
    elif [ "$line" != "$hardware_marker" ]; then
      echo "a block without a marker, or with another: '$line'"
      wrong=1
    fi
  done < <(blocks "$1" | grep '^= ')
  # Commands are in blocks alone, and a block is what is indented.
  if grep -nE '^ {0,3}(```|~~~)|^	|`(sudo|ssh|scp|curl|kubectl|k3s|systemctl|podman|apt-get|make|sed|openssl) ' "$1"; then
    echo 'commands outside of a block, or a block of another kind'
    wrong=1
  fi
  while IFS= read -r line; do
    grep -qxF -e "$line" <<<"$names" || { echo "played, but not in the document: $line"; wrong=1; }
  done < <(sed -nE "s/^  play '([^']*)'.*/\1/p" "$BATS_TEST_FILENAME")
  return $wrong
}

@test "each block of commands is run by a test, or is marked as what wants the hardware" {
  judge "$PROJECT/$page"
  [ "$(blocks | grep -c '^= \*Run')" -ge 9 ]
  grep -q 'What has been run on hardware: nothing' "$PROJECT/$page"
}

@test "a block without a marker, of an unknown test, of another kind, and a command in the text are found" {
  found() { ! judge changed >judged || return 1; grep -q "$1" judged; }
  tac "$PROJECT/$page" | sed '0,/^\*On the hardware/{/^\*On the hardware/d}' | tac >changed
  found 'a block without a marker'
  sed 's/^\*On the hardware: not run/*On some hardware/' "$PROJECT/$page" >changed
  found 'or with another'
  sed 's/("bytes a day are/("bytes a year are/' "$PROJECT/$page" >changed
  found 'no such test'
  found 'played, but not in the document'
  printf '\n```sh\nls\n```\n' | cat "$PROJECT/$page" - >changed
  found 'outside of a block'
  echo 'Then say `sudo ls`.' | cat "$PROJECT/$page" - >changed
  found 'outside of a block'
}

hosts_of() { sed -nE 's/^\|[^|]*\| `([a-z0-9-]+)` \|.*/\1/p' "$PROJECT/$page"; }

@test "a Pi where sudo asks for a password is named" {
  ssh() {
    echo "$1" >>asked
    [ "${*:2}" = 'sudo -n true' ] && [ "$1" != pi4-page ]
  }
  play 'a Pi where sudo asks for a password is named' "$PWD" ssh >said
  [ "$(cat said)" = pi4-page ]
  diff asked <(hosts_of)
  # No other command is sent before this one.
  blocks | grep -m 1 '^    .*ssh ' | grep -q 'sudo -n true'
}

@test "the rule for sudo is one line in a file of its own" {
  mkdir -p etc/sudoers.d
  USER=pi play 'the rule for sudo is one line in a file of its own' "$PWD"
  # sudoers(5): of which only its owner may write, and by no name with a dot in it.
  [ "$(stat -c '%a %n' etc/sudoers.d/*)" = '440 etc/sudoers.d/paystats' ]
  [ "$(cat etc/sudoers.d/paystats)" = 'pi ALL=(ALL:ALL) NOPASSWD: ALL' ]
}

@test "the rule for sudo is removed again, and no other" {
  mkdir -p etc/sudoers.d
  touch etc/sudoers.d/{paystats,README}
  play 'the rule for sudo is removed again, and no other' "$PWD"
  [ "$(ls etc/sudoers.d)" = README ]
}

make() { command make -n "$@" >>made; }
# It takes its options, makes nothing, and is root's.
scripts/image() { "$PROJECT/scripts/image" "$@" --help >>options && echo "$*" >>images; }

@test "what is built for the Pis is built by the Makefile, and nothing of it as root" {
  sudo() { echo "$1" >>as_root; "$@"; }
  play 'what is built for the Pis is built by the Makefile, and nothing of it as root' "$PWD" make scripts/image
  grep -q 'scripts/build-arm64 -- to_install' made
  grep -q 'scripts/package --build build/arm64 deb' made
  [ "$(cat images)" = '--build build/arm64' ]
  [ "$(cat as_root)" = scripts/image ]
  # As make would do it.
  command make -n image-arm64 | grep -q 'scripts/image --build build/arm64$'
}

@test "the overlay has Kafka and payagg, and no page" {
  needs_kubectl
  play 'the overlay has Kafka and payagg, and no page' "$PWD"
  # kustomize follows no link out of its folder.
  rm deploy && mkdir deploy && cp -r "$PROJECT/deploy/k8s" deploy/
  "$KUBECTL_PINNED" kustomize mine >built.yaml
  names_in built.yaml | diff - <(names_in "$BATS_FILE_TMPDIR/pi.yaml")
  # All else is as in overlays/pi, but that the broker is the Pi 4's alone.
  run diff <(sed 's,image: paystats:,image: localhost/paystats:,' "$BATS_FILE_TMPDIR/pi.yaml") built.yaml
  [ "$(grep -c '^[<>]' <<<"$output")" = 4 ]
  [[ $output == *'<   replicas: 1'*'>   replicas: 0'* ]]
  [[ $output == *'>         loadBalancerSourceRanges:'*'>         - 192.168.1.12/32'* ]]
  grep -q '^| Pi 4 | `pi4-page` | 192\.168\.1\.12 |' "$PROJECT/$page"
  # Of which image: the one that is sent.
  image=$(sed -n 's/^ *image: //p' built.yaml | sort -u)
  block_of "$hardware_marker" | grep -qF "podman save $image |"
  block_of "$hardware_marker" | grep -qF "paystats-${image##*:}-arm64.oci.tar"
  only_its_image
}
# The rules have nothing against it but that an image has a host.
only_its_image() {
  run "$PROJECT/scripts/check-manifests" built.yaml
  run grep -vE 'image|objects|findings' <<<"$output"
  [ "$output" = '' ]
}

@test "payagg is given 64 Mi" {
  needs_kubectl
  block_of '*Run by a test ("the overlay has Kafka and payagg, and no page")' >overlay
  source ./overlay
  rm deploy && mkdir deploy && cp -r "$PROJECT/deploy/k8s" deploy/
  "$KUBECTL_PINNED" kustomize mine >before.yaml
  play 'payagg is given 64 Mi' "$PWD"
  "$KUBECTL_PINNED" kustomize mine >built.yaml
  run diff before.yaml built.yaml
  [ "$(grep '^[<>]' <<<"$output" | xargs -n 3)" = "< memory: 32Mi
> memory: 64Mi" ]
  line=$(sed -nE 's/^([0-9]+)c.*/\1/p' <<<"$output")
  [ "$(head -n "$line" built.yaml | grep '^kind:' | tail -n 1)" = 'kind: StatefulSet' ]
  only_its_image
}

@test "the memory cgroup is one change of the one line, however often it is made" {
  mkdir -p boot/firmware
  echo 'console=tty1 root=PARTUUID=0-02 rootfstype=ext4 rootwait' >boot/firmware/cmdline.txt
  for _ in once twice; do
    play 'the memory cgroup is one change of the one line, however often it is made' "$PWD"
    [ "$(cat boot/firmware/cmdline.txt)" = \
      'console=tty1 root=PARTUUID=0-02 rootfstype=ext4 rootwait cgroup_memory=1 cgroup_enable=memory' ]
  done
}

@test "k3s waits for the time" {
  play 'k3s waits for the time' "$PWD"
  printf '[Service]\nType=notify\nExecStart=/bin/true\n' >etc/systemd/system/k3s.service
  run -0 systemd-analyze verify --man=no etc/systemd/system/k3s.service
  [ "$output" = '' ]
  sed -i s/^After=/Behind=/ etc/systemd/system/k3s.service.d/time.conf
  run systemd-analyze verify --man=no etc/systemd/system/k3s.service
  [[ $output == *Behind* ]]
}

# The machine is a folder of its name. BROKEN is a command that does not get there.
ssh() {
  echo "$*" >>sent
  [ "$*" != "${BROKEN-}" ] || return 255
  local host=$1
  shift
  mkdir -p "$host"
  eval "$(here "$PWD/$host" <<<"$*")"
}

# Secrets of the users that the overlay has, each with a certificate of its own.
k3s() {
  [[ "$*" =~ ^kubectl\ -n\ paystats\ get\ secret\ ([a-z-]+)\ -o\ json$ ]] || return 2
  local name=${BASH_REMATCH[1]}
  [ "$name" = pay-cluster-ca-cert ] || grep -qx "kafkauser/$name" "$OBJECTS" || return 1
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$name" \
    -keyout "$name.key" -out "$name.crt" 2>>openssl.err
  case $name in
    pay-cluster-ca-cert) jq -n --rawfile a $name.crt '{data: {"ca.crt": ($a | @base64)}}' ;;
    # One pair, though it is asked for twice.
    *) [ -e "$name.json" ] || jq -n --rawfile a "$name.crt" --rawfile b "$name.key" \
      '{data: {"ca.crt": ("of the clients" | @base64), "user.crt": ($a | @base64), "user.key": ($b | @base64)}}' >"$name.json"
      cat "$name.json" ;;
  esac
}

certificates() {
  play 'certificates and properties are taken from the secrets to the Pi 4' '' ssh k3s >said
}

@test "certificates and properties are taken from the secrets to the Pi 4" {
  needs_kubectl
  certificates
  grep -q '^subject=CN *= *paystats-serve$' said
  grep -q '^notAfter=' said
  cd pi4-page/etc/paystats
  [ "$(stat -c '%a %n' . * | sort -k 2 | xargs)" = '750 . 640 cache.crt 640 cache.key 640 cache.properties 640 cluster-ca.crt 640 serve.crt 640 serve.key 640 serve.properties' ]
  for tool in serve cache; do
    openssl x509 -in $tool.crt -noout -subject | grep -qx "subject=CN *= *paystats-$tool"
    openssl x509 -in $tool.crt -noout -pubkey | diff - <(openssl pkey -in $tool.key -pubout)
    # All else is as in the pods.
    run diff "$PROJECT/deploy/k8s/base/kafka/kafka.properties" $tool.properties
    [ "$(grep '^>' <<<"$output")" = "> bootstrap.servers=192.168.1.11:9094
> ssl.certificate.location=/etc/paystats/$tool.crt
> ssl.key.location=/etc/paystats/$tool.key" ]
  done
  # The port is that of the listener for other machines.
  awk '/name: external/ { found = 1 } found && /port: 9094/ { ok = 1 } END { exit !ok }' "$BATS_FILE_TMPDIR/pi.yaml"
}

@test "certificates that cannot be renewed stay as they are, whatever fails" {
  needs_kubectl
  certificates
  sort -u sent >commands
  [ "$(wc -l <commands)" -ge 15 ]
  kept() { find pi4-page/etc/paystats -maxdepth 1 -type f -exec sha256sum {} + | sort; }
  kept >before
  [ "$(wc -l <before)" = 7 ]
  nothing_changed() {
    rm -f ./*.json
    ! (certificates 2>why) || { echo "not noticed: $1" >&2; return 1; }
    kept | diff before - || { echo "changed: $1" >&2; return 1; }
    run tail -n 1 said
    [[ $output != notAfter=* ]]
  }
  # What is shown at the end is all that is left then. What is sent for serve is sent for the cache as well.
  grep -vE -- '-enddate|serve' commands >each
  [ "$(wc -l <each)" -ge 10 ]
  while read -r BROKEN; do nothing_changed "$BROKEN"; done <each
  BROKEN=

  # An answer that is none.
  eval "answered_$(declare -f k3s)"
  for wrong in 'return 1' 'return 0' 'echo {}' 'echo not JSON' 'echo "{\"data\": {}}"' 'echo "{\"data\": null}"' \
    'jq -n "{data: {\"ca.crt\": \"\", \"user.crt\": \"\", \"user.key\": \"\"}}"' \
    'answered_k3s "$@" | jq ".data[\"user.crt\"] = (\"not a certificate\" | @base64)"' \
    'answered_k3s "$@" | jq ".data[\"user.key\"] = .data[\"user.crt\"]"' \
    'answered_k3s "$@" | jq "del(.data[\"user.key\"])"' \
    'rm -f paystats-cache.json && answered_k3s "$@"'; do
    eval "k3s() { $wrong; }"
    nothing_changed "$wrong"
  done
  # Renewed they are others.
  eval "k3s() { answered_k3s \"\$@\"; }"
  rm -f ./*.json
  certificates
  [ "$(kept | comm -12 before - | wc -l)" = 2 ]
  tail -n 1 said | grep -q '^notAfter='
  [ ! -e pi4-page/etc/paystats/new ]
}

@test "the units of the Pi 4 are on Kafka: options, properties and certificates are taken" {
  needs_kubectl
  certificates
  root=$PWD/pi4-page
  mkdir -p "$root/etc/default" "$root/etc/systemd/system" run
  cp "$UNITS/paystats.default" "$root/etc/default/paystats"
  # A name of a file in options is that of this folder; of the unit it is changed below.
  play 'the units of the Pi 4 are on Kafka: options, properties and certificates are taken' "$root"
  grep '^[^#]' "$root/etc/default/paystats" >settings
  [ "$(wc -l <settings)" = 4 ]
  # Those of keys are named: else serve would go on without them where they are missing.
  for option in '--requests payment-requests' '--answers payment-answers'; do
    grep '^PAYSTATS_SERVE_OPTIONS=' settings | grep -q -e " $option "
    grep -qx "kafkatopic/${option#* }" "$OBJECTS"
  done
  while IFS== read -r key _; do grep -q "^#$key=" "$UNITS/paystats.default"; done <settings
  # Topics, and the name, of what else is set up.
  for topic in payments payment-stats; do
    grep -qx "kafkatopic/$topic" "$OBJECTS"
    cat settings "$root"/etc/systemd/system/*/kafka.conf | grep -qE "(=| )kafka:$topic\$"
  done

  # What systemd says of the units with what is added to them.
  cp "$UNITS"/*.{service,target} "$root/etc/systemd/system/"
  sed -i "s,/usr/bin/\(pay\),$PAYSTATS_BIN/\1,g" "$root"/etc/systemd/system/{*.service,*/kafka.conf}
  run -0 systemd-analyze verify --man=no "$root"/etc/systemd/system/paystats-{serve,totals}.service
  [ "$output" = '' ]
  for unit in serve totals; do
    # As hardened as the units are without it (units.bats), and with a network that is not everybody's.
    systemd-analyze security --no-pager --offline=true --threshold=15 \
      "$root/etc/systemd/system/paystats-$unit.service" >analysis || { tail -n 1 analysis; return 1; }
    grep -q 'Service may allocate Internet sockets' analysis
    grep -q 'IPAddressDeny=.*allow list with non-localhost entries' analysis
    sed 's/^IPAddressAllow=/IPAddressAllowed=/' -i "$root/etc/systemd/system/paystats-$unit.service.d/kafka.conf"
    run systemd-analyze verify --man=no "$root/etc/systemd/system/paystats-$unit.service"
    [[ $output == *IPAddressAllowed* ]]
  done

  # Each tool by its unit: it takes its options, properties and certificates, and finds no broker at another address.
  sed -i 's/192\.168\.1\.11:9094/127.0.0.1:1/; s,=/etc/paystats,='"$root"'/etc/paystats,' "$root"/etc/paystats/*.properties
  sed -i -e 's/^PAYSTATS_LISTEN=192\.168\.1\.12:8080$/PAYSTATS_LISTEN=127.0.0.1:0/' \
    -e 's/^PAYSTATS_\(SERVE\|CACHE\)_OPTIONS=.*/& --broker-timeout 200ms/' settings
  grep -q '127.0.0.1:0' settings
  mapfile -t settings <settings
  mkdir merged
  cp "$root/etc/systemd/system/paystats-serve.service" merged/
  grep '^ExecStart=.' "$root/etc/systemd/system/paystats-totals.service.d/kafka.conf" |
    sed "s,$root/run/,/run/," >merged/paystats-totals.service
  units=$UNITS
  for unit in serve totals; do
    UNITS=$PWD/merged
    defaults_of_all=$(UNITS=$units defaults)
    defaults() { echo "$defaults_of_all"; }
    start_unit "paystats-$unit" "${settings[@]}"
    ended_with 2
    grep -q 'no broker at 127.0.0.1:1 answered within 200 ms' background.err || { cat background.err >&2; return 1; }
    run grep -vE 'no broker at|no page is installed' background.err
    [ "$output" = '' ]
  done
}

@test "the site is one that nginx takes, for the server of the other Pi 4" {
  nginx_here
  cp deploy/nginx/paystats.conf .
  play 'the site is one that nginx takes, for the server of the other Pi 4' "$PWD" systemctl
  nginx_took_it
  run grep -c 'pay.example.org\|server 127' etc/nginx/sites-available/paystats
  [ "$output" = 0 ]
  # Its server and its name are those that serve is told in step 3.
  grep -qx "    server $(sed -n 's/^    PAYSTATS_LISTEN=//p' "$PROJECT/$page");" etc/nginx/sites-available/paystats
  name=$(sed -nE 's/^    server_name (.*);/\1/p' etc/nginx/sites-available/paystats | sort -u)
  grep -q -e "--public-url https://$name/paystats/\$" "$PROJECT/$page"
  openssl x509 -in "etc/ssl/certs/$name.pem" -noout -checkhost "$name" | grep -q 'does match'
}

# To the server of this test, as nginx would send it; a total is asked for until it is there.
curl() {
  local words=("${@//https:\/\/pay.home.arpa\/paystats/http://127.0.0.1:$port}")
  wait_for 'command curl -H "Host: pay.home.arpa" "${words[@]}" >answer && grep -q "accepted\|87.50" answer'
  cat answer
}

@test "a payment and its total, by the commands of the walk" {
  mkdir run state
  start_unit paystats-totals
  start_unit paystats-serve PAYSTATS_LISTEN=127.0.0.1:0 'PAYSTATS_SERVE_OPTIONS=--public-url https://pay.home.arpa/paystats/'
  wait_for 'port=$(port_of "$pid") && [ -n "$port" ]'
  play 'a payment and its total, by the commands of the walk' "$PWD" curl >said
  grep -q '{"accepted":7}' said
  grep -q '"user":"ann","sum":"87.50"' said
}

@test "bytes a day are those that the kernel has counted" {
  mkdir -p proc sys/block/mmcblk0
  echo '200.00 390.11' >proc/uptime
  # Sectors of 512 bytes that were written are the seventh (Documentation/block/stat.rst of the kernel).
  echo '   1000      20    30000      40    500      60    2000      80    0    90   100' >sys/block/mmcblk0/stat
  play 'bytes a day are those that the kernel has counted' "$PWD" >said
  [ "$(cat said)" = '442368000 bytes a day' ]
}

@test "blocks for the hardware name options, units, files, hosts and objects that there are" {
  needs_kubectl
  mkdir mine none
  : >taken
  version=$(paygen --version | cut -d ' ' -f 2)
  looked() { (
    set -e
    PATH=$PWD/none
    source ./steps
  ); }
  # Whatever is in these blocks is one of these; there is no other command.
  hosts=$(hosts_of)
  refuse() { echo "refused: $*" >&2; exit 1; }
  known() { [[ $'\n'$2$'\n' == *$'\n'$1$'\n'* ]] || refuse "$1"; }
  objects=$(<"$OBJECTS")$'\ndeployment/strimzi-cluster-operator'
  ssh() { known "$1" "$hosts"; shift; eval "$*"; }
  scp() {
    local each
    for each in "$@"; do
      case $each in
        *:*) known "${each%%:*}" "$hosts" ;;
        build/arm64/package/paystats_$version-\*_arm64.deb) ;;
        *) [ -e "$each" ] || refuse "$each" ;;
      esac
    done
  }
  tar() {
    case $1 in
      -c) shift; local each; for each in "$@"; do [ -d "$each" ] || refuse "$each"; done ;;
      *) [ "$*" = -x ] || refuse "$*" ;;
    esac
  }
  cp() { [ "$1" = -r ] && [ -d "$3" ] && [[ $2 == strimzi-1.2.0/* ]] || refuse "cp $*"; }
  kubectl() {
    local each
    # With --help kubectl does nothing, and yet refuses what is no option.
    if [[ $(<taken) != *"<$*>"* ]]; then
      "$KUBECTL_PINNED" "$@" --help >options 2>&1 || refuse "kubectl $*: $(<options)"
      echo "<$*>" >>taken
    fi
    for each in "$@"; do
      case $each in
        --as=*) known "serviceaccount/${each##*:}" "$objects" ;;
        deploy/* | mine) [ -e "$each" ] || refuse "$each" ;;
        */*) known "$each" "$objects" ;;
      esac
    done
  }
  k3s() {
    case $1 in
      kubectl) "$@" ;;
      *) [ "$*" = 'ctr images import -' ] || refuse "k3s $*" ;;
    esac
  }
  systemctl() {
    local each
    for each in "$@"; do
      case $each in
        *.service | *.target) [ -e "deploy/systemd/$each" ] || [ "$each" = systemd-time-wait-sync.service ] || refuse "$each" ;;
        enable | --now | restart | status | daemon-reload | -n | 50 | -u) ;;
        *) refuse "systemctl $each" ;;
      esac
    done
  }
  journalctl() { systemctl "$@"; }
  podman() { [[ "$*" =~ ^(load -i|save) ]] || refuse "podman $*"; }
  apt-get() { [[ "$*" =~ ^install\ -y\ (nginx-light|\./paystats_$version-\*_arm64\.deb)$ ]] || refuse "apt-get $*"; }
  curl() { [ "${*: -1}" = https://get.k3s.io ] || [ "${*: -1}" = http://192.168.1.12:8080/readyz ] || refuse "curl $*"; }
  sh() { [ "$*" = '-s - --disable traefik' ] || refuse "sh $*"; }
  cat() { [ "$*" = /sys/fs/cgroup/cgroup.controllers ] || refuse "cat $*"; }
  du() { [ "$*" = '-sh /var/lib/rancher/k3s/storage' ] || refuse "du $*"; }
  getconf() { /usr/bin/getconf "$@"; }
  timedatectl() { /usr/bin/timedatectl "$@" --help >options 2>&1 || refuse "timedatectl $*: $(<options)"; }
  reboot() { [ $# -eq 0 ] || refuse "reboot $*"; }
  # What the last command of step 2 is said to show.
  [ "$(grep -c ^kafkatopic/ "$OBJECTS") $(grep -c ^kafkauser/ "$OBJECTS")" = '5 4' ]
  block_of "$hardware_marker" >steps
  [ "$(wc -l <steps)" -ge 25 ]
  set -o pipefail
  looked
  # It does refuse.
  for wrong in 's/paystats-totals.service/paystats-total.service/' 's,kafka/pay ,kafka/pays ,' 's/--timeout/--time/' \
    's,k8s/admin$,k8s/admins,' 's/ssh pi5/ssh pi6/' 's/getconf/getfonc/' 's/paystats:deployer/paystats:deploys/'; do
    block_of "$hardware_marker" | sed "$wrong" >steps
    ! diff -q steps <(block_of "$hardware_marker") >same || false
    # Where -e counts: in no condition, and not by `run`.
    looked >refused 2>&1 3>&- &
    status=0
    wait $! || status=$?
    [ "$status" -ne 0 ] || { echo "taken: $wrong" >&2; return 1; }
  done
}
