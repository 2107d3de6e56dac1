#include "api/posted_payments.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "record/encoder.h"
#include "requests.h"

namespace paystats::api {
namespace {

using Json = nlohmann::json;

PostedPayments accepted(std::string_view body, const PaymentRules& rules = {}) {
  auto read = read_payments(body, rules);
  if (const auto* refusal = std::get_if<HttpResponse>(&read)) {
    ADD_FAILURE() << body_of(*refusal);
    return {};
  }
  return std::get<PostedPayments>(std::move(read));
}

HttpResponse refused(std::string_view body, const PaymentRules& rules = {}) {
  auto read = read_payments(body, rules);
  EXPECT_TRUE(std::holds_alternative<HttpResponse>(read)) << body;
  return std::holds_alternative<HttpResponse>(read) ? std::get<HttpResponse>(read) : HttpResponse{};
}

// "/1/user: empty" for each error.
std::vector<std::string> errors_of(const HttpResponse& response) {
  std::vector<std::string> errors;
  const Json problem = Json::parse(body_of(response));
  for (const auto& error : problem["errors"]) {
    errors.push_back(error["pointer"].get<std::string>() + ": " +
                     error["detail"].get<std::string>());
  }
  return errors;
}

using Errors = std::vector<std::string>;

TEST(PostedPayments, OneBatchIsTakenWithItsAmountAsItWasWritten) {
  PostedPayments posted = accepted(R"( {"user":"edgar","paymentAmt":1.0,"volume":7} )");
  ASSERT_EQ(posted.request().batches.size(), 1u);
  EXPECT_EQ(posted.request().batches[0].user, "edgar");
  EXPECT_EQ(posted.request().batches[0].amount_text, "1.0");
  EXPECT_EQ(posted.request().batches[0].volume, 7u);
  EXPECT_EQ(posted.payments(), 7u);
}

TEST(PostedPayments, AnAmountThatNoDoubleCanHoldComesThroughWhole) {
  PostedPayments posted = accepted(R"([{"user":"a","paymentAmt":123456789012345.123456789},
                   {"user":"b","paymentAmt":"1e2"}])");
  EXPECT_EQ(posted.request().batches[0].amount_text, "123456789012345.123456789");
  EXPECT_EQ(posted.request().batches[1].amount_text, "100");
}

TEST(PostedPayments, WhatBatchesPointToStaysWhenThePaymentsMove) {
  PostedPayments posted =
      accepted(R"([{"user":"\u0061b","paymentAmt":1},{"user":"c","paymentAmt":2}])");
  const auto batches = posted.request().batches;
  const PostedPayments moved = std::move(posted);
  EXPECT_EQ(batches[0].user, "ab");
  EXPECT_EQ(batches[1].user, "c");
}

TEST(PostedPayments, AUserOrAVolumeThatIsAWholeNumberIsItsDigitsHoweverItIsWritten) {
  PostedPayments posted = accepted(R"([{"user":382.0,"paymentAmt":1,"volume":92.00},
                   {"us\u0065r":-12e1,"paymentAmt":2,"volume":1e2},
                   {"user":9007199254740991.0,"paymentAmt":3}, {"user":-0.0,"paymentAmt":4}])");
  const auto& batches = posted.request().batches;
  ASSERT_EQ(batches.size(), 4u);
  EXPECT_EQ(batches[0].user, "382");
  EXPECT_EQ(batches[0].volume, 92u);
  EXPECT_EQ(batches[1].user, "-120");
  EXPECT_EQ(batches[1].volume, 100u);
  EXPECT_EQ(batches[2].user, "9007199254740991");
  EXPECT_EQ(batches[3].user, "0");
}

TEST(PostedPayments, OneThatIsNotWholeOrIsTextIsRefusedAndTheOtherIsNotNamed) {
  EXPECT_EQ(errors_of(refused(R"({"user":7.0,"paymentAmt":1,"volume":1.5})")),
            (Errors{"/volume: not a positive integer"}));
  EXPECT_EQ(errors_of(refused(R"({"user":7.5,"paymentAmt":1,"volume":7e0})")),
            (Errors{"/user: not a string or an integer"}));
  EXPECT_EQ(errors_of(refused(R"({"user":"7.0","paymentAmt":1,"volume":"7.0"})")),
            (Errors{"/volume: not a positive integer"}));
  EXPECT_EQ(errors_of(refused(R"({"user":1e999999999,"paymentAmt":1,"volume":0.0})")),
            (Errors{"/user: not a string or an integer", "/volume: not a positive integer"}));
}

