#include "view/view.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <unordered_set>

#include "unit/view/oracle.h"

namespace paystats::view {
namespace {

std::string numbered(size_t i) {
  return "user" + std::to_string(i * 7919 % 10'000'019);
}

void fill(Oracle& oracle, size_t users) {
  for (size_t i = 0; i < users; ++i) oracle.users.push_back({numbered(i), {}, 0, false});
}

TEST(View, IsEmptyAtFirst) {
  const View view(options_for_tests());
  EXPECT_EQ(view.users(), 0U);
  EXPECT_EQ(view.version(), 0U);
  EXPECT_FALSE(view.ready());
  EXPECT_TRUE(view.page(0, 50).empty());
  EXPECT_FALSE(view.find("edgar"));
}

TEST(View, OrdersBySumFromTheLargestAndEqualSumsByTheBytesOfTheNames) {
  View view(options_for_tests());
  for (const record::Stats& stats : {absolute("zoe", 500, 1),
                                     absolute("\xC3\xA9"
                                              "dgar",
                                              700, 1),
                                     absolute("edgar", 700, 7), absolute("Edgar", 700, 1),
                                     absolute("low", -100, 1), absolute("zero", 0, 1)})
    view.apply(stats);
  std::vector<std::string> order;
  for (const protocol::RankedStats& row : view.page(0, 50)) order.emplace_back(row.user);
  EXPECT_EQ(order, (std::vector<std::string>{"Edgar", "edgar",
                                             "\xC3\xA9"
                                             "dgar",
                                             "zoe", "zero", "low"}));
}

TEST(View, AMillionUsersUnderAStreamOfUpdatesAreInTheOrderOfAFullSort) {
  constexpr size_t kUsers = 1'000'000 / kSizeFactor;
  std::mt19937_64 random(20'240'501);
  View view(options_for_tests());
  Oracle oracle;
  fill(oracle, kUsers);
  for (OracleUser& user : oracle.users) {
    user = {std::move(user.name), cents(static_cast<int64_t>(random() % 1'000'000)), 1, true};
    view.apply(record::Stats{user.name, user.sum, user.count, {}});
  }
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < kUsers / 2; ++i) change_one(random, oracle, view);
    const std::vector<protocol::RankedStats> want = oracle.sorted();
    ASSERT_EQ(view.users(), want.size());
    ASSERT_EQ(first_difference(view.page(0, kUsers), want), -1) << "round " << round;
    for (int i = 0; i < 1000; ++i) {
      const protocol::RankedStats& row = want[random() % want.size()];
      const std::optional<protocol::RankedStats> found = view.find(row.user);
      ASSERT_TRUE(found && same(*found, row)) << row.user << ", rank " << row.rank;
    }
  }
}

TEST(View, IsExactAfterEveryOneOfManyChangesOfFewUsers) {
  std::mt19937_64 random(3);
  View view(options_for_tests());
  Oracle oracle;
  fill(oracle, 700);
  for (int i = 0; i < 20'000; ++i) {
    change_one(random, oracle, view);
    if (i % 37 == 0) {
      ASSERT_EQ(first_difference(view.page(0, 1000), oracle.sorted()), -1) << i;
    }
  }
}

TEST(View, PagesCoverEachUserOnceEvenWhereAllSumsAreEqual) {
  constexpr size_t kUsers = 20'000;
  View view(options_for_tests());
  Oracle oracle;
  fill(oracle, kUsers);
  for (OracleUser& user : oracle.users) {
    user.sum = cents(100);
    user.count = 1;
    user.held = true;
    view.apply(record::Stats{user.name, user.sum, user.count, {}});
  }
  for (const uint64_t limit : {1'000U, 999U, 7'777U, 50U}) {
    std::vector<protocol::RankedStats> all;
    for (uint64_t offset = 0; offset < kUsers; offset += limit)
      for (const protocol::RankedStats& row : view.page(offset, limit)) all.push_back(row);
    EXPECT_EQ(first_difference(all, oracle.sorted()), -1) << "limit " << limit;
  }
}

