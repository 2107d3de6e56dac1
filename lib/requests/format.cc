#include "requests/format.h"

#include <fmt/format.h>

#include <utility>

#include "base/numbers.h"
#include "keys/keyed_lines.h"
#include "money/decimal.h"
#include "record/encoder.h"
#include "record/json_elements.h"

namespace paystats::requests {
namespace {

constexpr size_t kHexDigits = 16;

// Empty where there is no such text.
std::string text_or_empty(std::string_view object, std::string_view name) {
  return record::text_field(object, name).value_or(std::string());
}

void append_field(std::string& text, std::string_view name, std::string_view value) {
  text += fmt::format(R"(,"{}":)", name);
  record::append_json_string(text, value);
}

// Nothing where there is no such whole number.
std::optional<uint64_t> number_field(std::string_view object, std::string_view name) {
  const std::optional<std::string_view> raw = record::raw_value(object, name);
  uint64_t number = 0;
  return raw && base::read_number(*raw, number) ? std::optional(number) : std::nullopt;
}

}  // namespace

// As a line of a log counts: a group as a whole, or a batch. One that is bad makes all of it bad.
void RequestDecoder::decode_payments(std::string_view value, RequestMessage& request) const {
  std::vector<std::string_view> elements = {value};
  if (const auto group = record::raw_value(value, "payments"))
    elements = record::split_json(*group).elements;
  if (elements.empty()) request.error = "payments: empty";
  for (const std::string_view element : elements) {
    record::Batch batch;
    const record::Flaw flaw = decoder_.decode_text(element, request.texts, batch);
    if (flaw != record::Flaw::kNone) {
      request.error = record::describe(flaw, record::FieldNames{});
      return;
    }
    if (batch.volume > kPaymentsMax - request.count) {
      request.error = fmt::format("more than {} payments in one request", kPaymentsMax);
      return;
    }
    request.count += batch.volume;
    request.amounts.push_back(money::plain_decimal(batch.amount_text));
    request.batches.push_back(batch);
  }
  // Only now: an amount has its place once there is no further one.
  for (size_t i = 0; i < request.batches.size(); ++i) {
    request.batches[i].amount_text = request.amounts[i];
  }
  request.digest = kept_of(keys::digest_of(record::Request{.batches = request.batches}));
}

RequestMessage RequestDecoder::decode(const io::Message& message) const {
  RequestMessage request;
  request.at = message.at;
  if (!keys::is_key(message.key)) {
    request.error = "the message's key is no idempotency key";
    return request;
  }
  request.key = message.key;
  if (!message.value || !record::is_json_object(*message.value)) {
    request.error = "not a JSON object";
    return request;
  }
  request.name = text_or_empty(*message.value, "question");
  if (!request.name.empty()) {
    request.kind = RequestMessage::Kind::kQuestion;
    return request;
  }
  request.name = text_or_empty(*message.value, "request");
  request.output = text_or_empty(*message.value, "output");
  request.answers = text_or_empty(*message.value, "answers");
  decode_payments(*message.value, request);
  if (request.error.empty()) request.kind = RequestMessage::Kind::kPayments;
  return request;
}

uint64_t kept_of(const keys::Digest& digest) {
  return digest.low;
}

std::string last_fields(std::string_view output, std::string_view answers, std::string_view name) {
  std::string text;
  append_field(text, "output", output);
  append_field(text, "answers", answers);
  append_field(text, "request", name);
  text += '}';
  return text;
}

std::string question_text(std::string_view key, std::string_view name) {
  std::string text = R"({"idempotencyKey":)";
  record::append_json_string(text, key);
  append_field(text, "question", name);
  text += '}';
  return text;
}

std::string answer_text(const Answer& answer) {
  std::string text;
  if (!answer.key.empty()) append_field(text, "idempotencyKey", answer.key);
  if (answer.count > 0) {
    text += fmt::format(R"(,"payments":"{:016x}","accepted":{})", answer.digest, answer.count);
  } else if (answer.error.empty()) {
    append_field(text, "question", answer.name);
  } else {
    if (!answer.name.empty()) append_field(text, "request", answer.name);
    append_field(text, "error", answer.error);
  }
  text += fmt::format(R"(,"offset":{}}})", answer.offset);
  text.front() = '{';  // in place of a comma
  return text;
}

std::optional<Answer> read_answer(const io::Message& message) {
  if (!message.value || !record::is_json_object(*message.value)) return std::nullopt;
  const std::string_view object = *message.value;
  const std::optional<uint64_t> offset = number_field(object, "offset");
  if (!offset || text_or_empty(object, "idempotencyKey") != message.key) return std::nullopt;
  Answer answer{.key = std::string(message.key), .offset = static_cast<int64_t>(*offset)};
  answer.count = number_field(object, "accepted").value_or(0);
  if (answer.count == 0) {
    answer.error = text_or_empty(object, "error");
    answer.name = text_or_empty(object, answer.error.empty() ? "question" : "request");
    return answer;
  }
  const std::string digest = text_or_empty(object, "payments");
  if (digest.size() != kHexDigits || !base::read_number(digest, answer.digest, 16)) {
    return std::nullopt;
  }
  return answer;
}

}  // namespace paystats::requests
