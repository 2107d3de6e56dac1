// Blocks in, rows out: lines, their numbers, their memory.
#include "record/decoder.h"

#include <gtest/gtest.h>

#include <string>

#include "unit/record/decode_support.h"

namespace paystats::record {
namespace {

const std::string kGood = R"({"user":"edgar","paymentAmt":1.0})";

class Lines : public testing::TestWithParam<DecodePath> {
 protected:
  LineDecoder<Payment> decoder{FieldNames{}, GetParam()};
  DecodedLines<Payment> lines;
};

INSTANTIATE_TEST_SUITE_P(ByBothPaths, Lines,
                         testing::Values(DecodePath::kFastFirst, DecodePath::kGeneral));

TEST_P(Lines, OfABlockAreNumberedFromZeroGoodOnesAndBadOnes) {
  const std::string block = kGood + "\nnot json\n\n" + kGood + "\n{}\n";
  EXPECT_EQ(decoder.decode(block, lines), block.size());
  EXPECT_EQ(lines.lines, 5);
  EXPECT_EQ(lines.records, 4);
  ASSERT_EQ(lines.rows.size(), 2);
  EXPECT_EQ(lines.rows[0].line, 0);
  EXPECT_EQ(lines.rows[1].line, 3);
  ASSERT_EQ(lines.rejected.size(), 2);
  EXPECT_EQ(lines.rejected[0].line, 1);
  EXPECT_EQ(lines.rejected[0].text, "not json");
  EXPECT_EQ(lines.rejected[0].flaw, Flaw::kNotJson);
  EXPECT_EQ(lines.rejected[1].line, 4);
  EXPECT_EQ(lines.rejected[1].flaw, Flaw::kUserMissing);
}

TEST_P(Lines, OfNothingButWhiteSpaceAreEmpty) {
  const std::string block = "\n\r\n \n\t \r\n" + kGood + "\r\n  \n \r";
  EXPECT_EQ(decoder.decode(block, lines), block.size());
  EXPECT_EQ(lines.lines, 7);
  EXPECT_EQ(lines.records, 1);
  ASSERT_EQ(lines.rows.size(), 1);
  EXPECT_EQ(lines.rows[0].line, 4);
}

TEST_P(Lines, OfOtherBlanksAreNot) {
  const std::string block = "\v\n\f\n\xC2\xA0\n";
  decoder.decode(block, lines);
  EXPECT_EQ(lines.rejected.size(), 3);
}

TEST_P(Lines, TheLastMayLackItsNewline) {
  const std::string block = kGood + "\n" + kGood;
  EXPECT_EQ(decoder.decode(block, lines), block.size());
  EXPECT_EQ(lines.rows.size(), 2);
}

TEST_P(Lines, AnEmptyBlockHasNone) {
  EXPECT_EQ(decoder.decode("", lines), 0);
  EXPECT_EQ(lines.lines, 0);
  EXPECT_EQ(decoder.decode(std::string_view(), lines), 0);
}

TEST_P(Lines, ARecordNeverReachesOverANewline) {
  const std::string block =
      "{\"user\":\"x\",\n\"paymentAmt\":1}\n{\"user\":\"x\n\",\"paymentAmt\":1}";
  decoder.decode(block, lines);
  EXPECT_EQ(lines.rows.size(), 0);
  EXPECT_EQ(lines.rejected.size(), 4);
}

TEST_P(Lines, ComeInPartsOfAtMostSoManyRowsOrBadOnes) {
  constexpr size_t kMax = DecodedLines<Payment>::kRowsMax;
  std::string block;
  for (size_t i = 0; i < 2 * kMax + 10; ++i) block += kGood + "\n\n";
  for (size_t i = 0; i < kMax + 5; ++i) block += "bad\n";
  std::string_view rest = block;
  size_t rows = 0;
  size_t bad = 0;
  size_t all = 0;
  size_t calls = 0;
  while (!rest.empty()) {
    const size_t bytes = decoder.decode(rest, lines);
    ASSERT_GT(bytes, 0);
    rest.remove_prefix(bytes);
    EXPECT_LE(lines.rows.size(), kMax);
    EXPECT_LE(lines.rejected.size(), kMax);
    rows += lines.rows.size();
    bad += lines.rejected.size();
    all += lines.lines;
    ++calls;
  }
  EXPECT_EQ(rows, 2 * kMax + 10);
  EXPECT_EQ(bad, kMax + 5);
  EXPECT_EQ(all, 2 * (2 * kMax + 10) + kMax + 5);
  EXPECT_EQ(calls, 4);
}

TEST_P(Lines, HaveALimitOfOneMebibyteWithoutTheNewline) {
  const auto padded = [](size_t size) { return std::string(size - kGood.size(), ' ') + kGood; };
  const std::string longest = padded(kLineBytesMax) + "\n" + kGood + "\n";
  decoder.decode(longest, lines);
  EXPECT_EQ(lines.rows.size(), 2);
  const std::string too_long = padded(kLineBytesMax + 1) + "\n" + kGood + "\n";
  decoder.decode(too_long, lines);
  EXPECT_EQ(lines.rows.size(), 1);
  ASSERT_EQ(lines.rejected.size(), 1);
  EXPECT_EQ(lines.rejected[0].flaw, Flaw::kLineTooLong);
  const std::string without_newline = padded(kLineBytesMax);
  decoder.decode(without_newline, lines);
  EXPECT_EQ(lines.rows.size(), 1);
  const std::string too_long_without_newline = padded(kLineBytesMax + 1);
  decoder.decode(too_long_without_newline, lines);
  ASSERT_EQ(lines.rejected.size(), 1);
  EXPECT_EQ(lines.rejected[0].flaw, Flaw::kLineTooLong);
  const std::string white(kLineBytesMax + 1, ' ');
  decoder.decode(white, lines);
  EXPECT_EQ(lines.rejected.size(), 1);
}

TEST_P(Lines, AUserWithoutEscapesPointsIntoTheBlock) {
  decoder.decode(kGood, lines);
  ASSERT_EQ(lines.rows.size(), 1);
  EXPECT_EQ(lines.rows[0].record.user.data(), kGood.data() + 9);
}

TEST_P(Lines, UsersWithEscapesStayWhereTheyAreUntilTheNextCall) {
  std::string block;
  std::vector<std::string> users;
  for (size_t i = 0; i < DecodedLines<Payment>::kRowsMax; ++i) {
    users.push_back("\n" + std::string(i % 1000, 'u') + std::to_string(i));
    block += "{\"user\":\"\\n" + users.back().substr(1) + "\",\"paymentAmt\":1}\n";
  }
  for (int time = 0; time < 3; ++time) {
    EXPECT_EQ(decoder.decode(block, lines), block.size());
    ASSERT_EQ(lines.rows.size(), users.size());
    for (size_t i = 0; i < users.size(); ++i) ASSERT_EQ(lines.rows[i].record.user, users[i]);
  }
}

TEST_P(Lines, UseTheSameMemoryForTextsAgain) {
  const std::string block = "{\"user\":\"\\u0065dgar\",\"paymentAmt\":1}\n";
  decoder.decode(block, lines);
  const char* const first = lines.rows[0].record.user.data();
  decoder.decode(block, lines);
  EXPECT_EQ(lines.rows[0].record.user.data(), first);
}

TEST(DecodeOne, TakesARecordOverSeveralLines) {
  const Decoded decoded = decode<Payment>("{\n  \"user\": \"edgar\",\n  \"paymentAmt\": 1.0\n}\n");
  EXPECT_EQ(decoded.flaw, Flaw::kNone);
  EXPECT_EQ(decoded.user, "edgar");
}

TEST(DecodeOne, TakesOneRecordAndNoMore) {
  EXPECT_EQ(decode<Payment>(kGood + "\n" + kGood).flaw, Flaw::kNotJson);
  EXPECT_EQ(decode<Payment>(kGood + "\n" + kGood + "\n").flaw, Flaw::kNotJson);
  EXPECT_EQ(decode<Payment>(kGood + "\n").flaw, Flaw::kNone);
}

TEST(DecodeOne, FindsNothingInNothing) {
  for (const char* text : {"", " ", "\n", "\r\n"}) {
    EXPECT_EQ(decode_one_by<Payment>(DecodePath::kFastFirst, text).flaw, Flaw::kNotJson);
    EXPECT_EQ(decode_one_by<Payment>(DecodePath::kGeneral, text).flaw, Flaw::kNotJson);
  }
  EXPECT_EQ(decode_one_by<Payment>(DecodePath::kFastFirst, std::string_view()).flaw,
            Flaw::kNotJson);
}

TEST(DecodeOne, HasTheSameLimitAsALine) {
  const std::string pad(kLineBytesMax - kGood.size(), '\n');
  EXPECT_EQ(decode<Payment>(kGood + pad).flaw, Flaw::kNone);
  EXPECT_EQ(decode<Payment>(kGood + pad + "\n").flaw, Flaw::kLineTooLong);
}

TEST(DecodedLines, ThatAreMovedTakeTheirTextsAlong) {
  LineDecoder<Payment> decoder(FieldNames{});
  DecodedLines<Payment> lines;
  const std::string block = "{\"user\":\"\\u0065dgar\",\"paymentAmt\":1}\n";
  decoder.decode(block, lines);
  const DecodedLines<Payment> moved = std::move(lines);
  decoder.decode(block, lines);
  ASSERT_EQ(moved.rows.size(), 1);
  EXPECT_EQ(moved.rows[0].record.user, "edgar");
  EXPECT_EQ(lines.rows[0].record.user, "edgar");
}

}  // namespace
}  // namespace paystats::record
