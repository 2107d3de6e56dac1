#include "http/post_response.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "api/key_response.h"
#include "api/posted_payments.h"
#include "api/problem.h"

namespace paystats::http {
namespace {

// A table of keys that is full stays so until keys are old enough, which may be hours.
constexpr int kNoRoomRetryAfterS = 60;

// Of a request that has a key no more is said than what became of this attempt.
std::string in_words(std::string_view what, Wanted wanted) {
  std::string words(what);
  if (wanted == Wanted::kKeyedPayments) {
    words += "; what became of an earlier request of this key, asking for the key tells";
  }
  return words;
}

// Nobody knows yet. What a topic of requests has is decided at some time, and once.
std::string words_of_unknown(Wanted wanted, const keys::KeyFigures& keys) {
  if (wanted == Wanted::kKeyedPayments && keys.kept == keys::KeyFigures::Kept::kTopic) {
    return "they may still be taken, once; sending the same request again, or asking for its key, "
           "tells whether they have been; to send it again is safe";
  }
  return "the output stalled or failed while they were written";
}

// Of a question that is not answered: nothing was to be stored, so nothing was "not stored".
api::HttpResponse no_answer(Posting posting) {
  using Type = api::ProblemType;
  const auto because = [](Type type, std::string_view why) {
    return api::problem_response(type,
                                 fmt::format("what became of the key cannot be told now: {}", why));
  };
  switch (posting) {
    case Posting::kClientGone:
      return api::closing_problem(Type::kBusy, "the client ended its side before it could be told");
    case Posting::kBusy:
      return because(Type::kBusy, "too many requests wait for the output");
    case Posting::kNotStored:
      return because(Type::kBusy,
                     "the output could not be asked (its error is on the server's stderr)");
    case Posting::kStopped:
      return because(Type::kStopping, "the server is stopping");
    case Posting::kUnknown:
      return because(Type::kOutcomeUnknown, "the output stalled or failed");
    default:
      return because(Type::kBusy, "the output could not be asked in time");
  }
}

api::HttpResponse no_room_for_key() {
  api::Problem problem;
  problem.type = api::ProblemType::kBusy;
  problem.detail =
      "as many idempotency keys are remembered as there may be; none of the payments was taken";
  problem.retry_after_s = kNoRoomRetryAfterS;
  return api::problem_response(problem);
}

// What is the same for a question and for payments.
std::optional<api::HttpResponse> settled(const PostOutcome& outcome, const keys::KeyFigures& keys) {
  switch (outcome.posting) {
    case Posting::kTaken:
      return api::accepted_response(outcome.payments);
    case Posting::kKeyUnderWay:
      return api::problem_response(api::ProblemType::kKeyUnderWay,
                                   "ask again for what became of it");
    case Posting::kKeyUnknown:
      return api::key_unknown_response(keys);
    default:
      return std::nullopt;
  }
}

}  // namespace

api::HttpResponse post_response(const PostOutcome& outcome, Wanted wanted,
                                const keys::KeyFigures& keys) {
  using Type = api::ProblemType;
  if (const std::optional<api::HttpResponse> response = settled(outcome, keys)) return *response;
  if (wanted == Wanted::kAnswer) return no_answer(outcome.posting);
  switch (outcome.posting) {
    case Posting::kBusy:
      return api::problem_response(
          Type::kBusy, in_words("too many payments wait to be written; none of these was", wanted));
    case Posting::kTimedOut:
      return api::problem_response(
          Type::kBusy, in_words("the output could not be written to in time; none of these "
                                "payments was taken",
                                wanted));
    case Posting::kClientGone:
      return api::closing_problem(Type::kBusy,
                                  "the client ended its side before the payments could be written; "
                                  "none of them was");
    case Posting::kNotStored:
      return api::problem_response(
          Type::kNotStored,
          in_words("the output did not take them (its error is on a server's stderr); none of them "
                   "is stored",
                   wanted));
    case Posting::kStopped:
      return api::problem_response(Type::kStopping,
                                   in_words("none of the payments was taken", wanted));
    case Posting::kKeyReused:
      return api::problem_response(Type::kKeyReused, "none of these payments was taken");
    case Posting::kNoRoomForKey:
      return no_room_for_key();
    default:
      break;
  }
  return api::problem_response(Type::kOutcomeUnknown, words_of_unknown(wanted, keys));
}

}  // namespace paystats::http
