#include "totals/rank.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "unit/sanitized.h"

namespace paystats::totals {
namespace {

constexpr money::Int128 kSumMax = static_cast<money::Int128>(~money::Uint128{0} >> 1U);

struct User {
  std::string name;
  money::Int128 nanos = 0;
};

// Expects the order of a full sort: all are there, and each comes before the next one. No two are
// equal, so there is one such order.
void expect_ranked(const std::vector<User>& users, unsigned threads = 1) {
  Totals totals(1, {});
  for (const User& user : users) {
    totals.set(*totals.find_or_add(user.name), money::Decimal::from_nanos(user.nanos), 1);
  }
  const std::vector<uint32_t> order = ranked(totals, threads);
  ASSERT_EQ(order.size(), users.size());
  std::vector<bool> seen(users.size());
  for (size_t i = 0; i < order.size(); ++i) {
    ASSERT_LT(order[i], users.size());
    ASSERT_FALSE(seen[order[i]]) << totals.user(order[i]) << " is there twice";
    seen[order[i]] = true;
    if (i == 0) continue;
    const User& before = users[order[i - 1]];  // numbered as they came
    const User& user = users[order[i]];
    ASSERT_EQ(totals.user(order[i]), user.name);
    ASSERT_TRUE(before.nanos != user.nanos ? before.nanos > user.nanos : before.name < user.name)
        << before.name << " before " << user.name << " at " << i;
  }
}

TEST(Rank, NobodyIsNoList) {
  expect_ranked({});
}

TEST(Rank, LargestSumFirstThenByBytes) {
  expect_ranked({{"b", 5}, {"a", 5}, {"\xC3\xA9", 5}, {"z", -1}, {"y", 0}, {"x", 7}, {"aa", 5}});
}

TEST(Rank, SumsOfAnySizeAreInOrder) {
  expect_ranked({{"low", -kSumMax - 1},
                 {"high", kSumMax},
                 {"nearly", kSumMax - 1},
                 {"zero", 0},
                 {"minus", -1},
                 {"one", 1},
                 {"lower", -kSumMax}});
}

// A table of 1,024 slots has room for 768 users.
TEST(Rank, TablesOfAnySizeAroundAGrowthAreInOrder) {
  for (size_t count = 660; count < 800; ++count) {
    std::vector<User> users;
    for (size_t i = 0; i < count; ++i)
      users.push_back({std::to_string(i), money::Int128{i} * i % 101});
    expect_ranked(users);
  }
}

TEST(Rank, AgreesWithAFullSort) {
  for (const int bits : {2, 20, 62, 63, 64, 65, 100, 126}) {
    std::mt19937_64 random(static_cast<uint64_t>(bits));
    std::vector<User> users;
    for (int i = 0; i < 20'000; ++i) {
      auto nanos = static_cast<money::Int128>((money::Uint128{random()} << 64U) | random());
      nanos >>= 127 - bits;
      users.push_back({std::to_string(i), nanos});
    }
    expect_ranked(users);
  }
}

TEST(Rank, SeveralThreadsAgreeWithAFullSort) {
  for (const int shift : {40, 120}) {
    std::mt19937_64 random(9);
    std::vector<User> users;
    for (int i = 0; i < 300'000; ++i) {
      users.push_back({std::to_string(i),
                       static_cast<money::Int128>(money::Uint128{random()} << 64U) >> shift});
    }
    expect_ranked(users, 4);
  }
}

// More than is sorted by comparison: names that differ late, early, and by their ends alone.
TEST(Rank, VeryManyUsersOfOneSumAreSortedByName) {
  for (const bool alike : {false, true}) {
    const std::string prefix = alike ? "twelve bytes" : "";
    const std::string beginning = alike ? prefix + "same" : "";
    std::mt19937_64 random(3);
    std::vector<User> users{{prefix + "a", 6}, {prefix + "b", 4}};
    for (int i = 0; i < 200'000; ++i) {
      users.push_back({prefix + "the same for all of them " + std::to_string(random()), 5});
      users.push_back({beginning + std::to_string(random()), 5});
    }
    for (size_t i = 0; i < 20; ++i)
      users.push_back({prefix + "zeros" + std::string(i, char{0}), 5});
    for (const unsigned threads : {1U, 3U}) expect_ranked(users, threads);
  }
}

// Keys hold a part of the name: what it does not show must be looked at.
TEST(Rank, NamesThatBeginAlikeAreInOrder) {
  constexpr money::Int128 kCent = 10'000'000;
  for (const size_t prefix_bytes : {0, 1, 8, 12, 20}) {
    const std::string prefix(prefix_bytes, 'x');
    std::mt19937_64 random(7);
    std::unordered_set<std::string> names;
    while (names.size() < 70'000) {
      std::string name = prefix + (random() % 2 == 0 ? "" : "a long beginning");
      const size_t size = (prefix.empty() ? 1 : 0) + random() % 20;
      for (size_t i = 0; i < size; ++i) name += std::string_view("\0ab\xC3\xFF", 5)[random() % 5];
      if (!name.empty()) names.insert(name);
    }
    for (const money::Int128 unit :
         {money::Int128{1}, kCent, kCent * 1'000'000'000'000, money::Int128{1} << 120U}) {
      if (kSanitized && unit != kCent && !prefix.empty()) continue;
      std::vector<User> users;
      for (const std::string& name : names) {
        users.push_back({name, unit * (static_cast<int>(random() % 7) - 3)});
      }
      for (const unsigned threads : {1U, 3U}) expect_ranked(users, threads);
      users.push_back({prefix + "z", 1});  // one sum that is not like the others
      expect_ranked(users);
    }
  }
}

TEST(Rank, PartsAreFinishedByThemselves) {
  Totals totals(1, {});
  for (int i = 0; i < 1'000; ++i) {
    const std::string name =
        (i % 2 == 0 ? "an even beginning " : "an odd one ") + std::to_string(i);
    totals.set(*totals.find_or_add(name), money::Decimal::from_nanos(i / 100), 1);
  }
  const std::vector<uint32_t> want = ranked(totals);
  Ranking ranking(totals, 1);
  std::vector<uint32_t> got(ranking.size());
  // From the last part to the first; a part that begins in a run of equals begins behind it.
  for (size_t at = 1'050; at > 0;) {
    at -= 150;
    const size_t begin = ranking.part_begin(at);
    const size_t end = ranking.part_begin(at + 150);
    ranking.finish(begin, end);
    for (size_t i = begin; i < end; ++i) got[i] = ranking.user(i);
  }
  EXPECT_EQ(got, want);
}

}  // namespace
}  // namespace paystats::totals
