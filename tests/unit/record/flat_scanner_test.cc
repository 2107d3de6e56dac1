// Which lines take the fast path. That both paths agree is shown elsewhere; here is shown that the
// fast one is taken at all, and that it leaves to the other what it must.
#include "record/flat_scanner.h"

#include <gtest/gtest.h>

#include <string>

namespace paystats::record {
namespace {

using Scanner = FlatScanner<3>;

const Scanner& scanner() {
  static const Scanner kScanner({"user", "paymentAmt", "volume"}, {true, true, true});
  return kScanner;
}

bool is_taken(const std::string& line) {
  Scanner::Tokens tokens;
  for (const std::string& text : {line, line + "\n", line + "\n{}"}) {
    const char* const next = scanner().scan(text.data(), text.data() + text.size(), tokens);
    if (next == nullptr) return false;
    EXPECT_EQ(next - text.data(), static_cast<ptrdiff_t>(std::min(line.size() + 1, text.size())));
  }
  return true;
}

TEST(FlatScanner, TakesTheCommonLineInAnyOrderAndSpacing) {
  EXPECT_TRUE(is_taken(R"({"user":"edgar","paymentAmt":1.0})"));
  EXPECT_TRUE(is_taken(R"({"paymentAmt":1.0,"user":"edgar"})"));
  EXPECT_TRUE(is_taken(R"({"user": "edgar", "paymentAmt": 1.0})"));
  EXPECT_TRUE(is_taken(R"( { "user" : "edgar" , "paymentAmt" : 1.0 } )"));
  EXPECT_TRUE(is_taken("{\"user\":\"edgar\",\"paymentAmt\":1.0}\r"));
  EXPECT_TRUE(is_taken("{\"user\":\"J\xC3\xBCrgen\",\"paymentAmt\":\"1.0\",\"volume\":7}"));
}

TEST(FlatScanner, TakesFurtherFieldsThatAreNotNested) {
  EXPECT_TRUE(is_taken(R"({"a":"b","c":1e999,"d":true,"e":false,"f":null,"user":"edgar"})"));
}

TEST(FlatScanner, TakesEscapesAndNestedValuesByTheOtherScanner) {
  EXPECT_TRUE(is_taken(R"({"user":"e\u0064g\"ar","paymentAmt":"1\u002e0"})"));
  EXPECT_TRUE(is_taken(R"({"a":[1,{"b":"\n"}],"user":"e","b":{"c":[]}})"));
}

TEST(FlatScanner, LeavesTheUnusualToTheGeneralPath) {
  for (const char* line : {"",
                           " ",
                           "{}",
                           "[]",
                           "{\"user\":\"e\\x0064gar\"}",
                           "{\"user\":\"\\ud800\"}",
                           "{\"us\\u0065r\":\"edgar\"}",
                           "{\"user\":\"e\",\"user\":\"e\"}",
                           "{\"a\":[}",
                           "{\"a\":{]}",
                           "{\"a\":[1,\n2]}",
                           "{\"user\":\"e\"} x",
                           "{\"user\":\"e\"",
                           "{\"user\":\"e",
                           "{\"user\":\"\xFF\"}",
                           "{\"\xFF\":1}",
                           "{\"a\":tru}",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"user\":\"\t\"}",
                           "{\"user\"\t:\"e\"}",
                           "{\"user\":\"e\",}",
                           "{\"user\" \"e\"}",
                           "{\"user\":\"e\"}}"}) {
    EXPECT_FALSE(is_taken(line)) << line;
  }
}

TEST(FlatScanner, TellsTheTokensOfTheFieldsThatAreRead) {
  Scanner::Tokens tokens;
  const std::string line = R"({"x":1,"volume": 7 ,"user":"edgar"})";
  ASSERT_NE(scanner().scan(line.data(), line.data() + line.size(), tokens), nullptr);
  EXPECT_EQ(tokens[0].kind, JsonToken::Kind::kString);
  EXPECT_EQ(tokens[0].text, "edgar");
  EXPECT_EQ(tokens[1].kind, JsonToken::Kind::kMissing);
  EXPECT_EQ(tokens[2].kind, JsonToken::Kind::kNumber);
  EXPECT_EQ(tokens[2].text, "7");
}

TEST(NamePattern, MatchesTheWholeNameOfWhateverLength) {
  for (size_t size = 0; size < 40; ++size) {
    const std::string name(size, 'n');
    const NamePattern pattern(name);
    const auto matches = [&](const std::string& text) {
      const char* const end = text.data() + text.size();
      return pattern.matches(scan::load_eight(text.data(), end), text.data(), end);
    };
    EXPECT_TRUE(matches(name + "\"")) << size;
    EXPECT_TRUE(matches(name + "\":1}")) << size;
    EXPECT_FALSE(matches(name)) << size;
    EXPECT_FALSE(matches(name + "n\"")) << size;
    if (size == 0) continue;
    EXPECT_FALSE(matches(name.substr(1) + "\"")) << size;
    EXPECT_FALSE(matches(name.substr(1) + "m\"")) << size;
    EXPECT_FALSE(matches("m" + name.substr(1) + "\"")) << size;
  }
}

TEST(NamePattern, OfANameThatMustBeEscapedOrIsNoTextMatchesNothing) {
  for (const std::string& name : {std::string("a\"b"), std::string("a\\b"), std::string("a\nb"),
                                  std::string("a\0b", 3), std::string("a\xFF")}) {
    const std::string text = name + "\":";
    const char* const end = text.data() + text.size();
    EXPECT_FALSE(NamePattern(name).matches(scan::load_eight(text.data(), end), text.data(), end));
  }
}

}  // namespace
}  // namespace paystats::record
