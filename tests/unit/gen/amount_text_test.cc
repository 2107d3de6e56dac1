#include "gen/amount_text.h"

#include <gtest/gtest.h>

namespace paystats::gen {
namespace {

TEST(GivenAmount, KeepsItsValueAndItsPlainText) {
  const GivenAmount amount = *GivenAmount::parse("1.50e1");
  EXPECT_TRUE(amount.value == money::Decimal::from_nanos(money::Int128{15'000'000'000}));
  EXPECT_EQ(amount.plain, "15.0");
  EXPECT_EQ(amount.decimals(), 1);
  EXPECT_EQ(GivenAmount::parse("1e2")->decimals(), 0);
}

TEST(GivenAmount, SaysWhatIsWrongWithATextThatIsNone) {
  EXPECT_EQ(GivenAmount::parse("1,5").error().message, "'1,5' is not a decimal number");
  EXPECT_EQ(GivenAmount::parse("1e-10").error().message, "'1e-10' has more than 9 decimals");
  EXPECT_EQ(GivenAmount::parse("1e15").error().message,
            "'1e15' has more than 15 digits before the point");
}

}  // namespace
}  // namespace paystats::gen
