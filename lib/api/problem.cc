#include "api/problem.h"

#include <fmt/format.h>

#include <utility>

#include "record/encoder.h"

namespace paystats::api {
namespace {

struct Words {
  int status;
  std::string_view name;
  std::string_view title;
  int retry_after_s = 0;  // 0: trying again would not help, or not soon
};

Words words_of(ProblemType type) {
  switch (type) {
    case ProblemType::kBadRequest:
      return {400, "bad-request", "Bad request"};
    case ProblemType::kInvalidJson:
      return {400, "invalid-json", "Not JSON"};
    case ProblemType::kForeignOrigin:
      return {403, "foreign-origin", "Not sent by this server's own page"};
    case ProblemType::kNotFound:
      return {404, "not-found", "Not found"};
    case ProblemType::kKeyUnknown:
      return {404, "key-unknown", "No request of this key is known"};
    case ProblemType::kMethodNotAllowed:
      return {405, "method-not-allowed", "Method not allowed here"};
    case ProblemType::kTimeout:
      return {408, "timeout", "The request took too long to arrive"};
    case ProblemType::kKeyUnderWay:
      return {409, "key-under-way", "A request of this key is being written", 1};
    case ProblemType::kLengthRequired:
      return {411, "length-required", "Content-Length required"};
    case ProblemType::kTooLarge:
      return {413, "too-large", "Too large"};
    case ProblemType::kUnsupportedType:
      return {415, "unsupported-type", "Content-Type must be application/json"};
    case ProblemType::kExpectation:
      return {417, "expectation-failed", "Unknown expectation"};
    case ProblemType::kMisdirected:
      return {421, "misdirected", "Not a name of this server"};
    case ProblemType::kInvalidPayments:
      return {422, "invalid-payments", "Payments refused"};
    case ProblemType::kKeyReused:
      return {422, "key-reused", "Other payments were taken for this key"};
    case ProblemType::kHeaderTooLarge:
      return {431, "header-too-large", "Header too large"};
    case ProblemType::kKeysNotKept:
      return {501, "keys-not-kept", "Idempotency keys are not kept here"};
    case ProblemType::kCacheAway:
      return {503, "cache-away", "The totals are away", 1};
    case ProblemType::kBusy:
      return {503, "busy", "Too much to do", 1};
    case ProblemType::kStopping:
      return {503, "stopping", "The server is stopping", 1};
    case ProblemType::kOutcomeUnknown:
      return {503, "outcome-unknown", "It is not known whether the payments were taken"};
    case ProblemType::kNotStored:
      return {507, "not-stored", "The payments could not be stored", 5};
    case ProblemType::kInternal:
      break;
  }
  return {500, "internal", "Internal error"};
}

}  // namespace

std::string_view problem_name(ProblemType type) {
  return words_of(type).name;
}

std::string problem_urn(ProblemType type) {
  return fmt::format("urn:paystats:problem:{}", words_of(type).name);
}

HttpResponse problem_response(const Problem& problem) {
  const Words words = words_of(problem.type);
  std::string body = fmt::format(R"({{"type":"{}","title":"{}","status":{})",
                                 problem_urn(problem.type), words.title, words.status);
  if (!problem.detail.empty()) {
    body += R"(,"detail":)";
    record::append_json_string(body, problem.detail);
  }
  if (!problem.errors.empty()) {
    char separator = '[';
    body += R"(,"errors":)";
    for (const ProblemError& error : problem.errors) {
      body += separator;
      separator = ',';
      body += R"({"pointer":)";
      record::append_json_string(body, error.pointer);
      body += R"(,"detail":)";
      record::append_json_string(body, error.detail);
      body += '}';
    }
    body += ']';
  }
  body += problem.members;
  body += "}\n";
  HttpResponse response = text_response(words.status, "application/problem+json", std::move(body));
  response.problem = problem.type;
  const int retry_after_s = problem.retry_after_s > 0 ? problem.retry_after_s : words.retry_after_s;
  if (retry_after_s > 0) response.fields += fmt::format("Retry-After: {}\r\n", retry_after_s);
  return response;
}

HttpResponse closing_problem(ProblemType type, std::string detail) {
  HttpResponse response = problem_response(type, std::move(detail));
  response.close = true;
  return response;
}

}  // namespace paystats::api
