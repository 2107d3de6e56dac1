#include "totals/merge.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"

namespace paystats::totals {
namespace {

constexpr money::Int128 kSumMax = static_cast<money::Int128>(~money::Uint128{0} >> 1U);

MergedTotals::Row row(std::string_view user, money::Int128 nanos, uint64_t count) {
  MergedTotals::Row r;
  r.record = {.user = user, .sum = money::Decimal::from_nanos(nanos), .count = count, .at = {}};
  return r;
}

MergedTotals::Row partial(std::string_view user, money::Int128 nanos, uint64_t count,
                          int32_t partition, int64_t offset) {
  MergedTotals::Row r = row(user, nanos, count);
  r.record.at = record::SourceOffset{.partition = partition, .offset = offset};
  return r;
}

// A Diagnostics whose messages can be read.
class Heard {
 public:
  Heard() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    read_end_ = base::UniqueFd(ends[0]);
    write_end_ = base::UniqueFd(ends[1]);
    diagnostics_ = std::make_unique<base::Diagnostics>("payagg", base::Verbosity::kNormal, ends[1]);
  }
  base::Diagnostics& diagnostics() { return *diagnostics_; }
  std::string text() {
    diagnostics_.reset();
    write_end_.reset();
    std::string all(65'536, '\0');
    all.resize(*base::read_some(read_end_.get(), all.data(), all.size(), "pipe"));
    return all;
  }

 private:
  base::UniqueFd read_end_;
  base::UniqueFd write_end_;
  std::unique_ptr<base::Diagnostics> diagnostics_;
};

class Merge : public testing::Test {
 protected:
  void add(const std::vector<MergedTotals::Row>& rows) {
    rejected_.clear();
    const base::Result<void> added = merged_.add(rows, rejected_);
    ASSERT_TRUE(added) << added.error().message;
  }
  void expect(uint32_t index, money::Int128 nanos, uint64_t count) {
    EXPECT_TRUE(merged_.totals().sum(index).nanos() == nanos)
        << "it is " << money::to_string(merged_.totals().sum(index));
    EXPECT_EQ(merged_.totals().count(index), count);
  }

