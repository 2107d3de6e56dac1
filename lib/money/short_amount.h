// The amounts that almost every payment has, `52.05` or `7`, read in one go from the bytes of a
// line: where the number ends and what it is come from the same word, without a loop and without a
// branch that depends on its length.
//
//   Decimal amount;
//   const char* end = read_short_amount(p, amount);   // nullptr: ask parse_amount()
//
// digits [ . digits ], seven characters at most, so that whatever ends it is in the word as well.
// What that is, is for the caller to judge: `1e5` is read as 1 up to the e. May refuse valid input
// (the caller falls back), and never accepts what is no number in the grammar of RFC 8259: 01, `.5`
// and `5.` are left to parse_amount().
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "money/decimal.h"

namespace paystats::money {

// REQUIRES: eight bytes at `p` can be read.
inline const char* read_short_amount(const char* p, Decimal& out) {
  static_assert(std::endian::native == std::endian::little, "a word holds its first byte lowest");
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kTops = 0x8080808080808080;
  // For 0 to 7 digits behind the point.
  static constexpr std::array<int64_t, 8> kNanos = {1000000000, 100000000, 10000000, 1000000,
                                                    100000,     10000,     1000,     100};
  uint64_t bytes = 0;
  std::memcpy(&bytes, p, 8);
  bytes ^= kOnes * '0';  // a digit is 0 to 9 now
  // No carry crosses a byte here, so each byte's top bit is right: set in all but digits.
  uint64_t others = (((bytes & ~kTops) + kOnes * (0x7F - 9)) | bytes) & kTops;
  if (others == 0) return nullptr;
  const auto point = static_cast<unsigned>(std::countr_zero(others)) & ~7U;  // in bits
  unsigned end = point;
  if (((bytes >> point) & 0xFF) == ('.' ^ '0')) [[likely]] {
    others &= others - 1;
    if (others == 0) return nullptr;
    end = static_cast<unsigned>(std::countr_zero(others)) & ~7U;
    if (end == point + 8) return nullptr;
    const uint64_t before = (uint64_t{1} << point) - 1;
    bytes = (bytes & before) | ((bytes >> 8U) & ~before);
  } else {
    bytes &= (uint64_t{1} << point) - 1;
    end += 8;  // as if there were a point
  }
  if (point == 0 || ((bytes & 0xFF) == 0 && point > 8)) return nullptr;
  bytes <<= 72 - end;  // zeros in front of end / 8 - 1 digits; what stood behind them is gone
  // Pairs, then fours, then all eight are joined, each step by one multiplication.
  bytes = (bytes * 10 + (bytes >> 8U)) & 0x00FF00FF00FF00FF;
  bytes = (bytes * 100 + (bytes >> 16U)) & 0x0000FFFF0000FFFF;
  bytes = (bytes * 10000 + (bytes >> 32U)) & 0xFFFFFFFF;
  const unsigned fraction = (end - point) / 8 - 1;
  const int64_t nanos = static_cast<int64_t>(bytes) * kNanos[fraction];
  out = Decimal::from_nanos(nanos);
  return p + (fraction == 0 ? point : end) / 8;
}

}  // namespace paystats::money
