#include "http/post_response.h"

#include <string>
#include <string_view>

#include "api/key_response.h"
#include "api/posted_payments.h"
#include "api/problem.h"

namespace paystats::http {
namespace {

constexpr const char* kNoAnswerYet = "what became of it is not known just now: ask again";

// Of a request that has a key no more is said than what became of this attempt.
std::string in_words(std::string_view what, Wanted wanted) {
  if (wanted == Wanted::kAnswer) return kNoAnswerYet;
  std::string words(what);
  if (wanted == Wanted::kKeyedPayments) {
    words += "; what became of an earlier request of this key, asking for the key tells";
  }
  return words;
}

// Nobody knows yet. What a topic of requests has is decided at some time, and once.
std::string words_of_unknown(Wanted wanted, const keys::KeyFigures& keys) {
  if (wanted == Wanted::kAnswer) return kNoAnswerYet;
  if (wanted == Wanted::kKeyedPayments && keys.kept == keys::KeyFigures::Kept::kTopic) {
    return "they may still be taken, once; sending the same request again, or asking for its key, "
           "tells for certain";
  }
  return "the output stalled or failed while they were written";
}

}  // namespace

api::HttpResponse post_response(const PostOutcome& outcome, Wanted wanted,
                                const keys::KeyFigures& keys) {
  using Type = api::ProblemType;
  switch (outcome.posting) {
    case Posting::kTaken:
      return api::accepted_response(outcome.payments);
    case Posting::kBusy:
      return api::problem_response(
          Type::kBusy, in_words("too many payments wait to be written; none of these was", wanted));
    case Posting::kClientGone:
      return api::closing_problem(Type::kBusy,
                                  "the client ended its side before the payments could be written; "
                                  "none of them was");
    case Posting::kNotStored:
      return api::problem_response(
          Type::kNotStored,
          in_words(
              "the output did not take them (a full disk, or no broker?); none of them is stored",
              wanted));
    case Posting::kStopped:
      return api::problem_response(Type::kStopping,
                                   in_words("none of the payments was taken", wanted));
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
  return api::problem_response(Type::kOutcomeUnknown, words_of_unknown(wanted, keys));
}

}  // namespace paystats::http
