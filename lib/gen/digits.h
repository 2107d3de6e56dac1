// Numbers as decimal text without a loop or a branch: eight digits at once in one 64-bit word, the
// first digit in its lowest byte, so that a store of the word is the text (little-endian).
//
//   const EightDigits seven(7);                       // "00000007"
//   out = put_digits(out, seven, seven.leading_zeros());
//
// The digits are parted by halves: 10^4, then 10^2 in two lanes, then 10 in four, each division a
// multiplication that is exact in its range (P. Khuong, "How to print integers really fast", 2017).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace paystats::gen {

static_assert(std::endian::native == std::endian::little);

class EightDigits {
 public:
  static constexpr unsigned kDigits = 8;
  static constexpr uint32_t kEnd = 100'000'000;  // the first number that does not fit

  // REQUIRES: number < kEnd.
  explicit constexpr EightDigits(uint32_t number) {
    constexpr uint64_t kByHundred = 10'486;  // exact up to 10^4: 2^20 / 100, rounded up
    constexpr uint64_t kByTen = 103;         // exact up to 100: 2^10 / 10, rounded up
    const uint64_t fours = number / 10'000 | (uint64_t{number % 10'000} << 32U);
    const uint64_t hundreds = ((fours * kByHundred) >> 20U) & 0x0000'007f'0000'007f;
    const uint64_t pairs = hundreds | ((fours - 100 * hundreds) << 16U);
    const uint64_t tens = ((pairs * kByTen) >> 10U) & 0x000f'000f'000f'000f;
    digits_ = tens | ((pairs - 10 * tens) << 8U);
  }

  // At most 7: the last digit of 0 is one.
  constexpr unsigned leading_zeros() const {
    return static_cast<unsigned>(std::countr_zero(digits_ | (uint64_t{1} << 56U))) / 8;
  }

  // The text without its first `skip` digits, below 8; what follows in the word is zero bytes'
  // text.
  constexpr uint64_t text_from(unsigned skip) const {
    return (digits_ | 0x3030'3030'3030'3030) >> (8 * skip);
  }

 private:
  uint64_t digits_ = 0;
};

// Writes the digits from `skip` on, and up to 8 bytes behind `out` in all. Returns their end.
inline char* put_digits(char* out, EightDigits digits, unsigned skip) {
  const uint64_t text = digits.text_from(skip);
  std::memcpy(out, &text, sizeof text);
  return out + (EightDigits::kDigits - skip);
}

}  // namespace paystats::gen
