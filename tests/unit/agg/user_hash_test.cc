#include "agg/user_hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace paystats {
namespace {

TEST(UserHash, NamesAreTheSameOnlyWhereEachByteIs) {
  for (size_t size = 1; size < 40; ++size) {
    const std::string name(size, 'n');
    EXPECT_TRUE(same_name(name, std::string(size, 'n')));
    EXPECT_FALSE(same_name(name, name + 'n'));
    for (size_t at = 0; at < size; ++at) {
      std::string other = name;
      other[at] = 'm';
      EXPECT_FALSE(same_name(name, other)) << size << " at " << at;
      EXPECT_NE(user_tag(name, 1), user_tag(other, 1)) << size << " at " << at;
    }
  }
}

TEST(UserHash, DependsOnTheSeedAndOnTheLength) {
  for (size_t size = 1; size < 40; ++size) {
    const std::string name(size, 'n');
    EXPECT_NE(user_tag(name, 1), user_tag(name, 2)) << size;
    EXPECT_NE(user_tag(name, 1), user_tag(name + 'n', 1)) << size;
  }
}

// Neither the highest bits, which are the place in a table, nor the tag as a whole gather: numbered
// names fill as many of 65,536 places as random numbers would, and hardly two have one tag.
TEST(UserHash, SpreadsNumberedNames) {
  constexpr size_t kNames = 65536;
  std::set<uint32_t> places;
  std::set<uint32_t> tags;
  for (size_t i = 0; i < kNames; ++i) {
    const uint32_t tag = user_tag("user" + std::to_string(i), 12345);
    places.insert(tag >> 16U);
    tags.insert(tag);
  }
  EXPECT_NEAR(static_cast<double>(places.size()), 0.632 * kNames, 0.01 * kNames);
  EXPECT_GT(tags.size(), kNames - 8);
}

}  // namespace
}  // namespace paystats
