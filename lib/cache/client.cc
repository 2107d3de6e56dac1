#include "cache/client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "loop/socket_claim.h"

namespace paystats::cache {
namespace {

constexpr size_t kReadBytes = 64 << 10;

base::Error connect_error(const std::string& path, int errno_value) {
  base::Error error = base::system_error(path, errno_value);
  switch (errno_value) {
    case ENOENT:
      error.message += ": start a cache there first: paystats-cache --socket";
      break;
    case ECONNREFUSED:
      error.message += ": no cache listens there any more: start it again";
      break;
    case EACCES:
      error.message += ": the socket of a cache is open to its owner alone";
      break;
    case EAGAIN:
      error.message = path + ": the cache does not take connections: is it stopped?";
      break;
    default:
      break;
  }
  return error;
}

base::Result<void> set_timeout(int fd, int option, base::Duration timeout,
                               const std::string& path) {
  timeval time = {};
  time.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(timeout).count();
  if (::setsockopt(fd, SOL_SOCKET, option, &time, sizeof time) != 0) {
    return base::fail(base::system_error(path, errno));
  }
  return {};
}

}  // namespace

base::Result<CacheClient> CacheClient::connect(const std::string& path) {
  if (base::Result<void> good = loop::check_socket_path(path); !good)
    return base::fail(good.error());
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return base::fail(base::system_error(path, errno));
  if (base::Result<void> set = set_timeout(fd.get(), SO_SNDTIMEO, kTimeout, path); !set) {
    return base::fail(set.error());
  }
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return base::fail(connect_error(path, errno));
  }
  return CacheClient(std::move(fd), path);
}

base::Result<void> CacheClient::ask(const protocol::Query& query) {
  base::Result<void> sent = base::write_all(fd_.get(), protocol::request_line(query), path_);
  if (sent) return sent;
  // A cache that turns us away closes at once, but its reason can still be read.
  if (sent.error().kind == base::ErrorKind::kClosedOutput) return {};
  return base::fail(std::move(sent.error().message));
}

base::Result<std::optional<std::string>> CacheClient::next_answer(const io::Waiter& waiter,
                                                                  base::Instant deadline) {
  for (;;) {
    const size_t newline = received_.find('\n', searched_);
    if (newline != std::string::npos) {
      std::string line = received_.substr(0, newline);
      received_.erase(0, newline + 1);
      searched_ = 0;
      return line;
    }
    searched_ = received_.size();
    if (received_.size() > kAnswerBytesMax) return base::fail(path_ + ": an answer without end");

    const base::Result<io::Wake> wake = waiter.wait_readable(fd_.get(), deadline);
    if (!wake) return base::fail(wake.error());
    if (*wake == io::Wake::kStop) return base::fail("interrupted", base::ErrorKind::kInterrupted);
    if (*wake == io::Wake::kDeadline) return base::fail(path_ + ": the cache does not answer");
    std::array<char, kReadBytes> buffer;
    const base::Result<size_t> bytes =
        base::read_some(fd_.get(), buffer.data(), buffer.size(), path_);
    if (!bytes) return base::fail(bytes.error());
    if (*bytes == 0 && !received_.empty()) return base::fail(path_ + ": the cache has gone");
    if (*bytes == 0) return std::optional<std::string>();
    received_.append(buffer.data(), *bytes);
  }
}

}  // namespace paystats::cache
