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

}  // namespace
}  // namespace paystats::record
