#include "totals/join.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace paystats::totals {
namespace {

constexpr money::Int128 kSumMax = static_cast<money::Int128>(~money::Uint128{0} >> 1U);

using Users = std::unordered_map<std::string, std::pair<money::Int128, uint64_t>>;

Totals table_of(const Users& users, uint64_t users_max = UINT64_MAX) {
  Totals totals(7, {.users_max = users_max});
  for (const auto& [name, total] : users) {
    totals.set(*totals.find_or_add(name), money::Decimal::from_nanos(total.first), total.second);
  }
  return totals;
}

// All of them, each once, and nobody else.
void expect_users(const Totals& totals, const Users& want) {
  std::unordered_set<const std::string*> seen;
  for (uint32_t i = 0; i < totals.users(); ++i) {
    const auto found = want.find(std::string(totals.user(i)));
    ASSERT_NE(found, want.end()) << totals.user(i);
    ASSERT_TRUE(seen.insert(&found->first).second) << totals.user(i) << " is there twice";
    ASSERT_EQ(totals.sum(i).nanos(), found->second.first) << totals.user(i);
    ASSERT_EQ(totals.count(i), found->second.second) << totals.user(i);
  }
  ASSERT_EQ(seen.size(), want.size());
}

// So many users from `first` on, with names of several lengths.
Users some(int first, int count) {
  std::mt19937_64 random(static_cast<uint64_t>(first * 31 + count));
  Users users;
  for (int i = first; i < first + count; ++i) {
    users[std::string(static_cast<size_t>(i % 40), 'n') + std::to_string(i)] = {
        static_cast<money::Int128>(random()), 1 + random() % 9};
  }
  return users;
}

std::vector<std::unique_ptr<Totals>> tables_of(const std::vector<Users>& all) {
  std::vector<std::unique_ptr<Totals>> tables;
  for (const Users& users : all) tables.push_back(std::make_unique<Totals>(table_of(users)));
  return tables;
}

void expect_joined(const Users& ours, const std::vector<Users>& others,
                   const std::vector<unsigned>& threads = {1, 2, 3, 8}) {
  Users want = ours;
  for (const Users& theirs : others) {
    for (const auto& [name, total] : theirs) {
      want[name].first += total.first;
      want[name].second += total.second;
    }
  }
  for (const unsigned so_many : threads) {
    SCOPED_TRACE(std::to_string(so_many) + " threads");
    Totals totals = table_of(ours);
    ASSERT_TRUE(join_tables(totals, tables_of(others), so_many));
    expect_users(totals, want);
  }
}

TEST(Join, UsersOfBothAreAddedAndTheOthersAreAllThere) {
  expect_joined(some(0, 20'000), {some(15'000, 30'000)});
}

TEST(Join, FewNewUsersAmongMany) {
  expect_joined(some(0, 20'000), {some(0, 20'010)});
}

TEST(Join, AnEmptyTableOnEitherSide) {
  expect_joined({}, {some(0, 9'000)});
  expect_joined(some(0, 9'000), {{}});
  expect_joined({}, {{}});
  expect_joined(some(0, 10), {});
}

TEST(Join, TablesOfVeryDifferentSizes) {
  expect_joined(some(0, 10), {some(5, 50'000)});
  expect_joined(some(0, 50'000), {some(49'995, 10)});
}

// A user of the third table may be known to the first one, to the second one, to both or to none.
TEST(Join, ManyTables) {
  expect_joined(some(0, 4'000), {some(2'000, 4'000), some(1'000, 8'000), {}, some(8'500, 1'000)});
  expect_joined(some(0, 100), {some(0, 100), some(0, 100), some(0, 100)});
}

// Whole chunks of entries change hands, and what is in the last ones is put together.
TEST(Join, TablesOfSeveralChunks) {
  expect_joined(some(0, 140'000), {some(100'000, 300'000), some(390'000, 150'000)}, {3});
  expect_joined(some(0, 131'072), {some(131'072, 131'072), some(262'144, 131'073)}, {1, 2});
}

TEST(Join, OneUserTooManyIsAnError) {
  for (const unsigned threads : {1U, 3U}) {
    Totals fits = table_of(some(0, 600), 1'000);
    EXPECT_TRUE(join_tables(fits, tables_of({some(500, 500)}), threads));
    Totals full = table_of(some(0, 600), 1'000);
    const base::Result<void> joined =
        join_tables(full, tables_of({some(500, 300), some(700, 301)}), threads);
    ASSERT_FALSE(joined);
    EXPECT_EQ(joined.error().message,
              "more than 1000 users: raise --users-max if there is the memory");
  }
}

TEST(Join, ATotalThatDoesNotFitIsAnError) {
  for (const bool of_counts : {false, true}) {
    const std::pair<money::Int128, uint64_t> most =
        of_counts ? std::pair<money::Int128, uint64_t>{1, UINT64_MAX}
                  : std::pair{kSumMax, uint64_t{1}};
    Totals totals = table_of({{"a", {1, 1}}, {"b", most}});
    const base::Result<void> joined = join_tables(totals, tables_of({{{"b", {1, 1}}}}), 2);
    ASSERT_FALSE(joined);
    EXPECT_EQ(joined.error().message, "user b: the total does not fit");
  }
}

}  // namespace
}  // namespace paystats::totals
