#include "money/decimal.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

namespace paystats::money {

void PrintTo(Decimal value, std::ostream* out) {
  *out << to_string(value);
}

namespace {

constexpr Int128 kLargest = static_cast<Int128>(~Uint128{0} >> 1U);
constexpr Int128 kSmallest = -kLargest - 1;

Decimal nanos(Int128 value) {
  return Decimal::from_nanos(value);
}

// `before`, then `digit` `times` over, then `after`.
std::string spread(const char* before, size_t times, char digit, const char* after = "") {
  return std::string(before).append(times, digit).append(after);
}

Decimal amount(const std::string& text) {
  Decimal value = nanos(-77);
  EXPECT_EQ(parse_amount(text, value), AmountFlaw::kNone) << text;
  return value;
}

Decimal sum(const std::string& text) {
  Decimal value = nanos(-77);
  EXPECT_EQ(parse_sum(text, value), AmountFlaw::kNone) << text;
  return value;
}

AmountFlaw amount_flaw(const std::string& text) {
  Decimal value = nanos(-77);
  const AmountFlaw flaw = parse_amount(text, value);
  if (flaw != AmountFlaw::kNone) {
    EXPECT_EQ(value, nanos(-77)) << "a refused text set the result";
  }
  return flaw;
}

AmountFlaw sum_flaw(const std::string& text) {
  Decimal value;
  return parse_sum(text, value);
}

TEST(Amount, IsTakenFromItsTextExactly) {
  EXPECT_EQ(amount("12.50"), nanos(12500000000));
  EXPECT_EQ(amount("0.1"), nanos(100000000));
  EXPECT_EQ(amount("1"), nanos(1000000000));
  EXPECT_EQ(amount("-1.5"), nanos(-1500000000));
  EXPECT_EQ(amount("12345678"), nanos(12345678000000000));
  EXPECT_EQ(amount("1234567.8"), nanos(1234567800000000));
  EXPECT_EQ(amount("0.000000001"), nanos(1));
  EXPECT_EQ(amount("-0.000000001"), nanos(-1));
}

TEST(Amount, OfAnyLengthIsTheSameAsByOneDigitAtATime) {
  // Every text of digits with its point anywhere, up to past the length of the short way.
  for (size_t size = 1; size <= 12; ++size) {
    const std::string digits = std::string("987654321234").substr(0, size);
    for (size_t point = 1; point <= size; ++point) {
      const size_t fraction = size - point;
      if (fraction > 9) continue;
      std::string text = digits.substr(0, point);
      if (fraction > 0) text.append(".").append(digits, point);
      Int128 expected = 0;
      for (const char c : digits) expected = expected * 10 + (c - '0');
      for (size_t i = fraction; i < 9; ++i) expected *= 10;
      EXPECT_EQ(amount(text), nanos(expected)) << text;
      EXPECT_EQ(amount(std::string("-").append(text)), nanos(-expected)) << text;
      EXPECT_EQ(amount(text + "e0"), nanos(expected)) << text;
    }
  }
}

TEST(Amount, ZerosThatDoNotMatterDoNotMatter) {
  EXPECT_EQ(amount(spread("1.", 30, '0')), nanos(1000000000));
  EXPECT_EQ(amount(spread("0.", 1000000, '0')), Decimal());
  EXPECT_EQ(amount(spread("1", 100, '0', "e-100")), nanos(1000000000));
  EXPECT_EQ(amount(spread("0.", 100, '0', "1e101")), nanos(1000000000));
  EXPECT_EQ(amount("1.00000000000000000000e-9"), nanos(1));
}

TEST(Amount, ZeroIsZeroWhateverItsSignAndExponent) {
  for (const char* text : {"0", "-0", "0.0", "-0.00", "0e999999999", "0e-999999999", "-0E+0",
                           "0.000e123456789012345678901234567890"}) {
    EXPECT_EQ(amount(text), Decimal()) << text;
  }
}

TEST(Amount, ExponentsOfAnyLengthAreApplied) {
  EXPECT_EQ(amount("1e2"), nanos(100000000000));
  EXPECT_EQ(amount("1E+2"), nanos(100000000000));
  EXPECT_EQ(amount("125e-2"), nanos(1250000000));
  EXPECT_EQ(amount(spread("1e", 100000, '0', "2")), nanos(100000000000));
  EXPECT_EQ(amount_flaw(spread("1e", 100000, '9')), AmountFlaw::kTooLarge);
  EXPECT_EQ(amount_flaw(spread("1e-", 100000, '9')), AmountFlaw::kTooFine);
  EXPECT_EQ(amount_flaw("1e9223372036854775807"), AmountFlaw::kTooLarge);
  EXPECT_EQ(amount_flaw("1e-9223372036854775808"), AmountFlaw::kTooFine);
  EXPECT_EQ(amount_flaw("1e18446744073709551617"), AmountFlaw::kTooLarge);
  EXPECT_EQ(amount(spread("0e", 100000, '9')), Decimal());
}

TEST(Amount, HasUpToFifteenDigitsBeforeThePoint) {
  EXPECT_EQ(amount("999999999999999"), nanos(Int128{999999999999999} * 1000000000));
  EXPECT_EQ(amount("-999999999999999.999999999"),
            nanos(-(Int128{999999999999999} * 1000000000 + 999999999)));
  EXPECT_EQ(amount("1e14"), nanos(Int128{100000000000000} * 1000000000));
  EXPECT_EQ(amount_flaw("1000000000000000"), AmountFlaw::kTooLarge);
  EXPECT_EQ(amount_flaw("1e15"), AmountFlaw::kTooLarge);
  EXPECT_EQ(amount_flaw("0.1e16"), AmountFlaw::kTooLarge);
  EXPECT_EQ(amount_flaw("-1000000000000000"), AmountFlaw::kTooLarge);
}

TEST(Amount, HasUpToNineDigitsAfterThePointAndIsNeverRounded) {
  EXPECT_EQ(amount("1e-9"), nanos(1));
  EXPECT_EQ(amount("0.1234567890"), nanos(123456789));
  EXPECT_EQ(amount_flaw("1e-10"), AmountFlaw::kTooFine);
  EXPECT_EQ(amount_flaw("0.0000000001"), AmountFlaw::kTooFine);
  EXPECT_EQ(amount_flaw("1.0000000001"), AmountFlaw::kTooFine);
  EXPECT_EQ(amount_flaw("0.9999999999"), AmountFlaw::kTooFine);
}

TEST(Amount, IsOneNumberOfTheGrammarAndNothingElse) {
  for (const char* text :
       {"",          "-",     "+1",    ".",     ".5",        "5.",      "-.5",      "01",
        "-01",       "00",    "00.5",  "1.2.3", "1..2",      "1e",      "1e+",      "1e-",
        "e5",        "1e5.0", "1e5e5", "--1",   "1-",        "1,5",     "1 ",       " 1",
        "1\n",       "\t1",   "0x10",  "1_000", "NaN",       "nan",     "Inf",      "Infinity",
        "-Infinity", "1f",    "1.5a",  "a",     "12:50",     "12/50",   "1234567:", "12345678a",
        "1.e5",      "1e 5",  "\"1\"", "1.5.",  "12345678.", "\xD9\xA1"}) {
    EXPECT_EQ(amount_flaw(text), AmountFlaw::kNotANumber) << text;
    EXPECT_EQ(sum_flaw(text), AmountFlaw::kNotANumber) << text;
  }
  EXPECT_EQ(amount_flaw(std::string("1\0", 2)), AmountFlaw::kNotANumber);
  EXPECT_EQ(amount_flaw(std::string("\0", 1)), AmountFlaw::kNotANumber);
}

TEST(Amount, NoByteButADigitOrThePointIsTakenForOne) {
  for (size_t size = 1; size <= 8; ++size) {
    for (size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, '7');
        text[place] = static_cast<char>(byte);
        const bool digit = byte >= '0' && byte <= '9' && !(byte == '0' && place == 0 && size > 1);
        const bool inside = place > 0 && place + 1 < size;
        const bool good = digit || ((byte == '.' || byte == 'e' || byte == 'E') && inside) ||
                          (byte == '-' && place == 0 && size > 1);
        EXPECT_EQ(amount_flaw(text) != AmountFlaw::kNotANumber, good) << text << " byte " << byte;
      }
    }
  }
}

