#include "api/target.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace paystats::api {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// In a query a plus sign is a space, as forms and jQuery write it.
base::Result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) {
        return base::fail("target: a percent sign without two hexadecimal digits");
      }
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += c == '+' && plus_is_space ? ' ' : c;
    }
  }
  if (!base::is_valid_utf8(out)) return base::fail("target: not valid UTF-8 once decoded");
  return out;
}

base::Result<void> check_characters(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7F || c == '\\' || c == '#') {
      return base::fail(
          fmt::format("target: a character that must be percent-encoded (byte {})", byte));
    }
  }
  return {};
}

base::Result<void> parse_parameters(std::string_view query, Target& target) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    base::Result<std::string> name = decode(part.substr(0, equals), true);
    if (!name) return base::fail(name.error());
    base::Result<std::string> value =
        decode(equals == std::string_view::npos ? "" : part.substr(equals + 1), true);
    if (!value) return base::fail(value.error());
    target.parameters.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

}  // namespace

base::Result<Target> parse_target(std::string_view text) {
  if (text.empty() || text[0] != '/') return base::fail("target: does not begin with a slash");
  if (base::Result<void> good = check_characters(text); !good) return base::fail(good.error());
  const size_t question = text.find('?');
  std::string_view path =
      text.substr(1, question == std::string_view::npos ? text.npos : question - 1);
  Target target;
  for (;;) {
    const size_t slash = path.find('/');
    base::Result<std::string> segment = decode(path.substr(0, slash), false);
    if (!segment) return base::fail(segment.error());
    target.segments.push_back(std::move(*segment));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  if (question != std::string_view::npos) {
    base::Result<void> parsed = parse_parameters(text.substr(question + 1), target);
    if (!parsed) return base::fail(parsed.error());
  }
  return target;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '.' || c == '_' || c == '~' || c == '-';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 15U];
    }
  }
  return out;
}

}  // namespace paystats::api
