#include "view/partials.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace paystats::view {
namespace {

constexpr int32_t kPartitions = 3 * static_cast<int32_t>(Partials::kWalkedMax);

TEST(Partials, AListIsEmptyAtFirst) {
  Partials partials(1);
  EXPECT_EQ(partials.find(Partials::kNone, 0, 7), nullptr);
}

TEST(Partials, EachIsFoundByItsOwnerAndPartition) {
  Partials partials(1);
  std::array<uint32_t, 2> heads{Partials::kNone, Partials::kNone};
  for (int32_t partition = 0; partition < kPartitions; ++partition) {
    for (uint32_t owner = 0; owner < heads.size(); ++owner) {
      partials.add(heads[owner], owner, partition).count = owner * 1000 + partition;
    }
  }
  for (uint32_t owner = 0; owner < heads.size(); ++owner) {
    for (int32_t partition = 0; partition < kPartitions; ++partition) {
      const Partial* const found = partials.find(heads[owner], owner, partition);
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(found->count, owner * 1000 + static_cast<uint32_t>(partition));
    }
    EXPECT_EQ(partials.find(heads[owner], owner, kPartitions), nullptr);
  }
}

// Lists of a few owners grow and shrink over the length up to which they are walked along.
TEST(Partials, RandomOnesEqualAMapOfThem) {
  constexpr uint32_t kOwners = 5;
  std::mt19937_64 random(11);
  Partials partials(2);
  std::vector<uint32_t> heads(kOwners, Partials::kNone);
  std::vector<std::map<int32_t, uint64_t>> oracle(kOwners);
  for (uint64_t step = 0; step < 100'000; ++step) {
    const auto owner = static_cast<uint32_t>(random() % kOwners);
    const auto partition = static_cast<int32_t>(random() % kPartitions);
    // Growth and decline take turns.
    const bool grows = step / 500 % 2 == 0;
    const Partial* const held = partials.find(heads[owner], owner, partition);
    ASSERT_EQ(held != nullptr, oracle[owner].contains(partition)) << "step " << step;
    if (held != nullptr) {
      ASSERT_EQ(held->count, oracle[owner][partition]);
    }
    if (random() % 400 == 0) {
      partials.clear(heads[owner], owner);
      oracle[owner].clear();
      ASSERT_EQ(heads[owner], Partials::kNone);
    } else if (held == nullptr && (grows || random() % 4 == 0)) {
      partials.add(heads[owner], owner, partition).count = step;
      oracle[owner][partition] = step;
    } else if (held != nullptr && (!grows || random() % 4 == 0)) {
      partials.remove(heads[owner], owner, partition);
      oracle[owner].erase(partition);
    }
    ASSERT_EQ(heads[owner] == Partials::kNone, oracle[owner].empty());
  }
}

}  // namespace
}  // namespace paystats::view