TEST(Sum, MayBeAnythingThatFits) {
  EXPECT_EQ(sum("7.00"), nanos(7000000000));
  EXPECT_EQ(sum("1000000000000000"), nanos(Int128{1000000000000000} * 1000000000));
  EXPECT_EQ(sum("170141183460469231731687303715.884105727"), nanos(kLargest));
  EXPECT_EQ(sum("-170141183460469231731687303715.884105728"), nanos(kSmallest));
  EXPECT_EQ(sum_flaw("170141183460469231731687303715.884105728"), AmountFlaw::kTooLarge);
  EXPECT_EQ(sum_flaw("-170141183460469231731687303715.884105729"), AmountFlaw::kTooLarge);
  EXPECT_EQ(sum_flaw("999999999999999999999999999999.999999999"), AmountFlaw::kTooLarge);
  EXPECT_EQ(sum_flaw("1000000000000000000000000000000"), AmountFlaw::kTooLarge);
  EXPECT_EQ(sum_flaw("1e400"), AmountFlaw::kTooLarge);
  EXPECT_EQ(sum_flaw("0.0000000001"), AmountFlaw::kTooFine);
}

TEST(Decimal, IsWrittenWithTwoDecimalsAndNoOtherTrailingZero) {
  EXPECT_EQ(to_string(nanos(7000000000)), "7.00");
  EXPECT_EQ(to_string(nanos(125000000)), "0.125");
  EXPECT_EQ(to_string(nanos(-500000000)), "-0.50");
  EXPECT_EQ(to_string(Decimal()), "0.00");
  EXPECT_EQ(to_string(nanos(1)), "0.000000001");
  EXPECT_EQ(to_string(nanos(-1)), "-0.000000001");
  EXPECT_EQ(to_string(nanos(1000000010)), "1.00000001");
  EXPECT_EQ(to_string(nanos(Int128{18446744073} * 1000000000 + 709551615)),
            "18446744073.709551615");
  EXPECT_EQ(to_string(nanos(Int128{18446744073} * 1000000000 + 709551616)),
            "18446744073.709551616");
}

