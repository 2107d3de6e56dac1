# The package of Debian, and what `make install` installs: the build's own tools, packed as `make deb` does
# it. How the package is installed, upgraded and purged is in life.bats and purge.bats.

load ../tools/helpers
load package

readonly build=$(dirname "$PAYSTATS_BIN")

setup_file() {
  command -v dpkg-shlibdeps >/dev/null || skip "dpkg-dev is not installed (scripts/setup-deploy)"
  cd "$BATS_FILE_TMPDIR" || return 1
  "$PROJECT/scripts/package" --build "$build" --into once deb
  ln -s once/*.deb package.deb
  dpkg-deb --raw-extract package.deb opened
  DESTDIR=$PWD/installed cmake --install "$build" --prefix /usr >install.out
}

setup() {
  paystats_setup
  package=$BATS_FILE_TMPDIR/package.deb
  opened=$BATS_FILE_TMPDIR/opened
  installed=$BATS_FILE_TMPDIR/installed
}

field() { dpkg-deb --field "$package" "$1"; }

@test "packed again, later and after the tree was touched, it is the same bytes" {
  touch "$build"/bin/paygen "$build"/compressed/*.gz "$PROJECT"/deploy/debian/* "$PROJECT"/deploy/systemd/*
  umask 077
  TZ=Pacific/Kiritimati "$PROJECT/scripts/package" --build "$build" --into twice deb
  cmp twice/*.deb "$package"
}

# bats test_tags=deploy-long
@test "built again in another folder, it is the same bytes" {
  local copy=$PWD/another/folder/of/another/length
  mkdir -p "$copy"
  (cd "$PROJECT" && git ls-files -z -co --exclude-standard | tar --null -T - -cf -) | tar -C "$copy" -xf -
  "$copy/scripts/build" build/again -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF
  SOURCE_DATE_EPOCH=$(git -C "$PROJECT" log -1 --format=%ct) \
    "$copy/scripts/package" --build "$copy/build/again" --into again deb
  cmp again/*.deb "$package"
}

@test "the tarball has what make install installs, and is the same bytes twice" {
  "$PROJECT/scripts/package" --build "$build" --into once tarball
  touch "$build"/bin/paygen
  (umask 077 && "$PROJECT/scripts/package" --build "$build" --into twice tarball)
  cmp once/*.tar.gz twice/*.tar.gz
  mkdir unpacked
  tar -C unpacked --strip-components=1 -xf once/*.tar.gz
  DESTDIR=$PWD/local cmake --install "$build" --strip --prefix /usr/local >install.out
  diff -r local/usr/local unpacked
  # So one that is unpacked over an older one replaces no settings; they are an example beside the documents.
  [ ! -e unpacked/etc ]
  cmp "$PROJECT/deploy/systemd/paystats.default" unpacked/share/doc/paystats/examples/paystats.default
  grep -qx 'EnvironmentFile=-/etc/default/paystats' unpacked/lib/systemd/system/paystats-serve.service
}

# line_of FILE WORDS: the line of an example there that has these words.
line_of() { sed -n 's/^    //p' "$1" | grep -F -- "$2"; }

@test "the tarball, unpacked as README says, leaves folders as they are, and goes as the page of the units says" {
  [ "$(id -u)" -eq 0 ] || skip "a folder is given to another group by root alone"
  local line
  "$PROJECT/scripts/package" --build "$build" --into . tarball
  mv ./*.tar.gz FILE
  # As Debian has them.
  install -d -g staff -m 2775 usr/local usr/local/bin usr/local/share
  echo mine | tee usr/local/bin/payroll >usr/local/share/mine
  find usr -printf '%m %u %g %p\n' | sort >before
  line=$(line_of "$PROJECT/README.md" 'tar -C /usr/local')
  # The help of make has the same.
  grep -qF -- "${line#sudo }" "$PROJECT/Makefile"
  sudo() { "$@"; }
  eval "${line/\/usr/$PWD\/usr}"
  [ -x usr/local/bin/payagg ] && [ -e usr/local/share/paystats/www/app.js ]
  run comm -23 before <(find usr -printf '%m %u %g %p\n' | sort)
  [ -z "$output" ]
  # What was not there is of root, and for all.
  run find usr ! -user root
  [ -z "$output" ]
  run find usr/local/lib usr/local/share/paystats -type d ! -perm 755
  [ -z "$output" ]
  touch usr/local/share/doc/paystats/mine
  systemctl() { [ "$*" = daemon-reload ]; }
  { line_of "$PROJECT/deploy/systemd/README.md" 'tar -tf FILE'; line_of "$PROJECT/deploy/systemd/README.md" 'find paystats'; } >typed
  [ "$(wc -l <typed)" = 2 ]
  source <(sed "s,cd /usr,cd $PWD/usr," typed)
  [ "$(find usr ! -type d | sort)" = $'usr/local/bin/payroll\nusr/local/share/doc/paystats/mine\nusr/local/share/mine' ]
  [ ! -e usr/local/share/paystats ]
}

@test "where two packages were made, commands take the newer one" {
  local deb=build/release/package/paystats
  mkdir -p build/release/package
  touch -d yesterday ${deb}_0.10.0-1_amd64.deb
  touch ${deb}_0.9.0-1_amd64.deb
  sudo() { [ "${*: -1}" = "./${deb}_0.9.0-1_amd64.deb" ] && [[ ${*: -2:1} != *.deb ]] && echo "$1" >>taken; }
  source <(line_of "$PROJECT/README.md" 'apt-get install')
  [ "$(cat taken)" = $'apt-get\napt-get' ]
  touch -d yesterday build/release/package/paystats-0.10.0-amd64.oci.tar
  touch build/release/package/paystats-0.9.0-amd64.oci.tar
  podman() { echo "$*" | sed 's,.* build/release/package/,Loaded image: ,'; }
  source <(line_of "$PROJECT/deploy/docker/README.md" 'newest')
  [ "$image" = paystats-0.9.0-amd64.oci.tar ]
}

# names FOLDER: kind, rights and path of all that is in it.
names() { (cd "$1" && find . -mindepth 1 -path ./DEBIAN -prune -o -printf '%y %m %p\n' | sort -k3); }

@test "it has what make install installs, a link to jQuery for the copy, and what is Debian's" {
  names "$installed" >want
  names "$opened" >got
  run diff --unchanged-line-format= --old-line-format='- %L' --new-line-format='+ %L' want got
  [ "$output" = '+ f 644 ./usr/share/doc/paystats/changelog.Debian.gz
- f 644 ./usr/share/paystats/www/jquery.min.js
+ l 777 ./usr/share/paystats/www/jquery.min.js' ]
  # Tools are stripped; all else is the same.
  run diff -rq --no-dereference "$installed" "$opened"
  [ "$(grep -vc '^Only in ' <<<"$output")" -eq $((${#tools[@]} + 1)) ]
  for tool in "${tools[@]}"; do [[ $output == *"/usr/bin/$tool and "* ]]; done
  [[ $output == *"/www/jquery.min.js is a regular file while "* ]]
}

@test "nothing of make install is missing: tools, manual, completions, page, units, settings, the site" {
  local page
  for tool in "${tools[@]}"; do [ -x "$installed/usr/bin/$tool" ]; done
  for page in "$PROJECT"/man/*.[157]; do
    gzip -dc "$installed/usr/share/man/man${page##*.}/${page##*/}.gz" | cmp - "$page"
  done
  diff <( (ls "$PROJECT/www" && echo jquery.min.js) | sort) <(ls "$installed/usr/share/paystats/www" | sort)
  diff <(cd "$PROJECT/deploy/systemd" && ls -- *.service *.target *.timer) <(ls "$installed/usr/lib/systemd/system")
  for tool in "${tools[@]}"; do
    [ -s "$installed/usr/share/bash-completion/completions/$tool" ]
    [ -s "$installed/usr/share/zsh/vendor-completions/_$tool" ]
    [ -s "$installed/usr/share/fish/vendor_completions.d/$tool.fish" ]
  done
  cmp "$PROJECT/deploy/systemd/paystats.sysusers" "$installed/usr/lib/sysusers.d/paystats.conf"
  cmp "$PROJECT/deploy/systemd/paystats.default" "$installed/etc/default/paystats"
  cmp "$PROJECT/deploy/systemd/nightly" "$installed/usr/share/paystats/nightly"
  [ -x "$installed/usr/share/paystats/nightly" ]
  cmp "$PROJECT/deploy/nginx/paystats.conf" "$installed/usr/share/doc/paystats/examples/nginx.conf"
}