TEST(PostedPayments, AnEmptyArrayIsNothing) {
  EXPECT_TRUE(accepted("[]").empty());
  EXPECT_EQ(body_of(accepted_response(0)), "{\"accepted\":0}\n");
}

TEST(PostedPayments, OneBadBatchRefusesTheWholeWithAPointerToEachBadField) {
  const HttpResponse response = refused(
      R"([{"user":"a","paymentAmt":1},{"user":"","paymentAmt":"x","volume":0},{"paymentAmt":1}])");
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(errors_of(response), (Errors{"/1/user: empty", "/1/paymentAmt: not a decimal number",
                                         "/1/volume: not a positive integer", "/2/user: missing"}));
  const Json problem = Json::parse(body_of(response));
  EXPECT_EQ(problem["type"], "urn:paystats:problem:invalid-payments");
  EXPECT_EQ(problem["status"], 422);
  EXPECT_EQ(problem["detail"], "2 of 3 batches cannot be taken; none was");
  EXPECT_TRUE(has_field(response, "Content-Type: application/problem+json"));
}

TEST(PostedPayments, ThePointersOfOneBatchAloneHaveNoIndex) {
  EXPECT_EQ(errors_of(refused(R"({"user":true,"paymentAmt":1.0000000001,"volume":"-1"})")),
            (Errors{"/user: not a string or an integer",
                    "/paymentAmt: more than 9 digits after the point",
                    "/volume: not a positive integer"}));
}

TEST(PostedPayments, AFieldGivenTwiceIsRefusedUnderAnyOfItsSpellings) {
  EXPECT_EQ(errors_of(refused(R"({"user":"a","us\u0065r":"b","paymentAmt":1})")),
            (Errors{"/user: given twice"}));
}

TEST(PostedPayments, WhatIsNoObjectIsNamedAsAWhole) {
  EXPECT_EQ(errors_of(refused("[1]")), (Errors{"/0: not a JSON object"}));
  EXPECT_EQ(errors_of(refused("null")), (Errors{": not a JSON object"}));
  EXPECT_EQ(errors_of(refused("[[]]")), (Errors{"/0: not a JSON object"}));
}

TEST(PostedPayments, AmountsThatAreNotPositiveNeedAllowNegative) {
  for (const char* amount : {"0", "-0", "-1", "-0.000000001", "\"-5\"", "0e9"}) {
    const std::string body = std::string(R"({"user":"a","paymentAmt":)") + amount + "}";
    EXPECT_EQ(errors_of(refused(body)), (Errors{"/paymentAmt: not positive"})) << amount;
    EXPECT_EQ(accepted(body, {.allow_negative = true}).payments(), 1u);
  }
}

TEST(PostedPayments, TheVolumesTogetherHaveALimit) {
  const PaymentRules rules{.volume_max = 10};
  EXPECT_EQ(
      accepted(R"([{"user":"a","paymentAmt":1,"volume":4},{"user":"a","paymentAmt":1,"volume":6}])",
               rules)
          .payments(),
      10u);
  EXPECT_EQ(
      errors_of(refused(
          R"([{"user":"a","paymentAmt":1,"volume":4},{"user":"a","paymentAmt":1,"volume":7}])",
          rules)),
      (Errors{"/1/volume: more than 10 payments in one request"}));
  EXPECT_EQ(errors_of(refused(R"({"user":"a","paymentAmt":1,"volume":18446744073709551615})")),
            (Errors{"/volume: more than 100000 payments in one request"}));
}

