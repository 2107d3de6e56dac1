// Amounts by the vector: what stands in so many lines is gathered first, a word and a length each,
// then read side by side, in the best instruction set that the machine has. And volumes.
//
//   ShortAmounts amounts;
//   amounts.set(i, begin, end);                  // for each i below n
//   const uint32_t right = amounts.read(n);
//   if (right >> i & 1) sum.add(amounts.at(i));             // else: ask parse_amount()
//
// digits [ . digits ], eight characters at most, and all of them. May refuse valid input (the
// caller falls back), and never accepts what is no number in the grammar of RFC 8259: 01, `.5` and
// `5.` are left to parse_amount(), as is a minus.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "money/decimal.h"
#include "record/scan.h"

namespace paystats::record {

// The texts of both, by their places.
class ShortTexts {
 public:
  static constexpr size_t kMax = 32;

  // The text from `begin` to `end`, which may be of any length, or none at all where `end` is not
  // behind `begin`. REQUIRES: eight bytes before `end` can be read, whatever `begin` is.
  void set(size_t i, const char* begin, const char* end) {
    words_[i] = scan::load_eight(end - 8);
    begins_[i] = begin;
    ends_[i] = end;
  }
  const char* begin(size_t i) const { return begins_[i]; }
  const char* end(size_t i) const { return ends_[i]; }

 protected:
  alignas(64) std::array<uint64_t, kMax> words_{};  // then the digits as one number
  alignas(64) std::array<const char*, kMax> begins_{};
  alignas(64) std::array<const char*, kMax> ends_{};
};

class ShortAmounts : public ShortTexts {
 public:
  // Reads the first `n`; bit i says whether that one is right.
  uint32_t read(size_t n);

  // REQUIRES of the next two: it was right.
  money::Decimal at(size_t i) const { return money::Decimal::from_nanos(nanos(i)); }
  int64_t nanos(size_t i) const {
    // For a point in front of the highest digit, the second, ...; the last one: there is none.
    static constexpr std::array<int64_t, 8> kNanos = {0,       1000,     10000,     100000,
                                                      1000000, 10000000, 100000000, 1000000000};
    constexpr uint64_t kNone = uint64_t{1} << 63U;
    const auto place = static_cast<unsigned>(std::countr_zero(points_[i] | kNone)) / 8;
    return static_cast<int64_t>(words_[i]) * kNanos[place];
  }

 private:
  alignas(64) std::array<uint64_t, kMax> points_{};  // the lowest bit of the point's byte, or 0
};

// The same for volumes: digits, eight of them at most, of which the first one is no zero.
class ShortVolumes : public ShortTexts {
 public:
  uint32_t read(size_t n);
  // REQUIRES: it was right.
  int64_t at(size_t i) const { return static_cast<int64_t>(words_[i]); }
};

}  // namespace paystats::record
