// What a batch and a line of stats may look like, where they differ from a payment.
#include <gtest/gtest.h>

#include "record/decoder.h"
#include "unit/record/decode_support.h"

namespace paystats::record {
namespace {

Decoded batch(const std::string& text) {
  return decode<Batch>(text);
}

Decoded stats(const std::string& text) {
  return decode<Stats>(text);
}

TEST(Batch, IsAPaymentAndHowOftenItIsMade) {
  EXPECT_EQ(batch(R"({"user":"edgar","paymentAmt":1.50,"volume":7})"),
            (Decoded{Flaw::kNone, "edgar", money::Decimal::from_nanos(1500000000), "1.50", 7, {}}));
  EXPECT_EQ(batch(R"({"volume":"7","paymentAmt":"1.50","user":"edgar"})").number, 7);
  EXPECT_EQ(batch(R"({"volume":"\u0037","paymentAmt":"1","user":"edgar"})").number, 7);
}

TEST(Batch, WithoutAVolumeIsOnePayment) {
  EXPECT_EQ(batch(R"({"user":"edgar","paymentAmt":1})").number, 1);
  EXPECT_EQ(batch(R"({"user":"edgar","paymentAmt":1,"a":{"volume":3}})").number, 1);
}

TEST(Batch, AfterOneWithAVolumeStartsAtOneAgain) {
  LineDecoder<Batch> decoder(FieldNames{});
  DecodedLines<Batch> lines;
  decoder.decode(
      "{\"user\":\"a\",\"paymentAmt\":1,\"volume\":5}\n{\"user\":\"b\",\"paymentAmt\":1}\n", lines);
  ASSERT_EQ(lines.rows.size(), 2);
  EXPECT_EQ(lines.rows[1].record.volume, 1);
}

TEST(Batch, KeepsTheAmountAsItWasWritten) {
  EXPECT_EQ(batch(R"({"user":"x","paymentAmt":1e2})").amount_text, "1e2");
  EXPECT_EQ(batch(R"({"user":"x","paymentAmt":"1.0"})").amount_text, "1.0");
  EXPECT_EQ(batch(R"({"user":"x","paymentAmt":"1\u002e0"})").amount_text, "1.0");
  EXPECT_EQ(batch(R"({"user":"x","paymentAmt": -0.50 })").amount_text, "-0.50");
}

TEST(Batch, AVolumeIsAPositiveIntegerOfDigitsOnly) {
  const auto flaw_of = [](const std::string& volume) {
    return batch(R"({"user":"x","paymentAmt":1,"volume":)" + volume + "}").flaw;
  };
  EXPECT_EQ(flaw_of("18446744073709551615"), Flaw::kNone);
  for (const char* volume : {"0",
                             "-1",
                             "1.0",
                             "1e1",
                             "10E0",
                             "\"\"",
                             "\" 1\"",
                             "\"1 \"",
                             "\"+1\"",
                             "\"-1\"",
                             "\"01\"",
                             "\"1.0\"",
                             "\"1e1\"",
                             "\"0\"",
                             "\"00\"",
                             "null",
                             "true",
                             "[]",
                             "{}",
                             "18446744073709551616",
                             "99999999999999999999",
                             "100000000000000000000",
                             "\"\xD9\xA1\"",
                             "-0"}) {
    EXPECT_EQ(flaw_of(volume), Flaw::kVolumeNotAPositiveInteger) << volume;
  }
  EXPECT_EQ(batch(R"({"user":"x","volume":1,"paymentAmt":1,"volume":1})").flaw,
            Flaw::kVolumeDuplicate);
}

TEST(Stats, AreAUsersSumAndCount) {
  EXPECT_EQ(stats(R"({"user":"edgar","sum":7.00,"count":7})"),
            (Decoded{Flaw::kNone, "edgar", money::Decimal::from_nanos(7000000000), "", 7, {}}));
  EXPECT_EQ(stats(R"({"count":0,"sum":-1e3,"user":"edgar","more":[]})").number, 0);
}

TEST(Stats, MayNameTheSourcePartitionAndOffset) {
  EXPECT_EQ(stats(R"({"user":"e","sum":7.00,"count":7,"partition":3,"offset":41})").at,
            (SourceOffset{3, 41}));
  EXPECT_EQ(
      stats(R"({"offset":9223372036854775807,"partition":2147483647,"user":"e","sum":7,"count":7})")
          .at,
      (SourceOffset{2147483647, 9223372036854775807}));
}

TEST(Stats, AfterOnesWithAPartitionStartWithoutOneAgain) {
  for (const DecodePath path : {DecodePath::kFastFirst, DecodePath::kGeneral}) {
    LineDecoder<Stats> decoder(FieldNames{}, path);
    DecodedLines<Stats> lines;
    decoder.decode(
        "{\"user\":\"a\",\"sum\":1,\"count\":1,\"partition\":0,\"offset\":1}\n"
        "{\"user\":\"b\",\"sum\":1,\"count\":1}\n",
        lines);
    ASSERT_EQ(lines.rows.size(), 2);
    EXPECT_FALSE(lines.rows[1].record.at.has_value());
  }
}

TEST(Stats, PartitionAndOffsetStandTogether) {
  EXPECT_EQ(stats(R"({"user":"e","sum":7,"count":7,"partition":3})").flaw,
            Flaw::kPartitionWithoutOffset);
  EXPECT_EQ(stats(R"({"user":"e","sum":7,"count":7,"offset":3})").flaw,
            Flaw::kPartitionWithoutOffset);
}

TEST(Stats, HaveEachFieldOnce) {
  EXPECT_EQ(stats(R"({"sum":7,"count":7})").flaw, Flaw::kUserMissing);
  EXPECT_EQ(stats(R"({"user":"e","count":7})").flaw, Flaw::kSumMissing);
  EXPECT_EQ(stats(R"({"user":"e","sum":7})").flaw, Flaw::kCountMissing);
  const std::string all = R"("user":"e","sum":7,"count":7,"partition":0,"offset":0)";
  EXPECT_EQ(stats("{" + all + R"(,"user":"e"})").flaw, Flaw::kUserDuplicate);
  EXPECT_EQ(stats("{" + all + R"(,"sum":7})").flaw, Flaw::kSumDuplicate);
  EXPECT_EQ(stats("{" + all + R"(,"count":7})").flaw, Flaw::kCountDuplicate);
  EXPECT_EQ(stats("{" + all + R"(,"partition":0})").flaw, Flaw::kPartitionDuplicate);
  EXPECT_EQ(stats("{" + all + R"(,"offset":0})").flaw, Flaw::kOffsetDuplicate);
  EXPECT_EQ(stats("{" + all + R"(,"paymentAmt":0,"paymentAmt":0,"volume":1,"volume":2})").flaw,
            Flaw::kNone);
}

TEST(Stats, ASumIsANumberThatFits) {
  const auto flaw_of = [](const std::string& sum) {
    return stats(R"({"user":"x","count":1,"sum":)" + sum + "}").flaw;
  };
  EXPECT_EQ(flaw_of("170141183460469231731687303715.884105727"), Flaw::kNone);
  EXPECT_EQ(flaw_of("170141183460469231731687303715.884105728"), Flaw::kSumTooLarge);
  EXPECT_EQ(flaw_of("1e40"), Flaw::kSumTooLarge);
  EXPECT_EQ(flaw_of("1e-10"), Flaw::kSumTooFine);
  for (const char* sum : {"\"1\"", "null", "[]", "true"}) {
    EXPECT_EQ(flaw_of(sum), Flaw::kSumNotANumber) << sum;
  }
}

TEST(Stats, CountPartitionAndOffsetAreDigitsOnly) {
  const auto flaw_of = [](const std::string& count, const std::string& partition,
                          const std::string& offset) {
    return stats(R"({"user":"x","sum":1,"count":)" + count + ",\"partition\":" + partition +
                 ",\"offset\":" + offset + "}")
        .flaw;
  };
  EXPECT_EQ(flaw_of("18446744073709551615", "0", "0"), Flaw::kNone);
  EXPECT_EQ(flaw_of("18446744073709551616", "0", "0"), Flaw::kCountNotAnInteger);
  EXPECT_EQ(flaw_of("1", "2147483648", "0"), Flaw::kPartitionNotAnInteger);
  EXPECT_EQ(flaw_of("1", "0", "9223372036854775808"), Flaw::kOffsetNotAnInteger);
  for (const char* value : {"-1", "1.0", "1e0", "\"1\"", "null", "[]", "-0"}) {
    EXPECT_EQ(flaw_of(value, "0", "0"), Flaw::kCountNotAnInteger) << value;
    EXPECT_EQ(flaw_of("1", value, "0"), Flaw::kPartitionNotAnInteger) << value;
    EXPECT_EQ(flaw_of("1", "0", value), Flaw::kOffsetNotAnInteger) << value;
  }
}

TEST(Stats, AreAlwaysCalledTheSame) {
  EXPECT_EQ(decode<Stats>(R"({"user":"e","sum":7,"count":7})", {"name", "total"}).flaw,
            Flaw::kNone);
}

}  // namespace
}  // namespace paystats::record
