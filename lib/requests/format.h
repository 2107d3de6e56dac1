// What lies in the two topics through which requests with idempotency keys are paid. Pure.
//
//   payment-requests, the message's key is the idempotency key:
//     {"user":"edgar","paymentAmt":1.0,"time":"…","idempotencyKey":"K","output":"payments",
//      "answers":"payment-answers","request":"1f-6"}
//                                   or a group: a request, as its line in a log (paystats-log(5)),
//                                   the topics for its payments and its answer, and a name of its
//                                   own
//     {"idempotencyKey":"K","question":"1f-7"}             what became of K?
//   payment-answers, one for each of those, in their order, in the partition of the same number:
//     {"idempotencyKey":"K","payments":"<16 hex digits>","accepted":7,"offset":42}
//                                                          paid, by this request or an earlier one
//     {"idempotencyKey":"K","question":"1f-7","offset":43} no request of K has been paid so far
//     {"idempotencyKey":"K","request":"1f-6","error":"user: missing","offset":44}
//                                                          it cannot be paid, and is not
//
// `payments` are 64 bits of the digest of what was paid (keys::digest_of()), which are compared
// with those of a later request of the same key; `offset` is the place of the message that is
// answered.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/message_source.h"
#include "keys/digest.h"
#include "record/decoder.h"
#include "record/payment.h"
#include "record/text_arena.h"

namespace paystats::requests {

// Of one request: what a transaction can hold, so that no request blocks those behind it.
inline constexpr uint64_t kPaymentsMax = 100'000;

// A message of payment-requests. What it points to lives as long as it and the message.
struct RequestMessage {
  enum class Kind { kPayments, kQuestion, kBad };
  Kind kind = Kind::kBad;
  std::string_view key;                // empty: it has none
  std::vector<record::Batch> batches;  // of kPayments; each amount_text is plain
  uint64_t digest = 0;                 // of them: 64 bits
  uint64_t count = 0;                  // of payments
  std::string output;                  // the topic for them; empty: whichever the owner writes to
  std::string answers;                 // the topic for its answer; the same
  std::string name;                    // of the request, or of the question; may be empty
  std::string error;                   // of kBad
  record::SourceOffset at;

  std::vector<std::string> amounts;  // that batches point into
  record::TextArena texts;           // the same
};

class RequestDecoder {
 public:
  RequestMessage decode(const io::Message& message) const;

 private:
  void decode_payments(std::string_view value, RequestMessage& request) const;

  const record::LineDecoder<record::Batch> decoder_{record::FieldNames{}};
};

// The 64 bits of a digest that are kept.
uint64_t kept_of(const keys::Digest& digest);

// The last fields of a request, and the end of its object.
std::string last_fields(std::string_view output, std::string_view answers, std::string_view name);
inline constexpr size_t kLastFieldsMax = 1024;  // bytes of that, at most

std::string question_text(std::string_view key, std::string_view name);

// A message of payment-answers.
struct Answer {
  std::string key;
  uint64_t count = 0;      // of payments; 0: nothing has been paid
  uint64_t digest = 0;     // of those: 64 bits
  std::string name = {};   // without payments: of the question or the request that is answered
  std::string error = {};  // of a request that cannot be paid
  int64_t offset = 0;
};

std::string answer_text(const Answer& answer);
// Nothing where it is none.
std::optional<Answer> read_answer(const io::Message& message);

}  // namespace paystats::requests
