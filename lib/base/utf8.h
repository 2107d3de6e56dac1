// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace paystats {

struct Utf8Char {
  uint32_t code_point = 0;
  size_t bytes = 0;  // 1 to 4; 0 where the text does not begin with a valid sequence
};

// The first character of `text`, which must not be empty.
Utf8Char decode_utf8(std::string_view text);

bool is_valid_utf8(std::string_view text);

}  // namespace paystats