TEST(PostedPayments, WhatIsNotJsonIs400WithItsPlace) {
  for (const auto& [body, detail] :
       {std::pair{"", "not valid JSON at byte 0 (line 1, column 1)"},
        std::pair{"{\"user\":\"a\",\n }", "not valid JSON at byte 14 (line 2, column 2)"},
        std::pair{"[{\"user\":\"a\",\"paymentAmt\":1}",
                  "not valid JSON at byte 28 (line 1, column 29)"},
        std::pair{"[1,]", "not valid JSON at byte 3 (line 1, column 4)"},
        std::pair{"[] []", "not valid JSON at byte 3 (line 1, column 4)"},
        std::pair{"{\"a\":NaN}", "not valid JSON at byte 5 (line 1, column 6)"},
        std::pair{"\xEF\xBB\xBF{}", "begins with a byte order mark at byte 0 (line 1, column 1)"},
        std::pair{"{\"a\":\"\xff\"}", "not valid UTF-8 at byte 6 (line 1, column 7)"}}) {
    const HttpResponse response = refused(body);
    EXPECT_EQ(response.status, 400) << body;
    const Json problem = Json::parse(body_of(response));
    EXPECT_EQ(problem["type"], "urn:paystats:problem:invalid-json");
    EXPECT_EQ(problem["detail"], detail);
  }
  EXPECT_EQ(refused(std::string_view("{\"a\":\0}", 7)).status, 400);
  EXPECT_EQ(refused("{\"a\":\"\\ud800\"}").status, 400);
}

TEST(PostedPayments, NestingIsLimitedAndCostsNoStack) {
  const auto nested = [](size_t depth) {
    return R"({"user":"a","paymentAmt":1,"x":)" + std::string(depth, '[') +
           std::string(depth, ']') + "}";
  };
  EXPECT_EQ(accepted(nested(63)).payments(), 1u);
  EXPECT_EQ(refused(nested(64)).status, 400);
  EXPECT_EQ(refused(std::string(1 << 20, '[')).status, 400);
}

TEST(PostedPayments, AThousandBadBatchesAreCountedAndTheFirstErrorsListed) {
  std::string body = "[";
  for (int i = 0; i < 1000; ++i) body += std::string(i ? "," : "") + "{}";
  const HttpResponse response = refused(body + "]");
  EXPECT_EQ(errors_of(response).size(), kListedErrorsMax);
  EXPECT_EQ(Json::parse(body_of(response))["detail"],
            "1000 of 1000 batches cannot be taken; none was");
}

// ---- as lines

TEST(PostedPayments, TheBoundOfItsPaymentsAsLinesHolds) {
  PostedPayments posted = accepted(R"({"user":"\u0001\u0002","paymentAmt":1.5,"volume":3})");
  // Each control as six characters.
  EXPECT_GE(posted.payments_bytes(),
            3 * std::string("{\"user\":\"\\u0001\\u0002\",\"paymentAmt\":1.5}\n").size());
}

constexpr std::string_view kTime = "2026-11-29T07:52:22.123Z";

std::string line_of(PostedPayments& posted) {
  std::string line;
  record::append_request(line, posted.request(), kTime);
  return line;
}

TEST(PostedPayments, OfItsLineTheSizeIsKnownWithoutTheNewline) {
  for (const std::string_view body :
       {R"({"user":"edgar","paymentAmt":1.0})", R"({"user":"\u0001\"\\\nä","paymentAmt":"1e2"})",
        R"({"user":"a","paymentAmt":1,"volume":18})",
        R"([{"user":"a","paymentAmt":1e-9},{"user":"b","paymentAmt":1e14,"volume":7}])"}) {
    for (const std::string_view key : {"", "k\"\\"}) {
      auto read = read_payments(body, {}, key);
      auto& posted = std::get<PostedPayments>(read);
      EXPECT_EQ(posted.request_bytes() + 1, line_of(posted).size()) << body;
    }
  }
}

// What grows on its way from the body into the log: an exponent that is written out, a control
// character as an escape.
TEST(PostedPayments, OneLineOfALogHasALimitWhateverTheBodyIs) {
  const PaymentRules rules{.volume_max = UINT64_MAX, .line_bytes_max = record::kLineBytesMax};
  const auto body_of_many = [](std::string_view batch) {
    std::string body = "[";
    while (body.size() + batch.size() + 2 < size_t{1} << 20) {
      body += batch;
      body += ',';
    }
    body.back() = ']';
    return body;
  };
  for (const std::string_view batch :
       {R"({"user":"a","paymentAmt":1e14})", R"({"user":"a","paymentAmt":1e-9})",
        R"({"user":"\n\n\n\n\n\n\n\n\n\n\n\n","paymentAmt":1})"}) {
    const std::string body = body_of_many(batch);
    EXPECT_FALSE(
        std::holds_alternative<HttpResponse>(read_payments(body, {.volume_max = UINT64_MAX})))
        << "a pipe and a topic take it";
    const auto read = read_payments(body, rules);
    const auto* const response = std::get_if<HttpResponse>(&read);
    ASSERT_NE(response, nullptr) << batch;
    EXPECT_EQ(response->status, 413);
    EXPECT_NE(body_of(*response).find("one line of"), std::string::npos);
  }
}