# with_code_in_it: packages of the headers that the sources include. Of C's headers nothing but declarations is
# used, those of the compiler are exempt by their licence, and Boost's asks for nothing in programs.
with_code_in_it() {
  local header
  grep -rhoE '^#include <[^>]+>' "$PROJECT/lib" "$PROJECT/tools" | sort -u | sed 's/.*<\(.*\)>/\1/' |
    while read -r header; do [ ! -e "/usr/include/$header" ] || echo "/usr/include/$header"; done |
    xargs dpkg-query --search | sed 's/[:,].*//' | sort -u |
    grep -vxE 'libc6-dev|linux-libc-dev|zlib1g-dev|librdkafka-dev|libmimalloc-dev|libboost.*-dev'
}

# has_notices FOLDER: it has one for each of them, and for jQuery, with each text that they refer to, and no other.
has_notices() {
  local name
  diff <( (with_code_in_it && echo libjs-jquery && echo licenses) | sort) <(ls "$1")
  for name in $(with_code_in_it) libjs-jquery; do
    grep -q Copyright "$1/$name"
    cmp "$1/$name" "/usr/share/doc/$name/copyright"
  done
  diff <(grep -hoE '/usr/share/common-licenses/[A-Za-z0-9.+-]*[A-Za-z0-9]' "$1"/lib* "$1"/nl* | sed 's/.*\///' | sort -u) <(ls "$1/licenses")
  for name in "$1"/licenses/*; do cmp "$name" "/usr/share/common-licenses/${name##*/}"; done
}

