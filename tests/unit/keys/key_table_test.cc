#include "keys/key_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

namespace paystats::keys {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr base::Instant kStart{};

std::vector<uint64_t> places(const KeyTable<KeyPlace>& table, uint64_t fingerprint) {
  std::vector<uint64_t> places;
  for (const KeyPlace& found : table.find(fingerprint)) places.push_back(found.place);
  return places;
}

TEST(KeyTable, FindsThePlacesOfAKey) {
  KeyTable<KeyPlace> table({});
  table.add({7, 100}, kStart);
  table.add({8, 200}, kStart);
  table.add({7, 50}, kStart);  // of another key that has the same fingerprint
  EXPECT_EQ(places(table, 7), (std::vector<uint64_t>{50, 100}));
  EXPECT_EQ(places(table, 8), std::vector<uint64_t>{200});
  EXPECT_TRUE(table.find(9).empty());
  EXPECT_EQ(table.size(), 3u);
}

TEST(KeyTable, FindsWhatAMapFinds) {
  std::mt19937_64 random(1);
  KeyTable<KeyPlace> table({.keys_max = 20'000});
  std::map<uint64_t, std::set<uint64_t>> model;
  for (uint64_t place = 0; place < 20'000; ++place) {
    const uint64_t fingerprint = random() % 30'000;
    table.add({fingerprint, place}, kStart);
    model[fingerprint].insert(place);
  }
  for (uint64_t fingerprint = 0; fingerprint < 30'000; ++fingerprint) {
    const auto& expected = model[fingerprint];
    EXPECT_EQ(places(table, fingerprint), std::vector<uint64_t>(expected.begin(), expected.end()));
  }
}

TEST(KeyTable, IsFullOfKeysThatAreYoung) {
  KeyTable<KeyPlace> table({.keys_max = 3, .memory = hours(1)});
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(table.full(kStart + seconds(i)));
    table.add({i, i}, kStart + seconds(i));
  }
  EXPECT_TRUE(table.full(kStart + seconds(3)));
  EXPECT_TRUE(table.full(kStart + hours(1) - seconds(1)));
  EXPECT_EQ(table.young(kStart + hours(1) - seconds(1)), 3u);
  EXPECT_EQ(table.young(kStart + hours(1)), 2u);
  EXPECT_FALSE(table.full(kStart + hours(1)));  // the first one is an hour old
  table.add({9, 9}, kStart + hours(1));
  EXPECT_TRUE(table.find(0).empty());
  EXPECT_TRUE(table.has_forgotten());
  EXPECT_EQ(table.find(1).size(), 1u);
  EXPECT_TRUE(table.full(kStart + hours(1)));
}

TEST(KeyTable, WhatIsAboutToBeAddedTakesRoom) {
  KeyTable<KeyPlace> table({.keys_max = 3, .memory = hours(1)});
  table.add({1, 1}, kStart);
  EXPECT_FALSE(table.full(kStart, 1));
  EXPECT_TRUE(table.full(kStart, 2));
}

TEST(KeyTable, AKeyIsKeptAsLongAsThereIsRoom) {
  KeyTable<KeyPlace> table({.keys_max = 100, .memory = seconds(1)});
  table.add({1, 1}, kStart);
  table.add({2, 2}, kStart + hours(100));
  EXPECT_EQ(table.find(1).size(), 1u);
}

// Never forgotten early, whatever comes: against a model that knows when each was added.
TEST(KeyTable, RemembersEachKeyForItsTime) {
  std::mt19937_64 random(2);
  const KeyLimits limits = {.keys_max = 64, .memory = seconds(100)};
  KeyTable<KeyPlace> table(limits);
  std::map<uint64_t, base::Instant> added;
  base::Instant now = kStart;
  for (uint64_t i = 0; i < 5'000; ++i) {
    now += std::chrono::milliseconds(random() % 4'000);
    if (table.full(now)) continue;
    table.add({i, i}, now);
    added[i] = now;
    EXPECT_LE(table.size(), limits.keys_max + limits.keys_max / 8 + 1);
    for (auto it = added.begin(); it != added.end();) {
      if (now - it->second >= limits.memory) {
        it = added.erase(it);
      } else {
        EXPECT_EQ(table.find(it->first).size(), 1u) << it->first;
        ++it;
      }
    }
  }
  EXPECT_GT(added.size(), 10u);
}

TEST(KeyTable, KeysOfTheStartAreKnownAndLeaveRoomForOthers) {
  KeyTable<KeyPlace> table({.keys_max = 4, .memory = hours(1)});
  table.add_past({{3, 30}, {1, 10}, {2, 20}, {4, 40}}, kStart);
  EXPECT_EQ(places(table, 2), std::vector<uint64_t>{20});
  EXPECT_EQ(table.young(kStart), 0u);
  EXPECT_FALSE(table.full(kStart));
  for (uint64_t i = 5; i < 9; ++i) table.add({i, i}, kStart);
  EXPECT_TRUE(table.full(kStart));
  for (uint64_t i = 1; i < 9; ++i) EXPECT_EQ(table.find(i).size(), 1u) << i;
  table.add({9, 9}, kStart + hours(1));
  EXPECT_TRUE(table.find(1).empty());  // those of the start go first
}

TEST(KeyTable, AMillionKeysTakeSixteenBytesEachOrThirtyTwo) {
  EXPECT_EQ(sizeof(KeyPlace), 16u);
  EXPECT_EQ(sizeof(KeyOutcome), 32u);
}

TEST(KeyTable, AnOutcomeIsFoundWithItsPaymentsAndTheirCount) {
  KeyTable<KeyOutcome> table({.keys_max = 64});
  for (uint64_t i = 0; i < 64; ++i) {
    table.add({.fingerprint = i, .key_check = i + 1, .payments = i + 2, .count = i + 3}, kStart);
  }
  for (uint64_t i = 0; i < 64; ++i) {
    const std::vector<KeyOutcome> found = table.find(i);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].key_check, i + 1);
    EXPECT_EQ(found[0].payments, i + 2);
    EXPECT_EQ(found[0].count, i + 3);
  }
  EXPECT_TRUE(table.full(kStart));
}

}  // namespace
}  // namespace paystats::keys
