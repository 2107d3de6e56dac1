#include "totals/totals.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "totals/user_hash.h"

namespace paystats::totals {
namespace {

constexpr uint64_t kSeed = 7;
constexpr money::Int128 kSumMax = static_cast<money::Int128>(~money::Uint128{0} >> 1U);

struct Model {
  money::Int128 sum = 0;
  uint64_t count = 0;
};
using ModelTable = std::map<std::string, Model>;

// On a line of its own, unless another one is said.
Totals::Row row(std::string_view user, money::Int128 nanos, uint64_t count = 1, uint32_t line = 0) {
  static uint32_t lines = 1000;
  Totals::Row r;
  r.line = line == 0 ? ++lines : line;
  r.record.count = count;
  r.record.user = user;
  r.record.sum = money::Decimal::from_nanos(nanos);
  return r;
}

// Adds rows that must all be taken.
void add_all(Totals& totals, const std::vector<Totals::Row>& rows) {
  std::vector<Totals::RejectedRow> rejected;
  const base::Result<void> added = totals.add(rows, rejected);
  ASSERT_TRUE(added) << added.error().message;
  ASSERT_TRUE(rejected.empty());
}

void expect_same(const Totals& totals, const ModelTable& model) {
  ASSERT_EQ(totals.users(), model.size());
  std::set<std::string> seen;
  for (uint32_t i = 0; i < totals.users(); ++i) {
    const std::string user(totals.user(i));
    ASSERT_TRUE(seen.insert(user).second) << user << " is there twice";
    const auto it = model.find(user);
    ASSERT_NE(it, model.end()) << user;
    ASSERT_TRUE(totals.sum(i).nanos() == it->second.sum) << user;
    ASSERT_EQ(totals.count(i), it->second.count) << user;
  }
}

TEST(Totals, AgreesWithAMapOverBatchesOfAnySizeWithGrowth) {
  for (const uint64_t seed : {1, 2, 3}) {
    std::mt19937_64 random(seed);
    Totals totals(seed, {});
    ModelTable model;
    const uint64_t users = seed == 1 ? 3 : seed == 2 ? 5'000 : 40'000;
    for (int batch = 0; batch < 400; ++batch) {
      std::vector<std::string> names(random() % 600);
      std::vector<Totals::Row> rows;
      for (std::string& name : names) {
        const uint64_t n = random() % users;
        name = std::string(n % 37, 'x') + std::to_string(n);
        const auto nanos = static_cast<money::Int128>(static_cast<int64_t>(random()));
        rows.push_back(row(name, nanos));
        model[name].sum += nanos;
        ++model[name].count;
      }
      add_all(totals, rows);
    }
    expect_same(totals, model);
  }
}

TEST(Totals, ATenthAMillionTimesIsAHundredThousand) {
  Totals totals(kSeed, {});
  const std::vector<Totals::Row> rows(500, row("edgar", 100'000'000));
  for (int i = 0; i < 2'000; ++i) add_all(totals, rows);
  EXPECT_EQ(totals.sum(0), money::Decimal::from_nanos(money::Int128{100'000} * 1'000'000'000));
  EXPECT_EQ(totals.count(0), 1'000'000U);
}

TEST(Totals, KeepsNamesOfEachLengthApart) {
  Totals totals(kSeed, {});
  ModelTable model;
  std::vector<std::string> names;
  for (size_t n = 1; n <= record::kUserBytesMax; ++n) names.emplace_back(n, 'a');
  names.emplace_back("a\0b", 3);
  names.emplace_back("a\0c", 3);
  for (int round = 0; round < 2; ++round) {
    for (const std::string& name : names) {
      add_all(totals, {row(name, 1)});
      ++model[name].sum;
      ++model[name].count;
    }
  }
  expect_same(totals, model);
}

// In the head of a name, the word or two that are compared, the end of such a name does not show.
TEST(Totals, KeepsNamesApartThatDifferInNulsAtTheirEnds) {
  Totals totals(kSeed, {});
  ModelTable model;
  std::vector<std::string> names;
  for (const std::string name : {"", "a", "edgar", "eight to", "eight to a", "sixteen bytes of"}) {
    for (size_t nuls = 0; nuls <= 18; ++nuls) names.push_back(name + std::string(nuls, '\0'));
  }
  for (int round = 0; round < 2; ++round) {
    std::vector<Totals::Row> rows;
    for (const std::string& name : names) {
      rows.push_back(row(name, 1));
      ++model[name].sum;
      ++model[name].count;
    }
    add_all(totals, rows);
  }
  expect_same(totals, model);
  for (const std::string& name : names) {
    ASSERT_EQ(totals.user(*totals.find(name)), name);
  }
}

// An entry has room for sums of 64 bits and counts of 31: both are stepped over, there and back.
TEST(Totals, AnyTotalIsKeptWhateverItsSize) {
  constexpr money::Int128 kNarrow = INT64_MAX;
  for (const money::Int128 sign : {1, -1}) {
    Totals totals(kSeed, {});
    ModelTable model;
    const auto add = [&](const std::string& user, money::Int128 nanos) {
      add_all(totals, {row(user, nanos)});
      model[user].sum += nanos;
      ++model[user].count;
      expect_same(totals, model);
    };
    for (const std::string user : {"anna", "bob", "somebody with a long name"}) {
      add(user, sign * kNarrow);
      for (const money::Int128 step : {1, 1, 1, -1, -1, -1, -1}) add(user, sign * step);
      add(user, sign * kNarrow * 5);
      add(user, -sign * kNarrow * 6);
      add(user, sign);
    }
    add("carol", sign * kNarrow * kNarrow);
    add("dave", 1);
    add("dave", sign * kNarrow * kNarrow);
  }
}

TEST(Totals, AnyCountIsKeptWhateverItsSize) {
  for (const uint64_t most : {uint64_t{1} << 31U, uint64_t{1} << 32U, UINT64_MAX}) {
    for (uint64_t count = most - 5; count != most; ++count) {
      Totals totals(kSeed, {.track_changes = true});
      ModelTable model;
      for (const std::string user : {"anna", "bob"}) {
        totals.set(*totals.find_or_add(user), money::Decimal::from_nanos(7), count);
        model[user] = {7, count};
      }
      expect_same(totals, model);
      for (uint64_t n = count; n < most; ++n) {
        add_all(totals, {row("bob", 1)});
        ++model["bob"].sum;
        ++model["bob"].count;
        expect_same(totals, model);
      }
      totals.clear_changed();
      expect_same(totals, model);
      add_all(totals, {row("anna", 1)});
      EXPECT_EQ(totals.changed().size(), 1U) << "marks are kept beside the count";
      totals.set(1, {}, 0);
      model["bob"] = {};
      ++model["anna"].sum;
      ++model["anna"].count;
      expect_same(totals, model);
    }
  }
}

TEST(Totals, ABatchIsCountedWhateverItsVolume) {
  std::vector<uint64_t> counts = {1, 2, 3};
  for (const unsigned bits : {30U, 31U, 32U, 33U, 62U, 63U}) {
    for (uint64_t off = 0; off < 5; ++off) counts.push_back((uint64_t{1} << bits) - 2 + off);
  }
  for (uint64_t off = 0; off < 3; ++off) counts.push_back(UINT64_MAX - off);
  for (const uint64_t before : counts) {
    for (const uint64_t volume : counts) {
      Totals totals(kSeed, {.track_changes = true});
      add_all(totals, {row("edgar", 5, before)});
      totals.clear_changed();
      std::vector<Totals::RejectedRow> rejected;
      ASSERT_TRUE(totals.add(std::vector{row("edgar", 2, volume)}, rejected));
      const bool fits = volume <= UINT64_MAX - before;
      ASSERT_EQ(rejected.size(), fits ? 0U : 1U) << before << " + " << volume;
      ASSERT_EQ(totals.count(0), fits ? before + volume : before);
      ASSERT_TRUE(totals.sum(0).nanos() == (fits ? 7 : 5));
      ASSERT_EQ(totals.changed().size(), fits ? 1U : 0U);
    }
  }
}

TEST(Totals, NumbersUsersInTheOrderOfTheirFirstPayment) {
  Totals totals(kSeed, {});
  add_all(totals, {row("carol", 1), row("anna", 2), row("carol", 3), row("bob", 4)});
  ASSERT_EQ(totals.users(), 3U);
  EXPECT_EQ(totals.user(0), "carol");
  EXPECT_EQ(totals.user(1), "anna");
  EXPECT_EQ(totals.user(2), "bob");
}

TEST(Totals, StaysRightWhenAllNamesWantTheSamePlace) {
  // Names whose tags begin with the same 12 bits share one home in any table of up to 4096 slots.
  Totals totals(kSeed, {});
  ModelTable model;
  std::vector<std::string> names;
  for (uint64_t n = 0; names.size() < 700; ++n) {
    std::string name = "user" + std::to_string(n);
    if (UserHash(kSeed).tag(name) >> 20U == 0xFFF) names.push_back(std::move(name));
  }
  for (int round = 0; round < 2; ++round) {
    std::vector<Totals::Row> rows;
    for (const std::string& name : names) {
      rows.push_back(row(name, round + 1));
      model[name].sum += round + 1;
      ++model[name].count;
    }
    add_all(totals, rows);
  }
  expect_same(totals, model);
}

TEST(Totals, FindsWhomItHasWhileItGrowsAndNobodyElse) {
  Totals totals(kSeed, {});
  for (uint32_t n = 0; n < 30'000; ++n) {
    const std::string name = std::string(n % 30, 'x') + std::to_string(n);
    ASSERT_FALSE(totals.find(name)) << name;
    ASSERT_EQ(*totals.find_or_add(name), n);
    ASSERT_EQ(*totals.find(name), n);
  }
  for (uint32_t n = 0; n < 30'000; ++n) {
    ASSERT_EQ(*totals.find(std::string(n % 30, 'x') + std::to_string(n)), n);
    ASSERT_FALSE(totals.find("y" + std::to_string(n)));
  }
}

TEST(Totals, KeepsNamesOfEqualTagApart) {
  // Among 300,000 names some pairs share all 32 bits of the tag.
  std::map<uint32_t, std::string> first;
  std::vector<std::string> names;
  for (int n = 0; n < 300'000; ++n) {
    std::string name = std::to_string(n);
    const auto [it, fresh] = first.emplace(UserHash(kSeed).tag(name), name);
    if (!fresh) {
      names.push_back(it->second);
      names.push_back(std::move(name));
    }
  }
  ASSERT_GE(names.size(), 4U);
  Totals totals(kSeed, {});
  ModelTable model;
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < names.size(); ++i) {
      add_all(totals, {row(names[i], static_cast<int>(i))});
      model[names[i]].sum += static_cast<int>(i);
      ++model[names[i]].count;
    }
  }
  expect_same(totals, model);
}

TEST(Totals, RefusesTheRowThatWouldOverflowASumAndOnlyThatOne) {
  for (const money::Int128 sign : {1, -1}) {
    Totals totals(kSeed, {});
    add_all(totals, {row("edgar", sign * kSumMax)});
    std::vector<Totals::RejectedRow> rejected;
    const std::vector<Totals::Row> rows = {row("anna", sign), row("edgar", sign * 2),
                                           row("edgar", -sign), row("edgar", sign)};
    ASSERT_TRUE(totals.add(rows, rejected));
    ASSERT_EQ(rejected.size(), 1U);
    EXPECT_EQ(rejected[0].row, 1U);
    EXPECT_EQ(rejected[0].flaw, record::Flaw::kSumOverflow);
    EXPECT_TRUE(totals.sum(0).nanos() == sign * kSumMax);
    EXPECT_EQ(totals.count(0), 3U);
    EXPECT_EQ(totals.count(1), 1U);
  }
}

TEST(Totals, TakesTheLowestSumThatThereIs) {
  Totals totals(kSeed, {});
  add_all(totals, {row("edgar", -kSumMax), row("edgar", -1)});
  std::vector<Totals::RejectedRow> rejected;
  ASSERT_TRUE(totals.add(std::vector{row("edgar", -1)}, rejected));
  ASSERT_EQ(rejected.size(), 1U);
  EXPECT_TRUE(totals.sum(0).nanos() == -kSumMax - 1);
}

TEST(Totals, RefusesThePaymentAfterTheLargestCount) {
  Totals totals(kSeed, {.track_changes = true});
  ASSERT_EQ(*totals.find_or_add("edgar"), 0U);
  totals.set(0, money::Decimal::from_nanos(5), UINT64_MAX - 1);
  add_all(totals, {row("edgar", 1)});
  totals.clear_changed();
  std::vector<Totals::RejectedRow> rejected;
  ASSERT_TRUE(totals.add(std::vector{row("edgar", 1)}, rejected));
  ASSERT_EQ(rejected.size(), 1U);
  EXPECT_EQ(rejected[0].flaw, record::Flaw::kCountOverflow);
  EXPECT_TRUE(totals.sum(0).nanos() == 6);
  EXPECT_EQ(totals.count(0), UINT64_MAX);
  EXPECT_TRUE(totals.changed().empty()) << "nothing changed, so there is nothing to publish";
}

TEST(Totals, OneUserMoreThanAllowedIsAnErrorThatNamesTheOption) {
  Totals totals(kSeed, {.users_max = 2});
  add_all(totals, {row("anna", 1), row("bob", 1), row("anna", 1)});
  std::vector<Totals::RejectedRow> rejected;
  const base::Result<void> added =
      totals.add(std::vector{row("bob", 1), row("carol", 1)}, rejected);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().message, "more than 2 users: raise --users-max if there is the memory");
  EXPECT_EQ(totals.users(), 2U);
  EXPECT_EQ(totals.count(1), 2U);
}

TEST(Totals, ListsChangedUsersInTheOrderOfTheirFirstChange) {
  Totals totals(kSeed, {.track_changes = true});
  add_all(totals, {row("anna", 1), row("bob", 1), row("carol", 1)});
  EXPECT_EQ(std::vector<uint32_t>(totals.changed().begin(), totals.changed().end()),
            (std::vector<uint32_t>{0, 1, 2}));
  totals.clear_changed();
  EXPECT_TRUE(totals.changed().empty());
  add_all(totals, {row("carol", 1), row("anna", 1), row("carol", 1)});
  EXPECT_EQ(std::vector<uint32_t>(totals.changed().begin(), totals.changed().end()),
            (std::vector<uint32_t>{2, 0}));
  EXPECT_EQ(totals.user(2), "carol") << "the mark of a change is no part of the name";
  EXPECT_EQ(totals.count(2), 3U);
}

TEST(Totals, TheListOfChangedUsersBeginsAnewWhereItIsTaken) {
  Totals totals(kSeed, {.track_changes = true});
  add_all(totals, {row("anna", 1), row("bob", 1)});
  std::vector<uint32_t> users{7};
  totals.take_changed(users);
  EXPECT_EQ(users, (std::vector<uint32_t>{0, 1}));
  EXPECT_TRUE(totals.changed().empty());
  add_all(totals, {row("bob", 1)});
  totals.set_changed(0);
  totals.set_changed(1);
  EXPECT_EQ(std::vector<uint32_t>(totals.changed().begin(), totals.changed().end()),
            (std::vector<uint32_t>{1, 0}))
      << "each once";
}

TEST(Totals, ALineThatIsTakenBackChangesNobody) {
  Totals totals(kSeed, {.track_changes = true});
  add_all(totals, {row("anna", 1), row("bob", 1), row("full", kSumMax), row("carl", 1)});
  totals.clear_changed();
  totals.set_changed(3);
  std::vector<Totals::RejectedRow> rejected;
  const std::vector rows = {row("bob", 1),        row("full", 1),       row("new", 1, 1, 1),
                            row("anna", 1, 1, 1), row("bob", 1, 1, 1),  row("full", 1, 1, 1),
                            row("anna", 1, 1, 2), row("full", 1, 1, 2), row("eve", 1),
                            row("anna", 1, 1, 3), row("full", 1, 1, 3)};
  ASSERT_TRUE(totals.add(rows, rejected));
  ASSERT_EQ(rejected.size(), 4U);
  std::string changed;
  for (const uint32_t user : totals.changed()) changed += std::string(totals.user(user)) + " ";
  EXPECT_EQ(changed, "carl bob eve ");
  totals.clear_changed();
  add_all(totals, {row("anna", 1), row("bob", 1)});
  EXPECT_EQ(totals.changed().size(), 2U) << "they can be listed again";
}

TEST(Totals, TheBoundOfRowsHoldsWhatIsEnormousAndStaysAtAll) {
  Totals totals(kSeed, {});
  const money::Int128 half = kSumMax / 2;
  add_all(totals, {row("anna", 1), row("anna", 5'000'000'000'000'000'000),
                   row("anna", 5'000'000'000'000'000'000), row("bob", -1, 1U << 31U)});
  EXPECT_TRUE(totals.take_bound().fits());
  add_all(totals, {row("anna", half / 2), row("bob", -half / 2), row("anna", -half / 2)});
  EXPECT_FALSE(totals.take_bound().fits()) << "their order might matter";
  EXPECT_TRUE(totals.take_bound().fits()) << "it has been taken";
  add_all(totals, {row("carl", 0, uint64_t{1} << 62U), row("carl", 0, uint64_t{1} << 62U)});
  EXPECT_FALSE(totals.take_bound().fits());
  add_all(totals, {row("dora", half / 4)});
  EXPECT_TRUE(totals.take_bound().fits());
  add_all(totals, {row("dora", -half / 4), row("dora", half / 4), row("dora", -half / 4),
                   row("dora", half / 4), row("dora", -half / 4)});
  EXPECT_FALSE(totals.take_bound().fits()) << "a total that is large already";
}

TEST(Totals, KeepsNoListUnlessAsked) {
  Totals totals(kSeed, {});
  add_all(totals, {row("anna", 1)});
  EXPECT_TRUE(totals.changed().empty());
}

TEST(Totals, TakesFewBytesAUser) {
  constexpr size_t kUsers = 1'000'000;
  Totals totals(kSeed, {});
  std::vector<std::string> names(500);
  for (size_t done = 0; done < kUsers; done += names.size()) {
    std::vector<Totals::Row> rows;
    for (size_t i = 0; i < names.size(); ++i) {
      names[i] = std::to_string(10'000'000 + done + i);  // 8 bytes
      rows.push_back(row(names[i], 1));
    }
    add_all(totals, rows);
  }
  ASSERT_EQ(totals.users(), kUsers);
  EXPECT_LE(totals.memory_bytes() / kUsers, 43U);
  EXPECT_GE(totals.memory_bytes() / kUsers, 37U) << "counted too little";
}

TEST(Totals, ABatchCountsAsAllItsPayments) {
  Totals totals(kSeed, {});
  add_all(totals,
          {row("edgar", 7, 7), row("anna", 3, 2), row("edgar", 1), row("anna", 0, 1U << 31U)});
  EXPECT_EQ(totals.count(0), 8U);
  EXPECT_EQ(totals.sum(0).nanos(), 8);
  EXPECT_EQ(totals.count(1), 2U + (uint64_t{1} << 31U));
  EXPECT_EQ(totals.sum(1).nanos(), 3);
}

TEST(Totals, ACountThatDoesNotFitIsRejected) {
  Totals totals(kSeed, {});
  std::vector<Totals::RejectedRow> rejected;
  const std::vector rows = {row("edgar", 0, UINT64_MAX), row("edgar", 0),
                            row("anna", 0, UINT64_MAX - 1), row("anna", 0),
                            row("anna", 0, UINT64_MAX / 2 + 2)};
  ASSERT_TRUE(totals.add(rows, rejected));
  ASSERT_EQ(rejected.size(), 2U);
  EXPECT_EQ(rejected[0].row, 1U);
  EXPECT_EQ(rejected[1].row, 4U);
  EXPECT_EQ(rejected[1].flaw, record::Flaw::kCountOverflow);
  EXPECT_EQ(totals.count(0), UINT64_MAX);
  EXPECT_EQ(totals.count(1), UINT64_MAX);
}

// Lines of one to many rows, some of which hold a row that does not fit: held against a map to
// which a line is added as a whole or not at all.
TEST(Totals, AGroupIsAddedWholeOrNotAtAll) {
  for (const uint64_t seed : {1, 2, 3, 4}) {
    std::mt19937_64 random(seed);
    Totals totals(seed, {.track_changes = true});
    ModelTable model;
    add_all(totals, {row("full", kSumMax)});
    model["full"] = {kSumMax, 1};
    uint32_t line = 2000;
    for (int call = 0; call < 60; ++call) {
      std::vector<std::string> names;
      std::vector<Totals::Row> rows;
      std::vector<size_t> refused;  // the first row of each line that is
      names.reserve(4000);
      while (rows.size() < 300) {
        const size_t size = random() % 4 == 0 ? random() % 500 + 1 : random() % 4 + 1;
        ModelTable with = model;
        bool fits = true;
        ++line;
        for (size_t i = 0; i < size; ++i) {
          const uint64_t user = random() % 3000;
          const bool full = random() % 200 == 0;
          const std::string text =
              full ? "full" : std::string(user % 40, 'n') + std::to_string(user);
          names.push_back(text);
          rows.push_back(row(names.back(), 5, 1 + random() % 3, line));
          fits = fits && !full;
          if (full) continue;  // what would overflow there would in the model as well
          with[text].sum += 5;
          with[text].count += rows.back().record.count;
        }
        if (fits) model = with;
        if (!fits) refused.push_back(line);
      }
      std::vector<Totals::RejectedRow> rejected;
      ASSERT_TRUE(totals.add(rows, rejected));
      ASSERT_EQ(rejected.size(), refused.size());
      for (size_t i = 0; i < refused.size(); ++i) {
        EXPECT_EQ(rows[rejected[i].row].line, refused[i]);
        EXPECT_EQ(rejected[i].flaw, record::Flaw::kSumOverflow);
      }
      expect_same(totals, model);
      for (const uint32_t changed : totals.changed()) ASSERT_LT(changed, totals.users());
      if (call % 7 == 0) totals.clear_changed();
    }
  }
}

}  // namespace
}  // namespace paystats::totals
