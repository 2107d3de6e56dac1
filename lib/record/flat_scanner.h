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
#include <string>
#include <string_view>

#include "record/flat_values.h"
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
    return p == nullptr ? nullptr : flat::line_end(p, end);
  }

  // The same for an object alone, at this depth (1: it is in none): the place behind its brace.
  const char* scan_object(const char* p, const char* end, int depth, Tokens& tokens) const {
    for (JsonToken& token : tokens) token.kind = JsonToken::Kind::kMissing;
    p = flat::skip_spaces(p, end);
    if (flat::peek(p, end) != '{') return nullptr;
    size_t expected = 0;  // fields mostly stand in their usual order
    do {
      p = flat::skip_spaces(p + 1, end);
      if (flat::peek(p, end) != '"') return nullptr;
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
        p = flat::scan_string(p, end, ignored);
        if (p == nullptr || ignored.escaped) return nullptr;
      }
      p = flat::skip_spaces(p, end);
      if (flat::peek(p, end) != ':') return nullptr;
      p = flat::skip_spaces(p + 1, end);
      p = field < kCount ? flat::scan_value(p, end, *token) : flat::skip_ignored(p, end, depth);
      if (p == nullptr) return nullptr;
      p = flat::skip_spaces(p, end);
    } while (flat::peek(p, end) == ',');
    return flat::peek(p, end) == '}' ? p + 1 : nullptr;
  }

 private:
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
    p = flat::skip_spaces(p + group_.size(), end);
    if (flat::peek(p, end) != ':' || flat::peek(flat::skip_spaces(p + 1, end), end) != '[')
      return false;
    return std::all_of(tokens.begin(), tokens.end(), [](const JsonToken& token) {
      return token.kind == JsonToken::Kind::kMissing;
    });
  }

  std::array<NamePattern, kCount> patterns_;
  NamePattern group_;
};

}  // namespace paystats::record
