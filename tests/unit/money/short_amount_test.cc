#include "money/short_amount.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace paystats::money {
namespace {

// What it makes of the amount that `text` begins with, or -1 where it leaves it to the other ways.
ptrdiff_t length_of(const std::string& text, Decimal& amount) {
  const std::string padded = text + "}\n{\"user";
  const char* const end = read_short_amount(padded.data(), amount);
  return end == nullptr ? -1 : end - padded.data();
}

TEST(ShortAmount, IsReadUpToWhatFollowsIt) {
  Decimal amount;
  EXPECT_EQ(length_of("52.05", amount), 5);
  EXPECT_EQ(to_string(amount), "52.05");
  EXPECT_EQ(length_of("7", amount), 1);
  EXPECT_EQ(to_string(amount), "7.00");
  EXPECT_EQ(length_of("0", amount), 1);
  EXPECT_EQ(length_of("0.00001", amount), 7);
  EXPECT_EQ(to_string(amount), "0.00001");
  EXPECT_EQ(length_of("1234567", amount), 7);
  EXPECT_EQ(to_string(amount), "1234567.00");
  EXPECT_EQ(length_of("1.5e3", amount), 3);
}

TEST(ShortAmount, LeavesTheRestToTheOtherWays) {
  Decimal amount;
  for (const char* text : {"", "-1", "01", "00", "00.1", ".5", "5.", ".", "+1", "12345678",
                           "123456.7", "1234567.", "e", "\"1", "x"}) {
    EXPECT_EQ(length_of(text, amount), -1) << text;
  }
}

TEST(ShortAmount, IsWhatTheGrammarSaysOfAnyBytes) {
  std::mt19937_64 random(1);
  const std::string likely = "0123456789012345678901234567890123456789....,}e- \x80\xFF";
  int taken = 0;
  for (int i = 0; i < 300000; ++i) {
    std::string text(8, ' ');
    for (char& c : text) {
      c = random() % 50 == 0 ? static_cast<char>(random()) : likely[random() % likely.size()];
    }
    Decimal amount;
    const char* const end = read_short_amount(text.data(), amount);
    if (end == nullptr) continue;
    ++taken;
    const std::string number = text.substr(0, static_cast<size_t>(end - text.data()));
    Decimal expected;
    ASSERT_EQ(parse_amount(number, expected), AmountFlaw::kNone) << number;
    ASSERT_EQ(amount, expected) << number;
    ASSERT_LT(number.size(), 8U);
    ASSERT_TRUE(text[number.size()] < '0' || text[number.size()] > '9') << text;
  }
  EXPECT_GT(taken, 10000);
}

}  // namespace
}  // namespace paystats::money
