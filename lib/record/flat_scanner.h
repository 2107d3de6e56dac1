// The fast path through a record: an object on one line, its fields in any order, their names
// without escapes, white space of no kind but spaces. A string with escapes and a value that is
// nested are handed to the scanner of the general path, each alone. May refuse valid input, and
// leaves whatever it does not know (a duplicate, an error) to the general path; never accepts
// invalid input. So the two can differ in speed alone.
//
// A line that is accepted is right as JSON, with one exception: a number of a field that is read
// is taken up to the next comma, brace or space, and is right only once build() has parsed it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "record/json_scanner.h"
#include "record/name_pattern.h"
#include "record/scan.h"

namespace paystats::record {

template <size_t kCount>
class FlatScanner {
 public:
  using Tokens = std::array<JsonToken, kCount>;

  // A name that is not `used` (it is that of a field before it) is never found. An object with an
  // array named `group`, in front of all fields that are read, is for the general path.
  FlatScanner(const std::array<std::string, kCount>& names, const std::array<bool, kCount>& used,
              std::string_view group = {}) {
    for (size_t i = 0; i < kCount; ++i) {
      if (used[i]) patterns_[i] = NamePattern(names[i]);
    }
    if (!group.empty()) group_ = NamePattern(group);
  }

  // Scans the line that begins at `p`: the place behind its newline, or `end`, or nullptr where the
  // line is for the general path.
  const char* scan(const char* p, const char* end, Tokens& tokens) const {
    p = scan_object(p, end, 1, tokens);
    return p == nullptr ? nullptr : line_end(p, end);
  }

  // The same for an object alone, at this depth (1: it is in none): the place behind its brace.
  const char* scan_object(const char* p, const char* end, int depth, Tokens& tokens) const {
    for (JsonToken& token : tokens) token.kind = JsonToken::Kind::kMissing;
    p = skip_spaces(p, end);
    if (peek(p, end) != '{') return nullptr;
    size_t expected = 0;  // fields mostly stand in their usual order
    do {
      p = skip_spaces(p + 1, end);
      if (peek(p, end) != '"') return nullptr;
      JsonToken ignored;
      JsonToken* token = &ignored;
      const size_t field = field_at(++p, end, expected);
      if (field < kCount) {
        token = &tokens[field];
        if (token->kind != JsonToken::Kind::kMissing) return nullptr;
        p += patterns_[field].size();
        expected = field + 1;
      } else {
        if (begins_group(p, end, tokens)) return nullptr;
        p = scan_string(p, end, ignored);
        if (p == nullptr || ignored.escaped) return nullptr;
      }
      p = skip_spaces(p, end);
      if (peek(p, end) != ':') return nullptr;
      p = skip_spaces(p + 1, end);
      p = field < kCount ? scan_value(p, end, *token) : skip_ignored(p, end, depth);
      if (p == nullptr) return nullptr;
      p = skip_spaces(p, end);
    } while (peek(p, end) == ',');
    return peek(p, end) == '}' ? p + 1 : nullptr;
  }

 private:
  static char peek(const char* p, const char* end) { return p < end ? *p : '\0'; }

  static const char* skip_spaces(const char* p, const char* end) {
    while (peek(p, end) == ' ') ++p;
    return p;
  }

  static const char* line_end(const char* p, const char* end) {
    while (peek(p, end) == ' ' || peek(p, end) == '\t' || peek(p, end) == '\r') ++p;
    if (p == end) return p;
    return *p == '\n' ? p + 1 : nullptr;
  }

  // kCount where it is the name of none.
  size_t field_at(const char* p, const char* end, size_t expected) const {
    const uint64_t word = scan::load_eight(p, end);
    if (expected < kCount && patterns_[expected].matches(word, p, end)) [[likely]] {
      return expected;
    }
    for (size_t i = 0; i < kCount; ++i) {
      if (patterns_[i].matches(word, p, end)) return i;
    }
    return kCount;
  }

  bool begins_group(const char* p, const char* end, const Tokens& tokens) const {
    if (!group_.matches(scan::load_eight(p, end), p, end)) return false;
    p = skip_spaces(p + group_.size(), end);
    if (peek(p, end) != ':' || peek(skip_spaces(p + 1, end), end) != '[') return false;
    return std::all_of(tokens.begin(), tokens.end(), [](const JsonToken& token) {
      return token.kind == JsonToken::Kind::kMissing;
    });
  }

  // From behind the opening quote to behind the closing one.
  static const char* scan_string(const char* p, const char* end, JsonToken& token) {
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

  static const char* scan_value(const char* p, const char* end, JsonToken& token) {
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
  static const char* skip_ignored(const char* p, const char* end, int depth) {
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

  std::array<NamePattern, kCount> patterns_;
  NamePattern group_;
};

}  // namespace paystats::record
