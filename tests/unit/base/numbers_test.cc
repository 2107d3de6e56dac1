#include "base/numbers.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace paystats::base {
namespace {

TEST(ReadNumber, AWholeNumberIsTakenToTheEndsOfItsType) {
  uint64_t number = 0;
  EXPECT_TRUE(read_number("18446744073709551615", number));
  EXPECT_EQ(number, UINT64_MAX);
  int32_t negative = 0;
  EXPECT_TRUE(read_number("-2147483648", negative));
  EXPECT_EQ(negative, INT32_MIN);
  EXPECT_TRUE(read_number("00C0ffee", number, 16));
  EXPECT_EQ(number, 0xc0ffeeU);
}

TEST(ReadNumber, WhatIsNoNumberAloneLeavesItAsItIs) {
  uint64_t number = 7;
  for (const char* text :
       {"", " 1", "1 ", "+1", "-1", "1x", "0x1", "1.0", "18446744073709551616"}) {
    EXPECT_FALSE(read_number(text, number)) << text;
    EXPECT_EQ(number, 7U) << text;
  }
  EXPECT_FALSE(read_number("fg", number, 16));
  EXPECT_EQ(number, 7U);
}

}  // namespace
}  // namespace paystats::base
