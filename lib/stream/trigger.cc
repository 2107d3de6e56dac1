#include "stream/trigger.h"

#include <algorithm>

namespace paystats::stream {
namespace {

// Longer than any process lives, and far from the end of Instant.
constexpr base::Duration kIntervalMax = std::chrono::hours(24 * 365 * 100);

}  // namespace

Trigger::Trigger(TriggerOptions options, const base::Clock& clock)
    : at_pauses_(options.interval <= base::Duration::zero()),
      interval_(at_pauses_ ? kIntervalAtPausesMax : std::min(options.interval, kIntervalMax)),
      records_max_(std::max<uint64_t>(options.records_max.value_or(UINT64_MAX), 1)),
      clock_(clock) {}

bool Trigger::due(bool paused) const {
  if (pending_ == 0) return false;
  if ((paused && at_pauses_) || records_reached()) return true;
  return clock_.now() >= deadline(paused);
}

base::Instant Trigger::deadline(bool paused) const {
  if (pending_ == 0) return base::Instant::max();
  if (times_fired_ == 0) return base::Instant::min();
  return last_ + (paused ? interval_ : std::max(interval_, rest_));
}

uint64_t Trigger::records_left() const {
  return pending_ < records_max_ ? records_max_ - pending_ : 1;
}

void Trigger::fired(base::Duration took) {
  taken();
  settled(took);
}

void Trigger::settled(base::Duration took) {
  rest_ = std::min(took * kRestFactor, kRestMax);
  ++times_fired_;
  last_ = clock_.now();
}

}  // namespace paystats::stream
