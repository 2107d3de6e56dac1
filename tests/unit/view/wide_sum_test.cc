#include "view/wide_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace paystats::view {
namespace {

constexpr money::Int128 kMax = static_cast<money::Int128>(~money::Uint128{0} >> 1);
constexpr money::Int128 kMin = -kMax - 1;

TEST(WideSum, OfNothingIsZero) {
  EXPECT_EQ(WideSum().decimal_text(), "0.00");
  EXPECT_EQ(WideSum().integer_text(), "0");
  EXPECT_EQ(WideSum().value(), money::Int128{0});
}

TEST(WideSum, AddsAndSubtractsInBothDirections) {
  WideSum sum;
  sum.add(7'000'000'000);
  sum.add(-7'125'000'000);
  EXPECT_EQ(sum.decimal_text(), "-0.125");
  sum.subtract(-1'125'000'000);
  EXPECT_EQ(sum.decimal_text(), "1.00");
  sum.subtract(3'000'000'000);
  EXPECT_EQ(sum.decimal_text(), "-2.00");
  EXPECT_EQ(sum.integer_text(), "-2000000000");
}

TEST(WideSum, PassesTheRangeOf128BitsAndIsStillPrintedExactly) {
  WideSum sum;
  sum.add(kMax);
  EXPECT_EQ(sum.value(), kMax);
  sum.add(1);
  EXPECT_EQ(sum.value(), std::nullopt);
  EXPECT_EQ(sum.integer_text(), "170141183460469231731687303715884105728");
  EXPECT_EQ(sum.decimal_text(), "170141183460469231731687303715.884105728");
  sum.add(kMax);
  sum.add(1);
  EXPECT_EQ(sum.integer_text(), "340282366920938463463374607431768211456");  // 2^128
  sum.add(-456);
  EXPECT_EQ(sum.decimal_text(), "340282366920938463463374607431.768211");
  sum.add(-768'211'000);
  EXPECT_EQ(sum.decimal_text(), "340282366920938463463374607431.00");
  sum.add(100'000'000);
  EXPECT_EQ(sum.decimal_text(), "340282366920938463463374607431.10");
}

TEST(WideSum, PassesTheRangeBelowZeroAsWell) {
  WideSum sum;
  sum.add(kMin);
  EXPECT_EQ(sum.value(), kMin);
  sum.subtract(1);
  EXPECT_EQ(sum.value(), std::nullopt);
  EXPECT_EQ(sum.integer_text(), "-170141183460469231731687303715884105729");
  sum.add(kMin);
  sum.add(1);
  EXPECT_EQ(sum.integer_text(), "-340282366920938463463374607431768211456");
  sum.subtract(kMin);
  EXPECT_EQ(sum.value(), kMin);
}

TEST(WideSum, ComesBackToTheSameValueInWhateverOrderItIsAddedUp) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 1000; ++round) {
    std::vector<money::Int128> values;
    for (int i = 0; i < 20; ++i)
      values.push_back(
          static_cast<money::Int128>(static_cast<money::Uint128>(random()) << 64 | random()));
    WideSum sum;
    for (const money::Int128 value : values) sum.add(value);
    std::shuffle(values.begin(), values.end(), random);
    WideSum other;
    for (const money::Int128 value : values) other.add(value);
    EXPECT_EQ(sum.integer_text(), other.integer_text());
    for (size_t i = 1; i < values.size(); ++i) sum.subtract(values[i]);
    EXPECT_EQ(sum.value(), values[0]);
  }
}

}  // namespace
}  // namespace paystats::view
