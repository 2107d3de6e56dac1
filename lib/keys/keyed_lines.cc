#include "keys/keyed_lines.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/utf8.h"
#include "record/decoder.h"
#include "record/json_scanner.h"

namespace paystats::keys {
namespace {

constexpr std::string_view kName = "idempotencyKey";
constexpr std::string_view kNameEnd = "idempotencyKey\"";
constexpr std::string_view kEscape = "\\u";  // as which a letter of the name may be written

std::string decoded(const record::JsonToken& token) {
  if (!token.escaped) return std::string(token.text);
  std::string text(token.text.size(), '\0');
  text.resize(record::decode_escapes(token.text, text.data()));
  return text;
}

// The key of a line, by the grammar; empty where it has none.
std::string key_of(std::string_view line) {
  if (line.starts_with(base::kByteOrderMark)) line.remove_prefix(base::kByteOrderMark.size());
  record::JsonScanner scanner(line);
  scanner.skip_white();
  if (scanner.peek() != '{' || !scanner.expect('{')) return {};
  for (;;) {
    record::JsonToken name;
    record::JsonToken value;
    scanner.skip_white();
    if (scanner.peek() != '"' || !scanner.read_string(name)) return {};
    scanner.skip_white();
    if (!scanner.expect(':')) return {};
    scanner.skip_white();
    if (!scanner.read_value(value, 1)) return {};
    if (decoded(name) == kName) {
      return value.kind == record::JsonToken::Kind::kString ? decoded(value) : std::string();
    }
    scanner.skip_white();
    if (scanner.peek() != ',' || !scanner.expect(',')) return {};
  }
}

// The value behind the name of a field, where that is a plain string: `begin` is behind the name's
// closing quote. Nothing where only the grammar can tell.
std::optional<std::string_view> plain_value(std::string_view block, size_t begin) {
  const auto skip_white = [&] {
    while (begin < block.size() && (block[begin] == ' ' || block[begin] == '\t')) ++begin;
  };
  skip_white();
  if (begin == block.size() || block[begin] != ':') return std::string_view();
  ++begin;
  skip_white();
  if (begin == block.size() || block[begin] != '"') return std::string_view();
  ++begin;
  const size_t end = block.find_first_of("\"\\\n", begin);
  if (end == block.npos || block[end] == '\n') return std::string_view();
  if (block[end] == '\\') return std::nullopt;
  return block.substr(begin, end - begin);
}

size_t line_begin(std::string_view block, size_t at) {
  const size_t newline = at == 0 ? block.npos : block.rfind('\n', at - 1);
  return newline == block.npos ? 0 : newline + 1;
}

size_t find_text(std::string_view block, std::string_view what, size_t from) {
  if (from >= block.size()) return block.npos;
  const void* const found =
      ::memmem(block.data() + from, block.size() - from, what.data(), what.size());
  return found == nullptr ? block.npos
                          : static_cast<size_t>(static_cast<const char*>(found) - block.data());
}

}  // namespace

bool is_key(std::string_view text) {
  return !text.empty() && text.size() <= kKeyBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void for_each_key(std::string_view block,
                  const std::function<void(std::string_view key, size_t line)>& on_key) {
  std::string last;
  size_t last_line = block.npos;
  const auto tell = [&](std::string_view key, size_t line) {
    if (!is_key(key) || (line == last_line && key == last)) return;
    last = key;
    last_line = line;
    on_key(key, line);
  };
  size_t name = find_text(block, kNameEnd, 0);
  size_t escape = find_text(block, kEscape, 0);
  while (name != block.npos || escape != block.npos) {
    const size_t at = std::min(name, escape);
    const size_t line = line_begin(block, at);
    size_t next = at;
    const std::optional<std::string_view> plain =
        name < escape ? plain_value(block, name + kNameEnd.size()) : std::nullopt;
    if (plain) {
      tell(*plain, line);
      next = name + kNameEnd.size();
    } else {
      const size_t newline = block.find('\n', at);
      next = newline == block.npos ? block.size() : newline + 1;
      tell(key_of(block.substr(line, next - line)), line);
    }
    if (name < next) name = find_text(block, kNameEnd, next);
    if (escape < next) escape = find_text(block, kEscape, next);
  }
}

KeyedRequest keyed_request(const record::Request& request) {
  KeyedRequest keyed{
      .key = digest_of(request.idempotency_key), .payments = digest_of(request), .count = 0};
  for (const record::Batch& batch : request.batches) keyed.count += batch.volume;
  return keyed;
}

std::optional<KeyedRequest> read_keyed_request(std::string_view line, bool begins_log) {
  if (begins_log && line.starts_with(base::kByteOrderMark)) {
    line.remove_prefix(base::kByteOrderMark.size());
  }
  if (line.ends_with('\n')) line.remove_suffix(1);
  const std::string key = key_of(line);
  if (!is_key(key) || line.size() > record::kLineBytesMax) return std::nullopt;
  record::LineDecoder<record::Payment> decoder(record::FieldNames{});
  record::DecodedLines<record::Payment> lines;
  decoder.decode(line, lines);
  if (lines.rows.empty() || !lines.rejected.empty()) return std::nullopt;
  PaymentsDigest digest;
  KeyedRequest request{.key = digest_of(key), .payments = {}, .count = 0};
  for (const auto& row : lines.rows) {
    const record::Payment& payment = row.record;
    const money::Int128 amount = payment.sum.nanos() / static_cast<money::Int128>(payment.count);
    digest.add(payment.user, money::Decimal::from_nanos(amount), payment.count);
    request.count += payment.count;
  }
  request.payments = digest.value();
  return request;
}

}  // namespace paystats::keys
