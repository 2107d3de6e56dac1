#include "record/foreign.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "record/decoder.h"

namespace paystats::record {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

// What a line is said to be that the decoder refuses.
Flaw told(std::string_view line) {
  LineDecoder<Payment> decoder(FieldNames{});
  Payment payment;
  const Flaw flaw = decoder.decode_one(line, payment);
  EXPECT_NE(flaw, Flaw::kNone) << line;
  return plain_flaw(line, flaw);
}

// ASCII in an encoding of `unit` bytes a character, the byte at `place` of each of them set.
std::string wide(std::string_view text, size_t unit, size_t place) {
  std::string bytes(text.size() * unit, '\0');
  for (size_t i = 0; i < text.size(); ++i) bytes[i * unit + place] = text[i];
  return bytes;
}

constexpr std::string_view kPayment = R"({"user":"a","paymentAmt":1})";

TEST(PlainFlaw, SaysOtherEncodings) {
  EXPECT_EQ(told("\xFF\xFE" + wide(kPayment, 2, 0)), Flaw::kUtf16);
  EXPECT_EQ(told("\xFE\xFF" + wide(kPayment, 2, 1)), Flaw::kUtf16);
  EXPECT_EQ(told(wide(kPayment, 2, 0)), Flaw::kUtf16);
  EXPECT_EQ(told(wide(kPayment, 2, 1)), Flaw::kUtf16);
  EXPECT_EQ(told(std::string("\xFF\xFE\0\0", 4) + wide(kPayment, 4, 0)), Flaw::kUtf32);
  EXPECT_EQ(told(wide(kPayment, 4, 0)), Flaw::kUtf32);
  EXPECT_EQ(told(wide(kPayment, 4, 3)), Flaw::kUtf32);
}

TEST(PlainFlaw, SaysWhatCompressedIt) {
  EXPECT_EQ(told("\x1F\x8B\x08\0\0"sv), Flaw::kGzip);
  EXPECT_EQ(told("\x28\xB5\x2F\xFD\x04"sv), Flaw::kZstd);
  EXPECT_EQ(told("\xFD\x37zXZ\0\0"sv), Flaw::kXz);
  EXPECT_EQ(told("BZh91AY&SY\x01"sv), Flaw::kBzip2);
}

TEST(PlainFlaw, SaysWhatIsAroundTheObject) {
  const std::string payment(kPayment);
  EXPECT_EQ(told("\x1E" + payment), Flaw::kJsonSequence);
  EXPECT_EQ(told("\0\0\0\0\x0C"s + payment), Flaw::kSchemaFrame);
  EXPECT_EQ(told(payment + payment), Flaw::kSeveralObjects);
  EXPECT_EQ(told(payment + " , " + payment), Flaw::kSeveralObjects);
  EXPECT_EQ(told(payment + "garbage"), Flaw::kTrailingBytes);
  EXPECT_EQ(told(payment + " ;"), Flaw::kTrailingBytes);
}

TEST(PlainFlaw, SaysThatATextGoesOnInOtherLines) {
  const std::string payment(kPayment);
  for (const std::string& line : {payment + ",", payment + "]", ", " + payment, payment + " ]} ",
                                  std::string("}"), std::string("]"), std::string(" },\r"),
                                  std::string("  \"user\": \"a\","), std::string("\"a\":[")}) {
    EXPECT_EQ(told(line), Flaw::kSeveralLines) << line;
  }
  for (const std::string_view line :
       {"{", "[", "[{", R"({"user":"a)", R"({"user":"a","paymentAmt")",
        R"([{"user":"a","paymentAmt":1},)"}) {
    EXPECT_EQ(told(line), Flaw::kUnfinished) << line;
  }
}

TEST(PlainFlaw, KnowsCsvFromASentence) {
  for (const std::string_view line :
       {"user,paymentAmt", "edgar,1.0", "\"Edgar Poe\",1.0", "a;1", "a\t1", "7,1.0\r"}) {
    EXPECT_EQ(told(line), Flaw::kCsv) << line;
  }
  for (const std::string_view line : {"nonsense", "see, this is text", "a,\x01"}) {
    EXPECT_EQ(told(line), Flaw::kNotJson) << line;
  }
}

TEST(PlainFlaw, LeavesWhatTheDecoderSaysWhereTheBytesSayNoMore) {
  for (const auto& [line, flaw] :
       {std::pair{R"({"user":NaN})"sv, Flaw::kNotJson},
        std::pair{R"({"user":"a",})"sv, Flaw::kNotJson},
        std::pair{"\0\0\0\0\0\0\0\0\0\0"sv, Flaw::kNulByte},
        std::pair{"{\"user\":\"a\"}\0\0"sv, Flaw::kNulByte},
        std::pair{"{\"user\":\"\xFF\"}"sv, Flaw::kInvalidUtf8},
        std::pair{"\xEF\xBB\xBF{}"sv, Flaw::kByteOrderMark},
        std::pair{"{\"user\":\"\\ud800\"}"sv, Flaw::kLoneSurrogate},
        std::pair{"1"sv, Flaw::kNotAnObject}, std::pair{"{}"sv, Flaw::kUserMissing},
        std::pair{""sv, Flaw::kNotJson}}) {
    EXPECT_EQ(told(line), flaw) << line;
  }
}

TEST(PlainFlaw, OfAnyFrontOfAPaymentIsNotTakenForAnother) {
  for (size_t bytes = 1; bytes < kPayment.size(); ++bytes) {
    EXPECT_EQ(told(kPayment.substr(0, bytes)), Flaw::kUnfinished) << bytes;
  }
}

TEST(ForeignInput, IsOneInWhichNoLineCanBeARecord) {
  EXPECT_EQ(foreign_input("\x1F\x8B\x08\0"sv), Flaw::kGzip);
  EXPECT_EQ(foreign_input("\xFF\xFE"sv), Flaw::kUtf16);
  EXPECT_EQ(foreign_input(wide("[\n", 4, 0)), Flaw::kUtf32);
  for (const std::string_view line : {"[\n", "{\n", " [ \r\n", "[{\n", "{\"payments\": [\n",
                                      R"({"a":"\"{","b":{)"
                                      "\n"}) {
    EXPECT_EQ(foreign_input(line), Flaw::kSeveralLines) << line;
  }
}

TEST(ForeignInput, IsJsonOverSeveralLinesWhereverItsLinesAreCut) {
  const std::string payment(kPayment);
  for (const std::string& begin :
       {"[" + payment + ",\n" + payment + "\n]\n", "{\"payments\":[" + payment + " ,\r\n",
        std::string("\n \r\n[\n"), std::string("{\"user\":\"a\",\n\"paymentAmt\":1}\n")}) {
    EXPECT_EQ(foreign_input(begin), Flaw::kSeveralLines) << begin;
  }
  EXPECT_EQ(foreign_input(payment + ",\n"), Flaw::kNone) << "it is whole, but for the comma";
  EXPECT_EQ(foreign_input("{\"user\":\"a,\n"), Flaw::kNone) << "cut short within a string";
}

TEST(ForeignInput, IsNoneWhereTheFirstLineIsMerelyBad) {
  const std::string payment = std::string(kPayment) + "\n";
  for (const std::string& line :
       {payment, std::string("\n"), std::string(), std::string("["), std::string("{"),
        std::string("nonsense\n"), std::string("{\"user\":\"a{\n"),
        std::string("{\"user\":\"a\\\"[\n"), std::string("[}{\n"),
        std::string("\0\0\0\0\0\0\0\0\0\0\n", 11), std::string("x[\n"), "\x1E" + payment,
        std::string("[]\n")}) {
    EXPECT_EQ(foreign_input(line), Flaw::kNone) << line;
  }
}

}  // namespace
}  // namespace paystats::record
