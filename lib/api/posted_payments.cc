#include "api/posted_payments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/problem.h"
#include "base/utc_text.h"
#include "money/decimal.h"
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

// The shortest element of an array of batches, with its comma.
constexpr size_t kElementBytesMin = std::string_view(R"({"user":1,"paymentAmt":1},)").size();

constexpr size_t kSpareBytesMax = 1024;  // less is not worth a copy

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

// What a whole number is in digits alone, however it is written.
std::optional<std::string> whole_digits(std::string_view number) {
  money::Decimal value;
  if (money::parse_sum(number, value) != money::AmountFlaw::kNone) return std::nullopt;
  constexpr std::string_view kNoFraction = ".00";
  std::string text = money::to_string(value);
  if (!text.ends_with(kNoFraction)) return std::nullopt;
  text.resize(text.size() - kNoFraction.size());
  return text;
}

// The same object with a user and a volume that are whole numbers in digits alone.
std::string with_whole_digits(std::string_view object) {
  std::string out(object);
  for (const std::string_view field : {kUser, kVolume}) {
    const std::optional<std::string_view> value = record::raw_value(out, field);
    if (!value) continue;
    if (const std::optional<std::string> digits = whole_digits(*value)) {
      out.replace(static_cast<size_t>(value->data() - out.data()), value->size(), *digits);
    }
  }
  return out;
}

class Judge {
 public:
  Judge(const PaymentRules& rules, size_t body_bytes, bool is_array, bool keyed)
      : rules_(rules),
        keyed_limit_(keyed && rules.keyed && rules.keyed->volume_max < rules.volume_max),
        volume_max_(keyed_limit_ ? rules.keyed->volume_max : rules.volume_max),
        is_array_(is_array),
        decoder_(record::FieldNames{}) {
    posted_.reserve(is_array ? body_bytes / kElementBytesMin + 1 : 1);
  }

  void judge(std::string_view element, size_t index) {
    record::Batch batch;
    record::Flaw flaw = decoder_.decode_one(element, batch);
    // JSON Schema takes 7.0 and 7e0 for integers, as do programs that make requests of the
    // document, and those that have no other numbers than floating-point ones.
    std::string rewritten;
    if (flaw == record::Flaw::kUserNotAString || flaw == record::Flaw::kVolumeNotAPositiveInteger) {
      rewritten = with_whole_digits(element);
      flaw = decoder_.decode_one(rewritten, batch);
    }
    if (flaw == record::Flaw::kNone) flaw = flaw_of_sign(batch);
    if (flaw != record::Flaw::kNone) {
      ++bad_;
      report(element, index, flaw);
    } else if (batch.volume > volume_max_ - posted_.payments()) {
      ++bad_;
      if (errors_.size() >= kListedErrorsMax) return;
      add_error(index, kVolume,
                fmt::format("more than {} payments in one request{}", volume_max_,
                            keyed_limit_ ? " that has an idempotency key" : ""));
    } else {
      posted_.add(batch);
    }
  }

  std::variant<HttpResponse, PostedPayments> verdict(size_t elements) {
    posted_.fit();
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
    if (errors_.size() >= kListedErrorsMax) return;
    if (field_of(first).empty()) {
      add_error(index, {}, words_of(first));
      return;
    }
    const std::string object = with_whole_digits(element);
    probe(object, index, kUser, R"("paymentAmt":1)");
    probe(object, index, kAmount, R"("user":"x")");
    probe(object, index, kVolume, R"("user":"x","paymentAmt":1)");
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
  const std::string amount_text = money::plain_decimal(batch.amount_text);
  const size_t needed = texts_.size() + batch.user.size() + amount_text.size();
  if (needed > texts_.capacity()) move_texts(std::max(needed, 2 * texts_.capacity()));
  const auto keep = [this](std::string_view text) {
    const size_t at = texts_.size();
    texts_.insert(texts_.end(), text.begin(), text.end());
    return std::string_view(texts_.data() + at, text.size());
  };
  const std::string_view user = keep(batch.user);
  batches_.push_back({user, keep(amount_text), batch.amount, batch.volume});
  request_bytes_.reset();
  payments_ += batch.volume;
  payments_bytes_ +=
      batch.volume * (user.size() * kEscapedBytesMax + amount_text.size() + kLineOverheadBytes);
}

// To a place of their own, of `capacity` bytes.
void PostedPayments::move_texts(size_t capacity) {
  std::vector<char> moved;
  moved.reserve(capacity);
  moved.insert(moved.end(), texts_.begin(), texts_.end());
  const auto follow = [&](std::string_view& text) {
    text = {moved.data() + (text.data() - texts_.data()), text.size()};
  };
  for (record::Batch& batch : batches_) {
    follow(batch.user);
    follow(batch.amount_text);
  }
  texts_ = std::move(moved);
}

void PostedPayments::fit() {
  if ((batches_.capacity() - batches_.size()) * sizeof(record::Batch) > kSpareBytesMax) {
    batches_.shrink_to_fit();
  }
  if (texts_.capacity() - texts_.size() > kSpareBytesMax) move_texts(texts_.size());
}

record::Request PostedPayments::request() const {
  assert(!empty());
  return {batches_, idempotency_key_};
}

uint64_t PostedPayments::memory_bytes() const {
  return sizeof *this + texts_.capacity() + batches_.capacity() * sizeof(record::Batch) +
         idempotency_key_.capacity();
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
  record::JsonElementReader reader(body);
  Judge judge(rules, body.size(), reader.is_array(), !idempotency_key.empty());
  size_t elements = 0;
  for (std::string_view element; reader.next(element); ++elements) judge.judge(element, elements);
  if (reader.flaw() != record::Flaw::kNone) {
    return problem_response(ProblemType::kInvalidJson,
                            fmt::format("{} at {}", words_of(reader.flaw()),
                                        record::describe_position(body, reader.flaw_at())));
  }
  auto verdict = judge.verdict(elements);
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

HttpResponse body_too_large(uint64_t body_bytes_max) {
  return problem_response(
      ProblemType::kTooLarge,
      fmt::format("a body may have {} bytes: send fewer batches", body_bytes_max));
}

HttpResponse accepted_response(uint64_t payments) {
  return text_response(200, "application/json", fmt::format("{{\"accepted\":{}}}\n", payments));
}

}  // namespace paystats::api
