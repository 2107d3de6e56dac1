# Completions of the tools, by the shells themselves: bash by its completion function and at a prompt, zsh
# at a prompt, fish by `complete -C`. What they offer is held against --help.

load helpers

TOOLS=(paygen payagg paystats-cache paystats-serve)

setup_file() {
  cd "$BATS_FILE_TMPDIR"
  mkdir bash zsh fish
  for tool in "${TOOLS[@]}"; do
    "$tool" --generate complete-bash >"bash/$tool"
    "$tool" --generate complete-zsh >"zsh/_$tool"
    "$tool" --generate complete-fish >"fish/$tool.fish"
  done
}

setup() {
  paystats_setup
  scripts=$BATS_FILE_TMPDIR
  mkdir folder 'a folder'
  touch file.jsonl 'a file' folder/inside kafkaesque
}

# names TOOL: all names of options in --help. words TOOL: "--option word" for each word that a value may be.
names() { "$1" --help | sed -n 's/^  \(-[^ ]*\).*/\1/p' | tr , '\n' | sort; }
words() {
  "$1" --help | sed -nE 's/^  (-[^ ]*,)?(--[^ ]*) ([a-z-]+(\|[a-z-]+)+)( .*)?$/\2 \3/p' |
    while read -r name values; do
      tr '|' '\n' <<<"$values" | sed "s/^/$name /"
    done
}
# helps TOOL: "--name<tab>help" of each option.
helps() {
  "$1" --help | sed -E '/^  --?[^ ]+ [^ ]+$/ { N; s/\n +/  /; }' |
    sed -nE 's/^  (-.,)?(--[a-z-]+)( [^ ]+)?  +(.*)/\2\t\4/p' | sort
}
# The names of options that take a value of which nothing is known.
plain() { "$1" --help | sed -nE 's/^  (-.,)?(--[^ ]*) (N|T|NAME|USER|M|S|K|TOPIC|URL|ADDRESS|KEY=VALUE)( .*)?$/\2/p'; }

# in_bash WORD...: what the function offers for the last word, split as bash does it. The first is the tool.
in_bash() {
  bash --norc -c '
    source "$1/bash/$2"
    shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    "_${1//-/_}" "$1" "${!#}" "${@:$#-1:1}"
    printf "%s\n" "${COMPREPLY[@]}"' bash "$scripts" "$@" | sort
}
in_zsh() { timeout "$PATIENCE_S" "$BATS_TEST_DIRNAME/complete_in_zsh" "$scripts/zsh" "$@"; }
in_fish() { fish --no-config -c 'source $argv[1]/fish/$argv[2].fish; for line in $argv[3..-1]; complete -C $line; end' "$scripts" "$@"; }

# offers WORDS COMMAND...: what the command prints is these words, each in a line of its own, in any order.
offers() {
  local expected=$1 actual
  shift
  actual=$("$@" | cut -f1 | sort | paste -sd' ')
  [ "$actual" = "$expected" ] || {
    printf '%s\noffers: %s\nnot:    %s\n' "$*" "$actual" "$expected" >&2
    return 1
  }
}

@test "a script is printed before anything is opened, and other words are refused" {
  payagg -o out --metrics metrics --generate complete-bash missing.jsonl >script
  bash -n script
  [ ! -e out ] && [ ! -e metrics ]
  refuses '--generate: complete-csh: not one of complete-bash, complete-zsh, complete-fish' payagg --generate complete-csh
  refuses '--generate' payagg --generate
  refuses '--bogus' payagg --generate complete-bash --bogus
  fails_saying 2 full 'no space left on device' sh -c 'payagg --generate complete-bash >/dev/full'
}

@test "each shell completes all options of --help and nothing else that begins with a dash" {
  for tool in "${TOOLS[@]}"; do
    names "$tool" >expected
    [ "$(wc -l <expected)" -gt 15 ]
    in_bash "$tool" - | diff expected -
    in_zsh "$tool -" | sed '1d; s/\t.*//' | grep -v '^-$' | sort | diff expected -
    in_fish "$tool" "$tool -" "$tool --" | cut -f1 | grep -v '^-$' | sort -u | diff expected -
  done
}

