#include "base/large_array.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

namespace paystats::base {
namespace {

constexpr size_t kLargePage = size_t{2} << 20U;

class LargeArrays : public testing::TestWithParam<Backing> {};
INSTANTIATE_TEST_SUITE_P(Of, LargeArrays, testing::Values(Backing::kOnTouch, Backing::kAtOnce));

TEST_P(LargeArrays, AreZerosFromBeginToEnd) {
  const Backing backing = GetParam();
  for (const size_t size : {size_t{1}, size_t{1000}, kLargePage / 8, kLargePage / 4 + 3}) {
    for (const PageSize pages : {PageSize::kSmallFirst, PageSize::kLarge}) {
      const LargeArray<uint64_t> array(size, pages, backing);
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

// Whether each page of it has memory of its own or the page of zeros.
bool is_backed(const LargeArray<uint64_t>& array) {
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t bytes = array.size() * sizeof(uint64_t);
  std::vector<unsigned char> present((bytes + page - 1) / page);
  EXPECT_EQ(::mincore(array.data(), bytes, present.data()), 0);
  return std::all_of(present.begin(), present.end(), [](unsigned char p) { return (p & 1U) != 0; });
}

TEST(LargeArray, TakesItsMemoryAtOnceWhereItIsAskedTo) {
  utsname system{};
  ASSERT_EQ(::uname(&system), 0);
  int major = 0;
  int minor = 0;
  ASSERT_EQ(std::sscanf(system.release, "%d.%d", &major, &minor), 2);
  if (major < 5 || (major == 5 && minor < 14))
    GTEST_SKIP() << "Linux before 5.14: as it is touched";
  for (const size_t size : {size_t{600}, kLargePage / 8, kLargePage / 4 + 3}) {
    EXPECT_TRUE(is_backed(LargeArray<uint64_t>(size, PageSize::kLarge, Backing::kAtOnce)));
    EXPECT_FALSE(is_backed(LargeArray<uint64_t>(size, PageSize::kLarge, Backing::kOnTouch)));
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

TEST(LargeArray, WithoutMemoryDoesWhatNewDoes) {
  constexpr size_t kTooMuch = SIZE_MAX / 4;
  EXPECT_THROW(LargeArray<char>{kTooMuch}, std::bad_alloc);
  const std::new_handler before = std::set_new_handler([] { throw std::runtime_error("called"); });
  EXPECT_THROW(LargeArray<char>{kTooMuch}, std::runtime_error);
  std::set_new_handler(before);
}

}  // namespace
}  // namespace paystats::base