  Heard heard_;
  MergedTotals merged_{3, {.track_changes = true}, heard_.diagnostics()};
  std::vector<Totals::RejectedRow> rejected_;
};

TEST_F(Merge, TheLastRecordOfAUserInAnInputCounts) {
  merged_.begin_input();
  add({row("edgar", 10, 1), row("anna", 5, 1), row("edgar", 30, 3)});
  expect(0, 30, 3);
  expect(1, 5, 1);
}

TEST_F(Merge, InputsAddUp) {
  merged_.begin_input();
  add({row("edgar", 10, 1), row("edgar", 30, 3)});
  merged_.begin_input();
  add({row("edgar", 1, 1), row("edgar", -7, 2)});
  expect(0, 23, 5);
}

TEST_F(Merge, PartitionsAddUpAndTheHighestOffsetCountsOverAllInputs) {
  merged_.begin_input();
  add({partial("edgar", 10, 1, 0, 5), partial("edgar", 100, 2, 1, 7)});
  merged_.begin_input();
  add({partial("edgar", 90, 1, 1, 6), partial("edgar", 20, 2, 0, 9)});
  expect(0, 120, 4);
}

TEST_F(Merge, ARepeatChangesNothing) {
  add({partial("edgar", 10, 1, 0, 5)});
  merged_.totals().clear_changed();
  add({partial("edgar", 10, 1, 0, 5)});
  expect(0, 10, 1);
  EXPECT_TRUE(merged_.totals().changed().empty());
}

TEST_F(Merge, AUserWithNothingIsThereAllTheSame) {
  add({row("edgar", 0, 0)});
  EXPECT_EQ(merged_.totals().users(), 1U);
  EXPECT_EQ(merged_.totals().changed().size(), 1U);
}

TEST_F(Merge, AChangeOfKindReplacesWhatWasHeldWithOneWarning) {
  merged_.begin_input();
  add({row("edgar", 10, 1), row("anna", 1, 1)});
  add({partial("edgar", 100, 2, 0, 5), partial("edgar", 50, 1, 1, 5)});
  expect(0, 150, 3);
  add({row("edgar", 7, 1)});
  expect(0, 7, 1);
  // The partitions of before are void, so a lower offset counts again.
  add({partial("edgar", 9, 1, 0, 2), partial("anna", 2, 2, 0, 2)});
  expect(0, 9, 1);
  expect(1, 2, 2);
  EXPECT_EQ(heard_.text(),
            "payagg: warning: user edgar: stats with partition follow stats without it and replace "
            "them (said once)\n");
}

TEST_F(Merge, ARecordThatWouldOverflowIsRefusedAndWhatWasHeldStays) {
  merged_.begin_input();
  add({row("edgar", kSumMax, 1)});
  merged_.begin_input();
  add({row("edgar", 1, 1), row("edgar", -1, 1)});
  ASSERT_EQ(rejected_.size(), 1U);
  EXPECT_EQ(rejected_[0].row, 0U);
  EXPECT_EQ(rejected_[0].flaw, record::Flaw::kSumOverflow);
  expect(0, kSumMax - 1, 2);
  add({row("edgar", -1, UINT64_MAX)});
  ASSERT_EQ(rejected_.size(), 1U);
  EXPECT_EQ(rejected_[0].flaw, record::Flaw::kCountOverflow);
  expect(0, kSumMax - 1, 2);
}

TEST_F(Merge, ASumThatWouldFallBelowTheLowestIsRefusedAsWell) {
  merged_.begin_input();
  add({row("edgar", -kSumMax - 1, 1)});
  merged_.begin_input();
  add({row("edgar", -1, 1)});
  ASSERT_EQ(rejected_.size(), 1U);
  EXPECT_EQ(rejected_[0].flaw, record::Flaw::kSumOverflow);
  expect(0, -kSumMax - 1, 1);
}

TEST_F(Merge, WhatLiesBetweenMayOverflowWhenTheResultFits) {
  // Without the negative part the others do not fit, but they never stand alone.
  add({partial("edgar", -kSumMax, 1, 0, 1), partial("edgar", kSumMax, 1, 1, 1),
       partial("edgar", kSumMax, 1, 2, 1)});
  expect(0, kSumMax, 3);
  add({partial("edgar", -kSumMax + 1, 1, 0, 2)});
  EXPECT_EQ(rejected_.size(), 1U) << "one more than fits";
  add({partial("edgar", -kSumMax - 1, 1, 0, 3)});
  EXPECT_TRUE(rejected_.empty());
  expect(0, kSumMax - 1, 3);
}

TEST_F(Merge, ARemovedPartialIsTakenBack) {
  add({partial("anna", 5, 1, 0, 10)});
  add({partial("anna", 7, 2, 1, 20)});
  merged_.remove("anna", 1);
  EXPECT_EQ(merged_.totals().count(0), 1U);
  EXPECT_TRUE(merged_.totals().sum(0).nanos() == 5);
  merged_.remove("anna", 1);  // it is gone already
  merged_.remove("nobody", 0);
  EXPECT_EQ(merged_.totals().count(0), 1U);
  EXPECT_EQ(merged_.totals().users(), 1U);
  merged_.remove("anna", 0);
  EXPECT_EQ(merged_.totals().count(0), 0U);
  add({partial("anna", 9, 3, 1, 30)});
  EXPECT_EQ(merged_.totals().count(0), 3U);
}

TEST_F(Merge, ARemovalForgetsAUserWithoutPartitionsWhole) {
  merged_.begin_input();
  add({row("anna", 5, 1)});
  merged_.remove("anna", 3);
  EXPECT_EQ(merged_.totals().count(0), 0U);
  add({row("anna", 6, 2)});
  EXPECT_EQ(merged_.totals().count(0), 2U);
}

TEST_F(Merge, TooManyUsersIsAnError) {
  MergedTotals small(3, {.users_max = 1}, heard_.diagnostics());
  ASSERT_TRUE(small.add(std::vector{row("anna", 1, 1)}, rejected_));
  EXPECT_FALSE(small.add(std::vector{row("bob", 1, 1)}, rejected_));
}

// What the header says, in the plainest way.
struct ModelUser {
  bool by_partition = false;
  std::map<int64_t, std::pair<int64_t, MergedTotals::Row>> parts;  // source -> offset, record
};

TEST(MergeModel, AgreesWithASimpleModel) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    Heard heard;
    MergedTotals merged(seed, {}, heard.diagnostics());
    std::map<std::string, ModelUser> model;
    const uint64_t kinds = seed % 3;  // only one kind, only the other, or both
    for (int64_t input = 1; input <= 4; ++input) {
      merged.begin_input();
      for (int i = 0; i < 2'000; ++i) {
        const std::string user = std::to_string(random() % 200);
        const auto nanos = static_cast<int64_t>(random()) / 1'000;
        const uint64_t count = random() % 1'000;
        const auto partition = static_cast<int32_t>(random() % 5);
        const auto offset = static_cast<int64_t>(random() % 500);
        const bool by_partition = kinds == 2 ? random() % 50 == 0 : kinds == 1;
        const auto r =
            by_partition ? partial(user, nanos, count, partition, offset) : row(user, nanos, count);
        std::vector<Totals::RejectedRow> rejected;
        ASSERT_TRUE(merged.add(std::vector{r}, rejected));
        ASSERT_TRUE(rejected.empty());

        ModelUser& held = model[user];
        if (held.by_partition != by_partition) held.parts.clear();
        held.by_partition = by_partition;
        const int64_t source = by_partition ? partition : input;
        const auto it = held.parts.find(source);
        if (by_partition && it != held.parts.end() && it->second.first > offset) continue;
        held.parts[source] = {offset, r};
      }
    }
    ASSERT_EQ(merged.totals().users(), model.size());
    for (uint32_t i = 0; i < merged.totals().users(); ++i) {
      const ModelUser& held = model.at(std::string(merged.totals().user(i)));
      money::Int128 sum = 0;
      uint64_t count = 0;
      for (const auto& [source, part] : held.parts) {
        sum += part.second.record.sum.nanos();
        count += part.second.record.count;
      }
      ASSERT_TRUE(merged.totals().sum(i).nanos() == sum) << merged.totals().user(i);
      ASSERT_EQ(merged.totals().count(i), count);
    }
  }
}

}  // namespace
}  // namespace paystats::totals
