#include "http/post_response.h"

#include <string>
#include <string_view>

#include "api/key_response.h"
#include "api/posted_payments.h"
#include "api/problem.h"

namespace paystats::http {
namespace {

// Of a request that has a key no more is said than what became of this attempt.
std::string in_words(std::string_view what, bool keyed) {
  std::string words(what);
  if (keyed) words += "; what became of an earlier request of this key, asking for the key tells";
  return words;
}

}  // namespace

api::HttpResponse post_response(const PostOutcome& outcome, bool keyed,
                                const keys::KeyFigures& keys) {
  using Type = api::ProblemType;
  switch (outcome.posting) {
    case Posting::kTaken:
      return api::accepted_response(outcome.payments);
    case Posting::kBusy:
      return api::problem_response(
          Type::kBusy, in_words("too many payments wait to be written; none of these was", keyed));
    case Posting::kClientGone:
      return api::closing_problem(Type::kBusy,
                                  "the client ended its side before the payments could be written; "
                                  "none of them was");
    case Posting::kNotStored:
      return api::problem_response(
          Type::kNotStored,
          in_words(
              "the output did not take them (a full disk, or no broker?); none of them is stored",
              keyed));
    case Posting::kStopped:
      return api::problem_response(Type::kStopping,
                                   in_words("none of the payments was taken", keyed));
    case Posting::kKeyReused:
      return api::problem_response(Type::kKeyReused, "none of these payments was taken");
    case Posting::kKeyUnderWay:
      return api::problem_response(Type::kKeyUnderWay, "ask again for what became of it");
    case Posting::kKeyUnknown:
      return api::key_unknown_response(keys);
    case Posting::kNoRoomForKey:
      return api::problem_response(Type::kBusy,
                                   "as many idempotency keys are remembered as there may be; none "
                                   "of the payments was taken");
    case Posting::kUnknown:
      break;
  }
  return api::problem_response(Type::kOutcomeUnknown,
                               "the output stalled or failed while they were written");
}

}  // namespace paystats::http