@test "each shell completes each word that a value may be, behind a blank and behind a =" {
  for tool in "${TOOLS[@]}"; do
    words "$tool" | sort >expected
    [ "$(grep -c . expected)" -ge 6 ]
    mapfile -t options < <(cut -d' ' -f1 expected | uniq)
    for name in "${options[@]}"; do
      sed -n "s/^$name //p" expected >these
      in_bash "$tool" "$name" '' | diff these -
      in_bash "$tool" "$name" = | diff these -
      in_bash "$tool" "$name=" | sed "s/^$name=//" | diff these -  # where = does not break words
      in_fish "$tool" "$tool $name " | cut -f1 | sort | diff these -
      in_fish "$tool" "$tool $name=" | cut -f1 | sed "s/^$name=//" | sort | diff these -
    done
    mapfile -t lines < <(for name in "${options[@]}"; do printf '%s\n' "$tool $name " "$tool $name="; done)
    in_zsh "${lines[@]}" | awk -v tool="$tool" '
      /^= / { name = $3; sub(/=$/, "", name); next }
      { sub(/\t.*/, ""); sub("^" name "=", ""); print name, $0 }' | sort | uniq -c |
      sed -E 's/^ +//' >offered
    sed 's/^/2 /' expected | diff - offered
  done
}

@test "zsh and fish show the help text of each option" {
  for tool in "${TOOLS[@]}"; do
    helps "$tool" >expected
    [ "$(wc -l <expected)" -gt 15 ]
    in_fish "$tool" "$tool --" | sort | diff expected -
    in_zsh "$tool --" | sed 1d | sort | diff expected -
  done
}

@test "files, folders and endpoints are completed where they belong" {
  local all='- a file a folder file.jsonl folder kafka: kafkaesque'
  local files='a file a folder file.jsonl folder kafkaesque'
  for before in '-o' '--output' '-q -o' '--rejects' '' '--'; do
    # shellcheck disable=SC2086
    offers "$all" in_bash payagg $before ''
    offers "$all" sh -c 'sed "1d; s,\\\\,,g"' <<<"$(in_zsh "payagg $before ")"
    offers "$all" sh -c 'sed s,/,,' <<<"$(in_fish payagg "payagg $before ")"
  done
  offers "$all" in_bash payagg --output =
  offers 'file.jsonl' in_bash payagg --output = fi
  offers '-ofile.jsonl' in_bash payagg -ofi
  offers '-qofile.jsonl' in_bash payagg -qofi
  offers 'folder/inside' in_bash payagg folder/
  offers "$files" in_bash payagg --metrics ''
  offers "$files" in_bash paystats-cache --output ''
  offers 'a folder folder' in_bash paystats-serve --www ''
  offers 'kafka: kafkaesque' in_bash payagg k
  offers '' in_bash payagg kafka :
  offers '' in_bash payagg kafka : p
  offers '--output=file.jsonl' sh -c 'sed 1d' <<<"$(in_zsh 'payagg --output=fi')"
  offers '-ofile.jsonl' sh -c 'sed 1d' <<<"$(in_zsh 'payagg -ofi')"
  offers 'a\ folder folder' sh -c 'sed 1d | sort -u' <<<"$(in_zsh 'paystats-serve --www ')"
  offers '--output=file.jsonl' in_fish payagg 'payagg --output=fi'
  offers 'a folder/ folder/' in_fish paystats-serve 'paystats-serve --www '
  offers "$all" sh -c 'sed s,/,,' <<<"$(in_fish paystats-serve 'paystats-serve --output ')"
  offers "$files" sh -c 'sed s,/,,' <<<"$(in_fish paystats-serve 'paystats-serve -F ')"
  offers '--www=folder/' in_fish paystats-serve 'paystats-serve --www=fo'
}

@test "of a number, a time or a name nothing is known" {
  for tool in "${TOOLS[@]}"; do
    mapfile -t options < <(plain "$tool")
    [ "${#options[@]}" -ge 3 ]
    for name in "${options[@]}"; do
      offers '' in_bash "$tool" "$name" ''
      offers '' in_bash "$tool" "$name" =
    done
    mapfile -t lines < <(for name in "${options[@]}"; do printf '%s\n' "$tool $name " "$tool $name="; done)
    offers '' in_fish "$tool" "${lines[@]}"
    offers '' sh -c 'grep -v "^= "' <<<"$(in_zsh "${lines[@]}")"
  done
  offers "$(names paystats-serve | paste -sd' ')" in_bash paystats-serve ''  # it has no inputs
  offers '' in_fish paystats-serve 'paystats-serve '
}

