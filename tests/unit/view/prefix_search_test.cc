#include "view/prefix_search.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <unordered_set>

#include "unit/view/oracle.h"

namespace paystats::view {
namespace {

// Names over a small alphabet, so that prefixes of every width match: of n users n/4 begin with
// "a", n/16 with "ab" and so on. Some are long, some hold more than ASCII.
std::string some_name(std::mt19937_64& random) {
  static const std::string kLetters[] = {"a", "b", "c", "\xC3\xA9"};
  std::string name = kLetters[random() % 4];
  for (int i = 0; i < 12; ++i) name += kLetters[random() % 4];
  return name;
}

class PrefixSearchTest : public testing::Test {
 protected:
  void fill(size_t users) {
    std::unordered_set<std::string> seen;
    while (oracle_.users.size() < users) {
      std::string name = some_name(random_);
      if (seen.insert(name).second) oracle_.users.push_back({std::move(name), {}, 0, false});
    }
    for (size_t i = 0; i < users * 3; ++i) change_one(random_, oracle_, view_);
  }

  void fill_all_with(const std::string& prefix, size_t users) {
    for (size_t i = 0; i < users; ++i)
      oracle_.users.push_back(
          {prefix + std::to_string(i), cents(static_cast<int64_t>(i / 3)), 1, true});
    for (const OracleUser& user : oracle_.users)
      view_.apply(record::Stats{user.name, user.sum, 1, {}});
  }

  void check_under_changes(PrefixSearch&& found, const std::string& prefix, uint64_t limit,
                           int& walks) {
    walks += found.gathers() ? 0 : 1;
    while (!found.step(700))
      for (int i = 0; i < 300; ++i) change_one(random_, oracle_, view_);

    const std::vector<protocol::RankedStats> rows = found.rows();
    EXPECT_LE(rows.size(), limit);
    EXPECT_FALSE(rows.empty());
    std::unordered_set<std::string_view> users;
    for (size_t i = 0; i < rows.size(); ++i) {
      ASSERT_TRUE(rows[i].user.starts_with(prefix));
      ASSERT_TRUE(users.insert(rows[i].user).second) << rows[i].user << " twice";
      if (i == 0) continue;
      ASSERT_TRUE(
          record::ranks_before(rows[i - 1].sum, rows[i - 1].user, rows[i].sum, rows[i].user));
      ASSERT_LE(rows[i - 1].rank, rows[i].rank);
    }
  }

  PrefixSearch search(std::string prefix, uint64_t offset, uint64_t limit) {
    return {view_.ledger(), view_.ranking(), view_.name_index(), std::move(prefix), offset, limit};
  }

