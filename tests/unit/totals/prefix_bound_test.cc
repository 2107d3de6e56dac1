#include "totals/prefix_bound.h"

#include <gtest/gtest.h>

namespace paystats::totals {
namespace {

constexpr money::Int128 kHalf = money::Int128{1} << 125U;

UserTotal total(money::Int128 nanos, uint64_t count = 1) {
  return {.sum = money::Decimal::from_nanos(nanos), .count = count};
}

TEST(PrefixBound, AddsMagnitudes) {
  PrefixBound bound;
  EXPECT_TRUE(bound.fits());
  bound.add(total(kHalf));
  bound.add(total(1 - kHalf));
  EXPECT_TRUE(bound.fits()) << "one nano below the limit";
  bound.add(total(0));
  EXPECT_TRUE(bound.fits());
  bound.add(total(-1));
  EXPECT_FALSE(bound.fits());
}

TEST(PrefixBound, AddsCounts) {
  PrefixBound bound;
  bound.add(total(0, (uint64_t{1} << 63U) - 1));
  EXPECT_TRUE(bound.fits());
  bound.add(total(0));
  EXPECT_FALSE(bound.fits());
}

TEST(PrefixBound, WhatIsTooLargeStaysSo) {
  constexpr money::Int128 lowest = 4 * -kHalf;
  PrefixBound bound;
  for (int i = 0; i < 5; ++i) {
    bound.add(total(lowest));
    EXPECT_FALSE(bound.fits());
  }
  PrefixBound of_counts;
  for (int i = 0; i < 5; ++i) {
    of_counts.add(total(0, UINT64_MAX));
    EXPECT_FALSE(of_counts.fits());
  }
}

TEST(PrefixBound, IsThatOfAllItsParts) {
  PrefixBound half;
  half.add(total(kHalf));
  PrefixBound both;
  both.add(half);
  EXPECT_TRUE(both.fits());
  both.add(half);
  EXPECT_FALSE(both.fits());
}

}  // namespace
}  // namespace paystats::totals