@test "an option that may be given once is offered once, by whichever of its names it was given" {
  for given in '-o x' '--output x' '--output=x' '-ox' '-qo x'; do
    # shellcheck disable=SC2086
    offers '--output-mode' in_bash payagg $given --outp
    offers '--output-mode' sh -c 'sed 1d' <<<"$(in_zsh "payagg $given --outp")"
    offers '--output-mode' in_fish payagg "payagg $given --outp"
  done
  offers '--output-mode' in_bash payagg --output = x --outp
  for given in '-X a=b' '--property=a=b'; do
    # shellcheck disable=SC2086
    offers '--property --property-file' in_bash payagg $given --prop
    offers '--property --property-file' sh -c 'sed 1d' <<<"$(in_zsh "payagg $given --prop")"
    offers '--property --property-file' in_fish payagg "payagg $given --prop"
  done
  offers '--property' in_bash payagg -X a = b -F x --prop
  offers '' in_bash payagg -q --qui
  offers '' in_bash payagg -vq --qui
  offers '' in_fish payagg 'payagg -vq --qui'
  offers '--quiet' in_bash payagg -o -q --qui  # -q is a value there
  offers '' in_bash payagg -- --qui
  offers '' sh -c 'sed 1d' <<<"$(in_zsh 'payagg -- --qui')"
  offers '' sh -c 'sed 1d' <<<"$(in_zsh 'payagg --version --qui')"
}

@test "bash completes the command of --run as it does any command, and nothing of the cache behind it" {
  offers 'payagg' sort -u <<<"$(in_bash paystats-cache --run payag)"
  offers '' in_bash paystats-cache --run payagg --re
  offers '' in_bash paystats-cache --socket = s --run payagg ''
  offers '' in_bash paystats-cache --run payagg --output-mode ''
  offers '--run' in_bash paystats-cache --ru
  offers '--ready-line' in_bash paystats-cache --rejects --run --re  # that is a value
  offers '--output-mode' with_package 'paystats-cache --socket s --run payagg --output-m'
  offers 'update' with_package 'paystats-cache --run payagg --output-mode up'
}

# with_package LINE: what bash offers at its end, with the package bash-completion.
with_package() {
  bash --norc -c '
    source /usr/share/bash-completion/bash_completion
    for tool in "$1"/bash/*; do source "$tool"; done
    COMP_LINE=$2 COMP_POINT=${#2}
    read -ra COMP_WORDS <<<"$2"
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _paystats_cache paystats-cache "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
    printf "%s\n" "${COMPREPLY[@]}"' bash "$scripts" "$1" | sed 's/ $//'
}

@test "fish completes the command of --run and what follows it, and nothing of the cache behind it" {
  in_both() { fish --no-config -c 'source $argv[1]/fish/payagg.fish; source $argv[1]/fish/paystats-cache.fish; complete -C $argv[2]' "$scripts" "$1"; }
  offers '--run' in_both 'paystats-cache --run'  # of less than that fish 4 makes more
  offers 'payagg' in_both 'paystats-cache --run payag'
  offers '--output-mode' in_both 'paystats-cache --socket s --run payagg --output-m'
  offers 'update' in_both 'paystats-cache --run payagg --output-mode up'
  offers '' in_both 'paystats-cache --run payagg --socke'
}

@test "zsh completes the command of --run, which stands behind a blank, and what follows it" {
  offers '--run' sh -c 'sed 1d' <<<"$(in_zsh 'paystats-cache --ru')"
  offers '' sh -c 'grep -v "^= " | grep -v "^payagg" || true' <<<"$(in_zsh 'paystats-cache --run payag')"
  in_zsh 'paystats-cache --run payag' | grep -q '^payagg'
  offers '--output-mode' sh -c 'sed 1d' <<<"$(in_zsh 'paystats-cache --socket s --run payagg --output-m')"
}

@test "the package bash-completion finds the script by the name of the tool" {
  mkdir -p data/bash-completion
  cp -r "$scripts/bash" data/bash-completion/completions
  run -0 bash --norc -c '
    source /usr/share/bash-completion/bash_completion
    load=$(compgen -A function | grep -xE "_comp_load|_completion_loader" | head -n 1)
    BASH_COMPLETION_USER_DIR= XDG_DATA_HOME=$PWD/none XDG_DATA_DIRS=$PWD/data $load paystats-cache
    complete -p paystats-cache
    COMP_WORDS=(paystats-cache --progress = n) COMP_CWORD=3
    _paystats_cache
    echo "${COMPREPLY[@]}"'
  [ "${lines[-2]}" = 'complete -F _paystats_cache paystats-cache' ]
  [ "${lines[-1]}" = never ]
}

@test "at a prompt of bash a tab completes" {
  rm kafkaesque
  # In place of the tool, what says with which words it was called.
  cat >rc <<END_OF_RC
source '$scripts/bash/payagg'
payagg() { printf '<%s>' "\$@"; echo; } >>typed
bind 'set bell-style none'
PS1='ready-\$((6 * 7)) '
END_OF_RC
  printf '%s\n' 'payagg --output-mo	up	' 'payagg --output-mode=up	' 'payagg --output=fi	' 'payagg a\ fi	 -o kafka:	x' \
    'payagg --metrics fo	in	' 'payagg -o ka	x' 'payagg --output "a fi	' >keys
  timeout "$PATIENCE_S" zsh -f -c '
    zmodload zsh/zpty
    zpty typed "stty cols 500; exec bash --noprofile --rcfile rc -i"
    while IFS= read -r line; do
      zpty -r typed seen "*ready-42 *"
      zpty -w typed $line
    done <keys
    zpty -r typed seen "*ready-42 *"
    zpty -d typed'
  diff - typed <<'EXPECTED'
<--output-mode><update>
<--output-mode=update>
<--output=file.jsonl>
<a file><-o><kafka:x>
<--metrics><folder/inside>
<-o><kafka:x>
<--output><a file>
EXPECTED
}

# project OPTION...: a project with nothing but cmake/Completions.cmake, configured in tree with a tool that
# says how it was called. In a cross build, which a name of a system makes it, it does not run here.
project() {
  mkdir -p tools host
  cat >CMakeLists.txt <<END_OF_PROJECT
cmake_minimum_required(VERSION 3.25)
project(with_completions NONE)
set(PAYSTATS_TOOLS payagg)
add_executable(payagg IMPORTED)
set_target_properties(payagg PROPERTIES IMPORTED_LOCATION $PWD/tools/payagg)
include($PROJECT/cmake/Completions.cmake)
END_OF_PROJECT
  printf '#!/bin/sh\necho "native $*"\n' >tools/payagg
  case "$*" in *CMAKE_SYSTEM_NAME*) printf 'of another machine\n' >tools/payagg ;; esac
  printf '#!/bin/sh\necho "host $*"\n' >host/payagg
  printf '#!/bin/sh\nprogram=$1\nshift\necho "emulated ${program##*/} $*"\n' >emulator
  chmod +x tools/payagg host/payagg emulator
  rm -rf tree built
  cmake -S . -B tree "$@" >configured 2>&1 && cmake --build tree >built 2>&1
}