TEST(PostedPayments, TheLimitOfALineIsExact) {
  PostedPayments posted = accepted(R"({"user":"a","paymentAmt":1})");
  const uint64_t bytes = posted.request_bytes();
  EXPECT_FALSE(std::holds_alternative<HttpResponse>(
      read_payments(R"({"user":"a","paymentAmt":1})", {.line_bytes_max = bytes})));
  EXPECT_TRUE(std::holds_alternative<HttpResponse>(
      read_payments(R"({"user":"a","paymentAmt":1})", {.line_bytes_max = bytes - 1})));
}

TEST(PostedPayments, OfARequestWithAKeyAreLimitedFurtherWhereItIsOneMessage) {
  const PaymentRules rules{.keyed = PaymentRules::KeyedLimits{10, 200}};
  constexpr std::string_view kEleven = R"([{"user":"a","paymentAmt":1,"volume":10},
                                           {"user":"b","paymentAmt":1}])";
  EXPECT_EQ(accepted(kEleven, rules).payments(), 11u) << "without a key";
  const auto read = read_payments(kEleven, rules, "k");
  const auto* const response = std::get_if<HttpResponse>(&read);
  ASSERT_NE(response, nullptr);
  EXPECT_EQ(response->status, 422);
  EXPECT_EQ(errors_of(*response),
            std::vector<std::string>{
                "/1/volume: more than 10 payments in one request that has an idempotency key"});
  auto ten = read_payments(R"({"user":"a","paymentAmt":1,"volume":10})", rules, "k");
  EXPECT_TRUE(std::holds_alternative<PostedPayments>(ten));
}

TEST(PostedPayments, ALimitOfAllRequestsIsCalledSoAlsoWhereOneHasAKey) {
  const PaymentRules rules{.volume_max = 5, .keyed = PaymentRules::KeyedLimits{10, 200}};
  const auto read = read_payments(R"({"user":"a","paymentAmt":1,"volume":6})", rules, "k");
  const auto* const response = std::get_if<HttpResponse>(&read);
  ASSERT_NE(response, nullptr);
  EXPECT_EQ(errors_of(*response),
            std::vector<std::string>{"/volume: more than 5 payments in one request"});
}

TEST(PostedPayments, OfTheMessageOfARequestWithAKeyTheLimitIsExact) {
  constexpr std::string_view kBody = R"({"user":"a","paymentAmt":1})";
  auto whole = read_payments(kBody, {}, "k");
  const uint64_t bytes = std::get<PostedPayments>(whole).request_bytes();
  const auto read_with = [&](uint64_t bytes_max, std::string_view key) {
    return read_payments(kBody, {.keyed = PaymentRules::KeyedLimits{10, bytes_max}}, key);
  };
  EXPECT_TRUE(std::holds_alternative<PostedPayments>(read_with(bytes, "k")));
  EXPECT_TRUE(std::holds_alternative<PostedPayments>(read_with(bytes - 1, "")));
  const auto read = read_with(bytes - 1, "k");
  const auto* const response = std::get_if<HttpResponse>(&read);
  ASSERT_NE(response, nullptr);
  EXPECT_EQ(response->status, 413);
  EXPECT_NE(body_of(*response).find("that has an idempotency key is one message"),
            std::string::npos);
}

TEST(PostedPayments, ManySmallBatchesTakeLittleMemoryAndItIsKnown) {
  std::string body = "[";
  for (int i = 0; i < 20'000; ++i) body += R"({"user":"a","paymentAmt":1},)";
  body.back() = ']';
  const PostedPayments posted = accepted(body);
  EXPECT_EQ(posted.payments(), 20'000u);
  EXPECT_GE(posted.memory_bytes(), 20'000 * sizeof(record::Batch));
  EXPECT_LE(posted.memory_bytes(), 20'000 * (sizeof(record::Batch) + 4) + 4096);
}

}  // namespace
}  // namespace paystats::api
