// Lines that are several rows, and lines whose payments are several; other names of their fields.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "record/decoder.h"
#include "unit/record/decode_support.h"

namespace paystats::record {
namespace {

// "user amount count @line; ..." of what one call makes of a block, then its bad lines.
std::string decoded(LineDecoder<Payment>& decoder, const std::string& block,
                    const FieldNames& names = {}) {
  DecodedLines<Payment> lines;
  EXPECT_EQ(decoder.decode(block, lines), block.size());
  std::string all;
  for (const auto& row : lines.rows) {
    all += std::string(row.record.user) + " " + money::to_string(row.record.sum) + " " +
           std::to_string(row.record.count) + " @" + std::to_string(row.line) + "; ";
  }
  for (const auto& bad : lines.rejected) {
    all += "@" + std::to_string(bad.line) + " " + describe(bad.flaw, names, bad.element) + "; ";
  }
  return all;
}

std::string both(const std::string& block, const FieldNames& names = {}) {
  LineDecoder<Payment> fast(names);
  LineDecoder<Payment> general(names, DecodePath::kGeneral);
  const std::string all = decoded(fast, block, names);
  EXPECT_EQ(decoded(general, block, names), all) << block;
  return all;
}

// Lines alike, so that their layout is learned, and enough behind them.
std::string many(const std::string& line) {
  std::string block;
  for (int i = 0; i < 40; ++i) block += line + "\n";
  return block + std::string(64, ' ');
}

TEST(Group, IsAsManyRowsOfOneLine) {
  EXPECT_EQ(
      both("{}\n[{\"user\":\"a\",\"paymentAmt\":1},{\"paymentAmt\":2,\"user\":7,\"volume\":3}]"),
      "a 1.00 1 @1; 7 6.00 3 @1; @0 user: missing; ");
  EXPECT_EQ(
      both(R"({"time":"t","idempotencyKey":"k","payments":[{"user":"a","paymentAmt":1}],"x":[]})"),
      "a 1.00 1 @0; ");
  EXPECT_EQ(both(R"( { "x" : 1 , "payments" : [ { "user" : "a" , "paymentAmt" : 1 } ] } )"),
            "a 1.00 1 @0; ");
}

TEST(Group, IsRejectedWholeWithTheElementThatIsBad) {
  EXPECT_EQ(both(R"({"payments":[{"user":"a","paymentAmt":1},{"user":"a","paymentAmt":"x"}]})"),
            "@0 payments[1]: paymentAmt: not a decimal number; ");
  EXPECT_EQ(both(R"([{"user":"a","paymentAmt":1},[{"user":"a","paymentAmt":1}]])"),
            "@0 [1]: not a JSON object; ");
  EXPECT_EQ(both(R"([{"user":"a","paymentAmt":1},{"user":"a","user":"a","paymentAmt":1}])"),
            "@0 [1]: user: given twice; ");
  EXPECT_EQ(both(R"([{"payments":[{"user":"a","paymentAmt":1}]}])"), "@0 [0]: user: missing; ");
  EXPECT_EQ(both("[]"), "@0 a group without payments; ");
  EXPECT_EQ(both(R"({"payments":[]})"), "@0 a group without payments; ");
  EXPECT_EQ(both(R"({"payments":[{"user":"a","paymentAmt":1}],"payments":7})"), "a 1.00 1 @0; ");
  EXPECT_EQ(both(R"({"payments":[{"user":"a","paymentAmt":1}],"payments":[]})"),
            "@0 payments: given twice; ");
  EXPECT_EQ(both(R"([{"user":"a","paymentAmt":"x"},)"), "@0 not valid JSON; ");
  EXPECT_EQ(both(R"([{"user":"a","paymentAmt":1}] x)"), "@0 not valid JSON; ");
}

TEST(Group, IsNoneBesideAUserOrAnAmount) {
  const std::string array = R"("payments":[{"user":"x","paymentAmt":1}])";
  EXPECT_EQ(both(R"({"user":"a","paymentAmt":1,)" + array + "," + array + "}"), "a 1.00 1 @0; ");
  EXPECT_EQ(both("{" + array + R"(,"user":"a","paymentAmt":1})"), "a 1.00 1 @0; ");
  EXPECT_EQ(both("{" + array + R"(,"user":"a"})"), "@0 paymentAmt: missing; ");
  EXPECT_EQ(both(R"({"payments":{}})"), "@0 user: missing; ");
}

TEST(Group, NestsAsDeepAsAnyText) {
  const auto nested = [](const std::string& before, int levels, const std::string& after) {
    return before + std::string(static_cast<size_t>(levels), '[') +
           std::string(static_cast<size_t>(levels), ']') + after;
  };
  const std::string bare = R"([{"user":"a","paymentAmt":1,"x":)";
  EXPECT_EQ(both(nested(bare, 62, "}]")), "a 1.00 1 @0; ");
  EXPECT_EQ(both(nested(bare, 63, "}]")), "@0 nested deeper than 64; ");
  const std::string named = R"({"payments":)" + bare;
  EXPECT_EQ(both(nested(named, 61, "}]}")), "a 1.00 1 @0; ");
  EXPECT_EQ(both(nested(named, 62, "}]}")), "@0 nested deeper than 64; ");
}

TEST(Group, MayHaveMoreRowsThanACallOtherwise) {
  std::string block = "{\"user\":\"a\",\"paymentAmt\":1}\n[";
  for (int i = 0; i < 20000; ++i) block += "{\"user\":\"b\",\"paymentAmt\":2},";
  const std::string first = block + "{\"user\":\"c\",\"paymentAmt\":3}]\n";
  block = first + "{\"user\":\"d\",\"paymentAmt\":1}\n";
  LineDecoder<Payment> decoder(FieldNames{});
  DecodedLines<Payment> lines;
  ASSERT_EQ(decoder.decode(block, lines), first.size());
  EXPECT_EQ(lines.rows.size(), 20002U);
  EXPECT_EQ(lines.records, 2U);
  EXPECT_EQ(lines.rows[20001].record.user, "c");
}

TEST(Batch, IsOneRowOfAllItsPayments) {
  for (const char* tail : {"", ",\"time\":\"2026-11-29T07:52:22.123Z\"",
                           ",\"time\":\"t\",\"idempotencyKey\":\"k\\\"e\\u0079\""}) {
    for (const char* volume : {"7", "\"7\"", "1", "12345678", "1234567", "18446744073709551615"}) {
      const std::string line =
          std::string(R"({"user":"edgar","paymentAmt":0.5,"volume":)") + volume + tail + "}";
      EXPECT_EQ(both(many(line)).find('@' + std::string("0 ")), std::string::npos) << line;
    }
  }
  EXPECT_NE(
      both(many(R"({"user":"e","paymentAmt":0.5,"volume":7,"time":"t"})")).find("e 3.50 7 @39"),
      std::string::npos);
  EXPECT_NE(
      both(many(R"({"volume":7,"paymentAmt":"0.5","user":-12,"x":1})")).find("-12 3.50 7 @39"),
      std::string::npos);
}

TEST(Batch, OfALearnedLayoutIsJudgedAsStrictly) {
  const std::string good = many(R"({"user":"edgar","paymentAmt":0.5,"volume":7,"time":"t"})");
  for (const char* line :
       {R"({"user":"edgar","paymentAmt":0.5,"volume":0,"time":"t"})",
        R"({"user":"edgar","paymentAmt":0.5,"volume":07,"time":"t"})",
        R"({"user":"edgar","paymentAmt":0.5,"volume":,"time":"t"})",
        R"({"user":"edgar","paymentAmt":0.5,"volume":7.0,"time":"t"})",
        R"({"user":"edgar","paymentAmt":00.5,"volume":7,"time":"t"})",
        R"({"user":"edgar","paymentAmt":,"volume":7,"time":"t"})",
        R"({"user":"edgar","paymentAmt":0.5,"volume":99999999999999999999,"time":"t"})",
        R"({"user":"edgar","paymentAmt":100000000000000,"volume":18446744073709551615,"time":"t"})",
        "{\"user\":\"edgar\",\"paymentAmt\":0.5,\"volume\":7,\"time\":\"\x01\"}",
        "{\"user\":\"edgar\",\"paymentAmt\":0.5,\"volume\":7,\"time\":\"\xff\"}"}) {
    const std::string all = both(good.substr(0, good.size() - 64) + line + "\n" + good);
    EXPECT_NE(all.find("@40 "), std::string::npos) << line;
  }
}

TEST(ForeignVolume, IsIgnoredAndMetOnce) {
  const FieldNames names{.user = "who", .amount = "much", .volume = "", .foreign_volume = "volume"};
  for (const DecodePath path : {DecodePath::kFastFirst, DecodePath::kGeneral}) {
    LineDecoder<Payment> decoder(names, path);
    decoded(decoder, many(R"({"who":"e","much":2,"volume":"none"})"));
    decoded(decoder, many(R"({"who":"e","much":2,"volume":{"a":1},"volume":0})"));
    EXPECT_FALSE(decoder.take_foreign_volume());
    EXPECT_EQ(decoded(decoder, R"({"who":"e","much":2,"volume":x})"), "@0 not valid JSON; ");
    EXPECT_NE(decoded(decoder, many(R"({"who":"e","much":2,"volume":"7"})")).find("e 2.00 1 @39"),
              std::string::npos);
    EXPECT_TRUE(decoder.take_foreign_volume());
    EXPECT_FALSE(decoder.take_foreign_volume());
    EXPECT_NE(decoded(decoder, many(R"({"who":"e","much":2,"volume":8})")).find("e 2.00 1 @39"),
              std::string::npos);
    EXPECT_FALSE(decoder.take_foreign_volume());
  }
}

TEST(Group, HasTheFieldsThatAreNamed) {
  const FieldNames names{.user = "who", .amount = "much", .volume = "times"};
  EXPECT_EQ(both(R"({"payments":[{"who":"a","much":1,"times":2},{"who":"b","much":1,"volume":0}]})",
                 names),
            "a 2.00 2 @0; b 1.00 1 @0; ");
  const FieldNames taken{.user = "payments", .amount = "much"};
  EXPECT_EQ(both(R"({"payments":"a","much":1})", taken), "a 1.00 1 @0; ");
  EXPECT_EQ(both(R"({"payments":[{"payments":"a","much":1}]})", taken),
            "@0 payments: not a string or an integer; ");
  EXPECT_EQ(both(R"([{"payments":"a","much":1}])", taken), "a 1.00 1 @0; ");
}

}  // namespace
}  // namespace paystats::record
