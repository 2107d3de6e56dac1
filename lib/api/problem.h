// What went wrong, as a client reads it: a body of type application/problem+json (RFC 9457).
//
//   {"type":"urn:paystats:problem:invalid-payments","title":"Payments refused","status":422,
//    "detail":"1 of 2 batches cannot be taken; none was",
//    "errors":[{"pointer":"/1/paymentAmt","detail":"not a decimal number"}]}
//
// The type of a problem never changes its meaning; each is listed in openapi.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/http.h"

namespace paystats::api {

enum class ProblemType {
  kBadRequest,        // 400 the request is not HTTP as we take it, or its target makes no sense
  kInvalidJson,       // 400 the body is not JSON
  kForeignOrigin,     // 403 sent by a page of another site
  kNotFound,          // 404
  kKeyUnknown,        // 404 no request of this idempotency key is known
  kMethodNotAllowed,  // 405
  kTimeout,           // 408
  kKeyUnderWay,       // 409 a request of this idempotency key is being written
  kLengthRequired,    // 411 another Transfer-Encoding than chunked, or a POST without a length
  kTooLarge,          // 413 the body
  kUnsupportedType,   // 415 a body that is not application/json
  kExpectation,       // 417
  kMisdirected,       // 421 a Host that is not ours
  kInvalidPayments,   // 422
  kKeyReused,         // 422 other payments were taken for this idempotency key
  kHeaderTooLarge,    // 431
  kInternal,          // 500
  kKeysNotKept,       // 501 this output remembers no idempotency keys
  kCacheAway,         // 503 no totals to be had just now
  kBusy,              // 503 too much in the queue, or too many connections
  kStopping,          // 503
  kOutcomeUnknown,    // 503 the payments may or may not have been taken
  kNotStored,         // 507 the output did not take the payments, as with a full disk
};

struct ProblemError {
  std::string pointer;  // a JSON Pointer into the body
  std::string detail;
};

struct Problem {
  ProblemType type = ProblemType::kInternal;
  std::string detail;
  std::vector<ProblemError> errors;
  std::string members = {};  // further ones: `,"name":value`, JSON
  int retry_after_s = 0;     // 0: as of the type
};

// With Retry-After where it makes sense to try again soon.
HttpResponse problem_response(const Problem& problem);
inline HttpResponse problem_response(ProblemType type, std::string detail) {
  return problem_response({type, std::move(detail), {}});
}
// The same, and the connection ends: what follows in it cannot be trusted, or is not read.
HttpResponse closing_problem(ProblemType type, std::string detail);

// "urn:paystats:problem:invalid-payments"
std::string problem_urn(ProblemType type);

}  // namespace paystats::api
