#include "record/foreign.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
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
  EXPECT_EQ(told("\0\0\0\0"s + payment), Flaw::kNulByte);
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
  for (const std::string_view line :
       {"nonsense", "see, this is text", "a,\x01", "processor\t: 0", "flags\t\t: fpu,vme",
        "bugs\t\t:", "Name:\tcat", "Cpus_allowed_list:\t0,2"}) {
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

TEST(PlainFlaw, OfAGroupWhereOneBatchIsWantedIsThatItIsOne) {
  LineDecoder<Batch> decoder(FieldNames{});
  const auto told_of = [&](const std::string& line) {
    Batch batch;
    return plain_flaw(line, decoder.decode_one(line, batch));
  };
  const std::string p(kPayment);
  for (const std::string& line :
       {"[" + p + "]", " [ " + p + "," + p + " ] ", "{\"payments\":[" + p + "]}",
        "{\"time\":\"t\",\"a\":{\"payments\":1}, \"payments\" : [" + p + "," + p + "]}"}) {
    EXPECT_EQ(told_of(line), Flaw::kGroup) << line;
  }
  for (const std::string_view line :
       {"{\"payments\":7}", "{\"a\":[{\"payments\":[]}]}", "{}", "{\"payment\":[]}"}) {
    EXPECT_EQ(told_of(std::string(line)), Flaw::kUserMissing) << line;
  }
  EXPECT_EQ(plain_flaw("[" + p + ",7]", Flaw::kNotAnObject, true, GroupElement{.index = 1}),
            Flaw::kNotAnObject)
      << "of a group that is read as one its element is told";
  EXPECT_EQ(plain_flaw("{\"payments\":[" + p + "],\"paymentAmt\":5}", Flaw::kUserMissing, true),
            Flaw::kUserMissing)
      << "to who reads groups this is a payment";
  for (const std::string_view line : {"[]", "[1]", "[[{}]]", "7"}) {
    EXPECT_EQ(told_of(std::string(line)), Flaw::kNotAnObject) << line;
  }
  EXPECT_EQ(describe(Flaw::kGroup, FieldNames{}),
            "a group of payments: one object a line is wanted (jq -c '.payments[]', or jq -c '.[]' "
            "for an array; jq before 1.7 rounds numbers of more than 15 digits)");
}

TEST(ForeignEncoding, IsSeenFromTheFirstBytes) {
  EXPECT_EQ(foreign_encoding("\x1F\x8B\x08\0"sv), Flaw::kGzip);
  EXPECT_EQ(foreign_encoding("\xFF\xFE"sv), Flaw::kUtf16);
  EXPECT_EQ(foreign_encoding(wide("[\n", 4, 0)), Flaw::kUtf32);
  EXPECT_EQ(foreign_encoding("\0\0\0\0\0\0\0\0\0\0\n"sv), Flaw::kNone);
  EXPECT_EQ(foreign_encoding(kPayment), Flaw::kNone);
}

// What the lines of the text say of it, and how many of them were looked at.
struct Told {
  std::optional<Flaw> flaw;
  int lines = 0;
};

Told start_of(std::string_view text) {
  ForeignStart start;
  Told told;
  while (!text.empty() && !told.flaw) {
    const size_t newline = std::min(text.find('\n'), text.size() - 1);
    told.flaw = start.take(text.substr(0, newline + 1));
    text.remove_prefix(newline + 1);
    ++told.lines;
  }
  return told;
}

// Where it ends there.
Flaw all_of(std::string_view text) {
  ForeignStart start;
  std::optional<Flaw> told;
  while (!text.empty() && !told) {
    const size_t newline = std::min(text.find('\n'), text.size() - 1);
    told = start.take(text.substr(0, newline + 1));
    text.remove_prefix(newline + 1);
  }
  return told.value_or(start.end());
}

TEST(ForeignStart, IsJsonOverSeveralLinesWhereverItsLinesAreCut) {
  const std::string p(kPayment);
  for (const std::string& text :
       {"[\n  " + p + ",\n  " + p + "\n]\n", "[\n" + p + "\n]", "[\n" + p + "\n,\n" + p + "\n]\n",
        "[\n" + p + "\n," + p + "\n]\n", "[" + p + ",\n" + p + "\n]\n", "[" + p + ",\n" + p + "]\n",
        "\n \r\n[\r\n" + p + "\r\n]\r\n", "{\"payments\":[" + p + " ,\r\n" + p + "]}\r\n",
        "{\"payments\": [\n" + p + "\n]}", "[\n[" + p + "]\n]\n",
        std::string("{\"user\":\"a\",\n\"paymentAmt\":1}\n"),
        std::string("{\n  \"user\": \"a\",\n"), std::string("[{\n\"user\":\"a\"\n"),
        std::string("[{\n\"a\":{}\n}]\n"), std::string("{\n}\n"), std::string("[\n]\n"),
        std::string("[\n[\n"), std::string("{\"a\":\"\\\"{\",\"b\":{\n\"c\":1\n"),
        "{\"note\":\"x\",\"inner\":{\n\"a\":" + p + ",\n"}) {
    EXPECT_EQ(all_of(text), Flaw::kSeveralLines) << text;
  }
}

TEST(ForeignStart, IsJsonOverSeveralLinesHoweverManyTextsItIs) {
  const std::string pretty = "{\n  \"user\": \"a\",\n  \"paymentAmt\": 1\n}\n";
  EXPECT_EQ(all_of(pretty), Flaw::kSeveralLines);
  EXPECT_EQ(all_of(pretty + pretty), Flaw::kSeveralLines);
  EXPECT_EQ(all_of("[\n" + pretty + ",\n" + pretty + "]\n7\n" + pretty), Flaw::kSeveralLines);
  std::string many;
  while (many.size() < 2 * ForeignStart::kBytesMax) many += pretty;
  EXPECT_EQ(start_of(many).flaw, Flaw::kSeveralLines);
  std::string array = "[\n";
  while (array.size() < 2 * ForeignStart::kBytesMax) array += std::string(kPayment) + ",\n";
  EXPECT_EQ(start_of(array + "{}\n{}\n").flaw, Flaw::kSeveralLines);
}

TEST(ForeignStart, AtTheBeginningOfALogCostsNoLineOfIt) {
  const std::string p = std::string(kPayment) + "\n";
  const std::string pretty = "{\n  \"user\": \"a\",\n  \"paymentAmt\": 1\n}\n";
  for (const std::string& begin :
       {pretty, pretty + pretty, "[\n" + pretty + "]\n", "[\n" + p + "]\n",
        "[\n" + p + ",\n" + p + "]\n", std::string("{\"payments\":[\n{\"user\":\"c\",\n"),
        std::string("{\n\"a\":1,\n")}) {
    EXPECT_EQ(all_of(begin), Flaw::kSeveralLines) << begin;
    EXPECT_EQ(all_of(begin + p), Flaw::kNone) << begin;
    EXPECT_EQ(start_of(begin + p + p).flaw, Flaw::kNone) << begin;
    EXPECT_EQ(start_of(begin + "[" + std::string(kPayment) + "]\n" + p).flaw, Flaw::kNone) << begin;
  }
}

TEST(ForeignStart, OfALineThatWasCutShortCostsNoneBehindIt) {
  const std::string p = std::string(kPayment) + "\n";
  for (const std::string& first :
       {std::string("{\n"), std::string("[{\n"), std::string("{\"user\":\"a\",\n"),
        std::string("{\"time\":\"t\",\"payments\":[{\n"), std::string("{\"a\":{\r\n")}) {
    const Told told = start_of(first + "\n" + p + "]\n");
    EXPECT_EQ(told.flaw, Flaw::kNone) << first;
    EXPECT_EQ(told.lines, 3) << "the second that is not empty is enough: " << first;
  }
  // Here the second could be an element, and the third says that it was none.
  for (const std::string& first : {std::string("[\n"), "[" + std::string(kPayment) + ",\n",
                                   std::string("{\"time\":\"t\",\"payments\":[\n")}) {
    EXPECT_EQ(start_of(first + p).flaw, std::nullopt) << first;
    EXPECT_EQ(start_of(first + p + p).flaw, Flaw::kNone) << first;
    EXPECT_EQ(start_of(first + p + "nonsense\n").flaw, Flaw::kNone) << first;
    EXPECT_EQ(start_of(first + "[" + std::string(kPayment) + "]\n" + p).flaw, Flaw::kNone) << first;
  }
  EXPECT_EQ(start_of("[\nnonsense\n").flaw, Flaw::kNone);
  EXPECT_EQ(start_of("[\n\"a\n").flaw, Flaw::kNone) << "a string does not go over lines";
}

TEST(ForeignStart, IsNoneWhereTheFirstLineIsMerelyBad) {
  const std::string payment = std::string(kPayment) + "\n";
  for (const std::string& line : {payment, std::string(kPayment) + ",\n", std::string("nonsense\n"),
                                  std::string("{\"user\":\"a{\n"), std::string("{\"user\":\"a,\n"),
                                  std::string("{\"user\":\"a\\\"[\n"), std::string("[}{\n"),
                                  std::string("\0\0\0\0\0\0\0\0\0\0\n", 11), std::string("x[\n"),
                                  "\x1E" + payment, std::string("[]\n"), std::string("[1],\n")}) {
    EXPECT_EQ(start_of(line).flaw, Flaw::kNone) << line;
  }
  for (const std::string_view begin : {"", "\n", " \n\r\n", "[\n", "{", "\n{\"a\":1,"}) {
    EXPECT_EQ(start_of(begin).flaw, std::nullopt) << begin;
  }
}

TEST(ForeignStart, LooksAtABoundedNumberOfBytes) {
  ForeignStart start;
  ASSERT_EQ(start.take("[\n"), std::nullopt);
  const std::string blank(ForeignStart::kBytesMax / 4, ' ');
  for (int i = 0; i < 3; ++i) ASSERT_EQ(start.take(blank), std::nullopt);
  EXPECT_EQ(start.take(blank), Flaw::kNone);
  EXPECT_EQ(ForeignStart().take(std::string(ForeignStart::kBytesMax, ' ')), Flaw::kNone);
}

TEST(ForeignStart, OfAnElementBeyondTheBoundTheNextLineDecides) {
  const std::string p = std::string(kPayment) + "\n";
  const std::string large = "[\n[" + std::string(ForeignStart::kBytesMax, ' ') + "{}]\n";
  EXPECT_EQ(start_of(large).flaw, std::nullopt);
  EXPECT_EQ(start_of(large + "\n]\n").flaw, Flaw::kSeveralLines);
  EXPECT_EQ(start_of(large + p).flaw, Flaw::kNone);
}

TEST(ForeignStart, OfALineThatIsTooLongHasItsBeginning) {
  ForeignStart goes_on;
  ASSERT_EQ(goes_on.take("[\n"), std::nullopt);
  EXPECT_EQ(goes_on.take("{\"user\":\"aaa", false), Flaw::kSeveralLines);
  ForeignStart does_not;
  ASSERT_EQ(does_not.take("{\n"), std::nullopt);
  EXPECT_EQ(does_not.take("{\"user\":\"aaa", false), Flaw::kNone);
  EXPECT_EQ(ForeignStart().take("[[[[[", false), Flaw::kNone);
}

}  // namespace
}  // namespace paystats::record
