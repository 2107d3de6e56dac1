// What a line of the flat path is made of (see flat_scanner.h). A place behind what has been read,
// or nullptr where that is for the general path. Tested through record/flat_scanner.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/utf8.h"
#include "record/json_scanner.h"
#include "record/scan.h"

namespace paystats::record::flat {

inline char peek(const char* p, const char* end) {
  return p < end ? *p : '\0';
}

inline const char* skip_spaces(const char* p, const char* end) {
  while (peek(p, end) == ' ') ++p;
  return p;
}

inline const char* line_end(const char* p, const char* end) {
  while (peek(p, end) == ' ' || peek(p, end) == '\t' || peek(p, end) == '\r') ++p;
  if (p == end) return p;
  return *p == '\n' ? p + 1 : nullptr;
}

// From behind the opening quote to behind the closing one.
inline const char* scan_string(const char* p, const char* end, JsonToken& token) {
  const char* const begin = p;
  bool beyond_ascii = false;
  p = scan::find_string_stop(p, end, beyond_ascii);
  if (peek(p, end) == '\\') {
    JsonScanner scanner({begin - 1, static_cast<size_t>(end - begin) + 1});
    return scanner.read_string(token) ? scanner.place() : nullptr;
  }
  if (peek(p, end) != '"') return nullptr;
  token.text = {begin, static_cast<size_t>(p - begin)};
  token.kind = JsonToken::Kind::kString;
  token.escaped = false;
  if (beyond_ascii && !base::is_valid_utf8(token.text)) return nullptr;
  return p + 1;
}

inline const char* scan_value(const char* p, const char* end, JsonToken& token) {
  if (peek(p, end) == '"') return scan_string(p + 1, end, token);
  const char* const begin = p;
  for (;;) {
    const uint64_t word = scan::load_eight(p, end);
    const uint64_t stops =
        scan::equal_to(word, ',') | scan::equal_to(word, '}') | scan::below(word, 0x21);
    if (stops != 0) {
      p += scan::first_byte(stops);
      break;
    }
    p += 8;
  }
  token.text = {begin, static_cast<size_t>(p - begin)};
  token.kind = JsonToken::Kind::kNumber;
  token.escaped = false;
  return p;
}

// The value of a field that is not read, which nobody will look at again.
inline const char* skip_ignored(const char* p, const char* end, int depth) {
  JsonToken ignored;
  const char c = peek(p, end);
  if (c == '"') return scan_string(p + 1, end, ignored);
  JsonScanner scanner({p, static_cast<size_t>(end - p)});
  if (!scanner.read_value(ignored, depth)) return nullptr;
  // To that scanner a newline is white space; here it ends the line, wherever it stands.
  const bool nested = c == '{' || c == '[';
  const auto size = static_cast<size_t>(scanner.place() - p);
  return nested && std::memchr(p, '\n', size) != nullptr ? nullptr : scanner.place();
}

}  // namespace paystats::record::flat
