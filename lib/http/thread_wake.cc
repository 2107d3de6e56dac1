#include "http/thread_wake.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace paystats::http {

base::Result<void> ThreadWake::open() {
  fd_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!fd_) return base::fail(base::system_error("eventfd", errno));
  return {};
}

void ThreadWake::wake() const {
  const uint64_t one = 1;
  while (::write(fd_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void ThreadWake::clear() const {
  uint64_t ignored = 0;
  pollfd polled = {fd_.get(), POLLIN, 0};
  if (::poll(&polled, 1, 0) <= 0) return;
  while (::read(fd_.get(), &ignored, sizeof ignored) < 0 && errno == EINTR) {
  }
}

base::Result<void> ThreadWake::wait(int reader_fd,
                                    std::optional<std::chrono::milliseconds> timeout) const {
  std::array<pollfd, 2> polled{{{reader_fd, 0, 0}, {fd_.get(), POLLIN, 0}}};
  const int wait_ms = timeout ? static_cast<int>(timeout->count()) : -1;
  if (::poll(polled.data(), polled.size(), wait_ms) < 0) {
    return errno == EINTR ? base::Result<void>() : base::fail(base::system_error("poll", errno));
  }
  if ((polled[0].revents & POLLNVAL) != 0) return base::fail(base::system_error("output", EBADF));
  if (polled[0].revents != 0) return base::fail(base::system_error("output", EPIPE));
  clear();
  return {};
}

}  // namespace paystats::http
