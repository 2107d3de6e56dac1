# A minimal Debian in a folder, with the network settings of this machine: what scripts/test-in-chroot and
# tests/deploy share. Sourced by bash with `set -euo pipefail` after lib/packages.bash, as root, in a
# namespace of its own for mounts. Its caller sets:
#
#   release      bookworm, trixie, or another that debootstrap knows
#   base         the archive of its base system: base_of "$release"
#   chroot       the folder
#   log          a file for what is only of interest where it fails
#   base_fresh   not empty: the base system is downloaded anew
#   mirror       of Debian; otherwise the one that this machine's apt uses

# The mirrors of Debian that apt knows here: URL and suite, this machine's release as @.
mirrors() {
  if [ -n "${mirror:-}" ]; then
    echo "$mirror @"
    return
  fi
  # shellcheck source=/dev/null
  apt-cache policy | awk -v own="$(. /etc/os-release && echo "$VERSION_CODENAME")" '
    $2 ~ /^http/ { url = $2; split($3, part, "/"); suite = part[1]; main = part[2] == "main" }
    /^ *release / && /[ ,]o=Debian,/ && main && index(suite, own) == 1 {
      sub("^" own, "@", suite)
      if (!seen[url, suite]++) print url, suite
    }' | sort -k2
}

# Where the base system of a release is kept, an archive, so that the next chroot is there in seconds.
base_of() { echo "${XDG_CACHE_HOME:-$HOME/.cache}/paystats/chroot-$1.tar"; }

# The base system, in the empty folder $chroot.
make_base() {
  local url part
  if [ -z "${base_fresh:-}" ] && is_recent "$base"; then
    tar -C "$chroot" -xf "$base"
    return
  fi
  url=$(mirrors | awk '$2 == "@" { print $1; exit }')
  [ -n "$url" ] || fail "apt-cache policy names no mirror of Debian; say one by --mirror"
  say "downloading the base system of $release"
  mkdir -p "$(dirname "$base")"
  debootstrap --variant=minbase "$release" "$chroot" "$url" >"$log" 2>&1 || {
    cat "$log" >&2
    fail "debootstrap $release failed"
  }
  rm -f "$chroot"/var/cache/apt/archives/*.deb
  part=$(mktemp "$base.XXXXXX")
  tar -C "$chroot" --one-file-system -cf "$part" . && mv "$part" "$base"
}

# lend FILE [AS]: a file of this machine, read-only, at the same place in the chroot.
lend() {
  local there=$chroot/${2:-$1}
  [ -f "$1" ] || return 0
  mkdir -p "$(dirname "$there")"
  [ -e "$there" ] || : >"$there"
  mount --bind "$(realpath "$1")" "$there"
  mount -o remount,bind,ro "$there"
}

mount_all() {
  local name
  mount -t proc proc "$chroot/proc"
  mount -t sysfs -o ro sysfs "$chroot/sys" 2>/dev/null || mount --rbind /sys "$chroot/sys"
  mount -t tmpfs -o mode=755 tmpfs "$chroot/dev"
  for name in null zero full random urandom tty; do
    : >"$chroot/dev/$name"
    mount --bind "/dev/$name" "$chroot/dev/$name"
  done
  mkdir "$chroot/dev/pts" "$chroot/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$chroot/dev/pts"
  mount -t tmpfs -o mode=1777 tmpfs "$chroot/dev/shm"
  ln -s pts/ptmx "$chroot/dev/ptmx"
  ln -s /proc/self/fd "$chroot/dev/fd"
  for name in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${name%:*}" "$chroot/dev/${name#*:}"; done
}

# How this machine reaches its network and registries.
pass_settings() {
  local file name
  # A mount, so that what runs there can have a namespace for mounts itself.
  mount --bind "$chroot" "$chroot"
  # A link to a file that is not there would lead out of the chroot.
  rm -f "$chroot/etc/resolv.conf"
  lend /etc/resolv.conf
  lend /etc/hosts
  for file in /usr/local/share/ca-certificates/*.crt /etc/pip.conf /etc/npmrc /etc/netrc; do lend "$file"; done
  for file in .npmrc .config/pip/pip.conf .pip/pip.conf .m2/settings.xml .m2/settings-security.xml .netrc .config/go/env; do
    lend "$HOME/$file" "root/$file"
  done
  apt-config dump Acquire >"$chroot/etc/apt/apt.conf.d/99test-in-chroot"
  echo force-unsafe-io >"$chroot/etc/dpkg/dpkg.cfg.d/test-in-chroot" # no fsync for what is thrown away
  mirrors | sed "s/^\(\S*\) @/deb \1 $release/; s/\$/ main/" >"$chroot/etc/apt/sources.list"
  # By the environment: proxies, settings of clients, files of certificates.
  environment=("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root "TERM=${TERM:-dumb}")
  for name in $(compgen -e); do
    case $name in
      *_proxy | *_PROXY | npm_config_* | NPM_CONFIG_* | PIP_* | MAVEN_OPTS | MAVEN_ARGS | JAVA_TOOL_OPTIONS) ;;
      GOPROXY | GONOPROXY | GOPRIVATE | GOSUMDB | GONOSUMDB | GOINSECURE) ;;
      SSL_CERT_* | *_CA_BUNDLE | *_CA_CERTS | GIT_SSL_*)
        case ${!name} in
          /etc/ssl/certs*) ;; # ca-certificates makes it
          *) lend "${!name}" ;;
        esac ;;
      *) continue ;;
    esac
    environment+=("$name=${!name}")
  done
}

# in_chroot COMMAND...: with that environment and no other.
in_chroot() { env -i "${environment[@]}" chroot "$chroot" "$@"; }
