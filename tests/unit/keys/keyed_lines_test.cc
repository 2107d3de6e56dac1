#include "keys/keyed_lines.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "record/encoder.h"

namespace paystats::keys {
namespace {

using Found = std::vector<std::pair<std::string, size_t>>;

Found keys_of(const std::string& block) {
  Found found;
  for_each_key(block, [&](std::string_view key, size_t line) {
    found.emplace_back(std::string(key), line);
  });
  return found;
}

record::Batch edgar(uint64_t volume) {
  return {.user = "edgar",
          .amount_text = "1.0",
          .amount = money::Decimal::from_nanos(1'000'000'000),
          .volume = volume};
}

TEST(ForEachKey, FindsTheKeysOfEachKindOfLine) {
  const record::Batch one = edgar(1);
  const record::Batch group[] = {edgar(2), edgar(3)};
  std::string block;
  record::append_request(block, {.batches = {&one, 1}, .idempotency_key = "a-1"}, "T");
  const size_t second = block.size();
  record::append_request(block, {.batches = {&one, 1}}, "T");
  const size_t third = block.size();
  record::append_request(block, {.batches = group, .idempotency_key = "b \\ \" c"}, "T");
  EXPECT_LT(second, third);
  EXPECT_EQ(keys_of(block), (Found{{"a-1", 0}, {"b \\ \" c", third}}));
}

TEST(ForEachKey, FindsKeysHoweverTheyAreWritten) {
  EXPECT_EQ(keys_of("{ \"idempotencyKey\" :\t\"k\" }\n"), (Found{{"k", 0}}));
  EXPECT_EQ(keys_of("\n{\"a\":1}\n{\"idempotency\\u004bey\":\"k\"}\n"), (Found{{"k", 9}}));
  EXPECT_EQ(keys_of("{\"idempotencyKey\":\"\\u006b\"}\n{\"idempotencyKey\":\"l\"}\n"),
            (Found{{"k", 0}, {"l", 28}}));
  EXPECT_EQ(keys_of("{\"u\":\"\\u00e4\",\"idempotencyKey\":\"k\"}"), (Found{{"k", 0}}));
}

TEST(ForEachKey, PassesOverWhatNoRequestCanHave) {
  EXPECT_TRUE(keys_of("").empty());
  EXPECT_TRUE(keys_of("{\"idempotencyKey\":7}\n{\"idempotencyKey\":\"\"}\n").empty());
  EXPECT_TRUE(keys_of("{\"idempotencyKey\":\"\xc3\xa4\"}\n").empty());
  EXPECT_TRUE(keys_of("{\"idempotencyKey\":\"" + std::string(256, 'k') + "\"}\n").empty());
  EXPECT_TRUE(keys_of("{\"user\":\"\\\"idempotencyKey\\\":\\\"k\\\"\"}\n").empty());
  EXPECT_TRUE(keys_of("{\"idempotencyKey\"\n:\"k\"}\n").empty());
}

TEST(ReadKeyedRequest, IsWhatWasWritten) {
  const record::Batch group[] = {edgar(2), edgar(3)};
  const record::Request request = {.batches = group, .idempotency_key = "k"};
  std::string line;
  record::append_request(line, request, "T");
  const auto read = read_keyed_request(line);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->key, digest_of("k"));
  EXPECT_EQ(read->payments, digest_of(request));
  EXPECT_EQ(read->count, 5u);
}

TEST(ReadKeyedRequest, IsNothingForWhatIsNotPaid) {
  EXPECT_TRUE(read_keyed_request(R"({"user":"a","paymentAmt":1,"idempotencyKey":"k"})"));
  EXPECT_FALSE(read_keyed_request(R"({"user":"a","paymentAmt":"x","idempotencyKey":"k"})"));
  EXPECT_FALSE(read_keyed_request(R"({"user":"a","paymentAmt":1})"));
  EXPECT_FALSE(read_keyed_request(R"({"user":"a","paymentAmt":1,"idempotencyKey":7})"));
  EXPECT_FALSE(read_keyed_request(R"({"user":"a","paymentAmt":1,"n":{"idempotencyKey":"k"}})"));
  EXPECT_FALSE(read_keyed_request(R"([{"user":"a","paymentAmt":1,"idempotencyKey":"k"}])"));
  EXPECT_FALSE(read_keyed_request(
      R"({"idempotencyKey":"k","payments":[{"user":"a","paymentAmt":1},{"user":"b"}]})"));
  EXPECT_FALSE(read_keyed_request("{\"user\":\"a\",\"paymentAmt\":1,\"idempotencyKey\":\"k\""));
  EXPECT_FALSE(read_keyed_request(""));
}

TEST(ReadKeyedRequest, ANegativeAmountIsPaidAsWell) {
  const auto read =
      read_keyed_request(R"({"user":"a","paymentAmt":-0.5,"volume":4,"idempotencyKey":"k"})");
  ASSERT_TRUE(read);
  PaymentsDigest digest;
  digest.add("a", money::Decimal::from_nanos(-500'000'000), 4);
  EXPECT_EQ(read->payments, digest.value());
}

}  // namespace
}  // namespace paystats::keys
