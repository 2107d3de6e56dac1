#include "gen/digits.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace paystats::gen {
namespace {

std::string text_of(uint32_t number, bool all = false) {
  std::array<char, 16> buffer{};
  const EightDigits digits(number);
  const char* end = put_digits(buffer.data(), digits, all ? 0 : digits.leading_zeros());
  return {buffer.data(), static_cast<size_t>(end - buffer.data())};
}

TEST(Digits, ANumberIsItsTextWithoutLeadingZeros) {
  EXPECT_EQ(text_of(0), "0");
  for (uint32_t power = 1; power <= 10'000'000; power *= 10) {
    for (const uint32_t number : {power - 1, power, power + 1, power * 9, power * 7 + power / 3}) {
      EXPECT_EQ(text_of(number), std::to_string(number));
    }
  }
  EXPECT_EQ(text_of(99'999'999), "99999999");
}

// Each of the three divisions meets all of its range.
TEST(Digits, EveryFourDigitsAreRightInEitherHalf) {
  for (uint32_t four = 0; four < 10'000; ++four) {
    const std::string text = std::to_string(10'000 + four).substr(1);
    ASSERT_EQ(text_of(four, true), "0000" + text);
    ASSERT_EQ(text_of(four * 10'000 + four, true), text + text);
  }
}

}  // namespace
}  // namespace paystats::gen
