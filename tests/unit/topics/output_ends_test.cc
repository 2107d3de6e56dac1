#include "topics/output_ends.h"

#include <gtest/gtest.h>

namespace paystats::topics {
namespace {

using Verdict = OutputEnds::Verdict;
constexpr int32_t kPartition = 3;

kafka::DeliveredRange range(int64_t first, int64_t last) {
  return {.partition = kPartition,
          .first = first,
          .last = last,
          .records = static_cast<uint64_t>(last - first) + 1};
}

// What was read back ended at 100.
OutputEnds restored(bool marker = true) {
  OutputEnds ends(marker);
  ends.restored(kPartition, 100);
  return ends;
}

TEST(OutputEnds, PublicationsThatFollowEachOtherAreAsExpected) {
  OutputEnds ends = restored();
  EXPECT_EQ(ends.published(range(100, 109)), Verdict::kAsExpected);
  EXPECT_EQ(ends.published(range(111, 111)), Verdict::kAsExpected) << "110 is the marker";
  EXPECT_EQ(ends.published(range(113, 120)), Verdict::kAsExpected);
  EXPECT_EQ(ends.end(kPartition), 121);
}

TEST(OutputEnds, AtLeastOnceThereAreNoMarkers) {
  OutputEnds ends = restored(false);
  EXPECT_EQ(ends.published(range(100, 109)), Verdict::kAsExpected);
  EXPECT_EQ(ends.published(range(110, 110)), Verdict::kAsExpected);
  EXPECT_EQ(ends.published(range(112, 112)), Verdict::kAhead);
  EXPECT_EQ(ends.gap(kPartition),
            (OutputEnds::Gap{.partition = 3, .from = 111, .to = 112, .ours_follow = true}));
}

// The broker of the unit tests.
TEST(OutputEnds, ABrokerThatWritesNoMarkersIsNoAlarm) {
  OutputEnds ends = restored();
  EXPECT_EQ(ends.published(range(100, 109)), Verdict::kAsExpected);
  EXPECT_EQ(ends.published(range(110, 110)), Verdict::kAsExpected);
}

TEST(OutputEnds, WhatLiesBetweenIsAGapOnce) {
  OutputEnds ends = restored();
  EXPECT_EQ(ends.published(range(103, 105)), Verdict::kAhead);
  EXPECT_EQ(ends.gap(kPartition),
            (OutputEnds::Gap{.partition = 3, .from = 100, .to = 103, .ours_follow = true}));
  ends.judged(kPartition);
  EXPECT_EQ(ends.published(range(107, 107)), Verdict::kAsExpected);
  EXPECT_EQ(ends.seen(kPartition, 109), Verdict::kAsExpected);
}

TEST(OutputEnds, WhatLiesWithinAPublicationIsReadWithIt) {
  OutputEnds ends = restored();
  kafka::DeliveredRange split = range(100, 109);
  split.records = 8;
  EXPECT_EQ(ends.published(split), Verdict::kAhead);
  EXPECT_EQ(ends.gap(kPartition),
            (OutputEnds::Gap{.partition = 3, .from = 100, .to = 110, .ours_follow = false}));
}

// An open transaction of somebody hides it: it is read again, but not with each publication.
TEST(OutputEnds, AGapThatIsNotJudgedIsOneAgainInTheNextLook) {
  OutputEnds ends = restored();
  EXPECT_EQ(ends.published(range(103, 105)), Verdict::kAhead);
  EXPECT_EQ(ends.published(range(107, 107)), Verdict::kAsExpected);
  EXPECT_EQ(ends.seen(kPartition, 109), Verdict::kAhead);
  EXPECT_EQ(ends.gap(kPartition),
            (OutputEnds::Gap{.partition = 3, .from = 100, .to = 109, .ours_follow = false}));
  // Or with the next gap.
  EXPECT_EQ(ends.published(range(111, 111)), Verdict::kAhead);
  EXPECT_EQ(ends.gap(kPartition),
            (OutputEnds::Gap{.partition = 3, .from = 100, .to = 111, .ours_follow = true}));
  ends.judged(kPartition);
  EXPECT_EQ(ends.seen(kPartition, 113), Verdict::kAsExpected);
}

TEST(OutputEnds, AnOffsetThatGoesBackIsAnotherTopic) {
  OutputEnds ends = restored();
  EXPECT_EQ(ends.published(range(0, 0)), Verdict::kBack);
  EXPECT_EQ(ends.end(kPartition), 100) << "what was known is for the caller to forget";
  ends.clear();
  EXPECT_EQ(ends.published(range(0, 0)), Verdict::kAsExpected);
  EXPECT_EQ(ends.published(range(2, 3)), Verdict::kAsExpected);
  EXPECT_EQ(ends.published(range(1, 3)), Verdict::kBack);
}

TEST(OutputEnds, OneOffsetThatIsUsedTwiceIsAnotherTopic) {
  OutputEnds ends = restored();
  ASSERT_EQ(ends.published(range(100, 109)), Verdict::kAsExpected);
  EXPECT_EQ(ends.published(range(109, 109)), Verdict::kBack);
}

// Its records have places, and no total counts.
TEST(OutputEnds, WhatWasUndoneTellsOfAnotherTopicToo) {
  OutputEnds ends = restored();
  EXPECT_EQ(ends.undone(range(100, 105)), Verdict::kAsExpected);
  EXPECT_EQ(ends.undone(range(0, 105)), Verdict::kBack);
  EXPECT_EQ(ends.undone(range(99, 99)), Verdict::kBack);
  EXPECT_EQ(ends.published(range(107, 107)), Verdict::kAhead) << "nothing has been noted of it";
  kafka::DeliveredRange unknown = range(0, 5);
  unknown.offsets_known = false;
  EXPECT_EQ(ends.undone(unknown), Verdict::kAsExpected);
  ends.clear();
  EXPECT_EQ(ends.undone(range(0, 0)), Verdict::kAsExpected);
}

TEST(OutputEnds, ALookFindsAnEndThatHasGoneBack) {
  OutputEnds ends = restored();
  EXPECT_EQ(ends.seen(kPartition, 100), Verdict::kAsExpected);
  EXPECT_EQ(ends.seen(kPartition, 99), Verdict::kBack);
  EXPECT_EQ(ends.seen(kPartition, 0), Verdict::kBack);
  EXPECT_EQ(ends.end(kPartition), 100);
}

// The broker answers a commit before it has written the marker.
TEST(OutputEnds, AMarkerThatIsNotThereYetIsNoAlarm) {
  OutputEnds ends = restored();
  ASSERT_EQ(ends.published(range(100, 109)), Verdict::kAsExpected);
  EXPECT_EQ(ends.seen(kPartition, 110), Verdict::kAsExpected);
  EXPECT_EQ(ends.seen(kPartition, 111), Verdict::kAsExpected);
  EXPECT_EQ(ends.published(range(111, 111)), Verdict::kAsExpected);
}

TEST(OutputEnds, ALookFindsWhatOthersHaveWritten) {
  OutputEnds ends = restored();
  EXPECT_EQ(ends.seen(kPartition, 102), Verdict::kAhead);
  EXPECT_EQ(ends.gap(kPartition),
            (OutputEnds::Gap{.partition = 3, .from = 100, .to = 102, .ours_follow = false}));
  ends.judged(kPartition);
  EXPECT_EQ(ends.seen(kPartition, 102), Verdict::kAsExpected);
  EXPECT_EQ(ends.published(range(102, 102)), Verdict::kAsExpected);
}

TEST(OutputEnds, ABrokerThatDoesNotSayWhereIsNoAlarm) {
  OutputEnds ends = restored();
  kafka::DeliveredRange unknown = range(0, 5);
  unknown.offsets_known = false;
  EXPECT_EQ(ends.published(unknown), Verdict::kUnknown);
  EXPECT_EQ(ends.seen(kPartition, 107), Verdict::kAhead) << "our own";
  ends.judged(kPartition);
  EXPECT_EQ(ends.published(range(107, 107)), Verdict::kAsExpected);
}

TEST(OutputEnds, WhereNothingIsKnownNothingIsWrong) {
  OutputEnds ends(true);
  EXPECT_EQ(ends.end(kPartition), std::nullopt);
  EXPECT_EQ(ends.seen(kPartition, 7), Verdict::kAsExpected);
  EXPECT_EQ(ends.published(range(7, 9)), Verdict::kAsExpected);
  EXPECT_EQ(ends.published({.partition = 4, .first = 50, .last = 50, .records = 1}),
            Verdict::kAsExpected);
}

}  // namespace
}  // namespace paystats::topics
