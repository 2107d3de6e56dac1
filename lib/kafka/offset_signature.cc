#include "kafka/offset_signature.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "base/hash.h"
#include "base/numbers.h"
#include "record/encoder.h"
#include "record/json_elements.h"

namespace paystats::kafka {
namespace {

constexpr std::string_view kVersion = "v1 ";
// As JSON. Kafka's own ids of clusters have 22, and its topics 249 at most.
constexpr size_t kClusterBytesMax = 200;
constexpr size_t kOutputBytesMax = 256;
constexpr size_t kHexDigits = 16;

money::Decimal wrapped(money::Uint128 nanos) {
  return money::Decimal::from_nanos(static_cast<money::Int128>(nanos));
}

// Nothing where it is empty, or far too long.
void append_name(std::string& text, std::string_view field, std::string_view name,
                 size_t bytes_max) {
  if (name.empty()) return;
  std::string quoted;
  record::append_any_string(quoted, name);
  if (quoted.size() <= bytes_max) text += fmt::format(R"(,"{}":{})", field, quoted);
}

std::string signature_text(const OffsetSignature& signature) {
  const TableDigest& table = signature.table;
  std::string text = fmt::format(R"({}{{"users":{},"count":"{}","sum":"{}")", kVersion, table.users,
                                 table.count, money::to_string(table.sum));
  if (signature.last) {
    text += fmt::format(R"(,"last":{{"offset":"{}","timestamp":"{}","hash":"{:016x}"}})",
                        signature.last->offset, signature.last->timestamp_ms, signature.last->hash);
  }
  append_name(text, "cluster", signature.cluster, kClusterBytesMax);
  append_name(text, "output", signature.output, kOutputBytesMax);
  text += fmt::format(R"(,"options":"{:016x}")", signature.options);
  if (signature.transactions) text += R"(,"transactions":true)";
  if (signature.before_marker) text += R"(,"before":"marker")";
  text += '}';
  return text;
}

// A number that may be large, which we write in a string.
template <class Number>
bool read_field(std::string_view object, std::string_view name, int radix, Number& out) {
  const std::optional<std::string> text = record::text_field(object, name);
  return text && (radix != 16 || text->size() == kHexDigits) &&
         base::read_number(*text, out, radix);
}

// One that is not there is empty.
bool read_name(std::string_view object, std::string_view field, std::string& out) {
  if (record::raw_values(object, field).empty()) return true;
  std::optional<std::string> name = record::text_field(object, field);
  if (name) out = std::move(*name);
  return name.has_value();
}

bool read_table(std::string_view object, TableDigest& table) {
  const std::optional<std::string_view> users = record::raw_value(object, "users");
  if (!users || !base::read_number(*users, table.users)) return false;
  if (!read_field(object, "count", 10, table.count)) return false;
  const std::optional<std::string> sum = record::text_field(object, "sum");
  return sum && money::parse_sum(*sum, table.sum) == money::AmountFlaw::kNone;
}

std::optional<OffsetSignature> read_signature(std::string_view text) {
  if (!text.starts_with(kVersion)) return std::nullopt;
  const std::string_view object = text.substr(kVersion.size());
  if (!record::is_json_object(object)) return std::nullopt;
  OffsetSignature signature;
  if (!read_table(object, signature.table)) return std::nullopt;
  if (!read_field(object, "options", 16, signature.options)) return std::nullopt;
  if (!record::raw_values(object, "last").empty()) {
    const std::optional<std::string_view> last = record::raw_value(object, "last");
    MessageMark& mark = signature.last.emplace();
    if (!last || !last->starts_with('{') || !read_field(*last, "offset", 10, mark.offset) ||
        !read_field(*last, "timestamp", 10, mark.timestamp_ms) ||
        !read_field(*last, "hash", 16, mark.hash)) {
      return std::nullopt;
    }
  }
  if (!read_name(object, "cluster", signature.cluster)) return std::nullopt;
  if (!read_name(object, "output", signature.output)) return std::nullopt;
  signature.transactions = record::raw_value(object, "transactions") == "true";
  signature.before_marker = record::raw_value(object, "before") == R"("marker")";
  return signature;
}

}  // namespace

void TableDigest::add(money::Decimal more, uint64_t times) {
  sum =
      wrapped(static_cast<money::Uint128>(sum.nanos()) + static_cast<money::Uint128>(more.nanos()));
  count += times;
}

void TableDigest::take_back(money::Decimal less, uint64_t times) {
  sum =
      wrapped(static_cast<money::Uint128>(sum.nanos()) - static_cast<money::Uint128>(less.nanos()));
  count -= times;
}

MessageMark mark_of(const io::Message& message) {
  const auto size = static_cast<uint32_t>(message.key.size());
  std::array<char, 4> head{};
  for (size_t i = 0; i < head.size(); ++i) head[i] = static_cast<char>(size >> (8 * i));
  const std::string_view key_size(head.data(), head.size());
  constexpr std::string_view kNone("\0", 1);
  constexpr std::string_view kThere("\1", 1);
  return {.offset = message.at.offset,
          .timestamp_ms = message.timestamp_ms,
          .hash = base::lasting_hash({key_size, message.key, message.value ? kThere : kNone,
                                      message.value.value_or(std::string_view())})};
}

std::string offset_metadata(std::string_view transactional_id,
                            const std::optional<OffsetSignature>& signature) {
  std::string text = signature ? '\n' + signature_text(*signature) : std::string();
  // The first line is read as an id.
  if (transactional_id.find('\n') == transactional_id.npos &&
      transactional_id.size() + text.size() <= kMetadataBytesMax) {
    text.insert(0, transactional_id);
  }
  return text;
}

OffsetMetadata read_offset_metadata(std::string_view metadata) {
  const size_t end = metadata.find('\n');
  OffsetMetadata found{.transactional_id = std::string(metadata.substr(0, end))};
  if (end != metadata.npos) found.signature = read_signature(metadata.substr(end + 1));
  return found;
}

}  // namespace paystats::kafka
