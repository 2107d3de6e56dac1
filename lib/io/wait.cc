#include "io/wait.h"

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace paystats::io {
namespace {

// How long one poll may last: longer waits are made of several, so that no sum overflows.
constexpr base::Duration kPollMax = std::chrono::hours(1);

struct Watched {
  int fd = -1;
  int stop_fd = -1;
  int output_fd = -1;
};

base::Result<Wake> wait_for(const Watched& watched, const base::Clock& clock,
                            base::Instant deadline) {
  // poll(2) leaves out negative descriptors, and reports POLLERR and POLLHUP unasked.
  std::array<pollfd, 3> polled{
      {{watched.stop_fd, POLLIN, 0}, {watched.output_fd, 0, 0}, {watched.fd, POLLIN, 0}}};
  for (;;) {
    const base::Instant now = clock.now();
    const base::Duration left =
        deadline > now ? std::min(deadline - now, kPollMax) : base::Duration::zero();
    // The last stretch ends the wait by itself, so a clock that stands still cannot hang it.
    const bool last_stretch = deadline <= now || deadline - now <= kPollMax;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec timeout{static_cast<time_t>(seconds.count()),
                           static_cast<long>((left - seconds).count())};
    const int n = ::ppoll(polled.data(), polled.size(), &timeout, nullptr);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail(base::system_error("poll", errno));
    if (polled[0].revents != 0) return Wake::kStop;
    if ((polled[1].revents & POLLNVAL) != 0) return base::fail(base::system_error("output", EBADF));
    if (polled[1].revents != 0) return base::fail(base::system_error("output", EPIPE));
    if ((polled[2].revents & POLLNVAL) != 0) return base::fail(base::system_error("input", EBADF));
    if (polled[2].revents != 0) return Wake::kReady;  // an end or an error is for read(2) to tell
    if (last_stretch) return Wake::kDeadline;
  }
}

}  // namespace

base::Result<Wake> Waiter::wait_readable(int fd, base::Instant deadline) const {
  return wait_for({fd, stop_.fd(), output_fd_}, clock_, deadline);
}

base::Result<void> Waiter::pause(base::Duration duration) const {
  const base::Result<Wake> wake = wait_readable(-1, clock_.now() + duration);
  if (!wake) return base::fail(wake.error());
  if (*wake != Wake::kStop) return {};
  return base::fail("a signal came during a pause", base::ErrorKind::kInterrupted);
}

base::Result<Wake> Waiter::wait_readable_despite_stop(int fd, base::Instant deadline) const {
  return wait_for({fd, -1, output_fd_}, clock_, deadline);
}

}  // namespace paystats::io
