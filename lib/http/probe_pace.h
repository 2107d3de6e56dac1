// When an output whose last write failed is to be probed (see io/payment_sink.h). Private to this
// room.
//
//   ProbePace pace;
//   pace.failed(now);                                    // a write
//   if (pace.due(now)) pace.probed(*sink->probe(), now);  // after a second
//   pace.written();                                      // no probes any more
//
// A probe may be wrong: a thin-provisioned disk, or a quota of a file system that does not tell it.
// Then it says that all is well, the next write fails, and so on. So each write that fails after
// such a probe doubles the pause, up to a minute, until one goes well.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace paystats::http {

class ProbePace {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kLeast = std::chrono::seconds(1);
  static constexpr std::chrono::milliseconds kMost = std::chrono::minutes(1);

  void written() { *this = ProbePace(); }
  void failed(Clock::time_point now) {
    if (probed_well_) pause_ = std::min(2 * pause_, kMost);
    probed_well_ = false;
    next_ = now + pause_;
  }
  void probed(bool well, Clock::time_point now) {
    probed_well_ = well;
    next_ = well ? std::nullopt : std::optional(now + pause_);
  }

  bool due(Clock::time_point now) const { return next_ && now >= *next_; }
  // Until a probe is due, rounded up; nothing: none is wanted.
  std::optional<std::chrono::milliseconds> wait(Clock::time_point now) const {
    if (!next_) return std::nullopt;
    return std::chrono::ceil<std::chrono::milliseconds>(std::max(*next_, now) - now);
  }

 private:
  std::optional<Clock::time_point> next_;
  std::chrono::milliseconds pause_ = kLeast;
  bool probed_well_ = false;
};

}  // namespace paystats::http
