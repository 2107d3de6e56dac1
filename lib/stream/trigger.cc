#include "stream/trigger.h"

#include <algorithm>

namespace paystats {
namespace {

// Longer than any process lives, and far from the end of Instant.
constexpr Duration kIntervalMost = std::chrono::hours(24 * 365 * 100);

}  // namespace

Trigger::Trigger(TriggerOptions options, const Clock& clock)
    : at_pauses_(options.interval <= Duration::zero()),
      interval_(at_pauses_ ? kIntervalLongest : std::min(options.interval, kIntervalMost)),
      records_max_(std::max<uint64_t>(options.records_max.value_or(UINT64_MAX), 1)),
      clock_(clock) {}

bool Trigger::due(bool paused) const {
  if (pending_ == 0) return false;
  if ((paused && at_pauses_) || records_reached()) return true;
  return clock_.now() >= deadline(paused);
}

Instant Trigger::deadline(bool paused) const {
  if (pending_ == 0) return Instant::max();
  if (times_fired_ == 0) return Instant::min();
  return last_ + (paused ? interval_ : std::max(interval_, rest_));
}

uint64_t Trigger::records_left() const {
  return pending_ < records_max_ ? records_max_ - pending_ : 1;
}

void Trigger::fired(Duration took) {
  taken();
  settled(took);
}

void Trigger::settled(Duration took) {
  rest_ = std::min(took * kRestFactor, kRestLongest);
  ++times_fired_;
  last_ = clock_.now();
}

}  // namespace paystats
