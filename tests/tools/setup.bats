# scripts/setup*: how they install what is missing, with the programs of a package system that only say
# what they were told. What they install is seen on fresh systems, by scripts/test-in-chroot.

load helpers

# installer COMMAND...: runs it where no program is found but these, as the user $user_id, with the packages
# of scripts/setup but kcat and socat.
installer() {
  mkdir -p programs
  local name
  for name in bash basename cat dirname env grep mktemp rm sed; do ln -sf "$(command -v "$name")" "programs/$name"; done
  printf '#!/bin/sh\necho %s\n' "${user_id:-0}" >programs/id
  printf '#!/bin/sh\ncase $3 in kcat | socat) exit 1 ;; esac\nprintf installed\n' >programs/dpkg-query
  printf '#!/bin/sh\necho Package: "$2"\n' >programs/apt-cache
  printf '#!/bin/sh\necho "apt-get said $*"\necho "$DEBIAN_FRONTEND $*" >>told\nexit %s\n' "${apt_status:-0}" >programs/apt-get
  if ${has_sudo:-false}; then printf '#!/bin/sh\necho sudo >>told\nexec "$@"\n' >programs/sudo; fi
  chmod +x programs/{id,dpkg-query,apt-cache,apt-get,sudo} 2>chmod.err || true
  PATH=$PWD/programs run --separate-stderr "$(command -v bash)" "$@"
}

@test "what is missing is installed, and named; else nothing is said" {
  installer "$PROJECT/scripts/setup" --check
  [ "$status" -eq 1 ]
  [ "$stderr" = 'setup: missing: kcat socat' ]
  [ ! -e told ]
  installer "$PROJECT/scripts/setup"
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  [ "$stderr" = $'setup: looking for packages\nsetup: installing kcat socat' ]
  [ "$(cat told)" = $'noninteractive -qq update\nnoninteractive -qq install --no-install-recommends -y kcat socat' ]
}

@test "without root it asks sudo, and where there is none it says so" {
  user_id=1000 installer "$PROJECT/scripts/setup"
  [ "$status" -eq 2 ]
  [ "$stderr" = 'setup: error: run as root, or install sudo' ]
  [ ! -e told ]
  user_id=1000 has_sudo=true installer "$PROJECT/scripts/setup"
  [ "$status" -eq 0 ]
  [ "$(grep -c sudo told)" -eq 2 ]
  [ "$(grep -c '^noninteractive' told)" -eq 2 ]
}

@test "where apt fails, what it has said is shown" {
  apt_status=100 installer "$PROJECT/scripts/setup"
  [ "$status" -eq 2 ]
  [[ $stderr = *$'\napt-get said -qq update\nsetup: error: '*'apt-get -qq update failed' ]]
  [ "$(wc -l <told)" -eq 1 ]
}
