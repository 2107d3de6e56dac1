#include "cli/field_options.h"

#include <gtest/gtest.h>

namespace paystats::cli {
namespace {

TEST(FieldOptions, AreThreeNames) {
  record::FieldOptions options;
  CommandLine line("t", "a test");
  declare_fields(line, options);
  const char* argv[] = {"t", "--user-field",   "user_id", "--volume-field",
                        "",  "--amount-field", "a"};
  ASSERT_TRUE(line.parse(7, const_cast<char**>(argv)));
  EXPECT_EQ(options.user, "user_id");
  EXPECT_EQ(options.amount, "a");
  EXPECT_EQ(options.volume, "");
}

}  // namespace
}  // namespace paystats::cli
