// The amounts that almost every payment has, `52.05` or `7`, read in one go from the bytes of a
// line: where the number ends and what it is come from the same word, without a loop and without a
// branch that depends on its length.
//
//   Decimal amount;
//   const char* end = read_short_amount(p, amount);   // nullptr: ask parse_amount()
//
//   bool read = read_short_amount(begin, end, amount);   // the same where the end is known
//
// digits [ . digits ], seven characters at most, so that whatever ends it is in the word as well.
// What that is, is for the caller to judge: `1e5` is read as 1 up to the e. It only ever says yes
// to what the grammar of RFC 8259 has as a number: 01, `.5` and `5.` are left to parse_amount().
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "money/decimal.h"

namespace paystats {

namespace short_amount {

inline constexpr uint64_t kOnes = 0x0101010101010101;
inline constexpr uint64_t kTops = 0x8080808080808080;
// For 0 to 6 digits behind the point.
inline constexpr std::array<int64_t, 8> kNanos = {1000000000, 100000000, 10000000, 1000000,
                                                  100000,     10000,     1000,     100};

// The top bits of those bytes that are no digits, where a digit is 0 to 9. No carry crosses a byte
// here, so each of them is right.
inline uint64_t others_in(uint64_t bytes) {
  return (((bytes & ~kTops) + kOnes * (0x7F - 9)) | bytes) & kTops;
}

// Eight digits, the first one lowest: pairs, then fours, then all are joined, each step by one
// multiplication.
inline Decimal joined(uint64_t bytes, unsigned fraction) {
  bytes = (bytes * 10 + (bytes >> 8U)) & 0x00FF00FF00FF00FF;
  bytes = (bytes * 100 + (bytes >> 16U)) & 0x0000FFFF0000FFFF;
  bytes = (bytes * 10000 + (bytes >> 32U)) & 0xFFFFFFFF;
  return Decimal::from_nanos(static_cast<int64_t>(bytes) * kNanos[fraction]);
}

}  // namespace short_amount

// REQUIRES: eight bytes at `p` can be read.
inline const char* read_short_amount(const char* p, Decimal& out) {
  static_assert(std::endian::native == std::endian::little, "a word holds its first byte lowest");
  uint64_t bytes = 0;
  std::memcpy(&bytes, p, 8);
  bytes ^= short_amount::kOnes * '0';
  uint64_t others = short_amount::others_in(bytes);
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
  const unsigned fraction = (end - point) / 8 - 1;
  out = short_amount::joined(bytes, fraction);
  return p + (fraction == 0 ? point : end) / 8;
}

// All that stands from `begin` to `end`, eight characters at most; false: ask parse_amount().
// REQUIRES: eight bytes before `end` can be read, whatever `begin` is.
inline bool read_short_amount(const char* begin, const char* end, Decimal& out) {
  const auto size = static_cast<size_t>(end - begin);
  if (size - 1 >= 8) return false;
  const auto unused = static_cast<unsigned>(64 - 8 * size);  // bits, of what stands before it
  uint64_t bytes = 0;
  std::memcpy(&bytes, end - 8, 8);
  bytes = ((bytes ^ (short_amount::kOnes * '0')) >> unused) << unused;  // as if there were zeros
  const uint64_t others = short_amount::others_in(bytes);
  const bool zero_first = ((bytes >> unused) & 0xFF) == 0;
  unsigned fraction = 0;
  if (others != 0) [[likely]] {
    const auto point = static_cast<unsigned>(std::countr_zero(others)) & ~7U;  // in bits
    const bool is_point = ((bytes >> point) & 0xFF) == ('.' ^ '0');
    if (!is_point || (others & (others - 1)) != 0) return false;
    if (point == unused || point == 56 || (zero_first && point != unused + 8)) return false;
    const uint64_t before = bytes & ((uint64_t{1} << point) - 1);
    bytes = (before << 8U) | ((bytes >> point >> 8U) << point << 8U);
    fraction = (56 - point) / 8;
  } else if (zero_first && size > 1) {
    return false;
  }
  out = short_amount::joined(bytes, fraction);
  return true;
}

}  // namespace paystats
