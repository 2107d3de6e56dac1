# The libraries for arm64, which scripts/build-arm64 keeps in a cache folder: for how long, and what is made of them
# anew. With stand-ins for what downloads and compiles; arm64.bats has the real ones.

load ../tools/helpers

setup() {
  paystats_setup
  mkdir -p bin cache/paystats there/build/arm64/CMakeFiles
  cp -r "$PROJECT/scripts" there/
  touch there/build/arm64/CMakeCache.txt
  printf '#!/bin/sh\n[ "$*" = --libraries ] && echo zlib1g-dev\n' >there/scripts/setup
  printf '#!/bin/sh\necho 12\n' >bin/aarch64-linux-gnu-g++
  ln -s "$(type -P true)" bin/qemu-aarch64-static
  # mmdebstrap WORD... RELEASE FOLDER: libraries of the version in ./version, whose folder is as old as Debian's.
  cat >bin/mmdebstrap <<END
#!/bin/bash
echo made >>"$PWD/made"
folder=\${*: -1}
mkdir -p "\$folder"/{DEBIAN,usr/lib/aarch64-linux-gnu}
ln -s /usr/lib/libz.so.1 "\$folder/usr/lib/aarch64-linux-gnu/libz.so"
cp "$PWD/version" "\$folder/DEBIAN/packages"
touch -d 2022-11-05 "\$folder"
END
  chmod +x bin/*
  echo libz_1 >version
  export XDG_CACHE_HOME=$PWD/cache
  PATH=$PWD/bin:$PATH
}

sysroot() { there/scripts/build-arm64 --sysroot; }
made() { wc -l <made; }

@test "libraries for arm64 are kept for a week, and then made anew" {
  kept=$(sysroot)
  [ "$(made)" = 1 ] && [ -d "$kept" ]
  [ "$(sysroot)" = "$kept" ] && [ "$(made)" = 1 ]
  touch -d '6 days ago' "$kept"
  [ "$(sysroot)" = "$kept" ] && [ "$(made)" = 1 ]
  # The same packages: what is built against them stays.
  touch "$kept/mine" there/build/arm64/CMakeCache.txt
  touch -d '8 days ago' "$kept"
  [ "$(sysroot)" = "$kept" ] && [ "$(made)" = 2 ]
  [ -e "$kept/mine" ] && [ -e there/build/arm64/CMakeCache.txt ]
  [ "$(sysroot)" = "$kept" ] && [ "$(made)" = 2 ]
  # Others: all is built anew.
  touch -d '8 days ago' "$kept"
  echo libz_2 >version
  [ "$(sysroot)" = "$kept" ] && [ "$(made)" = 3 ]
  [ ! -e "$kept/mine" ] && [ ! -e there/build/arm64/CMakeCache.txt ] && [ ! -e there/build/arm64/CMakeFiles ]
  [ "$(cat "$kept/DEBIAN/packages")" = libz_2 ]
  [ "$(ls cache/paystats)" = "${kept##*/}" ]
}

@test "libraries for arm64 of another list go once they are old, and those of another release stay" {
  mkdir cache/paystats/arm64-sid-0123456789ab
  touch -d '8 days ago' cache/paystats/arm64-sid-0123456789ab
  kept=$(sysroot)
  mkdir "${kept%-*}-new" "${kept%-*}-old"
  touch -d '8 days ago' "${kept%-*}-old"
  sysroot >said
  diff <(printf '%s\n' "${kept##*/}" arm64-sid-0123456789ab "$(basename "${kept%-*}")-new" | sort) <(ls cache/paystats | sort)
}
