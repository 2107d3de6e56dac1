#include "record/json_elements.h"

#include <gtest/gtest.h>

namespace paystats::record {
namespace {

TEST(JsonElements, ElementsAreTheBytesThatWereWritten) {
  const JsonElements json = split_json(" [ {\"a\": \"],{\"} , 1e999,\"x\" ] ");
  ASSERT_EQ(json.flaw, record::Flaw::kNone);
  EXPECT_EQ(json.elements, (std::vector<std::string_view>{"{\"a\": \"],{\"}", "1e999", "\"x\""}));
  EXPECT_EQ(raw_values(R"({"a":1,"b":[2],"\u0061":"3"})", "a"),
            (std::vector<std::string_view>{"1", "\"3\""}));
}

TEST(JsonElements, AFieldThatIsThereTwiceHasNoOneValue) {
  constexpr std::string_view kObject = R"({"a":1,"b":"2","a":3})";
  EXPECT_EQ(raw_value(kObject, "b"), "\"2\"");
  EXPECT_EQ(raw_value(kObject, "a"), std::nullopt);
  EXPECT_EQ(raw_value(kObject, "c"), std::nullopt);
}

TEST(JsonElements, AnObjectIsOneThatIsWholeAndAlone) {
  EXPECT_TRUE(is_json_object(" {\"a\":[1]} \n"));
  for (const char* const other : {"", "[]", "1", "{", "{} {}", "{\"a\":}"}) {
    EXPECT_FALSE(is_json_object(other)) << other;
  }
}

TEST(JsonElements, AStringIsTheTextThatItStandsFor) {
  EXPECT_EQ(json_string(R"("a\u0062\n\"")"), "ab\n\"");
  EXPECT_EQ(json_string("\"\""), "");
  EXPECT_EQ(json_string("17"), std::nullopt);
  EXPECT_EQ(json_string("{\"a\":\"b\"}"), std::nullopt);
}

}  // namespace
}  // namespace paystats::record
