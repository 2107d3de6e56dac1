#include "kafka/delivered_ranges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace paystats::kafka {
namespace {

std::vector<DeliveredRange> sorted(const DeliveredRanges& delivered) {
  std::vector<DeliveredRange> ranges(delivered.ranges().begin(), delivered.ranges().end());
  std::ranges::sort(ranges, {}, &DeliveredRange::partition);
  return ranges;
}

TEST(DeliveredRanges, KnowTheFirstAndTheLastOffsetOfEachPartition) {
  DeliveredRanges delivered;
  for (int64_t i = 0; i < 10; ++i) delivered.add(7, 100 + i);
  for (int64_t i = 0; i < 3; ++i) delivered.add(2, 5 + i);
  for (int64_t i = 10; i < 12; ++i) delivered.add(7, 100 + i);
  EXPECT_EQ(sorted(delivered), (std::vector<DeliveredRange>{
                                   {.partition = 2, .first = 5, .last = 7, .records = 3},
                                   {.partition = 7, .first = 100, .last = 111, .records = 12}}));
  EXPECT_TRUE(sorted(delivered)[0].is_dense());
  EXPECT_TRUE(sorted(delivered)[1].is_dense());
}

TEST(DeliveredRanges, WhatLiesBetweenLeavesAHole) {
  DeliveredRanges delivered;
  delivered.add(0, 4);
  delivered.add(0, 6);
  EXPECT_FALSE(delivered.ranges()[0].is_dense());
}

// A topic that is made anew in the middle of a publication.
TEST(DeliveredRanges, AnOffsetThatGoesBackIsTheFirst) {
  DeliveredRanges delivered;
  delivered.add(0, 41);
  delivered.add(0, 0);
  EXPECT_EQ(delivered.ranges()[0].first, 0);
}

// librdkafka counts on from the -1 of a batch that a broker had already.
TEST(DeliveredRanges, OfABatchWithoutOffsetsNoneIsBelieved) {
  DeliveredRanges delivered;
  for (const int64_t offset : {-1, 0, 1}) delivered.add(3, offset);
  EXPECT_FALSE(delivered.ranges()[0].offsets_known);
  delivered.clear();
  EXPECT_TRUE(delivered.ranges().empty());
  delivered.add(3, 9);
  EXPECT_EQ(sorted(delivered),
            (std::vector<DeliveredRange>{{.partition = 3, .first = 9, .last = 9, .records = 1}}));
}

}  // namespace
}  // namespace paystats::kafka
