#include "requests/format.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "record/encoder.h"

namespace paystats::requests {
namespace {

using Is = RequestMessage::Kind;

RequestMessage decode(std::string_view key, std::optional<std::string_view> value) {
  static const RequestDecoder decoder;
  return decoder.decode({.key = key, .value = value, .at = {3, 17}});
}

record::Batch batch(std::string_view user, std::string_view amount, uint64_t volume = 1) {
  record::Batch batch{.user = user, .amount_text = amount, .amount = {}, .volume = volume};
  record::LineDecoder<record::Batch> decoder{record::FieldNames{}};
  static std::string line;
  line = R"({"user":"x","paymentAmt":)" + std::string(amount) + "}";
  record::Batch read;
  EXPECT_EQ(decoder.decode_one(line, read), record::Flaw::kNone);
  batch.amount = read.amount;
  return batch;
}

TEST(RequestFormat, ALineOfALogIsARequest) {
  const std::vector<record::Batch> batches = {batch("edgar", "1.50"), batch("\xc3\xa9\"", "2", 7)};
  for (const size_t many : {1U, 2U}) {
    const record::Request request{.batches = std::span(batches).first(many),
                                  .idempotency_key = "k-1"};
    std::string line;
    record::append_request(line, request, "2026-11-29T07:52:22.123Z");
    line.resize(line.size() - 2);
    line += last_fields("pay\"ments", "an-swers", "1f-6");
    const RequestMessage read = decode("k-1", line);
    ASSERT_EQ(read.kind, Is::kPayments) << read.error;
    EXPECT_EQ(read.key, "k-1");
    EXPECT_EQ(read.output, "pay\"ments");
    EXPECT_EQ(read.answers, "an-swers");
    EXPECT_EQ(read.name, "1f-6");
    ASSERT_EQ(read.batches.size(), many);
    for (size_t i = 0; i < many; ++i) {
      EXPECT_EQ(read.batches[i].user, batches[i].user);
      EXPECT_EQ(read.batches[i].amount_text, batches[i].amount_text);
      EXPECT_EQ(read.batches[i].volume, batches[i].volume);
    }
    EXPECT_EQ(read.count, many == 1 ? 1U : 8U);
    EXPECT_EQ(read.digest, kept_of(keys::digest_of(request)));
    EXPECT_EQ(read.at, (record::SourceOffset{3, 17}));
  }
}

TEST(RequestFormat, TheLastFieldsHaveABound) {
  const std::string name(34, 'f');  // two numbers of 64 bits and a dash are shorter
  EXPECT_LE(last_fields(std::string(249, 't'), std::string(249, 'a'), name).size(), kLastFieldsMax);
}

TEST(RequestFormat, AnAmountBecomesPlain) {
  const RequestMessage read = decode("k", R"({"user":"a","paymentAmt":"1e2"})");
  ASSERT_EQ(read.kind, Is::kPayments);
  EXPECT_EQ(read.batches[0].amount_text, "100");
}

TEST(RequestFormat, ABadBatchMakesTheWholeRequestBad) {
  const RequestMessage read = decode(
      "k", R"({"idempotencyKey":"k","payments":[{"user":"a","paymentAmt":1},{"user":"a"}]})");
  EXPECT_EQ(read.kind, Is::kBad);
  EXPECT_EQ(read.error, "paymentAmt: missing");
}

TEST(RequestFormat, WhatIsNoRequestIsBad) {
  EXPECT_EQ(decode("k", std::nullopt).error, "not a JSON object");
  EXPECT_EQ(decode("k", "[]").error, "not a JSON object");
  EXPECT_EQ(decode("k", "{").error, "not a JSON object");
  EXPECT_EQ(decode("k", R"({"payments":[]})").error, "payments: empty");
  EXPECT_EQ(decode("", R"({"user":"a","paymentAmt":1})").error,
            "the message's key is no idempotency key");
  EXPECT_EQ(decode("\n", R"({"user":"a","paymentAmt":1})").kind, Is::kBad);
  EXPECT_EQ(decode("k", R"({"user":"a","paymentAmt":1,"volume":100001})").error,
            "more than 100000 payments in one request");
}

TEST(RequestFormat, AQuestionIsReadAsItWasAsked) {
  const RequestMessage read = decode("k\"1", question_text("k\"1", "1f-7"));
  EXPECT_EQ(read.kind, Is::kQuestion);
  EXPECT_EQ(read.key, "k\"1");
  EXPECT_EQ(read.name, "1f-7");
}

TEST(RequestFormat, AnAnswerIsReadAsItWasWritten) {
  const Answer paid{.key = "k\\1", .count = 7, .digest = 0x0123456789abcdef, .offset = 42};
  const Answer unknown{.key = "k\\1", .name = "1f-7", .offset = 43};
  const Answer bad{.key = "k\\1", .name = "1f-6", .error = "user: missing", .offset = 44};
  const Answer nameless{.key = "k\\1", .error = "not a JSON object", .offset = 45};
  for (const Answer& answer : {paid, unknown, bad, nameless}) {
    const std::string text = answer_text(answer);
    const std::optional<Answer> read =
        read_answer({.key = answer.key, .value = text, .at = {0, 9}});
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(answer_text(*read), text);
    EXPECT_EQ(read->key, answer.key);
    EXPECT_EQ(read->count, answer.count);
    EXPECT_EQ(read->digest, answer.digest);
    EXPECT_EQ(read->offset, answer.offset);
    EXPECT_TRUE(nlohmann::json::accept(text));
  }
  EXPECT_EQ(answer_text(paid),
            R"({"idempotencyKey":"k\\1","payments":"0123456789abcdef","accepted":7,"offset":42})");
}

TEST(RequestFormat, WhatIsNoAnswerIsNotTakenForOne) {
  const auto is_answer = [](std::string_view key, std::optional<std::string_view> value) {
    return read_answer({.key = key, .value = value, .at = {}}).has_value();
  };
  EXPECT_TRUE(is_answer("k", R"({"idempotencyKey":"k","question":"1","offset":1})"));
  EXPECT_FALSE(is_answer("k", std::nullopt));
  EXPECT_FALSE(is_answer("k", "7"));
  EXPECT_FALSE(is_answer("other", R"({"idempotencyKey":"k","question":"1","offset":1})"));
  EXPECT_FALSE(is_answer("k", R"({"idempotencyKey":"k","question":"1"})"));
  EXPECT_FALSE(is_answer("k", R"({"idempotencyKey":"k","accepted":1,"offset":1})"));
  EXPECT_FALSE(
      is_answer("k", R"({"idempotencyKey":"k","accepted":1,"payments":"xyz","offset":1})"));
}

}  // namespace
}  // namespace paystats::requests