TEST(Decimal, AtItsLimitsIsWrittenWholeAndFitsTheBuffer) {
  EXPECT_EQ(to_string(nanos(kLargest)), "170141183460469231731687303715.884105727");
  EXPECT_EQ(to_string(nanos(kSmallest)), "-170141183460469231731687303715.884105728");
  EXPECT_LE(to_string(nanos(kSmallest)).size(), kDecimalCharsMax);
  EXPECT_EQ(to_string(nanos(Int128{1000000000000000000} * 1000000000 * 1000000000)),
            "1000000000000000000000000000.00");
}

TEST(Decimal, ReadBackIsTheSame) {
  for (Int128 value = 1; value < kLargest / 7; value = value * 7 + 3) {
    for (const Decimal each : {nanos(value), nanos(-value)}) {
      EXPECT_EQ(sum(to_string(each)), each);
    }
  }
}

TEST(Decimal, OneTenthAMillionTimesIsExactlyAHundredThousand) {
  const Decimal tenth = amount("0.1");
  Decimal total;
  for (int i = 0; i < 1000000; ++i) ASSERT_TRUE(total.add(tenth));
  EXPECT_EQ(to_string(total), "100000.00");
}

TEST(Decimal, AddRefusesToOverflowAndLeavesTheSumAsItWas) {
  Decimal total = nanos(kLargest - 1);
  EXPECT_TRUE(total.add(nanos(1)));
  EXPECT_FALSE(total.add(nanos(1)));
  EXPECT_EQ(total, nanos(kLargest));
  total = nanos(kSmallest);
  EXPECT_FALSE(total.add(nanos(-1)));
  EXPECT_EQ(total, nanos(kSmallest));
  EXPECT_TRUE(total.add(nanos(kLargest)));
  EXPECT_EQ(total, nanos(-1));
}

TEST(Decimal, AddTimesIsAddSoManyTimes) {
  for (const Int128 value : {Int128{0}, Int128{1}, Int128{-1}, Int128{1234567890123456789},
                             Int128{-999999999999999} * 1000000000}) {
    for (const uint64_t times : {0U, 1U, 2U, 1000U}) {
      Decimal by_one = nanos(5);
      for (uint64_t i = 0; i < times; ++i) ASSERT_TRUE(by_one.add(nanos(value)));
      Decimal at_once = nanos(5);
      ASSERT_TRUE(at_once.add_times(nanos(value), times));
      EXPECT_EQ(at_once, by_one);
    }
  }
}

