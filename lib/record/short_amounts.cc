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

// `n` is a multiple of the lanes. Each lane has one text, at its highest bytes.
uint32_t read_amounts(uint64_t* HWY_RESTRICT texts, const int64_t* HWY_RESTRICT sizes,
                      uint64_t* HWY_RESTRICT points, size_t n) {
  const hn::CappedTag<uint64_t, 8> words;
  const hn::RebindToSigned<decltype(words)> numbers;
  const size_t lanes = hn::Lanes(words);
  const auto zero = hn::Zero(words);
  const auto one = hn::Set(words, uint64_t{1});
  const auto tops = hn::Set(words, uint64_t{0x8080808080808080});
  uint32_t right = 0;
  for (size_t i = 0; i < n; i += lanes) {
    const auto size = hn::Load(numbers, sizes + i);
    const auto fits = hn::RebindMask(words, hn::And(hn::Gt(size, hn::Zero(numbers)),
                                                    hn::Lt(size, hn::Set(numbers, int64_t{9}))));
    // Of bytes in front of the text, as bits; of a size that does not fit it means nothing.
    const auto unused =
        hn::ShiftLeft<3>(hn::And(hn::Sub(hn::Set(words, uint64_t{8}), hn::BitCast(words, size)),
                                 hn::Set(words, uint64_t{7})));
    const auto first = hn::Shl(one, unused);  // the lowest bit of the first byte of the text
    // A digit is 0 to 9, and so is what stands in front.
    const auto bytes =
        hn::And(hn::Xor(hn::Load(words, texts + i), hn::Set(words, uint64_t{0x3030303030303030})),
                hn::Sub(zero, first));
    const auto low = hn::And(bytes, hn::Set(words, uint64_t{0x7F7F7F7F7F7F7F7F}));
    // The top bit of each byte that is no digit.
    const auto others =
        hn::And(hn::Or(hn::Add(low, hn::Set(words, uint64_t{0x7676767676767676})), bytes), tops);
    const auto point = hn::ShiftRight<7>(others);
    // At most one of them, a point, neither the first nor the last character.
    const auto behind = hn::ShiftLeft<8>(point);
    const auto dot = hn::Sub(hn::ShiftLeft<5>(point), hn::ShiftLeft<1>(point));  // '.' ^ '0'
    const auto edge = hn::Or(hn::And(point, first), hn::ShiftRight<56>(point));
    const auto wrong = hn::Or(hn::Or(hn::And(others, hn::Sub(others, one)), edge),
                              hn::Xor(hn::And(bytes, hn::Sub(behind, point)), dot));
    // A zero in front stands alone: a point or nothing follows.
    const auto second = hn::ShiftLeft<8>(first);
    const auto zero_first = hn::Eq(hn::And(bytes, hn::Sub(second, first)), zero);
    const auto bare = hn::Eq(point, second);
    const auto good =
        hn::And(hn::And(fits, hn::Eq(wrong, zero)), hn::Or(hn::Not(zero_first), bare));
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

}  // namespace HWY_NAMESPACE
}  // namespace paystats::record
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace paystats::record {
namespace {

HWY_EXPORT(read_amounts);

}  // namespace

uint32_t ShortAmounts::read(size_t n) {
  // Whole vectors: what is left over is read as well and not asked for.
  const size_t padded = (n + 7) / 8 * 8;
  const uint32_t right =
      HWY_DYNAMIC_DISPATCH(read_amounts)(words_.data(), sizes_.data(), points_.data(), padded);
  return n == kMax ? right : right & ((uint32_t{1} << n) - 1);
}

}  // namespace paystats::record
#endif  // HWY_ONCE
