// The general path's own parts; the grammar as a whole is tested through the decoder.
#include "record/json_scanner.h"

#include <gtest/gtest.h>

#include <string>

namespace paystats::record {
namespace {

TEST(JsonScanner, TellsWhatKindOfValueThereIsAndWhereItEnds) {
  const auto kind_of = [](const std::string& text, std::string_view rest) {
    JsonScanner scanner(text);
    JsonToken token;
    EXPECT_TRUE(scanner.read_value(token, 1)) << text;
    EXPECT_EQ(std::string(scanner.place(), text.data() + text.size()), rest);
    return token.kind;
  };
  EXPECT_EQ(kind_of("\"a\",", ","), JsonToken::Kind::kString);
  EXPECT_EQ(kind_of("-1.5e+3]", "]"), JsonToken::Kind::kNumber);
  EXPECT_EQ(kind_of("01", "1"), JsonToken::Kind::kNumber);
  EXPECT_EQ(kind_of("true}", "}"), JsonToken::Kind::kOther);
  EXPECT_EQ(kind_of("[1,{\"a\":[]}] ", " "), JsonToken::Kind::kOther);
}

TEST(JsonScanner, SaysWhetherAStringHasEscapes) {
  const auto token_of = [](const std::string& text) {
    JsonScanner scanner(text);
    JsonToken token;
    EXPECT_TRUE(scanner.read_string(token)) << text;
    return token;
  };
  static const std::string kEscaped = R"("a\u0062c")";
  EXPECT_TRUE(token_of(kEscaped).escaped);
  EXPECT_EQ(token_of(kEscaped).text, R"(a\u0062c)");
  EXPECT_FALSE(token_of("\"abc\"").escaped);
}

TEST(JsonScanner, AStringIsReadWhereverItsSpecialBytesStand) {
  for (size_t before = 0; before < 20; ++before) {
    for (const char* special :
         {"\\n", "\\u20ac", "\xE2\x82\xAC", "\\ud83d\\ude00", "\xF0\x9F\x98\x80"}) {
      const std::string text = "\"" + std::string(before, 'x') + special + "y\"";
      JsonScanner scanner(text);
      JsonToken token;
      EXPECT_TRUE(scanner.read_string(token)) << text;
      EXPECT_TRUE(scanner.at_end());
      const std::string cut = text.substr(0, text.size() - 3);
      JsonScanner of_cut(cut);
      EXPECT_FALSE(of_cut.read_string(token)) << cut;
    }
  }
}

TEST(DecodeEscapes, MakesEveryCharacterOfThePlanesAndNeverMoreBytesThanItWasGiven) {
  const auto decoded = [](const std::string& raw) {
    std::string out(raw.size(), '\0');
    out.resize(decode_escapes(raw, out.data()));
    return out;
  };
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("plain"), "plain");
  EXPECT_EQ(decoded(R"(\"\\\/\b\f\n\r\t)"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(decoded(R"(\u0000)"), std::string(1, '\0'));
  EXPECT_EQ(decoded(R"(\u007f\u0080)"), "\x7F\xC2\x80");
  EXPECT_EQ(decoded(R"(\u07ff\u0800)"), "\xDF\xBF\xE0\xA0\x80");
  EXPECT_EQ(decoded(R"(\uD7FF\ue000\uFfFf)"), "\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF");
  EXPECT_EQ(decoded(R"(\ud800\udc00\udbff\udfff)"), "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
  EXPECT_EQ(decoded("a\\nb\\u0063d\xC3\xA9\\\\"), "a\nbcd\xC3\xA9\\");
}

}  // namespace
}  // namespace paystats::record