@test "package and tarball have the notices of what is compiled in and of jQuery" {
  [ "$(with_code_in_it | wc -l)" -gt 4 ]
  has_notices "$opened/usr/share/doc/paystats/notices"
  "$PROJECT/scripts/package" --build "$build" --into . tarball
  mkdir unpacked
  tar -C unpacked --strip-components=1 -xf ./*.tar.gz
  has_notices "$PWD/unpacked/share/doc/paystats/notices"
  grep -q 'notices beside this file' "$opened/usr/share/doc/paystats/copyright"
}

@test "without a notice nothing is packed, and make install says so" {
  # A system that has none.
  sed 's,set(notice ,&/nowhere,' "$PROJECT/cmake/InstallNotices.cmake" >InstallNotices.cmake
  sed "s,include(\"[^\"]*/InstallNotices.cmake,include(\"$PWD/InstallNotices.cmake," "$build/cmake_install.cmake" >cmake_install.cmake
  sed -i "s,\${CMAKE_CURRENT_LIST_DIR}/../scripts,$PROJECT/scripts," InstallNotices.cmake
  ! cmp -s cmake_install.cmake "$build/cmake_install.cmake" || false
  DESTDIR=$PWD/there run -0 cmake -DCMAKE_INSTALL_PREFIX=/usr -P cmake_install.cmake
  [[ $output == */libcli11-dev/copyright\ is\ missing* ]]
  PAYSTATS_NOTICES=required DESTDIR=$PWD/there run -1 cmake -DCMAKE_INSTALL_PREFIX=/usr -P cmake_install.cmake
  [[ $output == */libcli11-dev/copyright\ is\ missing* ]]
  grep -q '^export PAYSTATS_NOTICES=required' "$PROJECT/scripts/package"
}

@test "the link leads to the file of the package that it depends on" {
  [[ ", $(field Depends)," == *", libjs-jquery,"* ]]
  mkdir root
  cp -r "$opened/usr" root/
  [ "$(realpath -m root/usr/share/paystats/www/jquery.min.js)" = "$PWD/root/usr/share/javascript/jquery/jquery.min.js" ]
}

@test "tools are stripped and name no folder of the machine that built them" {
  for tool in "${tools[@]}"; do
    is_stripped "$opened/usr/bin/$tool"
    # The Release tree's own: what is stripped can hold nothing that it has not.
    run grep -cF -e "$PROJECT" -e "$build" "$PAYSTATS_BIN/$tool"
    [ "$output" = 0 ]
  done
}

@test "it suggests what the documents' examples are typed with" {
  [ "$(field Suggests)" = 'curl, jq, kcat' ]
}

@test "its version is the project's, and that of a newer Debian is the greater one" {
  local version upstream revision
  version=$(field Version)
  upstream=${version%-*} revision=${version##*-}
  for tool in "${tools[@]}"; do [[ $("$PAYSTATS_BIN/$tool" --version) == "$tool $upstream "* ]]; done
  gzip -dc "$opened/usr/share/doc/paystats/changelog.Debian.gz" >changelog
  [ "$(dpkg-parsechangelog -l changelog -S Version)" = "$version" ]
  [ "$(dpkg-parsechangelog -l changelog -S Maintainer)" = "$(field Maintainer)" ]
  # shellcheck source=/dev/null
  (. /etc/os-release && [[ $revision == "1~${ID/debian/deb}${VERSION_ID-}" || -z ${VERSION_ID-} ]])
  dpkg --compare-versions "$upstream-1~deb12" lt "$upstream-1~deb13"
  dpkg --compare-versions "$version" lt "$upstream-1"
  dpkg --compare-versions "$version" lt "$upstream-2~deb12"
  gzip -dc "$opened/usr/share/doc/paystats/changelog.gz" | grep -qF "## $upstream"
}

@test "settings are the operator's, and no other file is" {
  [ "$(cat "$opened/DEBIAN/conffiles")" = /etc/default/paystats ]
  [ "$(cd "$opened" && find etc -type f)" = etc/default/paystats ]
}

@test "the scripts are for any shell and name each unit that can be enabled" {
  local script unit named
  for script in postinst prerm postrm; do
    cmp "$PROJECT/deploy/debian/$script" "$opened/DEBIAN/$script"
    [ -x "$opened/DEBIAN/$script" ]
    dash -n "$opened/DEBIAN/$script"
    for unit in $(cd "$opened/usr/lib/systemd/system" && grep -l '^\[Install\]' -- *); do
      grep -qw -- "$unit" "$opened/DEBIAN/$script" || { echo "$script does not name $unit" >&2; false; }
    done
    named=$(grep -ohE 'paystats[a-z-]*\.(service|target|timer|socket)' "$opened/DEBIAN/$script" | sort -u)
    for unit in $named; do [ -e "$opened/usr/lib/systemd/system/$unit" ]; done
  done
  # Removal stops all that there is.
  for unit in $(ls "$opened/usr/lib/systemd/system"); do grep -qw -- "$unit" "$opened/DEBIAN/prerm"; done
}

@test "lintian finds neither errors nor warnings" {
  lintian_is_silent "$package"
}

# headings PAGE: the words by which a link reaches each of its headings.
headings() { sed -n 's/^##* //p' "$1" | tr '[:upper:] ' '[:lower:]-' | tr -dc 'a-z0-9_\n-'; }

# words_of PAGE: its text, with the words of a link in place of the link.
words_of() { sed -zE 's/\[([^]]*)\]\([^)]*\)/\1/g' "$1"; }

@test "links of the documents lead to what is installed with them, or are none" {
  local page target links=0
  cd "$opened/usr/share/doc/paystats" || return 1
  for page in operate.md kubernetes.md three-pis.md systemd.md nginx.md; do
    grep -q "^# " $page
    for target in $(tr '\n' ' ' <$page | grep -oE '\]\([^)]+\)' | sed 's/.*(\(.*\))/\1/' | grep -v '^https:'); do
      links=$((links + 1))
      [[ $target != '#'* ]] || target=$page$target
      [ -s "${target%%#*}" ] || { echo "$page: $target" >&2; false; }
      [[ $target != *'#'* ]] || headings "${target%%#*}" | grep -qxF -e "${target#*#}" || { echo "$page: $target" >&2; false; }
    done
  done
  [ "$links" -gt 10 ]
  for page in $(grep -ohE 'examples/[a-z.]+[a-z]' systemd.md nginx.md); do [ -s "$page" ]; done
  [ -s "$(sed -n "s/.*sed .* \(examples.*\) >.*/\1/p" nginx.md)" ]
  grep -q 'examples/paystats.default' systemd.md
  # And the manual names them there.
  for page in $(grep -hoE '/usr/share/doc/paystats(/[a-z./-]+)?' "$PROJECT"/man/*); do [ -e "$opened/$page" ]; done
  grep -q '/usr/share/doc/paystats/operate.md' "$PROJECT/man/paystats-log.5"
}

@test "nothing else of the documents was changed, but for names of examples and what is done in the sources" {
  local page name
  for page in docs/{operate,kubernetes,three-pis}.md deploy/{systemd,nginx}/README.md; do
    name=${page%/README.md} name=${name##*/}
    words_of "$PROJECT/$page" >sources
    # Copies of files that are in the sources alone.
    [ "$name" != systemd ] || sed -i '/^By hand, in this folder,/,/^`make install` puts/{/^`make install`/!d}' sources
    words_of "$opened/usr/share/doc/paystats/${name%.md}.md" >there
    sed -i -E 's/ of the sources//' sources there
    sed -i -E 's,examples/(paystats\.default),\1,; s,examples/nginx\.conf,paystats.conf,' there
    diff sources there
  done
  grep -q '^By hand, in this folder,' "$PROJECT/deploy/systemd/README.md"
  ! grep -E 'By hand|cp paystats|install -D nightly|/etc/systemd/system' "$opened/usr/share/doc/paystats/systemd.md" || false
}

# not_there ROOT PREFIX: what documents, manual and units there name of paystats, but is not there. The changelog says
# what was, and three-pis.md what is on other machines, which have the package.
not_there() {
  local name
  {
    find "$1$2"/share/doc/paystats -maxdepth 1 -name '*.md' ! -name three-pis.md -exec cat '{}' +
    cat "$1$2"/share/doc/paystats/examples/* "$1$2"/lib/systemd/system/* "$1$2"/lib/sysusers.d/*
    find "$1$2/share/man" -name '*.gz' -exec gzip -dc '{}' +
  } >texts
  grep -oE '(/usr(/local)?|/opt)(/[a-z]+)*/pay[a-z/.-]*[a-z]|[a-z/]*/etc/default/pay[a-z]+' texts | sort -u >named
  [ "$(wc -l <named)" -gt 8 ]
  while read -r name; do [ -e "$1$name" ] || echo "$name"; done <named
}

@test "what documents, manual and units name is installed there, below each prefix" {
  local prefix
  for prefix in /usr /usr/local /opt/pay; do
    DESTDIR=$PWD/root cmake --install "$build" --prefix "$prefix" >install.out
    run not_there "$PWD/root" "$prefix"
    [ "$output" = '' ] || { echo "$prefix: $output" >&2; false; }
    rm -r root
  done
}

@test "below /usr/local units read the settings of the system, where make install puts them" {
  local units=$PWD/root/usr/local/lib/systemd/system
  DESTDIR=$PWD/root cmake --install "$build" --prefix /usr/local >install.out
  cmp "$PROJECT/deploy/systemd/paystats.default" root/etc/default/paystats
  [ ! -e root/usr/local/etc ]
  for unit in "$units"/*.service; do grep -qx 'EnvironmentFile=-/etc/default/paystats' "$unit"; done
  grep -qF /usr/local/bin/paystats-serve "$units/paystats-serve.service"
  run grep -rE '/usr/(bin|share|lib)/pay' "$units"
  [ -z "$output" ]
  # Settings that are there stay, and the example beside the documents is the one of this version.
  echo 'LISTEN=mine' >root/etc/default/paystats
  DESTDIR=$PWD/root cmake --install "$build" --prefix /usr/local >install.out
  [ "$(cat root/etc/default/paystats)" = 'LISTEN=mine' ]
  cmp "$PROJECT/deploy/systemd/paystats.default" root/usr/local/share/doc/paystats/examples/paystats.default
}

@test "under another prefix units name what was installed there, settings as well, which stay" {
  local units=$PWD/opt/paystats/lib/systemd/system
  DESTDIR='' cmake --install "$build" --prefix "$PWD/opt/paystats" >install.out
  grep -qF "$PWD/opt/paystats/bin/paystats-serve" "$units/paystats-serve.service"
  run grep -rE '/usr/(bin|share|lib)/pay|[ =-]/etc/default/paystats' "$units"
  [ -z "$output" ]
  # A copy of jQuery that is no link.
  [ -f opt/paystats/share/paystats/www/jquery.min.js ] && [ ! -L opt/paystats/share/paystats/www/jquery.min.js ]
  echo 'LISTEN=mine' >opt/paystats/etc/default/paystats
  cmake --install "$build" --prefix "$PWD/opt/paystats" >install.out
  [ "$(cat opt/paystats/etc/default/paystats)" = 'LISTEN=mine' ]
  # Where it is configured with a folder for settings, that is it.
  DESTDIR=$PWD/root run -0 cmake -DCMAKE_INSTALL_PREFIX=/opt/paystats -Dsysconfdir=/etc -P "$PROJECT/cmake/InstallUnits.cmake"
  [ -e root/etc/default/paystats ] && [ ! -e root/opt/paystats/etc ]
  grep -qx 'EnvironmentFile=-/etc/default/paystats' root/opt/paystats/lib/systemd/system/paystats-serve.service
  grep -qF /opt/paystats/bin/paystats-serve root/opt/paystats/lib/systemd/system/paystats-serve.service
  # The manifest of CMake has the units as well.
  grep -qF "$units/paystats.target" "$build/install_manifest.txt"
}

@test "make uninstall removes what make install has brought, and neither settings nor what is somebody else's" {
  export DESTDIR=$PWD/root
  uninstall() { run "$PROJECT/scripts/uninstall" --build "$build" "$@"; echo "$output"; }
  install -d root/usr/local/{bin,share/man/man1} root/var/lib/paystats
  echo '{}' >root/var/lib/paystats/payments.jsonl
  echo mine >root/usr/local/bin/payroll
  find root ! -type d | sort >before
  cmake --install "$build" --prefix /usr/local >install.out
  [ "$(find root ! -type d | wc -l)" -gt 50 ]
  uninstall
  [ "$status" -eq 0 ] && [ -z "$output" ]
  find root ! -type d | sort | diff before -
  [ -z "$(find root/usr -name '*paystats*')" ]
  [ -d root/usr/local/share/man/man1 ]
  # Settings that were changed stay; so does a folder with somebody's file.
  cmake --install "$build" --prefix /usr/local >install.out
  echo 'PAYSTATS_LISTEN=mine' >>root/etc/default/paystats
  touch root/usr/local/share/paystats/mine
  uninstall /usr/local
  [ "$status" -eq 0 ]
  [ "$output" = "uninstall: $DESTDIR/etc/default/paystats is kept: it is not as it was installed" ]
  diff <( (cat before && printf '%s\n' root/etc/default/paystats root/usr/local/share/paystats/mine) | sort) <(find root ! -type d | sort)
  # Where nothing is there any more, nothing is wrong.
  uninstall
  [ "$status" -eq 0 ]
  [ ! -e root/usr/local/share/doc/paystats ]
}

# dpkg_knows PATH: PATH is of the package paystats, and no other file is of any. As dpkg-query --search answers.
dpkg_knows() {
  mkdir bin
  cat >bin/dpkg-query <<END
#!/bin/sh
shift
status=0
for path; do [ "\$path" = "$1" ] && echo "paystats: \$path" || status=1; done
exit \$status
END
  chmod +x bin/dpkg-query
}

# checkout_of USER: sets `there`, a checkout with what is built, both of that user, who has built it. Nothing is
# compiled: what configures and builds notes down who it is, and writes as they do.
checkout_of() {
  there=$(mktemp -d)
  mkdir -p "$there"/build/release "$there/path"
  cp -r "$PROJECT"/{Makefile,CHANGELOG.md,cmake,scripts,deploy,docs,man} "$there/"
  cp -r "$build"/{bin,www,compressed,completions,documents,CMakeCache.txt,CPackConfig.cmake} "$there/build/release/"
  (cd "$build" && find . -name cmake_install.cmake -exec cp --parents '{}' "$there/build/release/" \;)
  find "$there/build/release" -name '*.cmake' -exec sed -i "s,$build,$there/build/release,g; s,$PROJECT,$there,g" '{}' +
  cat >"$there/path/cmake" <<END
#!/bin/sh
[ "\$1" = -S ] || exec $(type -P cmake) "\$@"
echo "configured by \$(id -u), at home in \$HOME"
mkdir -p build/release/CMakeFiles/new
mv "\$(mktemp)" build/release/CMakeCache.txt
END
  printf '#!/bin/sh\necho built >>build/release/.ninja_log\n' >"$there/path/ninja"
  sed -i "2iif [ \$# -eq 0 ]; then exit; fi" "$there/scripts/setup" # installs nothing
  chmod 755 "$there" "$there"/path/*
  chown -R "$1" "$there"
}
teardown() { [ -z "${there:-}" ] || rm -rf "$there"; }

@test "what root installs of what somebody else has built stays theirs, and its folders are for all" {
  [ "$(id -u)" -eq 0 ] || skip "a file is given to another user by root alone"
  checkout_of daemon
  export PATH=$there/path:$PATH
  # As sudo has it.
  make_here() { SUDO_UID=$(id -u daemon) make -s -C "$there" DESTDIR="$PWD/root" "$@"; }
  (umask 077 && make_here install) >install.out
  grep -qx "configured by $(id -u daemon), at home in $(getent passwd daemon | cut -d: -f6)" "$there/build/release/configure.log"
  make_here tarball uninstall >install.out
  [ -s "$there/build/release/install_manifest.txt" ] && [ -s "$there/build/release/.ninja_log" ]
  run find "$there" ! -user daemon
  [ -z "$output" ]
  # Under the umask of root's own nobody would find the page.
  (umask 077 && make_here install PREFIX=/opt) >install.out
  [ -s root/opt/share/paystats/www/app.js ]
  run find root/opt -type d ! -perm 755
  [ -z "$output" ]
  run find root/opt -type f ! -perm 644 ! -perm 755
  [ -z "$output" ]
  # So whoever has built it goes on.
  setpriv --reuid daemon --regid daemon --clear-groups make -s -C "$there" DESTDIR="$there/root" install >install.out
}

@test "settings that are a package's stay, though they are as make install would have them" {
  dpkg_knows "$PWD/opt/etc/default/paystats"
  DESTDIR='' cmake --install "$build" --prefix "$PWD/opt" >install.out
  DESTDIR='' PATH=$PWD/bin:$PATH run -0 "$PROJECT/scripts/uninstall" --build "$build" "$PWD/opt"
  [ "$output" = "uninstall: $PWD/opt/etc/default/paystats is kept: it is of a package" ]
  [ "$(find opt ! -type d)" = opt/etc/default/paystats ]
  # What dpkg knows of this machine says nothing of a tree elsewhere.
  mkdir -p "there$PWD" && mv opt "there$PWD/"
  DESTDIR=$PWD/there PATH=$PWD/bin:$PATH run -0 "$PROJECT/scripts/uninstall" --build "$build" "$PWD/opt"
  [ -z "$output" ]
  [ -z "$(find there ! -type d)" ]
}

@test "settings where units read them no longer are named by make install" {
  install -D "$PROJECT/deploy/systemd/paystats.default" root/usr/local/etc/default/paystats
  DESTDIR=$PWD/root run -0 --separate-stderr cmake --install "$build" --prefix /usr/local
  grep -qF "$PWD/root/usr/local/etc/default/paystats is not read: " <<<"$(tr -s ' \n' ' ' <<<"$stderr")"
  [ -e root/usr/local/etc/default/paystats ]
  # Where units read such a file, and where there is none, nothing is to be said.
  rm root/usr/local/etc/default/paystats
  DESTDIR=$PWD/root run -0 --separate-stderr cmake --install "$build" --prefix /usr/local
  [ -z "$stderr" ]
  install -D "$PROJECT/deploy/systemd/paystats.default" root/opt/etc/default/paystats
  DESTDIR=$PWD/root run -0 --separate-stderr cmake --install "$build" --prefix /opt
  [ -z "$stderr" ]
}

@test "what a package has brought is not for make uninstall" {
  dpkg_knows "$PWD/usr/bin/payagg"
  mkdir -p usr/bin && touch usr/bin/payagg
  DESTDIR='' PATH=$PWD/bin:$PATH run -2 "$PROJECT/scripts/uninstall" --build "$build" "$PWD/usr"
  [[ $output == *'is of the package paystats: apt-get remove paystats' ]]
  [ -e usr/bin/payagg ]
}

@test "installed after make install the package says that the units there come first" {
  mkdir -p bin root/etc
  for command in systemd-sysusers deb-systemd-helper; do ln -s "$(type -P true)" "bin/$command"; done
  configure() { DPKG_ROOT=$PWD/root PATH=$PWD/bin:$PATH run -0 "$opened/DEBIAN/postinst" configure; }
  configure
  [ -z "$output" ]
  DESTDIR=$PWD/root cmake --install "$build" --prefix /usr/local >install.out
  configure
  [ "$output" = "paystats: units in $PWD/root/usr/local/lib/systemd/system come before those of this package; to remove them: make uninstall, or for a tarball what /usr/share/doc/paystats/systemd.md says" ]
  grep -q '^    tar -tf FILE' "$opened/usr/share/doc/paystats/systemd.md"
  DESTDIR=$PWD/root "$PROJECT/scripts/uninstall" --build "$build"
  configure
  [ -z "$output" ]
}
