#include "api/posted_payments.h"

#include <fmt/format.h>

#include <cassert>
#include <string_view>
#include <utility>

#include "api/problem.h"
#include "base/utc_text.h"
#include "record/decoder.h"
#include "record/encoder.h"
#include "record/json_elements.h"

namespace paystats::api {
namespace {

// The line of a payment is its texts and the names of its fields.
constexpr uint64_t kLineOverheadBytes = 32;
static_assert(std::string_view(R"({"user":"","paymentAmt":})").size() + sizeof '\n' <=
              kLineOverheadBytes);
constexpr uint64_t kEscapedBytesMax = 6;  // of one byte of a user

// Any time takes as many bytes.
constexpr std::string_view kSomeTime = "1970-01-01T00:00:00.000Z";
static_assert(kSomeTime.size() == base::kUtcTextBytes);

constexpr std::string_view kUser = "user";
constexpr std::string_view kAmount = "paymentAmt";
constexpr std::string_view kVolume = "volume";

// The field that a flaw is about; empty: the batch as a whole.
std::string_view field_of(record::Flaw flaw) {
  switch (flaw) {
    case record::Flaw::kUserMissing:
    case record::Flaw::kUserDuplicate:
    case record::Flaw::kUserNotAString:
    case record::Flaw::kUserEmpty:
    case record::Flaw::kUserTooLong:
      return kUser;
    case record::Flaw::kAmountMissing:
    case record::Flaw::kAmountDuplicate:
    case record::Flaw::kAmountNotANumber:
    case record::Flaw::kAmountTooLarge:
    case record::Flaw::kAmountTooFine:
    case record::Flaw::kAmountNotPositive:
      return kAmount;
    case record::Flaw::kVolumeDuplicate:
    case record::Flaw::kVolumeNotAPositiveInteger:
      return kVolume;
    default:
      return {};
  }
}

// The words for a flaw without the name of the field, which the pointer says.
std::string words_of(record::Flaw flaw) {
  std::string words = record::describe(flaw, record::FieldNames{});
  const std::string_view field = field_of(flaw);
  if (!field.empty() && words.starts_with(field)) words.erase(0, field.size() + 2);
  return words;
}

class Judge {
 public:
  Judge(const PaymentRules& rules, bool is_array, bool keyed)
      : rules_(rules),
        keyed_limit_(keyed && rules.keyed && rules.keyed->volume_max < rules.volume_max),
        volume_max_(keyed_limit_ ? rules.keyed->volume_max : rules.volume_max),
        is_array_(is_array),
        decoder_(record::FieldNames{}) {}

  void judge(std::string_view element, size_t index) {
    record::Batch batch;
    record::Flaw flaw = decoder_.decode_one(element, batch);
    if (flaw == record::Flaw::kNone) flaw = flaw_of_sign(batch);
    if (flaw != record::Flaw::kNone) {
      ++bad_;
      report(element, index, flaw);
    } else if (batch.volume > volume_max_ - posted_.payments()) {
      ++bad_;
      add_error(index, kVolume,
                fmt::format("more than {} payments in one request{}", volume_max_,
                            keyed_limit_ ? " that has an idempotency key" : ""));
    } else {
      posted_.add(batch);
    }
  }

  std::variant<HttpResponse, PostedPayments> verdict(size_t elements) {
    if (bad_ == 0) return std::move(posted_);
    return problem_response({ProblemType::kInvalidPayments,
                             fmt::format("{} of {} batch{} cannot be taken; none was", bad_,
                                         elements, elements == 1 ? "" : "es"),
                             std::move(errors_)});
  }

 private:
  record::Flaw flaw_of_sign(const record::Batch& batch) const {
    return batch.amount.is_positive() || rules_.allow_negative ? record::Flaw::kNone
                                                               : record::Flaw::kAmountNotPositive;
  }

  // The decoder stops at the first flaw. A form shows all of them, each at its field, so each field
  // is put before the decoder once more, among fields that are good.
  void report(std::string_view element, size_t index, record::Flaw first) {
    if (field_of(first).empty()) {
      add_error(index, {}, words_of(first));
      return;
    }
    if (errors_.size() >= kListedErrorsMax) return;
    probe(element, index, kUser, R"("paymentAmt":1)");
    probe(element, index, kAmount, R"("user":"x")");
    probe(element, index, kVolume, R"("user":"x","paymentAmt":1)");
  }

