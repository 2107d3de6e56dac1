#include "kafka/delivered_ranges.h"

#include <algorithm>

namespace paystats::kafka {

void DeliveredRanges::add(int32_t partition, int64_t offset) {
  DeliveredRange& range = range_of(partition);
  ++range.records;
  if (offset < 0) {
    range.offsets_known = false;
    return;
  }
  range.first = std::min(range.first, offset);
  range.last = std::max(range.last, offset);
}

DeliveredRange& DeliveredRanges::range_of(int32_t partition) {
  if (newest_ < ranges_.size() && ranges_[newest_].partition == partition) return ranges_[newest_];
  const auto found = std::ranges::find(ranges_, partition, &DeliveredRange::partition);
  newest_ = static_cast<size_t>(found - ranges_.begin());
  if (found == ranges_.end()) ranges_.push_back({.partition = partition});
  return ranges_[newest_];
}

void DeliveredRanges::clear() {
  ranges_.clear();
  newest_ = 0;
}

}  // namespace paystats::kafka
