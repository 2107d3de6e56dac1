#include "gen/pace.h"

#include <algorithm>
#include <cassert>

#include "money/decimal.h"

namespace paystats::gen {
namespace {

constexpr uint64_t kNanosPerSecond = 1'000'000'000;

uint64_t nanos_between(base::Instant from, base::Instant to) {
  return to <= from ? 0 : static_cast<uint64_t>((to - from).count());
}

base::Instant later(base::Instant from, base::Duration by) {
  return by >= io::kForever - from ? io::kForever : from + by;
}

}  // namespace

Pace::Pace(std::optional<uint64_t> rate, std::optional<base::Duration> duration,
           base::Instant start)
    : rate_(rate),
      start_(start),
      end_(duration ? later(start, *duration) : io::kForever),
      wake_(start) {
  assert(!rate || (*rate >= 1 && *rate <= kRateMax));
  assert(!duration || duration->count() > 0);
}

// Payments whose instant has come, those behind the end aside.
uint64_t Pace::due(base::Instant now) const {
  const bool ended = now >= end_;
  const money::Uint128 elapsed = nanos_between(start_, ended ? end_ : now);
  const money::Uint128 product = elapsed * *rate_;
  // At the end itself none is due any more: round up; before it the one due at `now` goes: add it.
  const money::Uint128 all =
      ended ? (product + kNanosPerSecond - 1) / kNanosPerSecond : product / kNanosPerSecond + 1;
  return static_cast<uint64_t>(all);
}

uint64_t Pace::take(uint64_t wanted, base::Instant now) {
  if (!rate_) return now < end_ ? wanted : 0;
  uint64_t open = due(now) - dropped_ - gone_;
  if (open > *rate_) {
    dropped_ += open - *rate_;
    open = *rate_;
  }
  const uint64_t taken = std::min(open, wanted);
  gone_ += taken;
  if (open == taken) {
    // The next one's own instant, rounded up, but not before the slice is over.
    const money::Uint128 number = money::Uint128{gone_} + dropped_;
    const auto after = static_cast<int64_t>((number * kNanosPerSecond + *rate_ - 1) / *rate_);
    wake_ = std::min(end_, std::max(start_ + base::Duration(after), later(now, kSlice)));
  }
  return taken;
}

bool Pace::over(base::Instant now) const {
  if (now < end_) return false;
  return !rate_ || due(now) <= gone_ + dropped_;
}

}  // namespace paystats::gen
