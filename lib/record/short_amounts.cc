// Compiled once for each instruction set, as string_stops.cc is.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "record/short_amounts.cc"
#include <hwy/foreach_target.h>

#include "record/short_amounts.h"

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace paystats::record {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Eight digits a lane, the first one lowest: pairs, then fours, then all are joined.
template <class D, class V>
V join_digits(D words, V digits) {
#if HWY_TARGET == HWY_SCALAR  // has no narrower lanes in a word
  uint64_t word = hn::GetLane(digits);
  word = (word * 10 + (word >> 8U)) & 0x00FF00FF00FF00FF;
  word = (word * 100 + (word >> 16U)) & 0x0000FFFF0000FFFF;
  return hn::Set(words, (word * 10000 + (word >> 32U)) & 0xFFFFFFFF);
#else
  const hn::Repartition<uint16_t, D> pairs;
  const hn::Repartition<uint32_t, D> fours;
  const auto ones = hn::BitCast(pairs, digits);
  const auto twos =
      hn::Add(hn::Mul(hn::And(ones, hn::Set(pairs, uint16_t{0xFF})), hn::Set(pairs, uint16_t{10})),
              hn::ShiftRight<8>(ones));
  const auto two = hn::BitCast(fours, twos);
  const auto four = hn::Add(
      hn::Mul(hn::And(two, hn::Set(fours, uint32_t{0xFFFF})), hn::Set(fours, uint32_t{100})),
      hn::ShiftRight<16>(two));
  return hn::Add(hn::MulEven(four, hn::Set(fours, uint32_t{10000})),
                 hn::ShiftRight<32>(hn::BitCast(words, four)));
#endif
}

// One less than the size of each text: below 8 where it may be a number.
template <class D>
hn::Vec<D> sizes_less_one(D words, const char* const* begins, const char* const* ends) {
  static_assert(sizeof *begins == sizeof(hn::TFromD<D>));
  const auto begin = hn::Load(words, reinterpret_cast<const uint64_t*>(begins));
  const auto end = hn::Load(words, reinterpret_cast<const uint64_t*>(ends));
  return hn::Sub(hn::Sub(end, begin), hn::Set(words, uint64_t{1}));
}

// Not zero where the size does not fit.
template <class D, class V>
V wrong_sizes(D words, V less_one) {
  return hn::And(less_one, hn::Set(words, ~uint64_t{7}));
}

// The lowest bit of the first byte of a text that stands at the highest bytes; of a size that does
// not fit it means nothing.
template <class D, class V>
V first_bytes(D words, V less_one) {
  const auto before = hn::AndNot(less_one, hn::Set(words, uint64_t{7}));
  return hn::Shl(hn::Set(words, uint64_t{1}), hn::ShiftLeft<3>(before));
}

// A digit is 0 to 9, and so is what stands in front of a text.
template <class D, class V>
V load_digits(D words, const uint64_t* HWY_RESTRICT texts, V first) {
  const auto zeros = hn::Set(words, uint64_t{0x3030303030303030});
  return hn::And(hn::Xor(hn::Load(words, texts), zeros), hn::Sub(hn::Zero(words), first));
}

// The top bit of each byte that is no digit.
template <class D, class V>
V other_bytes(D words, V bytes) {
  const auto low = hn::And(bytes, hn::Set(words, uint64_t{0x7F7F7F7F7F7F7F7F}));
  return hn::And(hn::Or(hn::Add(low, hn::Set(words, uint64_t{0x7676767676767676})), bytes),
                 hn::Set(words, uint64_t{0x8080808080808080}));
}

// `n` is a multiple of the lanes. Each lane has one text, at its highest bytes.
uint32_t read_amounts(uint64_t* HWY_RESTRICT texts, const char* const* begins,
                      const char* const* ends, uint64_t* HWY_RESTRICT points, size_t n) {
  const hn::CappedTag<uint64_t, 8> words;
  const size_t lanes = hn::Lanes(words);
  const auto zero = hn::Zero(words);
  const auto one = hn::Set(words, uint64_t{1});
  uint32_t right = 0;
  for (size_t i = 0; i < n; i += lanes) {
    const auto size = sizes_less_one(words, begins + i, ends + i);
    const auto first = first_bytes(words, size);
    const auto bytes = load_digits(words, texts + i, first);
    const auto others = other_bytes(words, bytes);
    const auto point = hn::ShiftRight<7>(others);
    // At most one of them, a point, neither the first nor the last character.
    const auto behind = hn::ShiftLeft<8>(point);
    const auto dot = hn::Sub(hn::ShiftLeft<5>(point), hn::ShiftLeft<1>(point));  // '.' ^ '0'
    const auto edge = hn::Or(hn::And(point, first), hn::ShiftRight<56>(point));
    const auto wrong = hn::Or(hn::Or(hn::Or(hn::And(others, hn::Sub(others, one)), edge),
                                     hn::Xor(hn::And(bytes, hn::Sub(behind, point)), dot)),
                              wrong_sizes(words, size));
    // A zero in front stands alone: a point or nothing follows.
    const auto second = hn::ShiftLeft<8>(first);
    const auto zero_first = hn::Eq(hn::And(bytes, hn::Sub(second, first)), zero);
    const auto bare = hn::Eq(point, second);
    const auto good = hn::And(hn::Eq(wrong, zero), hn::Or(hn::Not(zero_first), bare));
    const auto before = hn::ShiftLeft<8>(hn::And(bytes, hn::Sub(point, one)));
    const auto digits = hn::IfThenElse(hn::Eq(point, zero), bytes,
                                       hn::Or(before, hn::And(bytes, hn::Sub(zero, behind))));
    hn::Store(join_digits(words, digits), words, texts + i);
    hn::Store(point, words, points + i);
    uint8_t bits[8] = {};
    hn::StoreMaskBits(words, good, bits);
    right |= static_cast<uint32_t>(bits[0]) << i;
  }
  return right;
}

uint32_t read_volumes(uint64_t* HWY_RESTRICT texts, const char* const* begins,
                      const char* const* ends, size_t n) {
  const hn::CappedTag<uint64_t, 8> words;
  const size_t lanes = hn::Lanes(words);
  const auto zero = hn::Zero(words);
  uint32_t right = 0;
  for (size_t i = 0; i < n; i += lanes) {
    const auto size = sizes_less_one(words, begins + i, ends + i);
    const auto first = first_bytes(words, size);
    const auto bytes = load_digits(words, texts + i, first);
    const auto others = other_bytes(words, bytes);
    const auto wrong = hn::Or(others, wrong_sizes(words, size));
    const auto digit = hn::And(bytes, hn::Sub(hn::ShiftLeft<8>(first), first));  // the first one
    const auto good = hn::AndNot(hn::Eq(digit, zero), hn::Eq(wrong, zero));
    hn::Store(join_digits(words, bytes), words, texts + i);
    uint8_t bits[8] = {};
    hn::StoreMaskBits(words, good, bits);
    right |= static_cast<uint32_t>(bits[0]) << i;
  }
  return right;
}

}  // namespace HWY_NAMESPACE
}  // namespace paystats::record
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace paystats::record {
namespace {

HWY_EXPORT(read_amounts);
HWY_EXPORT(read_volumes);

// Whole vectors: what is left over is read as well and not asked for.
size_t padded(size_t n) {
  return (n + 7) / 8 * 8;
}

uint32_t first_bits(uint32_t bits, size_t n) {
  return n == ShortAmounts::kMax ? bits : bits & ((uint32_t{1} << n) - 1);
}

}  // namespace

uint32_t ShortAmounts::read(size_t n) {
  const auto read_here = HWY_DYNAMIC_DISPATCH(read_amounts);
  return first_bits(
      read_here(words_.data(), begins_.data(), ends_.data(), points_.data(), padded(n)), n);
}

uint32_t ShortVolumes::read(size_t n) {
  const auto read_here = HWY_DYNAMIC_DISPATCH(read_volumes);
  return first_bits(read_here(words_.data(), begins_.data(), ends_.data(), padded(n)), n);
}

}  // namespace paystats::record
#endif  // HWY_ONCE
