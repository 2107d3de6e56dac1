#include "record/json_elements.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace paystats::record {

JsonElementReader::JsonElementReader(std::string_view text) : begin_(text.data()), scanner_(text) {
  if (text.starts_with(base::kByteOrderMark)) {
    flaw_ = Flaw::kByteOrderMark;
    ended_ = true;
    return;
  }
  scanner_.skip_white();
  is_array_ = scanner_.peek() == '[';
}

bool JsonElementReader::next(std::string_view& element) {
  if (ended_) return false;
  if (!is_array_) return std::exchange(begun_, true) ? end() : read_next(element);
  if (!std::exchange(begun_, true)) {
    if (!scanner_.expect('[')) return fail();
    scanner_.skip_white();
    if (scanner_.peek() != ']') return read_next(element);
  } else if (scanner_.peek() == ',') {
    if (!scanner_.expect(',')) return fail();
    scanner_.skip_white();
    return read_next(element);
  }
  return scanner_.expect(']') ? end() : fail();
}

bool JsonElementReader::read_next(std::string_view& element) {
  const char* const begin = scanner_.place();
  JsonToken ignored;
  if (!scanner_.read_value(ignored, 0)) return fail();
  element = {begin, static_cast<size_t>(scanner_.place() - begin)};
  scanner_.skip_white();
  return true;
}

// Nothing may follow.
bool JsonElementReader::end() {
  scanner_.skip_white();
  ended_ = true;
  if (scanner_.at_end()) return false;
  scanner_.fail();
  return fail();
}

bool JsonElementReader::fail() {
  ended_ = true;
  flaw_ = scanner_.flaw();
  flaw_at_ = static_cast<size_t>(scanner_.place() - begin_);
  return false;
}

JsonElements split_json(std::string_view text) {
  JsonElementReader reader(text);
  JsonElements result;
  result.is_array = reader.is_array();
  for (std::string_view element; reader.next(element);) result.elements.push_back(element);
  result.flaw = reader.flaw();
  result.flaw_at = reader.flaw_at();
  return result;
}

std::vector<std::string_view> raw_values(std::string_view object, std::string_view name) {
  std::vector<std::string_view> values;
  JsonScanner scanner(object);
  if (!scanner.expect('{')) return values;
  scanner.skip_white();
  std::string decoded;
  while (scanner.peek() == '"') {
    JsonToken field;
    if (!scanner.read_string(field)) break;
    decoded.resize(field.text.size());
    decoded.resize(decode_escapes(field.text, decoded.data()));
    scanner.skip_white();
    if (!scanner.expect(':')) break;
    scanner.skip_white();
    const char* const begin = scanner.place();
    JsonToken value;
    if (!scanner.read_value(value, 1)) break;
    if (decoded == name) values.emplace_back(begin, static_cast<size_t>(scanner.place() - begin));
    scanner.skip_white();
    if (scanner.peek() != ',' || !scanner.expect(',')) break;
    scanner.skip_white();
  }
  return values;
}

std::optional<std::string_view> raw_value(std::string_view object, std::string_view name) {
  const std::vector<std::string_view> values = raw_values(object, name);
  return values.size() == 1 ? std::optional(values.front()) : std::nullopt;
}

bool is_json_object(std::string_view text) {
  const JsonElements json = split_json(text);
  return json.flaw == Flaw::kNone && !json.is_array && json.elements.front().starts_with('{');
}

std::optional<std::string> json_string(std::string_view raw) {
  JsonScanner scanner(raw);
  JsonToken token;
  if (scanner.peek() != '"' || !scanner.read_string(token)) return std::nullopt;
  std::string text(token.text.size(), '\0');
  text.resize(decode_escapes(token.text, text.data()));
  return text;
}

std::optional<std::string> text_field(std::string_view object, std::string_view name) {
  const std::optional<std::string_view> raw = raw_value(object, name);
  return raw ? json_string(*raw) : std::nullopt;
}

std::string describe_position(std::string_view text, size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return fmt::format("byte {} (line {}, column {})", at, lines + 1, at - line_begin + 1);
}

}  // namespace paystats::record
