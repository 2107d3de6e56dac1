// Time, passed in so that a test can pass its own. Durations are std::chrono; instants are of the
// monotonic clock and mean nothing outside the process. The time of day is for people and for lines
// of a log: it may jump, so no decision rests on it.
#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>

namespace paystats::base {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using TimeOfDay = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

// Rounded towards zero, for messages.
constexpr int64_t whole_seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  // Goes on while the machine is suspended, where that can be told. Not to be compared with now().
  virtual Instant since_boot() const { return now(); }
  virtual TimeOfDay time_of_day() const { return {}; }  // of a clock that only counts: 1970
};

class SystemClock final : public Clock {
 public:
  Instant now() const override { return std::chrono::steady_clock::now(); }
  Instant since_boot() const override {
    timespec time = {};
    if (::clock_gettime(CLOCK_BOOTTIME, &time) != 0) return now();
    return Instant(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  }
  TimeOfDay time_of_day() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

// Stands still until it is told to move.
class ManualClock final : public Clock {
 public:
  Instant now() const override { return now_; }
  TimeOfDay time_of_day() const override { return time_of_day_; }
  void advance(Duration by) { now_ += by; }
  void set_time_of_day(TimeOfDay time) { time_of_day_ = time; }

 private:
  Instant now_{};
  TimeOfDay time_of_day_{};
};

}  // namespace paystats::base
