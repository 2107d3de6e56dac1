// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace paystats::base {

// With which some programs begin a file.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Utf8Char {
  uint32_t code_point = 0;
  size_t bytes = 0;  // 1 to 4; 0 where the text does not begin with a valid sequence
};

// The first character of `text`, which must not be empty.
Utf8Char decode_utf8(std::string_view text);

bool is_valid_utf8(std::string_view text);

// How many bytes the sequence at `p` has, of which `left` (at least 1) are there; 0 where it is not
// valid.
size_t utf8_bytes(const char* p, size_t left);

// Writes at most four bytes; returns how many. REQUIRES: a code point that UTF-8 can have.
size_t encode_utf8(uint32_t code_point, char* out);

}  // namespace paystats::base
