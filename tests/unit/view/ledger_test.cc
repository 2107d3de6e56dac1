#include "view/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "unit/view/oracle.h"

namespace paystats::view {
namespace {

constexpr size_t kPlenty = 1'000'000;

money::Decimal sum_of(const Ledger& ledger, std::string_view user) {
  return ledger.row(ledger.find(user)).sum;
}
uint64_t count_of(const Ledger& ledger, std::string_view user) {
  return ledger.row(ledger.find(user)).count;
}

TEST(Ledger, KnowsNobodyAtFirst) {
  Ledger ledger(kPlenty, 1);
  EXPECT_EQ(ledger.find("edgar"), kNoUser);
}

TEST(Ledger, TheNewestAbsoluteStatsReplaceTheOlder) {
  Ledger ledger(kPlenty, 1);
  EXPECT_EQ(ledger.apply(absolute("edgar", 700, 7)).outcome, Applied::kChanged);
  const LedgerChange change = ledger.apply(absolute("edgar", 300, 3));
  EXPECT_EQ(change.outcome, Applied::kChanged);
  EXPECT_TRUE(change.was_held);
  EXPECT_EQ(change.old_sum, cents(700));
  EXPECT_EQ(change.old_count, 7U);
  EXPECT_EQ(sum_of(ledger, "edgar"), cents(300));
  EXPECT_EQ(count_of(ledger, "edgar"), 3U);
}

TEST(Ledger, ARepeatChangesNothing) {
  Ledger ledger(kPlenty, 1);
  (void)ledger.apply(absolute("edgar", 700, 7));
  EXPECT_EQ(ledger.apply(absolute("edgar", 700, 7)).outcome, Applied::kUnchanged);
  (void)ledger.apply(partial("rosa", 100, 1, 0, 5));
  EXPECT_EQ(ledger.apply(partial("rosa", 100, 1, 0, 5)).outcome, Applied::kUnchanged);
}

TEST(Ledger, PartialsOfPartitionsAreAddedUp) {
  Ledger ledger(kPlenty, 1);
  (void)ledger.apply(partial("edgar", 100, 1, 0, 10));
  (void)ledger.apply(partial("edgar", 250, 2, 3, 4));
  (void)ledger.apply(partial("edgar", -50, 1, 7, 0));
  EXPECT_EQ(sum_of(ledger, "edgar"), cents(300));
  EXPECT_EQ(count_of(ledger, "edgar"), 4U);
}

TEST(Ledger, OfOnePartitionTheHighestOffsetCountsInWhateverOrderTheyCome) {
  Ledger ledger(kPlenty, 1);
  (void)ledger.apply(partial("edgar", 100, 1, 0, 10));
  EXPECT_EQ(ledger.apply(partial("edgar", 900, 9, 0, 9)).outcome, Applied::kUnchanged);
  EXPECT_EQ(sum_of(ledger, "edgar"), cents(100));
  EXPECT_EQ(ledger.apply(partial("edgar", 200, 2, 0, 11)).outcome, Applied::kChanged);
  EXPECT_EQ(sum_of(ledger, "edgar"), cents(200));
}

TEST(Ledger, OfOneOffsetTheLastCounts) {
  Ledger ledger(kPlenty, 1);
  (void)ledger.apply(partial("edgar", 100, 1, 0, 10));
  EXPECT_EQ(ledger.apply(partial("edgar", 300, 2, 0, 10)).outcome, Applied::kChanged);
  EXPECT_EQ(sum_of(ledger, "edgar"), cents(300));
  EXPECT_EQ(count_of(ledger, "edgar"), 2U);
}

TEST(Ledger, AbsoluteStatsOfNoPaymentsTakeTheUserAway) {
  Ledger ledger(kPlenty, 1);
  EXPECT_EQ(ledger.apply(absolute("nobody", 0, 0)).outcome, Applied::kUnchanged);
  (void)ledger.apply(absolute("edgar", 100, 1));
  (void)ledger.apply(partial("rosa", 100, 1, 0, 5));
  const LedgerChange gone = ledger.apply(absolute("edgar", 0, 0));
  EXPECT_EQ(gone.outcome, Applied::kChanged);
  EXPECT_TRUE(gone.was_held);
  EXPECT_FALSE(gone.is_held);
  EXPECT_EQ(ledger.apply(absolute("rosa", 0, 0)).outcome, Applied::kChanged);
  for (const char* user : {"nobody", "edgar", "rosa"}) EXPECT_EQ(ledger.find(user), kNoUser);
  EXPECT_EQ(ledger.apply(absolute("edgar", 0, 1)).outcome, Applied::kChanged) << "it has a payment";
}

TEST(Ledger, RandomPartialsEqualAMapOfThem) {
  std::mt19937_64 random(7);
  Ledger ledger(kPlenty, 1);
  std::map<std::string, std::map<int32_t, record::Stats>> oracle;
  for (int i = 0; i < 50'000; ++i) {
    const std::string user = "user" + std::to_string(random() % 300);
    const auto partition = static_cast<int32_t>(random() % 24);
    if (random() % 20 == 0) {
      (void)ledger.remove_partial(user, partition);
      if (oracle.contains(user)) oracle[user].erase(partition);
      continue;
    }
    const auto offset = static_cast<int64_t>(random() % 1000);
    const record::Stats stats = partial(user, static_cast<int64_t>(random() % 2000) - 1000,
                                        random() % 50, partition, offset);
    (void)ledger.apply(stats);
    const auto held = oracle[user].find(partition);
    if (held == oracle[user].end() || held->second.at->offset <= offset)
      oracle[user].insert_or_assign(partition, stats);
  }
  for (const auto& [user, partials] : oracle) {
    money::Decimal sum;
    uint64_t count = 0;
    for (const auto& [partition, stats] : partials) {
      ASSERT_TRUE(sum.add(stats.sum));
      count += stats.count;
    }
    if (partials.empty()) {
      EXPECT_EQ(ledger.find(user), kNoUser) << user;
    } else {
      ASSERT_NE(ledger.find(user), kNoUser) << user;
      EXPECT_EQ(sum_of(ledger, user), sum) << user;
      EXPECT_EQ(count_of(ledger, user), count) << user;
    }
  }
}

TEST(Ledger, AChangeOfKindReplacesWhatWasHeldAndIsCounted) {
  Ledger ledger(kPlenty, 1);
  (void)ledger.apply(partial("edgar", 100, 1, 0, 10));
  (void)ledger.apply(partial("edgar", 100, 1, 1, 10));
  EXPECT_EQ(ledger.kind_changes(), 0U);
  EXPECT_EQ(ledger.apply(absolute("edgar", 5, 1)).outcome, Applied::kChanged);
  EXPECT_EQ(sum_of(ledger, "edgar"), cents(5));
  EXPECT_EQ(ledger.kind_changes(), 1U);
  (void)ledger.apply(absolute("edgar", 6, 2));
  EXPECT_EQ(ledger.kind_changes(), 1U);
  (void)ledger.apply(partial("edgar", 70, 1, 0, 3));  // an offset below the one dropped: it is new
  EXPECT_EQ(sum_of(ledger, "edgar"), cents(70));
  EXPECT_EQ(count_of(ledger, "edgar"), 1U);
  EXPECT_EQ(ledger.kind_changes(), 2U);
}

TEST(Ledger, ASumOfPartialsThatDoesNotFitIsRefusedAndChangesNothing) {
  const money::Decimal most =
      money::Decimal::from_nanos(static_cast<money::Int128>(~money::Uint128{0} >> 1));
  Ledger ledger(kPlenty, 1);
  (void)ledger.apply({"edgar", most, 1, record::SourceOffset{0, 1}});
  EXPECT_EQ(ledger.apply({"edgar", cents(1), 1, record::SourceOffset{1, 1}}).outcome,
            Applied::kSumOverflow);
  EXPECT_EQ(sum_of(ledger, "edgar"), most);
  EXPECT_EQ(count_of(ledger, "edgar"), 1U);
  // What was refused is not held either: the same partition is free for a sum that fits.
  EXPECT_EQ(ledger.apply({"edgar", cents(-1), 1, record::SourceOffset{1, 0}}).outcome,
            Applied::kChanged);
}

TEST(Ledger, APartialReplacedByOneThatFitsMayPassTheRangeOnTheWay) {
  const money::Decimal most =
      money::Decimal::from_nanos(static_cast<money::Int128>(~money::Uint128{0} >> 1));
  Ledger ledger(kPlenty, 1);
  (void)ledger.apply({"edgar", most, 1, record::SourceOffset{0, 1}});
  EXPECT_EQ(ledger.apply({"edgar", most, 2, record::SourceOffset{0, 2}}).outcome,
            Applied::kChanged);
  EXPECT_EQ(sum_of(ledger, "edgar"), most);
  EXPECT_EQ(count_of(ledger, "edgar"), 2U);
}

TEST(Ledger, ACountOfPartialsThatDoesNotFitIsRefused) {
  Ledger ledger(kPlenty, 1);
  (void)ledger.apply(partial("edgar", 100, UINT64_MAX, 0, 1));
  EXPECT_EQ(ledger.apply(partial("edgar", 100, 1, 1, 1)).outcome, Applied::kCountOverflow);
  EXPECT_EQ(sum_of(ledger, "edgar"), cents(100));
}

TEST(Ledger, ARemovalThatLeavesWhatDoesNotFitIsRefused) {
  const money::Decimal most =
      money::Decimal::from_nanos(static_cast<money::Int128>(~money::Uint128{0} >> 1));
  Ledger ledger(kPlenty, 1);
  (void)ledger.apply({"edgar", most, 1, record::SourceOffset{0, 1}});
  (void)ledger.apply({"edgar", cents(-100), 1, record::SourceOffset{1, 1}});
  (void)ledger.apply({"edgar", cents(100), 1, record::SourceOffset{2, 1}});
  EXPECT_EQ(ledger.remove_partial("edgar", 1).outcome, Applied::kSumOverflow);
  EXPECT_EQ(sum_of(ledger, "edgar"), most);
}

TEST(Ledger, ATombstoneForgetsOnePartialAndTheLastOneTheUser) {
  Ledger ledger(kPlenty, 1);
  (void)ledger.apply(partial("edgar", 100, 1, 0, 10));
  (void)ledger.apply(partial("edgar", 250, 2, 3, 4));
  EXPECT_EQ(ledger.remove_partial("edgar", 9).outcome, Applied::kUnchanged);
  EXPECT_EQ(ledger.remove_partial("edgar", 0).outcome, Applied::kChanged);
  EXPECT_EQ(sum_of(ledger, "edgar"), cents(250));
  EXPECT_EQ(count_of(ledger, "edgar"), 2U);
  const LedgerChange last = ledger.remove_partial("edgar", 3);
  EXPECT_TRUE(last.was_held);
  EXPECT_FALSE(last.is_held);
  EXPECT_EQ(ledger.find("edgar"), kNoUser);
  // And what comes later begins anew, whatever its offset.
  EXPECT_EQ(ledger.apply(partial("edgar", 30, 1, 3, 1)).outcome, Applied::kChanged);
  EXPECT_EQ(sum_of(ledger, "edgar"), cents(30));
}

TEST(Ledger, ATombstoneOfAPartitionLeavesAbsoluteStatsAlone) {
  Ledger ledger(kPlenty, 1);
  (void)ledger.apply(absolute("edgar", 100, 1));
  EXPECT_EQ(ledger.remove_partial("edgar", 0).outcome, Applied::kUnchanged);
  EXPECT_EQ(sum_of(ledger, "edgar"), cents(100));
}

TEST(Ledger, ARemovedUserIsGoneUntilHeComesBackUnderTheSameId) {
  Ledger ledger(kPlenty, 1);
  const uint32_t id = ledger.apply(absolute("edgar", 100, 1)).id;
  EXPECT_EQ(ledger.remove("edgar").outcome, Applied::kChanged);
  EXPECT_EQ(ledger.remove("edgar").outcome, Applied::kUnchanged);
  EXPECT_EQ(ledger.remove("nobody").outcome, Applied::kUnchanged);
  EXPECT_EQ(ledger.find("edgar"), kNoUser);
  const LedgerChange back = ledger.apply(absolute("edgar", 100, 1));
  EXPECT_EQ(back.id, id);
  EXPECT_FALSE(back.was_held);
  EXPECT_EQ(ledger.kind_changes(), 0U);  // nothing was held, so nothing changed its kind
}

TEST(Ledger, UsersBeyondTheLimitAreRefusedAndTheOthersStillUpdated) {
  Ledger ledger(2, 1);
  (void)ledger.apply(absolute("a", 1, 1));
  (void)ledger.apply(absolute("b", 2, 1));
  EXPECT_EQ(ledger.apply(absolute("c", 3, 1)).outcome, Applied::kUsersFull);
  EXPECT_EQ(ledger.find("c"), kNoUser);
  EXPECT_EQ(ledger.apply(absolute("a", 5, 2)).outcome, Applied::kChanged);
}

TEST(Ledger, NamesThatDifferOnlyInZerosAndLengthAreDifferentUsers) {
  using std::string_literals::operator""s;
  Ledger ledger(kPlenty, 1);
  std::vector<std::string> names = {"a"s, "a\0"s, "a\0\0"s, "aaaaaaaa"s, "aaaaaaaa\0"s, "\0"s};
  // About where a name becomes too long for its row.
  for (size_t size = 14; size <= 18; ++size) {
    names.emplace_back(size, 'a');
    names.push_back(names.back() + "\0"s);
    names.push_back(names.back() + "b"s);
  }
  names.emplace_back(record::kUserBytesMax, 'a');
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  int64_t sum = 1;
  for (const std::string& name : names) (void)ledger.apply(absolute(name, sum++, 1));
  sum = 1;
  for (const std::string& name : names) {
    EXPECT_EQ(sum_of(ledger, name), cents(sum++));
    EXPECT_EQ(ledger.row(ledger.find(name)).name(), name);
  }
}

TEST(Ledger, FindsEachOfManyUsersAfterItsTablesGrew) {
  constexpr size_t kUsers = 300'000 / kSizeFactor;
  Ledger ledger(kPlenty, 99);
  for (size_t i = 0; i < kUsers; ++i)
    (void)ledger.apply(absolute("user" + std::to_string(i), static_cast<int64_t>(i), 1));
  for (size_t i = 0; i < kUsers; ++i) {
    const std::string user = "user" + std::to_string(i);
    ASSERT_NE(ledger.find(user), kNoUser) << user;
    ASSERT_EQ(ledger.row(ledger.find(user)).name(), user);
    ASSERT_EQ(sum_of(ledger, user), cents(static_cast<int64_t>(i)));
  }
  EXPECT_EQ(ledger.find("user" + std::to_string(kUsers)), kNoUser);
}

TEST(Ledger, ATombstoneTakesBackWhatItsPartitionCanHaveSaid) {
  Ledger ledger(kPlenty, 1);
  (void)ledger.apply(partial("edgar", 100, 1, 0, 10));
  (void)ledger.apply(partial("edgar", 250, 2, 3, 4));
  EXPECT_EQ(ledger.take_back("edgar", 9).outcome, Applied::kUnchanged);
  EXPECT_EQ(ledger.take_back("edgar", 0).outcome, Applied::kChanged);
  EXPECT_EQ(sum_of(ledger, "edgar"), cents(250));
  (void)ledger.apply({"anna", cents(100), 1, {}});
  EXPECT_EQ(ledger.take_back("anna", 9).outcome, Applied::kChanged);
  EXPECT_EQ(ledger.find("anna"), kNoUser);
  EXPECT_EQ(ledger.take_back("nobody", 0).outcome, Applied::kUnchanged);
}

}  // namespace
}  // namespace paystats::view
