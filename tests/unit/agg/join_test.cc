#include "agg/join.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>

namespace paystats {
namespace {

constexpr Int128 kSumMost = static_cast<Int128>(~Uint128{0} >> 1U);

using Users = std::map<std::string, std::pair<Int128, uint64_t>>;

Totals table_of(const Users& users, uint64_t users_max = UINT64_MAX) {
  Totals totals(7, {.users_max = users_max});
  for (const auto& [name, total] : users) {
    totals.set(*totals.find_or_add(name), Decimal::from_nanos(total.first), total.second);
  }
  return totals;
}

Users users_of(const Totals& totals) {
  Users users;
  for (uint32_t i = 0; i < totals.users(); ++i) {
    const bool fresh =
        users.insert({std::string(totals.user(i)), {totals.sum(i).nanos(), totals.count(i)}})
            .second;
    EXPECT_TRUE(fresh) << totals.user(i) << " is there twice";
  }
  return users;
}

// So many users from `first` on, with names of several lengths.
Users some(int first, int count) {
  std::mt19937_64 random(static_cast<uint64_t>(first * 31 + count));
  Users users;
  for (int i = first; i < first + count; ++i) {
    users[std::string(static_cast<size_t>(i % 40), 'n') + std::to_string(i)] = {
        static_cast<Int128>(random()), 1 + random() % 9};
  }
  return users;
}

void expect_joined(const Users& ours, const Users& theirs) {
  Users want = ours;
  for (const auto& [name, total] : theirs) {
    want[name].first += total.first;
    want[name].second += total.second;
  }
  for (const unsigned threads : {1U, 2U, 3U, 8U}) {
    Totals totals = table_of(ours);
    ASSERT_TRUE(join_tables(totals, table_of(theirs), threads));
    ASSERT_EQ(users_of(totals), want) << threads << " threads";
    for (const auto& [name, total] : want) {
      const auto index = totals.find(name);
      ASSERT_TRUE(index) << name << " cannot be found";
      ASSERT_EQ(totals.count(*index), total.second);
    }
    // It is a table like any other.
    ASSERT_TRUE(totals.find_or_add("somebody new"));
    ASSERT_EQ(totals.users(), want.size() + 1);
    ASSERT_EQ(totals.user(static_cast<uint32_t>(want.size())), "somebody new");
  }
}

TEST(Join, UsersOfBothAreAddedAndTheOthersAreAllThere) {
  expect_joined(some(0, 20'000), some(15'000, 30'000));
}

TEST(Join, FewNewUsersAmongMany) {
  expect_joined(some(0, 20'000), some(0, 20'010));
}

TEST(Join, AnEmptyTableOnEitherSide) {
  expect_joined({}, some(0, 9'000));
  expect_joined(some(0, 9'000), {});
  expect_joined({}, {});
}

TEST(Join, TablesOfVeryDifferentSizes) {
  expect_joined(some(0, 10), some(5, 50'000));
  expect_joined(some(0, 50'000), some(49'995, 10));
}

TEST(Join, OneUserTooManyIsAnError) {
  for (const unsigned threads : {1U, 3U}) {
    Totals fits = table_of(some(0, 600), 1'000);
    EXPECT_TRUE(join_tables(fits, table_of(some(500, 500)), threads));
    Totals full = table_of(some(0, 600), 1'000);
    const Result<void> joined = join_tables(full, table_of(some(500, 501)), threads);
    ASSERT_FALSE(joined);
    EXPECT_NE(joined.error().message.find("more than 1000 users"), std::string::npos);
  }
}

TEST(Join, ATotalThatDoesNotFitIsAnError) {
  Totals totals = table_of({{"a", {1, 1}}, {"b", {kSumMost, 1}}});
  const Result<void> joined = join_tables(totals, table_of({{"b", {1, 1}}}), 2);
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().message, "user b: the total does not fit");
}

}  // namespace
}  // namespace paystats