  void probe(std::string_view element, size_t index, std::string_view field,
             std::string_view good_fields) {
    std::string object = fmt::format("{{{}", good_fields);
    for (const std::string_view value : record::raw_values(element, field)) {
      object += fmt::format(R"(,"{}":{})", field, value);
    }
    object += '}';
    record::Batch batch;
    record::Flaw flaw = decoder_.decode_one(object, batch);
    if (flaw == record::Flaw::kNone && field == kAmount) flaw = flaw_of_sign(batch);
    if (flaw != record::Flaw::kNone) add_error(index, field, words_of(flaw));
  }

  void add_error(size_t index, std::string_view field, std::string detail) {
    if (errors_.size() >= kListedErrorsMax) return;
    std::string pointer = is_array_ ? fmt::format("/{}", index) : std::string();
    if (!field.empty()) pointer += fmt::format("/{}", field);
    errors_.push_back({std::move(pointer), std::move(detail)});
  }

  const PaymentRules rules_;
  const bool keyed_limit_;  // `volume_max_` is that of requests with keys
  const uint64_t volume_max_;
  const bool is_array_;
  record::LineDecoder<record::Batch> decoder_;
  PostedPayments posted_;
  size_t bad_ = 0;
  std::vector<ProblemError> errors_;
};

}  // namespace

void PostedPayments::add(const record::Batch& batch) {
  owned_.push_back({std::string(batch.user), money::plain_decimal(batch.amount_text), batch.amount,
                    batch.volume});
  request_bytes_.reset();
  const Owned& owned = owned_.back();
  payments_ += batch.volume;
  payments_bytes_ += batch.volume * (owned.user.size() * kEscapedBytesMax +
                                     owned.amount_text.size() + kLineOverheadBytes);
  memory_bytes_ +=
      sizeof(Owned) + sizeof(record::Batch) + owned.user.size() + owned.amount_text.size();
}

record::Request PostedPayments::request() {
  assert(!empty());
  batches_.clear();
  for (const Owned& owned : owned_) {
    batches_.push_back({owned.user, owned.amount_text, owned.amount, owned.volume});
  }
  return {batches_, idempotency_key_};
}

void PostedPayments::set_idempotency_key(std::string key) {
  idempotency_key_ = std::move(key);
  request_bytes_.reset();
}

uint64_t PostedPayments::request_bytes() {
  if (!request_bytes_) {
    request_bytes_ = empty() ? 0 : record::request_line_bytes(request(), kSomeTime);
  }
  return *request_bytes_;
}

std::variant<HttpResponse, PostedPayments> read_payments(std::string_view body,
                                                         const PaymentRules& rules,
                                                         std::string_view idempotency_key) {
  const record::JsonElements json = record::split_json(body);
  if (json.flaw != record::Flaw::kNone) {
    return problem_response(ProblemType::kInvalidJson,
                            fmt::format("{} at {}", words_of(json.flaw),
                                        record::describe_position(body, json.flaw_at)));
  }
  Judge judge(rules, json.is_array, !idempotency_key.empty());
  for (size_t i = 0; i < json.elements.size(); ++i) judge.judge(json.elements[i], i);
  auto verdict = judge.verdict(json.elements.size());
  auto* const posted = std::get_if<PostedPayments>(&verdict);
  if (posted == nullptr) return verdict;
  posted->set_idempotency_key(std::string(idempotency_key));
  if (rules.line_bytes_max && posted->request_bytes() > *rules.line_bytes_max) {
    return problem_response(
        ProblemType::kTooLarge,
        fmt::format("in the log these payments are one line of {} bytes, and it may have {}: send "
                    "fewer batches",
                    posted->request_bytes(), *rules.line_bytes_max));
  }
  if (rules.keyed && !idempotency_key.empty() &&
      posted->request_bytes() > rules.keyed->line_bytes_max) {
    return problem_response(
        ProblemType::kTooLarge,
        fmt::format("a request that has an idempotency key is one message, here of {} bytes, and "
                    "it may have {}: send fewer batches",
                    posted->request_bytes(), rules.keyed->line_bytes_max));
  }
  return verdict;
}

HttpResponse accepted_response(uint64_t payments) {
  return text_response(200, "application/json", fmt::format("{{\"accepted\":{}}}\n", payments));
}

}  // namespace paystats::api
