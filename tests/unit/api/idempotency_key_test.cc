#include "api/idempotency_key.h"

#include <gtest/gtest.h>

namespace paystats::api {
namespace {

base::Result<std::string> key_of(std::vector<std::string_view> values) {
  HttpRequest request;
  for (const std::string_view value : values) request.fields.push_back({"idempotency-key", value});
  return idempotency_key(request);
}

TEST(IdempotencyKey, IsQuotedOrBare) {
  EXPECT_EQ(key_of({R"("8e03978e-40d5")"}), "8e03978e-40d5");
  EXPECT_EQ(key_of({"8e03978e-40d5"}), "8e03978e-40d5");
  EXPECT_EQ(key_of({R"("a \"b\" \\ c")"}), R"(a "b" \ c)");
  EXPECT_EQ(key_of({"a b"}), "a b");
}

TEST(IdempotencyKey, MayBeMissingAndIsThenEmpty) {
  EXPECT_EQ(key_of({}), "");
}

TEST(IdempotencyKey, HasOneTo255PrintableAsciiCharacters) {
  const std::string longest(255, 'k');
  EXPECT_EQ(key_of({longest}), longest);
  EXPECT_FALSE(key_of({longest + "k"}));
  EXPECT_FALSE(key_of({""}));
  EXPECT_FALSE(key_of({R"("")"}));
  EXPECT_FALSE(key_of({"a\tb"}));
  EXPECT_FALSE(key_of({"\xC3\xA4"}));
}

TEST(IdempotencyKey, IsGivenOnce) {
  const base::Result<std::string> twice = key_of({"a", "a"});
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("more than once"), std::string::npos);
}

TEST(IdempotencyKey, MayNotBeHalfQuoted) {
  EXPECT_FALSE(key_of({R"("a)"}));
  EXPECT_FALSE(key_of({R"(")"}));
  EXPECT_FALSE(key_of({R"("a"b")"}));
  EXPECT_FALSE(key_of({R"("a\")"}));
  EXPECT_FALSE(key_of({R"("a\b")"}));
}

}  // namespace
}  // namespace paystats::api
