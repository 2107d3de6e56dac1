#include "base/large_array.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace paystats {
namespace {

constexpr size_t kLargePage = size_t{2} << 20U;

TEST(LargeArray, IsZerosFromBeginToEnd) {
  for (const size_t size : {size_t{1}, size_t{1000}, kLargePage / 8, kLargePage / 4 + 3}) {
    for (const PageSize pages : {PageSize::kSmallFirst, PageSize::kLarge}) {
      const LargeArray<uint64_t> array(size, pages);
      ASSERT_EQ(array.size(), size);
      EXPECT_TRUE(std::all_of(array.begin(), array.end(), [](uint64_t v) { return v == 0; }));
      array[0] = 1;
      array[size - 1] = 2;
      EXPECT_EQ(*(array.end() - 1), 2U);
    }
  }
}

TEST(LargeArray, BeginsWhereALargePageDoes) {
  for (int i = 0; i < 5; ++i) {
    const LargeArray<char> array(kLargePage + 1);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(array.data()) % kLargePage, 0U);
  }
}

TEST(LargeArray, OfNothingIsEmpty) {
  const LargeArray<char> none;
  EXPECT_EQ(none.begin(), none.end());
  EXPECT_EQ(LargeArray<char>(0).size(), 0U);
}

TEST(LargeArray, IsGivenAwayWhole) {
  LargeArray<uint32_t> one(3);
  one[2] = 7;
  LargeArray<uint32_t> other = std::move(one);
  EXPECT_EQ(other[2], 7U);
  EXPECT_EQ(one.size(), 0U);  // NOLINT(bugprone-use-after-move): empty by promise
  LargeArray<uint32_t> third(kLargePage);
  third = std::move(other);
  EXPECT_EQ(third.size(), 3U);
  EXPECT_EQ(third[2], 7U);
}

}  // namespace
}  // namespace paystats
