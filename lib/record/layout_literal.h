// What stands between two values of a line that fits a layout: up to 32 bytes, compared as words.
// Tested through record/payment_layouts.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "record/scan.h"

namespace paystats::record {

struct LayoutLiteral {
  std::array<uint64_t, 4> words{};
  uint64_t mask = 0;  // of the first word
  size_t size = 0;

  // REQUIRES: no more than 32 bytes.
  void set(const char* begin, const char* end) {
    size = static_cast<size_t>(end - begin);
    words = {};
    std::memcpy(words.data(), begin, std::min<size_t>(size, 8));
    mask = size >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * size)) - 1;
    if (size >= 8) words[1] = scan::load_eight(end - 8);
    if (size > 16) {
      words[2] = scan::load_eight(begin + 8);
      words[3] = scan::load_eight(end - 16);
    }
  }

  // Of 8 to 32 bytes as words that overlap, which need no masks.
  bool matches(const char* p) const {
    using scan::load_eight;
    if (size < 8) return ((load_eight(p) ^ words[0]) & mask) == 0;
    const char* const tail = p + size - 8;
    if (((load_eight(p) ^ words[0]) | (load_eight(tail) ^ words[1])) != 0) return false;
    return size <= 16 || ((load_eight(p + 8) ^ words[2]) | (load_eight(tail - 8) ^ words[3])) == 0;
  }
};

}  // namespace paystats::record
