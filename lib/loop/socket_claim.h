// The right to a path in the file system as a listening Unix socket: at most one process has it.
//
//   Result<SocketClaim> claim = SocketClaim::take("stats.sock");
//   accept(claim->listener(), nullptr, nullptr);
//
// The right is a lock: flock(2) on PATH.lock, a file which holds the owner's process id. The lock
// ends with the process, however it ends, so a socket that a killed process left behind is known
// to be stale and is replaced; and it makes unlink(2) safe, since nobody else may have bound the
// path meanwhile. Other programs take no such lock, so the path is connected to first: a socket
// that answers, or cannot be asked, is left to its owner. The socket has its mode before
// anybody can connect. A clean end removes both, but not what has replaced the socket.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/result.h"

namespace paystats::loop {

// Of a socket's path, that is of sockaddr_un without its NUL.
inline constexpr size_t kSocketPathBytesMax = 107;

class SocketClaim {
 public:
  // To connect takes the right to write.
  static constexpr mode_t kOwnerOnly = 0600;
  static constexpr mode_t kOwnerAndGroup = 0660;

  // Fails where another process holds the path or listens there (the error names its process id
  // where it can), where something that is no socket stands there, and where the path is too long.
  static base::Result<SocketClaim> take(const std::string& path, mode_t mode = kOwnerOnly);

  SocketClaim(SocketClaim&&) = default;
  SocketClaim& operator=(SocketClaim&&) = delete;
  ~SocketClaim();  // removes the socket and the lock

  // Listens; neither blocks nor survives exec. Owned by the claim until it is taken.
  int listener() const { return listener_.get(); }
  base::UniqueFd take_listener() { return std::move(listener_); }
  const std::string& path() const { return path_; }

 private:
  SocketClaim(std::string path, base::UniqueFd lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  base::Result<void> bind_and_listen(mode_t mode);

  std::string path_;
  base::UniqueFd lock_;  // held: the lock is ours
  base::UniqueFd listener_;
  std::optional<std::pair<dev_t, ino_t>> bound_;  // the socket that is ours to remove
};

// How messages call a path that is too long or empty, for the client as well.
base::Result<void> check_socket_path(const std::string& path);

}  // namespace paystats::loop
