// Looking for a byte, eight at a time: what the decoder's fast path and the encoder are built from.
// A word holds the first byte lowest. In the masks below a byte that qualifies has its top bit set;
// bits above the lowest one may be wrong (a borrow crosses them), so only first_byte() is asked.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace paystats::record::scan {

static_assert(std::endian::native == std::endian::little, "a word holds its first byte lowest");

inline constexpr uint64_t repeat(unsigned char byte) {
  return byte * uint64_t{0x0101010101010101};
}

// The eight bytes at `p`. REQUIRES: they can be read.
inline uint64_t load_eight(const char* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// The eight bytes at `p`; zeros in place of those at `end` and beyond.
inline uint64_t load_eight(const char* p, const char* end) {
  const ptrdiff_t size = end - p;
  if (size >= 8) [[likely]] {
    return load_eight(p);
  }
  if (size >= 4) {
    uint32_t front = 0;
    uint32_t back = 0;
    std::memcpy(&front, p, sizeof front);
    std::memcpy(&back, end - sizeof back, sizeof back);
    return front | uint64_t{back} << (8 * (size - 4));
  }
  uint64_t word = 0;
  for (ptrdiff_t i = 0; i < size; ++i) {
    word |= uint64_t{static_cast<unsigned char>(p[i])} << (8 * i);
  }
  return word;
}

inline uint64_t equal_to(uint64_t word, char byte) {
  const uint64_t zero_where_equal = word ^ repeat(static_cast<unsigned char>(byte));
  return (zero_where_equal - repeat(1)) & ~zero_where_equal & repeat(0x80);
}

// Bytes below `bound`, which is at most 0x80.
inline uint64_t below(uint64_t word, unsigned char bound) {
  return (word - repeat(bound)) & ~word & repeat(0x80);
}

inline uint64_t beyond_ascii(uint64_t word) {
  return word & repeat(0x80);
}

inline size_t first_byte(uint64_t mask) {
  return static_cast<size_t>(std::countr_zero(mask)) / 8;
}

// What ends a run of plain characters in a JSON string: a quote, a backslash, a control character.
inline uint64_t string_stops(uint64_t word) {
  return equal_to(word, '"') | equal_to(word, '\\') | below(word, 0x20);
}

// The first byte from `p` on that ends such a run, or `end`. `beyond` gathers whether a byte before
// it was not ASCII.
inline const char* find_string_stop(const char* p, const char* end, bool& beyond) {
  while (p < end) {
    const uint64_t word = load_eight(p, end);
    const uint64_t stops = string_stops(word);
    if (stops != 0) {
      const uint64_t before = (stops & (~stops + 1)) - 1;
      beyond = beyond || (beyond_ascii(word) & before) != 0;
      return p + first_byte(stops);  // `end` at most: the zero that stands there is a control
    }
    beyond = beyond || beyond_ascii(word) != 0;
    p += 8;
  }
  return end;
}

}  // namespace paystats::record::scan
