# Containers by podman, without a daemon, with images and containers of one Bats file alone (`load podman`
# after helpers). Needs root, and the cgroup controller for memory of either version.

# podman_up: for setup_file. Skips the file where there is no podman.
podman_up() {
  [ "$(id -u)" -eq 0 ] || skip "containers with a limit of memory take root here"
  mountpoint -q /sys/fs/cgroup || skip "there is no limit of memory without control groups, as in a chroot"
  for name in podman runc buildah; do
    command -v $name >/dev/null || skip "$name is not installed (scripts/setup-deploy --long)"
  done
  PODMAN_HOME=$BATS_FILE_TMPDIR/podman
  mkdir -p "$PODMAN_HOME"
  # Of podman's own limits some are higher than a container of the tests may set them.
  cat >"$PODMAN_HOME/containers.conf" <<'CONF'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
CONF
  export PODMAN_HOME CONTAINERS_CONF=$PODMAN_HOME/containers.conf
}

podman() {
  command podman --root "$PODMAN_HOME/storage" --runroot "$PODMAN_HOME/run" --tmpdir "$PODMAN_HOME/tmp" \
    --storage-driver vfs "$@" 3>&-
}

# podman_down: for teardown_file. All that was started ends.
podman_down() { [ -z "${PODMAN_HOME:-}" ] || podman rm --all --force --time 0 >/dev/null; }
