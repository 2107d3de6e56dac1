// Time, passed in so that a test can pass its own. Durations are std::chrono; instants are of the
// monotonic clock and mean nothing outside the process.
#pragma once

#include <chrono>

namespace paystats::base {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Instant now() const override { return std::chrono::steady_clock::now(); }
};

// Stands still until it is told to move.
class ManualClock final : public Clock {
 public:
  Instant now() const override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  Instant now_{};
};

}  // namespace paystats::base