  std::mt19937_64 random_{17};
  View view_{options_for_tests()};
  Oracle oracle_;
};

TEST_F(PrefixSearchTest, EqualsAFilterOfAFullSortWhateverThePrefixThePageAndTheSlices) {
  fill(kSanitized ? 40'000 : 60'000);
  int gathers = 0;
  int walks = 0;
  for (int round = 0; round < (kSanitized ? 60 : 120); ++round) {
    const std::string name = some_name(random_);
    const std::string prefix =
        name.substr(0, round % 5 == 0 ? random_() % name.size() : random_() % 4);
    const std::vector<protocol::RankedStats> matching = oracle_.matching(prefix);
    const uint64_t offset = round % 3 == 0 ? 0 : random_() % (matching.size() + 10);
    const uint64_t limit = round % 7 == 0 ? 100'000 : 1 + random_() % 1000;
    PrefixSearch found = search(prefix, offset, limit);
    const size_t slice_rows = 1 + random_() % 20'000;
    while (!found.step(slice_rows)) {
    }
    ASSERT_EQ(found.matches(), matching.size()) << testing::PrintToString(prefix);
    ASSERT_EQ(first_difference(found.rows(), slice(matching, offset, limit)), -1)
        << testing::PrintToString(prefix) << " offset " << offset << " limit " << limit;
    ++(found.gathers() ? gathers : walks);
  }
  EXPECT_GT(gathers, 10);
  EXPECT_GT(walks, 10);
}

TEST_F(PrefixSearchTest, FewAreGatheredAndTheTopOfManyIsWalkedTo) {
  fill(60'000);
  EXPECT_TRUE(search("abc", 0, 50).gathers());
  EXPECT_FALSE(search("a", 0, 50).gathers());
  // The end of many, with much of the ranking before it: to gather is less than to walk.
  const uint64_t matching = search("a", 0, 1).matches();
  ASSERT_GT(matching, PrefixSearch::kGatherAlways);
  EXPECT_TRUE(search("a", matching - 50, 50).gathers());
}

TEST_F(PrefixSearchTest, NobodyMatchesIsDoneAtOnce) {
  fill(1'000);
  for (const char* prefix : {"x", "\xFF", "ax", "abcabcabcabcabcabcabcabcabcabc"}) {
    PrefixSearch found = search(prefix, 0, 50);
    EXPECT_TRUE(found.step(1));
    EXPECT_TRUE(found.rows().empty());
    EXPECT_EQ(found.matches(), 0U);
  }
  PrefixSearch beyond = search("a", UINT64_MAX, UINT64_MAX);
  EXPECT_TRUE(beyond.step(1));
  EXPECT_TRUE(beyond.rows().empty());
  EXPECT_GT(beyond.matches(), 0U);
}

TEST_F(PrefixSearchTest, InAnEmptyViewFindsNobody) {
  PrefixSearch found = search("a", 0, 50);
  EXPECT_TRUE(found.step());
  EXPECT_TRUE(found.rows().empty());
}

TEST_F(PrefixSearchTest, AStepDoesNoMoreThanItsRowsAndABucket) {
  fill(60'000);
  for (const bool gathers : {false, true}) {
    PrefixSearch deep = search("a", gathers ? 9'000 : 2'500, 50);
    ASSERT_EQ(deep.gathers(), gathers);
    int steps = 1;
    while (!deep.step(500)) ++steps;
    EXPECT_GE(steps, 9'000 / (500 + 256));
  }
}

TEST_F(PrefixSearchTest, MoreThanMayBeGatheredAreWalkedToTheEnd) {
  fill_all_with("a", PrefixSearch::kGatherMax + 5'000);
  const std::vector<protocol::RankedStats> matching = oracle_.matching("a");
  ASSERT_GT(matching.size(), PrefixSearch::kGatherMax);
  for (const uint64_t offset : {uint64_t{0}, matching.size() / 2, matching.size() - 7}) {
    PrefixSearch found = search("a", offset, 1000);
    EXPECT_FALSE(found.gathers());
    while (!found.step(5'000)) {
    }
    EXPECT_EQ(first_difference(found.rows(), slice(matching, offset, 1000)), -1);
  }
}

TEST_F(PrefixSearchTest, ChangesBetweenSlicesLeaveRowsUniqueAndStrictlyDescending) {
  fill(60'000);
  int walks = 0;
  constexpr int kRounds = kSanitized ? 20 : 60;
  for (int round = 0; round < kRounds; ++round) {
    const std::string prefix = round % 4 == 0 ? "ab" : "a";
    check_under_changes(search(prefix, random_() % 2'000, 1000), prefix, 1000, walks);
    check_under_changes(search(prefix, random_() % 2'000, 50'000), prefix, 50'000, walks);
  }
  EXPECT_GT(walks, kRounds / 2);
}

// A slice ends where a bucket does. What is left of that bucket and the next may have become one
// by the next slice, which must then go on in the middle of it.
TEST_F(PrefixSearchTest, ASliceGoesOnBehindWhatItSawWhereTheRankingsBucketsWereJoined) {
  fill_all_with("a", PrefixSearch::kGatherMax + 5'000);
  const uint64_t skipped = 5;
  PrefixSearch found = search("a", skipped, 1000);
  ASSERT_FALSE(found.gathers());
  ASSERT_FALSE(found.step(1));
  const size_t buckets = view_.ranking().buckets();
  const std::vector<protocol::RankedStats> top = view_.page(0, view_.ranking().first_position(2));
  const uint64_t seen = view_.ranking().first_position(1);
  for (uint64_t i = skipped; i < top.size() - skipped; ++i) view_.remove(top[i].user);
  ASSERT_LT(view_.ranking().buckets(), buckets);
  while (!found.step(1)) {
  }
  const std::vector<protocol::RankedStats> rows = found.rows();
  for (size_t i = 1; i < rows.size(); ++i)
    ASSERT_TRUE(record::ranks_before(rows[i - 1].sum, rows[i - 1].user, rows[i].sum, rows[i].user))
        << i;
  ASSERT_GT(rows.size(), seen);
  EXPECT_EQ(rows[seen - skipped].user, top[top.size() - skipped].user);
}

TEST_F(PrefixSearchTest, ASliceGoesOnBehindWhatItSawWhereTheNamesBucketsWereJoined) {
  fill_all_with("a", 4'000);
  PrefixSearch found = search("a", 0, 10'000);
  ASSERT_TRUE(found.gathers());
  ASSERT_FALSE(found.step(1));
  const NameIndex& names = view_.name_index();
  const size_t buckets = names.buckets();
  const uint64_t seen = names.first_position(1);
  std::vector<NameKey> keys;
  for (const size_t bucket : {0, 1}) {  // all but three of the first bucket, then of the second
    names.sorted_keys(bucket, keys);
    for (size_t i = 3; i < keys.size(); ++i) view_.remove(view_.ledger().row(keys[i].id).name());
  }
  ASSERT_LT(names.buckets(), buckets);
  while (!found.step(1)) {
  }
  std::unordered_set<std::string_view> users;
  for (const protocol::RankedStats& row : found.rows())
    EXPECT_TRUE(users.insert(row.user).second) << row.user << " twice";
  EXPECT_EQ(users.size(), view_.users() + seen - 3);  // and those that went after they were seen
}

TEST_F(PrefixSearchTest, ChangesDuringAWalkOverAllUsersDoSoToo) {
  fill_all_with("a", PrefixSearch::kGatherMax + 5'000);
  int walks = 0;
  for (int round = 0; round < 3; ++round)
    check_under_changes(search("a", 0, 1'000'000), "a", 1'000'000, walks);
  EXPECT_EQ(walks, 3);
}

}  // namespace
}  // namespace paystats::view
