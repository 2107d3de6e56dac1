// Waiting for several things at once: input, a deadline, a stop signal, and an output whose reader
// goes away while we are idle (poll(2) says POLLERR).
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/stop.h"

namespace paystats::io {

enum class Wake { kReady, kDeadline, kStop };

inline constexpr base::Instant kForever = base::Instant::max();

class Waiter {
 public:
  // `output_fd` is watched for a reader that has gone; -1 for none. All are borrowed.
  Waiter(const base::Stop& stop, const base::Clock& clock, int output_fd = -1)
      : stop_(stop), clock_(clock), output_fd_(output_fd) {}

  // Waits until `fd` can be read (or has ended), or the deadline, or a stop signal. `fd` may be -1:
  // then only for the other two. Fails with kClosedOutput when the output's reader has gone.
  base::Result<Wake> wait_readable(int fd, base::Instant deadline) const;

  // The same without regard to stop signals: for an input that is read on after the signal.
  base::Result<Wake> wait_readable_despite_stop(int fd, base::Instant deadline) const;

  // Nothing but the time. Errors: kInterrupted after a stop signal.
  base::Result<void> pause(base::Duration duration) const;

  const base::Stop& stop() const { return stop_; }
  const base::Clock& clock() const { return clock_; }

 private:
  const base::Stop& stop_;
  const base::Clock& clock_;
  const int output_fd_;
};

}  // namespace paystats::io
