#include "record/schema_frame.h"

#include <gtest/gtest.h>

#include <string>

namespace paystats::record {
namespace {

using std::string_literals::operator""s;

TEST(SchemaFrame, IsAZeroByteAndFourMore) {
  EXPECT_EQ(without_schema_frame("\0\0\0\x01\x02{}"s), "{}");
  EXPECT_EQ(without_schema_frame("\0\xff\xff\xff\xff"s), "");
}

TEST(SchemaFrame, AValueWithoutOneIsLeftAsItIs) {
  for (const std::string& value : {""s, "{}"s, "{\"user\":1}"s, "\0\0\0\0"s, "\x01\0\0\0\x02{}"s}) {
    EXPECT_EQ(without_schema_frame(value), value);
  }
}

}  // namespace
}  // namespace paystats::record
