// Where in their topic the messages of a publication have come to lie, as its delivery reports say:
// for each partition the first and the last offset, and how many they are. Pure.
//
//   DeliveredRanges delivered;
//   delivered.add(sent.at.partition, sent.at.offset);      // of each delivery report
//   for (const DeliveredRange& range : delivered.ranges()) ...
//
// A few comparisons a message: reports come in runs of one partition. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace paystats::kafka {

struct DeliveredRange {
  int32_t partition = 0;
  int64_t first = INT64_MAX;
  int64_t last = -1;
  uint64_t records = 0;
  // A broker that is sent something again that it has taken already may not say where that is.
  // librdkafka then counts from -1 on, so that of such a batch no offset means anything.
  bool offsets_known = true;

  // Nothing else lies between them.
  bool is_dense() const { return static_cast<uint64_t>(last - first) + 1 == records; }

  friend bool operator==(const DeliveredRange&, const DeliveredRange&) = default;
};

class DeliveredRanges {
 public:
  void add(int32_t partition, int64_t offset);
  void clear();

  // Of each partition that has a message, in no order.
  std::span<const DeliveredRange> ranges() const { return ranges_; }

 private:
  DeliveredRange& range_of(int32_t partition);

  std::vector<DeliveredRange> ranges_;
  size_t newest_ = 0;  // the place of the last one that was added to
};

}  // namespace paystats::kafka
