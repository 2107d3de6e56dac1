#include "topics/start.h"

#include <gtest/gtest.h>

namespace paystats::topics {
namespace {

const TopicNames kNames{.payments = "payments", .stats = "payment-stats"};

// What is found in a partition of payments with offsets from 100 to 199.
PartitionFacts facts() {
  return {.partition = 2, .low = 100, .high = 200};
}

int64_t start_of(const PartitionFacts& facts, OnDataLoss on_data_loss = OnDataLoss::kStop) {
  const base::Result<TopicStart> start = choose_start(facts, kNames, on_data_loss);
  EXPECT_TRUE(start) << start.error().message;
  return start ? start->offset : -1;
}

std::string refusal(const PartitionFacts& facts) {
  const base::Result<TopicStart> start = choose_start(facts, kNames, OnDataLoss::kStop);
  EXPECT_FALSE(start) << "begins at " << start->offset;
  return start ? "" : start.error().message;
}

bool says(const std::string& message, const char* words) {
  return message.find(words) != std::string::npos;
}

TEST(TopicStart, AGroupGoesOnAtItsOffset) {
  PartitionFacts found = facts();
  found.has_totals = true;
  found.newest_total = 149;
  found.committed = 150;
  EXPECT_EQ(start_of(found), 150);
}

TEST(TopicStart, AGroupThatHasReadEverythingGoesOnAtTheEnd) {
  PartitionFacts found = facts();
  found.has_totals = true;
  found.newest_total = 199;
  found.committed = 200;
  EXPECT_EQ(start_of(found), 200);
}

TEST(TopicStart, ANewGroupBeginsWithTheFirstPaymentThereIs) {
  PartitionFacts found = facts();
  found.low = 0;
  EXPECT_EQ(start_of(found), 0);
  EXPECT_TRUE(choose_start(found, kNames, OnDataLoss::kStop)->warning.empty());
}

TEST(TopicStart, ANewGroupIsToldThatTheBeginningIsGone) {
  EXPECT_EQ(start_of(facts()), 100);
  const base::Result<TopicStart> start = choose_start(facts(), kNames, OnDataLoss::kStop);
  EXPECT_TRUE(says(start->warning, "partition 2 begins at offset 100"));
}

TEST(TopicStart, OffsetsWithoutTotalsAreNotTrusted) {
  PartitionFacts found = facts();
  found.low = 0;
  found.committed = 150;
  EXPECT_EQ(start_of(found), 0) << "the totals of 0 to 149 are nowhere";
}

TEST(TopicStart, TotalsThatCannotBeMadeAgainAreAnErrorThatNamesBothOffsets) {
  PartitionFacts found = facts();
  found.committed = 150;
  const std::string message = refusal(found);
  EXPECT_TRUE(says(message, "at offset 0, but the first that is still there is at offset 100"));
  EXPECT_TRUE(says(message, "--on-data-loss continue"));
  EXPECT_EQ(start_of(found, OnDataLoss::kContinue), 100);
}

TEST(TopicStart, UnreadPaymentsThatWereRemovedAreAnErrorThatNamesBothOffsets) {
  PartitionFacts found = facts();
  found.has_totals = true;
  found.newest_total = 79;
  found.committed = 80;
  EXPECT_TRUE(
      says(refusal(found), "at offset 80, but the first that is still there is at offset 100"));
  EXPECT_EQ(start_of(found, OnDataLoss::kContinue), 100);
  EXPECT_FALSE(choose_start(found, kNames, OnDataLoss::kContinue)->warning.empty());
}

TEST(TopicStart, TotalsWithoutOffsetsBeginAtTheFrontSinceWhatIsIncludedIsKnown) {
  PartitionFacts found = facts();
  found.has_totals = true;
  found.newest_total = 99;
  EXPECT_EQ(start_of(found), 100);
  found.newest_total = 150;
  EXPECT_EQ(start_of(found), 100);
  found.newest_total = 98;
  EXPECT_TRUE(says(refusal(found), "at offset 99"));
}

TEST(TopicStart, TotalsOfPaymentsThatDoNotExistMeanATopicMadeAnew) {
  PartitionFacts found = facts();
  found.has_totals = true;
  found.committed = 150;
  found.newest_total = 200;
  EXPECT_TRUE(says(refusal(found), "has the topic been made anew?"));
}

TEST(TopicStart, AnOffsetBehindTheEndMeansATopicMadeAnew) {
  PartitionFacts found = facts();
  found.committed = 201;
  EXPECT_TRUE(says(refusal(found), "has it been made anew?"));
}

}  // namespace
}  // namespace paystats::topics
