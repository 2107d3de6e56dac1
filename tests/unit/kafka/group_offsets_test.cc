#include "kafka/group_offsets.h"

#include <gtest/gtest.h>

#include <vector>

namespace paystats::kafka {
namespace {

OffsetSignature signed_with(uint64_t users) {
  return {.table = {.users = users, .count = users, .sum = {}}, .output = "payment-stats"};
}

PartitionOffsets found_at(int64_t committed, std::string transactional_id) {
  return {.partition = 3,
          .low = 0,
          .high = 100,
          .committed = committed,
          .signature = signed_with(7),
          .transactional_id = std::move(transactional_id)};
}

std::vector<SignedOffset> claims(const PartitionOffsets& found, const SignedOffset& start) {
  return offsets_to_claim({&found, 1}, {&start, 1}, "g.two");
}

TEST(OffsetsToClaim, AnothersIsCommittedAsItIs) {
  for (const int64_t start : {0, 50}) {
    const std::vector<SignedOffset> claimed = claims(
        found_at(50, "g.one"), {.partition = 3, .offset = start, .signature = signed_with(9)});
    ASSERT_EQ(claimed.size(), 1U);
    EXPECT_EQ(claimed[0].partition, 3);
    EXPECT_EQ(claimed[0].offset, 50);
    EXPECT_EQ(claimed[0].signature, signed_with(7));
  }
}

TEST(OffsetsToClaim, OnesOwnIsLeft) {
  EXPECT_TRUE(claims(found_at(50, "g.two"), {.partition = 3, .offset = 50}).empty());
}

TEST(OffsetsToClaim, OneThatWasSetByHandStaysUnsigned) {
  PartitionOffsets found = found_at(50, "");
  found.signature.reset();
  const std::vector<SignedOffset> claimed =
      claims(found, {.partition = 3, .offset = 0, .signature = signed_with(9)});
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].offset, 50);
  EXPECT_FALSE(claimed[0].signature);
}

// The member before has committed since it was asked for.
TEST(OffsetsToClaim, NeverGoesBackBehindTheStart) {
  const std::vector<SignedOffset> claimed =
      claims(found_at(50, "g.one"), {.partition = 3, .offset = 60, .signature = signed_with(9)});
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].offset, 60);
  EXPECT_EQ(claimed[0].signature, signed_with(9));
}

TEST(OffsetsToClaim, WhereNothingIsCommittedItIsTheStartUnlessThereAreTotals) {
  PartitionOffsets found = found_at(0, "");
  found.committed.reset();
  found.signature.reset();
  const std::vector<SignedOffset> claimed =
      claims(found, {.partition = 3, .offset = 20, .signature = signed_with(0)});
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].offset, 20);
  EXPECT_EQ(claimed[0].signature, signed_with(0));
  EXPECT_EQ(claims(found, {.partition = 3, .offset = 20}).size(), 1U) << "of a server";
  EXPECT_TRUE(claims(found, {.partition = 3, .offset = 20, .signature = signed_with(9)}).empty());
}

}  // namespace
}  // namespace paystats::kafka
