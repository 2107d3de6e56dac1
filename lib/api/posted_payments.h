// The body of a POST: one batch, or an array of them. Each is judged by the record codec on the
// bytes that the client wrote, so the verdict is that of every other tool and no amount is ever a
// double. Beyond that a user or a volume that is a whole number is taken in any form (7.0, 7e0), as
// its digits: JSON Schema makes no difference between them. One bad batch refuses the whole.
//
//   auto posted = read_payments(body, rules);
//   if (const auto* refusal = std::get_if<HttpResponse>(&posted)) ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/http.h"
#include "record/payment.h"

namespace paystats::api {

struct PaymentRules {
  uint64_t volume_max = 100'000;  // payments in one POST, all batches together
  bool allow_negative = false;    // amounts that are not positive as well
  // Of a POST as one line, where the output is a log.
  std::optional<uint64_t> line_bytes_max = std::nullopt;
  // Of a POST with an idempotency key, where such a POST is one message of a topic of requests, in
  // addition to `volume_max`.
  struct KeyedLimits {
    uint64_t volume_max = 0;
    uint64_t line_bytes_max = 0;
  };
  std::optional<KeyedLimits> keyed = std::nullopt;
  // For the words of a refusal: keys are not kept, and would be with these topics.
  bool keys_need_topics = false;
};

// Batches that own their bytes, ready for a PaymentSink. May be moved: what `batches` points to
// stays where it is. All texts lie in one piece of memory, so many small batches take 64 bytes each
// and their texts.
class PostedPayments {
 public:
  PostedPayments() = default;
  PostedPayments(PostedPayments&&) noexcept = default;
  PostedPayments& operator=(PostedPayments&&) noexcept = default;

  // Room for so many, so that they need not be moved while they are added.
  void reserve(size_t batches) { batches_.reserve(batches); }
  // `amount_text` becomes plain.
  void add(const record::Batch& batch);
  // Gives back what add() has not used.
  void fit();

  void set_idempotency_key(std::string key);
  const std::string& idempotency_key() const { return idempotency_key_; }  // empty: it has none

  // Valid until the next change. REQUIRES: not empty.
  record::Request request() const;

  uint64_t payments() const { return payments_; }
  bool empty() const { return batches_.empty(); }

  // As the one line of a log (measured once), and at most as a line for each payment.
  uint64_t request_bytes();
  uint64_t payments_bytes() const { return payments_bytes_; }
  // What it takes, whether that is in use or not.
  uint64_t memory_bytes() const;

 private:
  void move_texts(size_t capacity);

  std::vector<char> texts_;  // a string of few bytes would move them with itself
  std::vector<record::Batch> batches_;
  std::string idempotency_key_;
  uint64_t payments_ = 0;
  std::optional<uint64_t> request_bytes_;  // once it has been asked for
  uint64_t payments_bytes_ = 0;
};

// Bad fields that one response lists; it says how many batches are bad in all.
inline constexpr size_t kListedErrorsMax = 100;

// `idempotency_key` is that of the request, or empty.
std::variant<HttpResponse, PostedPayments> read_payments(std::string_view body,
                                                         const PaymentRules& rules,
                                                         std::string_view idempotency_key = {});

HttpResponse body_too_large(uint64_t body_bytes_max);

// {"accepted":7}
HttpResponse accepted_response(uint64_t payments);

}  // namespace paystats::api