TEST(Decimal, AddTimesRefusesToOverflowAndLeavesTheSumAsItWas) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  const auto refused = [](Int128 start, Int128 each, uint64_t times) {
    Decimal total = nanos(start);
    const bool added = total.add_times(nanos(each), times);
    EXPECT_TRUE(added || total == nanos(start));
    return !added;
  };
  EXPECT_TRUE(refused(kLargest, 1, 1));
  EXPECT_TRUE(refused(kSmallest, -1, 1));
  EXPECT_TRUE(refused(0, kLargest, 2));
  EXPECT_TRUE(refused(0, kLargest, kMax));
  EXPECT_TRUE(refused(0, kSmallest, kMax));
  EXPECT_TRUE(refused(0, Int128{1} << 64, kMax));
  EXPECT_TRUE(refused(0, (Int128{1} << 63) + 1, kMax));
  EXPECT_FALSE(refused(0, Int128{1} << 63, kMax));
  EXPECT_FALSE(refused(kSmallest, Int128{1} << 64, kMax));
  EXPECT_TRUE(refused(kSmallest, (Int128{1} << 64) + 2, kMax));
  EXPECT_FALSE(refused(kLargest, 1, 0));
  EXPECT_FALSE(refused(kSmallest, kLargest, 2));
  EXPECT_FALSE(refused(kLargest, kSmallest, 1));
  EXPECT_FALSE(refused(0, 1, kMax));
}

TEST(Decimal, AddTimesCountsTheRoomOnTheOtherSideOfZero) {
  Decimal total = nanos(kSmallest);
  EXPECT_TRUE(total.add_times(nanos(kLargest), 2));
  EXPECT_EQ(total, nanos(kLargest - 1));
  total = nanos(kLargest);
  EXPECT_FALSE(total.add_times(nanos(kSmallest), 2));
  EXPECT_TRUE(total.add_times(nanos(-1), std::numeric_limits<uint64_t>::max()));
}

TEST(Decimal, IsOrderedByValue) {
  EXPECT_LT(nanos(-1), nanos(0));
  EXPECT_LT(nanos(kSmallest), nanos(kLargest));
  EXPECT_GT(nanos(Int128{1} << 64), nanos(1));
  EXPECT_EQ(amount("1.50"), amount("15e-1"));
  EXPECT_TRUE(amount("0.000000001").is_positive());
  EXPECT_FALSE(amount("0").is_positive());
  EXPECT_FALSE(amount("-1").is_positive());
  EXPECT_TRUE(amount("-0.0").is_zero());
}

TEST(PlainDecimal, HasTheFractionAsGivenOnceTheExponentIsApplied) {
  const std::pair<const char*, const char*> cases[] = {{"1.0", "1.0"},
                                                       {"1e2", "100"},
                                                       {"1.50e1", "15.0"},
                                                       {"0e999", "0"},
                                                       {"7", "7"},
                                                       {"12.50", "12.50"},
                                                       {"-3.10", "-3.10"},
                                                       {"1e-2", "0.01"},
                                                       {"0.05e3", "50"},
                                                       {"10e-1", "1.0"},
                                                       {"123.456e1", "1234.56"},
                                                       {"-0", "0"},
                                                       {"-0.00", "0.00"},
                                                       {"0.5e1", "5"},
                                                       {"0e-3", "0.000"},
                                                       {"100e-2", "1.00"},
                                                       {"0.000000001", "0.000000001"},
                                                       {"1e14", "100000000000000"}};
  for (const auto& [text, plain] : cases) EXPECT_EQ(plain_decimal(text), plain) << text;
}

TEST(PlainDecimal, DropsZerosBeyondTheNinthDecimalSoItIsShort) {
  EXPECT_EQ(plain_decimal(spread("1.", 30, '0')), "1.000000000");
  EXPECT_EQ(plain_decimal(spread("0.", 1000, '0', "1e1000")), "0.1");
  EXPECT_EQ(plain_decimal(spread("1", 1000, '0', "e-1000")), "1.000000000");
  EXPECT_EQ(plain_decimal("0e-999999999999999999999"), "0.000000000");
}

// What the type system refuses; tests/unit/money/CMakeLists.txt compiles the rest of the proof.
static_assert(!std::is_constructible_v<Decimal, double>);
static_assert(!std::is_constructible_v<Decimal, float>);
static_assert(!std::is_constructible_v<Decimal, int>);
static_assert(!std::is_assignable_v<Decimal&, double>);
static_assert(std::is_trivially_copyable_v<Decimal> && sizeof(Decimal) == 16);

}  // namespace
}  // namespace paystats::money
