// The kinds of refusals and failures that a client can be told of, each with its status. What a
// kind means never changes; see problem.h for the body. Tested through api/problem.h.
#pragma once

#include <cstddef>

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
inline constexpr size_t kProblemTypes = static_cast<size_t>(ProblemType::kNotStored) + 1;

}  // namespace paystats::api