TEST(View, APageBeyondTheEndIsEmptyAndOneAcrossItIsShort) {
  View view(options_for_tests());
  for (int i = 0; i < 10; ++i) view.apply(absolute("user" + std::to_string(i), i, 1));
  EXPECT_EQ(view.page(8, 50).size(), 2U);
  EXPECT_TRUE(view.page(10, 50).empty());
  EXPECT_TRUE(view.page(UINT64_MAX, UINT64_MAX).empty());
  EXPECT_EQ(view.page(1, UINT64_MAX).size(), 9U);
}

// The bad case of a structure that is split where it fills: everything at one end.
TEST(View, SumsThatOnlyRiseKeepTheOrder) {
  View view(options_for_tests());
  Oracle oracle;
  fill(oracle, 3'000);
  int64_t sum = 0;
  for (int round = 0; round < 20; ++round) {
    for (OracleUser& user : oracle.users) {
      user.sum = cents(++sum);
      user.held = true;
      ++user.count;
      view.apply(record::Stats{user.name, user.sum, user.count, {}});
    }
  }
  EXPECT_EQ(first_difference(view.page(0, 10'000), oracle.sorted()), -1);
  EXPECT_LE(view.ranking().buckets(), 3'000U / 32);
}

TEST(View, BucketsAreJoinedWhereUsersGo) {
  View view(options_for_tests());
  constexpr size_t kUsers = 50'000;
  for (size_t i = 0; i < kUsers; ++i) view.apply(absolute(numbered(i), static_cast<int64_t>(i), 1));
  for (size_t i = 0; i < kUsers; ++i)
    if (i % 100 != 0) view.remove(numbered(i));
  EXPECT_EQ(view.users(), kUsers / 100);
  EXPECT_LE(view.ranking().buckets(), kUsers / 100 / 16);
  EXPECT_LE(view.name_index().buckets(), kUsers / 100 / 16);
  for (size_t i = 0; i < kUsers; ++i) view.remove(numbered(i));
  EXPECT_EQ(view.users(), 0U);
  EXPECT_EQ(view.ranking().buckets(), 1U);
  EXPECT_TRUE(view.page(0, 50).empty());
  view.apply(absolute("edgar", 1, 1));
  EXPECT_EQ(view.page(0, 50).size(), 1U);
}

TEST(View, ABucketThatEmptiesGoesEvenWhereItsNeighboursAreFull) {
  View view(options_for_tests());
  for (size_t i = 0; i < 2'000; ++i)
    view.apply(absolute(numbered(i), static_cast<int64_t>(i) * 2, 1));
  for (size_t i = 0; i < 1'000; ++i)  // into the middle of buckets that have been split
    view.apply(absolute(numbered(2'000 + i), static_cast<int64_t>(i) * 4 + 1, 1));
  const Ranking& ranking = view.ranking();
  const size_t buckets = ranking.buckets();
  ASSERT_GT(ranking.ids(0).size(), Ranking::kBucketIds / 2);
  ASSERT_GT(ranking.ids(2).size(), Ranking::kBucketIds / 2);
  const uint64_t first = ranking.first_position(1);
  for (const protocol::RankedStats& row : view.page(first, ranking.ids(1).size()))
    view.remove(row.user);
  EXPECT_EQ(ranking.buckets(), buckets - 1);
}

TEST(View, AnUpdateThatStaysInItsBucketMovesNothing) {
  View view(options_for_tests());
  for (int64_t i = 0; i < 10; ++i) view.apply(absolute(numbered(i), i, 1));
  const UserRow& row = view.ledger().row(view.ledger().find(numbered(3)));
  EXPECT_EQ(row.in_ranking.slot, 3U);
  view.apply(absolute(numbered(3), 1'000, 2));
  EXPECT_EQ(row.in_ranking.slot, 3U);
  EXPECT_EQ(view.find(numbered(3))->rank, 1U);
}

TEST(View, TheVersionGrowsWithEachChangeAndOnlyThen) {
  View view(options_for_tests());
  view.apply(absolute("edgar", 700, 7));
  const uint64_t version = view.version();
  EXPECT_GT(version, 0U);
  view.apply(absolute("edgar", 700, 7));
  view.remove("nobody");
  EXPECT_EQ(view.version(), version);
  view.apply(absolute("edgar", 700, 8));  // the count alone
  EXPECT_GT(view.version(), version);
  const uint64_t before_ready = view.version();
  view.set_ready();
  EXPECT_TRUE(view.ready());
  EXPECT_GT(view.version(), before_ready);
  const uint64_t after_ready = view.version();
  view.set_ready();
  EXPECT_EQ(view.version(), after_ready);
  view.remove("edgar");
  EXPECT_GT(view.version(), after_ready);
}

TEST(View, TheTotalsFollowEveryChange) {
  std::mt19937_64 random(5);
  View view(options_for_tests());
  Oracle oracle;
  fill(oracle, 300);
  for (int i = 0; i < 5'000; ++i) change_one(random, oracle, view);
  money::Decimal sum;
  uint64_t count = 0;
  for (const protocol::RankedStats& row : oracle.sorted()) {
    ASSERT_TRUE(sum.add(row.sum));
    count += row.count;
  }
  const protocol::Envelope envelope = view.envelope(17);
  EXPECT_EQ(envelope.sum, to_string(sum));
  EXPECT_EQ(envelope.count, std::to_string(count));
  EXPECT_EQ(envelope.offset, 17U);
  EXPECT_EQ(envelope.users, oracle.sorted().size());
  EXPECT_EQ(envelope.instance, 0xc0ffeeU);
}

TEST(View, ABatchIsTheSameAsItsRecordsOneByOne) {
  std::mt19937_64 random(11);
  std::vector<std::string> names;
  for (size_t i = 0; i < 200; ++i) names.push_back(numbered(i));
  std::vector<View::Row> rows;
  for (uint32_t i = 0; i < 5'000; ++i) {
    rows.push_back({partial(names[random() % names.size()], static_cast<int64_t>(random() % 1000),
                            random() % 9, static_cast<int32_t>(random() % 3),
                            static_cast<int64_t>(random() % 500)),
                    i});
  }
  View one(options_for_tests());
  for (const View::Row& row : rows) one.apply(row.record);
  View batch(options_for_tests());
  std::vector<View::RejectedRow> rejected;
  batch.apply(std::span(rows).first(1), rejected);
  batch.apply(std::span(rows).subspan(1), rejected);
  EXPECT_TRUE(rejected.empty());
  EXPECT_EQ(first_difference(one.page(0, 1000), batch.page(0, 1000)), -1);
  EXPECT_EQ(one.version(), batch.version());
}

TEST(View, ABatchReportsEachRecordThatItRefused) {
  ViewOptions options = options_for_tests();
  options.users_max = 2;
  View view(options);
  const std::vector<View::Row> rows = {{partial("a", 1, UINT64_MAX, 0, 1), 0},
                                       {partial("b", 1, 1, 0, 1), 1},
                                       {partial("c", 1, 1, 0, 1), 2},
                                       {partial("a", 1, 1, 1, 1), 3},
                                       {partial("b", 2, 2, 0, 2), 4}};
  std::vector<View::RejectedRow> rejected;
  view.apply(rows, rejected);
  ASSERT_EQ(rejected.size(), 2U);
  EXPECT_EQ(rejected[0].row->line, 2U);
  EXPECT_EQ(rejected[0].why, Applied::kUsersFull);
  EXPECT_EQ(rejected[1].row->line, 3U);
  EXPECT_EQ(rejected[1].why, Applied::kCountOverflow);
  EXPECT_EQ(view.users(), 2U);
  EXPECT_EQ(view.find("b")->count, 2U);
}

TEST(View, AUserWhosePartialsComeOutOfOrderStandsWhereHisSumIs) {
  View view(options_for_tests());
  view.apply(absolute("rosa", 500, 1));
  view.apply(partial("edgar", 400, 4, 1, 9));
  EXPECT_EQ(view.find("edgar")->rank, 2U);
  view.apply(partial("edgar", 200, 2, 0, 5));
  EXPECT_EQ(view.find("edgar")->rank, 1U);
  view.apply(partial("edgar", 100, 1, 1, 8));  // older than what is held
  EXPECT_EQ(view.find("edgar")->sum, cents(600));
  view.remove_partial("edgar", 1);
  EXPECT_EQ(view.find("edgar")->rank, 2U);
  EXPECT_EQ(view.kind_changes(), 0U);
  view.apply(absolute("edgar", 900, 9));
  EXPECT_EQ(view.find("edgar")->rank, 1U);
  EXPECT_EQ(view.kind_changes(), 1U);
}

}  // namespace
}  // namespace paystats::view
