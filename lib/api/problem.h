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
#include "api/problem_type.h"

namespace paystats::api {

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

// "invalid-payments", and "urn:paystats:problem:invalid-payments".
std::string_view problem_name(ProblemType type);
std::string problem_urn(ProblemType type);

}  // namespace paystats::api
