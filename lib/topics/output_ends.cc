#include "topics/output_ends.h"

#include <cassert>

namespace paystats::topics {

void OutputEnds::restored(int32_t partition, int64_t end) {
  places_[partition] = {.end = end, .judged = end};
}

OutputEnds::Verdict OutputEnds::published(const kafka::DeliveredRange& range) {
  if (!range.offsets_known) return Verdict::kUnknown;
  const auto [at, unknown] = places_.try_emplace(range.partition);
  Place& place = at->second;
  if (unknown) {
    place = {.end = range.last + 1, .marker = marker_, .judged = range.last + 1};
    return Verdict::kAsExpected;
  }
  if (range.first < place.end) return Verdict::kBack;
  // A broker that writes no markers, as that of a test, is no reason for an alarm.
  const bool expected = range.is_dense() && range.first <= place.end + place.marker;
  const bool all_judged = place.judged == place.end;
  place.end = range.last + 1;
  place.marker = marker_;
  if (expected) {
    if (all_judged) place.judged = place.end;
    return Verdict::kAsExpected;
  }
  place.gap_to = range.is_dense() ? range.first : place.end;
  place.ours_follow = range.is_dense();
  return Verdict::kAhead;
}

OutputEnds::Verdict OutputEnds::undone(const kafka::DeliveredRange& range) const {
  const auto at = places_.find(range.partition);
  const bool back = at != places_.end() && range.offsets_known && range.first < at->second.end;
  return back ? Verdict::kBack : Verdict::kAsExpected;
}

// The marker of a transaction that has just been committed may not be there yet.
OutputEnds::Verdict OutputEnds::seen(int32_t partition, int64_t end) {
  const auto at = places_.find(partition);
  if (at == places_.end()) {
    restored(partition, end);
    return Verdict::kAsExpected;
  }
  Place& place = at->second;
  if (end < place.end) return Verdict::kBack;
  if (place.judged == place.end && end <= place.end + place.marker) return Verdict::kAsExpected;
  place.end = end;
  place.marker = 0;
  place.gap_to = end;
  place.ours_follow = false;
  return Verdict::kAhead;
}

OutputEnds::Gap OutputEnds::gap(int32_t partition) const {
  const Place& place = places_.at(partition);
  assert(place.judged < place.gap_to);
  return {.partition = partition,
          .from = place.judged,
          .to = place.gap_to,
          .ours_follow = place.ours_follow};
}

void OutputEnds::judged(int32_t partition) {
  Place& place = places_.at(partition);
  place.judged = place.end;
}

std::optional<int64_t> OutputEnds::end(int32_t partition) const {
  const auto at = places_.find(partition);
  return at == places_.end() ? std::nullopt : std::optional<int64_t>(at->second.end);
}

}  // namespace paystats::topics
