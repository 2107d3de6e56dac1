#include "requests/start.h"

#include <gtest/gtest.h>

namespace paystats::requests {
namespace {

const TopicNames kNames = {.payments = "p", .requests = "r", .answers = "a"};

RequestStart start_of(const PartitionFacts& facts) {
  const base::Result<RequestStart> start = choose_start(facts, kNames);
  EXPECT_TRUE(start) << (start ? "" : start.error().message);
  return start ? *start : RequestStart{.offset = -1};
}

TEST(RequestStart, OfNewTopicsIsTheBeginning) {
  EXPECT_EQ(start_of({.low = 0, .high = 5}).offset, 0);
  EXPECT_EQ(start_of({.low = 2, .high = 5}).offset, 2);
}

TEST(RequestStart, IsBehindTheLastRequestThatHasAnAnswer) {
  EXPECT_EQ(start_of({.low = 0, .high = 5, .committed = 3, .answered = 2}).offset, 3);
  EXPECT_EQ(start_of({.low = 0, .high = 5, .answered = 4}).offset, 5);
}

// Offsets that were set by hand, or that have expired, pay nothing twice and skip nothing.
TEST(RequestStart, AnOffsetThatWasMovedChangesNothing) {
  EXPECT_EQ(start_of({.low = 0, .high = 5, .committed = 0, .answered = 2}).offset, 3);
  EXPECT_EQ(start_of({.low = 0, .high = 5, .committed = 5, .answered = 2}).offset, 3);
  EXPECT_TRUE(start_of({.low = 0, .high = 5, .committed = 5, .answered = 2}).warning.empty());
}

TEST(RequestStart, WithoutAnswersTheGroupsOffsetCountsAndIsTold) {
  const RequestStart start = start_of({.low = 0, .high = 5, .committed = 3});
  EXPECT_EQ(start.offset, 3);
  EXPECT_NE(start.warning.find("would be paid again"), std::string::npos);
  EXPECT_TRUE(start_of({.low = 3, .high = 5, .committed = 3}).warning.empty());
}

TEST(RequestStart, RequestsThatAreGoneUnreadAreTold) {
  const RequestStart start = start_of({.low = 7, .high = 9, .committed = 3, .answered = 2});
  EXPECT_EQ(start.offset, 7);
  EXPECT_NE(start.warning.find("from offset 3 up to 6"), std::string::npos) << start.warning;
}

TEST(RequestStart, TopicsThatDoNotBelongTogetherAreNotGoneOnWith) {
  for (const PartitionFacts& facts :
       {PartitionFacts{.low = 0, .high = 5, .answered = 5},
        PartitionFacts{.low = 0, .high = 5, .committed = 3, .answered = 7},
        PartitionFacts{.low = 0, .high = 5, .committed = 6}}) {
    const base::Result<RequestStart> start = choose_start(facts, kNames);
    ASSERT_FALSE(start);
    EXPECT_EQ(start.error().kind, base::ErrorKind::kMustNotGoOn);
  }
}

}  // namespace
}  // namespace paystats::requests
