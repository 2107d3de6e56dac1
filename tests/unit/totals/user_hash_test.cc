#include "totals/user_hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

namespace paystats::totals {
namespace {

uint32_t tag_of(std::string_view name, uint64_t seed) {
  return UserHash(seed).tag(name);
}

TEST(UserHash, DependsOnEachByte) {
  for (size_t size = 1; size < 40; ++size) {
    const std::string name(size, 'n');
    for (size_t at = 0; at < size; ++at) {
      std::string other = name;
      other[at] = 'm';
      EXPECT_NE(tag_of(name, 1), tag_of(other, 1)) << size << " at " << at;
    }
  }
}

TEST(UserHash, DependsOnTheSeedAndOnTheLength) {
  for (size_t size = 1; size < 40; ++size) {
    const std::string name(size, 'n');
    EXPECT_NE(tag_of(name, 1), tag_of(name, 2)) << size;
    EXPECT_NE(tag_of(name, 1), tag_of(name + 'n', 1)) << size;
  }
}

TEST(UserHash, TellsLongNamesFromOthers) {
  for (size_t size = 1; size < 40; ++size) {
    const std::string name(size, 'n');
    EXPECT_EQ(UserHash::is_of_long_name(tag_of(name, 1)), size > 16) << size;
    EXPECT_TRUE(UserHash::is_of_long_name(tag_of(name + '\0', 1))) << size << " and a NUL";
  }
}

// Neither the highest bits, which are the place in a table, nor the tag as a whole gather: numbered
// names fill as many of 65,536 places as random numbers would, and hardly two have one tag.
TEST(UserHash, SpreadsNumberedNames) {
  constexpr size_t kNames = 65536;
  for (const std::string before : {"", "user", "customer-", "somebody-or-other"}) {
    for (const std::string behind : {"", "@pay.org"}) {
      std::set<uint32_t> places;
      std::set<uint32_t> tags;
      for (size_t i = 0; i < kNames; ++i) {
        const uint32_t tag = tag_of(before + std::to_string(i) + behind, 12345);
        places.insert(tag >> 16U);
        tags.insert(tag);
      }
      EXPECT_NEAR(static_cast<double>(places.size()), 0.632 * kNames, 0.01 * kNames)
          << before << "..." << behind;
      EXPECT_GT(tags.size(), kNames - 8) << before << "..." << behind;
    }
  }
}

}  // namespace
}  // namespace paystats::totals
