#include "record/json_elements.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "record/json_scanner.h"

namespace paystats::record {
namespace {

bool read_element(JsonScanner& scanner, std::vector<std::string_view>& elements) {
  const char* const begin = scanner.place();
  JsonToken ignored;
  if (!scanner.read_value(ignored, 0)) return false;
  elements.emplace_back(begin, static_cast<size_t>(scanner.place() - begin));
  return true;
}

bool read_array(JsonScanner& scanner, std::vector<std::string_view>& elements) {
  if (!scanner.expect('[')) return false;
  scanner.skip_white();
  if (scanner.peek() == ']') return scanner.expect(']');
  for (;;) {
    if (!read_element(scanner, elements)) return false;
    scanner.skip_white();
    if (scanner.peek() != ',') return scanner.expect(']');
    if (!scanner.expect(',')) return false;
    scanner.skip_white();
  }
}

}  // namespace

JsonElements split_json(std::string_view text) {
  JsonElements result;
  if (text.starts_with(base::kByteOrderMark)) {
    result.flaw = Flaw::kByteOrderMark;
    return result;
  }
  JsonScanner scanner(text);
  scanner.skip_white();
  result.is_array = scanner.peek() == '[';
  bool good = result.is_array ? read_array(scanner, result.elements)
                              : read_element(scanner, result.elements);
  if (good) {
    scanner.skip_white();
    if (!scanner.at_end()) {
      scanner.fail();
      good = false;
    }
  }
  if (!good) {
    result.flaw = scanner.flaw();
    result.flaw_at = static_cast<size_t>(scanner.place() - text.data());
  }
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

std::string describe_position(std::string_view text, size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return fmt::format("byte {} (line {}, column {})", at, lines + 1, at - line_begin + 1);
}

}  // namespace paystats::record
