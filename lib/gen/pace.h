// When payments may go: --rate payments a second, evenly, for --duration at most.
//
//   Pace pace(rate, duration, clock.now());
//   if (pace.over(now)) return;
//   uint64_t n = pace.take(wanted, now);   // 0: nothing before pace.wake()
//
// Payment k, counted from 0, is due at k / rate after the start, so T seconds hold exactly rate x T
// of them. Fast rates go in slices of a few milliseconds. After a hold-up (an output that was full)
// at most a second's worth is made up for; the rest is dropped, so that no burst follows. Pure:
// integers and the instants that it is given.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "io/wait.h"

namespace paystats::gen {

inline constexpr uint64_t kRateMax = 1'000'000'000;

class Pace {
 public:
  static constexpr base::Duration kSlice = std::chrono::milliseconds(4);

  // REQUIRES: 1 <= rate <= kRateMax, duration > 0, where given.
  Pace(std::optional<uint64_t> rate, std::optional<base::Duration> duration, base::Instant start);

  // How many of `wanted` payments may go now. Those count as gone.
  uint64_t take(uint64_t wanted, base::Instant now);

  // After take() gave 0: when to ask again.
  base::Instant wake() const { return wake_; }

  // The duration has passed, and all that was due within it has gone.
  bool over(base::Instant now) const;

  // The end of the duration, or kForever.
  base::Instant end() const { return end_; }

  bool has_rate() const { return rate_.has_value(); }

 private:
  uint64_t due(base::Instant now) const;

  const std::optional<uint64_t> rate_;
  const base::Instant start_;
  const base::Instant end_;
  base::Instant wake_;
  uint64_t gone_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace paystats::gen