# installed PREFIX: what is below it, each with its first line.
installed() {
  rm -rf root
  DESTDIR=$PWD/root cmake --install tree --prefix "$1" >installing
  (cd "root$1" && grep -r '' share | sort)
}

@test "the build makes the scripts, and installs them where the shells look" {
  project
  run -0 installed /usr/local
  [ "$output" = 'share/bash-completion/completions/payagg:native --generate complete-bash
share/fish/vendor_completions.d/payagg.fish:native --generate complete-fish
share/zsh/site-functions/_payagg:native --generate complete-zsh' ]
  run -0 installed /usr
  [[ "$output" == *'share/zsh/vendor-completions/_payagg:native --generate complete-zsh' ]]
  [[ "$output" != *site-functions* ]]
  touch -d '+1 minute' tools/payagg
  sed -i s/native/newer/ tools/payagg
  cmake --build tree >built
  grep -q newer tree/completions/fish/payagg.fish
}

@test "a tool that fails leaves no script" {
  project -G Ninja  # make would remove it
  printf '#!/bin/sh\necho half\nexit 2\n' >tools/payagg
  touch -d '+1 minute' tools/payagg
  rm -r tree/completions
  run ! cmake --build tree
  [ -z "$(find tree/completions -name payagg -o -name _payagg -o -name payagg.fish)" ]
}

@test "a cross build takes the tools of this machine, or an emulator, or goes without and says so" {
  project -DCMAKE_SYSTEM_NAME=Linux "-DPAYSTATS_HOST_TOOLS=$PWD/host"
  grep -qx 'host --generate complete-zsh' tree/completions/zsh/_payagg
  project -DCMAKE_SYSTEM_NAME=Linux "-DCMAKE_CROSSCOMPILING_EMULATOR=$PWD/emulator"
  grep -qx 'emulated payagg --generate complete-bash' tree/completions/bash/payagg
  run ! project -DCMAKE_SYSTEM_NAME=Linux "-DPAYSTATS_HOST_TOOLS=$PWD/nowhere"
  grep -q 'PAYSTATS_HOST_TOOLS: there is no' configured
  [ ! -e built ]
  project -DCMAKE_SYSTEM_NAME=Linux
  grep -q 'without completions for shells' configured
  [ ! -e tree/completions ]
  run -0 cmake --install tree --prefix "$PWD/root"
  [ ! -e root/share ]
}
