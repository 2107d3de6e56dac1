#include "loop/socket_claim.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace paystats::loop {
namespace {

static_assert(kSocketPathBytesMax + 1 == sizeof(sockaddr_un::sun_path));

// A file may be replaced between open(2) and flock(2) only by an owner that ends just then.
constexpr int kLockAttemptsMax = 100;

std::string lock_path_of(const std::string& path) {
  return path + ".lock";
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// What the owner wrote, or an empty string where it has not done so yet.
std::string read_owner(int fd) {
  std::array<char, 32> text = {};
  const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  std::string owner;
  for (ssize_t i = 0;
       i < n && text[static_cast<size_t>(i)] >= '0' && text[static_cast<size_t>(i)] <= '9'; ++i) {
    owner += text[static_cast<size_t>(i)];
  }
  return owner;
}

bool still_has_name(int fd, const std::string& path) {
  struct stat held = {};
  struct stat named = {};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

base::Result<void> write_owner(int fd, const std::string& lock_path) {
  while (::ftruncate(fd, 0) != 0) {
    if (errno != EINTR) return base::fail(base::system_error(lock_path, errno));
  }
  return base::write_all(fd, fmt::format("{}\n", ::getpid()), lock_path);
}

// Who called listen(2), where the kernel can tell.
std::string listening_process(int connected_fd) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  const bool known =
      ::getsockopt(connected_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0;
  return known ? fmt::format(" (process {})", peer.pid) : "";
}

// Other programs take no lock, so they are asked. REQUIRES: the lock is held, so none of ours
// listens at the path.
base::Result<void> check_that_nobody_listens(const std::string& path) {
  const base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return base::fail(base::system_error(path, errno));
  const sockaddr_un address = address_of(path);
  bool connected = false;
  int error = 0;
  do {
    connected =
        ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    error = connected ? 0 : errno;
  } while (error == EINTR);
  // Nothing there, or what a process left that has ended.
  if (error == ENOENT || error == ECONNREFUSED) return {};
  // EAGAIN: its backlog is full. EPROTOTYPE: it has a socket of datagrams or packets.
  if (connected || error == EAGAIN || error == EPROTOTYPE) {
    return base::fail(
        fmt::format("{}: another program listens there{}: stop it, or use another path", path,
                    connected ? listening_process(fd.get()) : ""));
  }
  return base::fail(fmt::format(
      "{}: remove it where none does, or use another path",
      base::system_error(path + ": whether a program listens there cannot be asked", error)
          .message));
}

base::Result<base::UniqueFd> take_lock(const std::string& path) {
  const std::string lock_path = lock_path_of(path);
  for (int attempt = 0; attempt < kLockAttemptsMax; ++attempt) {
    base::Result<base::UniqueFd> fd =
        base::open_file(lock_path, O_RDWR | O_CREAT | O_EXCL, SocketClaim::kOwnerOnly);
    const bool made = fd.has_value();
    if (!made) fd = base::open_file(lock_path, O_RDWR | O_CREAT, SocketClaim::kOwnerOnly);
    if (!fd) return fd;
    if (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) return base::fail(base::system_error(lock_path, errno));
      const std::string owner = read_owner(fd->get());
      return base::fail(
          fmt::format("{}: another process has this socket ({}): stop it, or use another path",
                      path, owner.empty() ? "it is just starting" : "process " + owner));
    }
    // An owner that ends removes the file it had locked; a lock on a removed file is worth nothing.
    if (!still_has_name(fd->get(), lock_path)) continue;
    // Of a program that has the path it may be the file as well, such as PostgreSQL's, which locks
    // it in no way: left as it is.
    if (base::Result<void> free = check_that_nobody_listens(path); !free) {
      if (made) ::unlink(lock_path.c_str());
      return base::fail(free.error());
    }
    if (base::Result<void> written = write_owner(fd->get(), lock_path); !written) {
      ::unlink(lock_path.c_str());  // while it is still locked: see still_has_name()
      return base::fail(written.error());
    }
    return fd;
  }
  return base::fail(lock_path + ": its owner changes all the time: use another path");
}

}  // namespace

base::Result<void> check_socket_path(const std::string& path) {
  if (path.empty()) return base::fail("the path of a socket must not be empty");
  if (path.find('\0') != std::string::npos) return base::fail("the path of a socket holds a NUL");
  if (path.size() > kSocketPathBytesMax) {
    return base::fail(
        fmt::format("{}: the path of a socket has at most {} bytes, this one has {}: "
                    "use a shorter one, or a relative one",
                    path, kSocketPathBytesMax, path.size()));
  }
  return {};
}

base::Result<SocketClaim> SocketClaim::take(const std::string& path, mode_t mode) {
  if (base::Result<void> good = check_socket_path(path); !good) return base::fail(good.error());
  // Looked at before the lock file is made: a mistyped path is not to leave one beside a document.
  struct stat status = {};
  if (::lstat(path.c_str(), &status) != 0) {
    // What cannot be looked at may be a document as well, and is not removed.
    if (errno != ENOENT) return base::fail(base::system_error(path, errno));
  } else if (!S_ISSOCK(status.st_mode)) {
    return base::fail(path + ": is there already and is not a socket: use another path");
  }
  base::Result<base::UniqueFd> lock = take_lock(path);
  if (!lock) return base::fail(lock.error());
  SocketClaim claim(path, std::move(*lock));
  if (base::Result<void> bound = claim.bind_and_listen(mode); !bound)
    return base::fail(bound.error());
  return claim;
}

base::Result<void> SocketClaim::bind_and_listen(mode_t mode) {
  listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener_) return base::fail(base::system_error(path_, errno));
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT)
    return base::fail(base::system_error(path_, errno));
  const sockaddr_un address = address_of(path_);
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return base::fail(base::system_error(path_, errno));
  }
  struct stat bound = {};
  if (::lstat(path_.c_str(), &bound) != 0) return base::fail(base::system_error(path_, errno));
  bound_ = {bound.st_dev, bound.st_ino};
  // Nobody can connect before listen(2), so there is no moment at which others could.
  if (::chmod(path_.c_str(), mode) != 0) return base::fail(base::system_error(path_, errno));
  if (::listen(listener_.get(), SOMAXCONN) != 0)
    return base::fail(base::system_error(path_, errno));
  return {};
}

SocketClaim::~SocketClaim() {
  if (!lock_) return;  // moved from
  struct stat named = {};
  // What has replaced the socket meanwhile is another program's.
  if (bound_ && ::lstat(path_.c_str(), &named) == 0 &&
      bound_ == std::pair(named.st_dev, named.st_ino)) {
    ::unlink(path_.c_str());
  }
  ::unlink(lock_path_of(path_).c_str());  // while it is still locked: see still_has_name()
}

}  // namespace paystats::loop
