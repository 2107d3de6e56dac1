// Compiled once for each instruction set, as string_stops.cc is.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "record/utf8_marks.cc"
#include <hwy/foreach_target.h>

#include "record/utf8_marks.h"

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/utf8.h"

HWY_BEFORE_NAMESPACE();
namespace paystats::record {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR  // has no vectors, and is compiled for machines that have none
bool is_utf8(const uint8_t* from, size_t size) {
  return base::is_valid_utf8({reinterpret_cast<const char*>(from), size});
}
void unmark_blocks(const uint8_t* from, size_t blocks, uint8_t* bits) {
  for (size_t at = 0; at < 64 * blocks; ++at) {
    const unsigned bit = from[at] >= 0x80 ? 1U << at % 8 : 0U;
    bits[at / 8] = static_cast<uint8_t>(bits[at / 8] & ~bit);
  }
}
#else
using Bytes = hn::CappedTag<uint8_t, 64>;

// What two bytes that follow each other may be wrong in; a bit that three look-ups have in common
// says that it is so.
constexpr uint8_t kTooShort = 1;       // a lead, then no tail
constexpr uint8_t kTooLong = 2;        // ASCII, then a tail
constexpr uint8_t kOverlong3 = 4;      // E0, then 80 to 9F
constexpr uint8_t kTooLarge = 8;       // F4, then 90 to BF; F5 to FF, then any tail but 80 to 8F
constexpr uint8_t kSurrogate = 16;     // ED, then A0 to BF
constexpr uint8_t kOverlong2 = 32;     // C0 or C1, then a tail
constexpr uint8_t kTooLarge1000 = 64;  // F5 to FF, then 80 to 8F
constexpr uint8_t kOverlong4 = 64;     // F0, then 80 to 8F
constexpr uint8_t kTwoTails = 128;     // right where a lead of three or four came before
constexpr uint8_t kAnyLow = kTooShort | kTooLong | kTwoTails;
constexpr uint8_t kTail = kTooLong | kOverlong2 | kTwoTails;
constexpr uint8_t kLarge = kAnyLow | kTooLarge | kTooLarge1000;

alignas(16) constexpr std::array<uint8_t, 16> kByFirstHigh = {
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTwoTails,
    kTwoTails,
    kTwoTails,
    kTwoTails,
    kTooShort | kOverlong2,
    kTooShort,
    kTooShort | kOverlong3 | kSurrogate,
    kTooShort | kTooLarge | kTooLarge1000 | kOverlong4};
alignas(16) constexpr std::array<uint8_t, 16> kByFirstLow = {
    kAnyLow | kOverlong3 | kOverlong2 | kOverlong4,
    kAnyLow | kOverlong2,
    kAnyLow,
    kAnyLow,
    kAnyLow | kTooLarge,
    kLarge,
    kLarge,
    kLarge,
    kLarge,
    kLarge,
    kLarge,
    kLarge,
    kLarge,
    kLarge | kSurrogate,
    kLarge,
    kLarge};
alignas(16) constexpr std::array<uint8_t, 16> kBySecondHigh = {
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTail | kOverlong3 | kTooLarge1000 | kOverlong4,
    kTail | kOverlong3 | kTooLarge,
    kTail | kSurrogate | kTooLarge,
    kTail | kSurrogate | kTooLarge,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort};

// Of a vector at `p`, before which three bytes can be read: zeros where nothing is wrong.
hn::Vec<Bytes> errors_at(const uint8_t* p) {
  const Bytes bytes;
  const auto nibble = hn::Set(bytes, 0x0F);
  const auto here = hn::LoadU(bytes, p);
  const auto before = hn::LoadU(bytes, p - 1);
  const auto first_high =
      hn::TableLookupBytes(hn::LoadDup128(bytes, kByFirstHigh.data()), hn::ShiftRight<4>(before));
  const auto first_low =
      hn::TableLookupBytes(hn::LoadDup128(bytes, kByFirstLow.data()), hn::And(before, nibble));
  const auto second_high =
      hn::TableLookupBytes(hn::LoadDup128(bytes, kBySecondHigh.data()), hn::ShiftRight<4>(here));
  const auto wrong = hn::And(hn::And(first_high, first_low), second_high);
  // The third byte behind a lead of three or four, and the fourth, must be one of two tails.
  const auto third = hn::SaturatedSub(hn::LoadU(bytes, p - 2), hn::Set(bytes, 0xE0 - 0x80));
  const auto fourth = hn::SaturatedSub(hn::LoadU(bytes, p - 3), hn::Set(bytes, 0xF0 - 0x80));
  const auto must = hn::And(hn::Or(third, fourth), hn::Set(bytes, kTwoTails));
  return hn::Xor(wrong, must);
}

bool is_ascii(hn::Vec<Bytes> loaded) {
  const hn::RebindToSigned<Bytes> signed_bytes;
  return hn::AllFalse(signed_bytes,
                      hn::Lt(hn::BitCast(signed_bytes, loaded), hn::Zero(signed_bytes)));
}

bool is_utf8(const uint8_t* from, size_t size) {
  constexpr size_t kBefore = 3;  // bytes that may belong to a character of a later one
  const Bytes bytes;
  const size_t lanes = hn::Lanes(bytes);
  auto errors = hn::Zero(bytes);
  bool was_ascii = true;  // the vector before
  // A character that has ended too early is found up to three bytes behind it.
  for (size_t at = 0; at < size + kBefore; at += lanes) {
    if (at >= kBefore && at + lanes <= size) {
      // Most of most texts.
      const bool ascii = is_ascii(hn::LoadU(bytes, from + at));
      if (!std::exchange(was_ascii, ascii) || !ascii) {
        errors = hn::Or(errors, errors_at(from + at));
      }
      continue;
    }
    was_ascii = false;
    std::array<uint8_t, kBefore + 64> padded{};
    const size_t begin = at - std::min(at, kBefore);
    if (begin < size) {
      std::memcpy(padded.data() + kBefore - (at - begin), from + begin,
                  std::min(size, at + lanes) - begin);
    }
    errors = hn::Or(errors, errors_at(padded.data() + kBefore));
  }
  return hn::AllTrue(bytes, hn::Eq(errors, hn::Zero(bytes)));
}

// Takes the bits of what is not ASCII away, of `blocks` times 64 bytes.
void unmark_blocks(const uint8_t* from, size_t blocks, uint8_t* bits) {
  const Bytes bytes;
  const size_t lanes = hn::Lanes(bytes);
  const auto ascii_most = hn::Set(bytes, 0x7F);
  for (size_t block = 0; block < blocks; ++block) {
    std::array<uint8_t, 16> beyond{};
    for (size_t at = 0; at < 64; at += lanes) {
      const auto loaded = hn::LoadU(bytes, from + 64 * block + at);
      hn::StoreMaskBits(bytes, hn::Gt(loaded, ascii_most), beyond.data() + at / 8);
    }
    uint64_t of_both[2];
    std::memcpy(&of_both[0], bits + 8 * block, 8);
    std::memcpy(&of_both[1], beyond.data(), 8);
    of_both[0] &= ~of_both[1];
    std::memcpy(bits + 8 * block, &of_both[0], 8);
  }
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace paystats::record
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace paystats::record {
namespace {

HWY_EXPORT(is_utf8);
HWY_EXPORT(unmark_blocks);

// Without a character at the end of which a part may be missing.
size_t without_last(const uint8_t* from, size_t size) {
  for (size_t tail = 1; tail <= std::min<size_t>(3, size); ++tail) {
    constexpr std::array<uint8_t, 4> kLeadOfMore = {0, 0xC0, 0xE0, 0xF0};  // than `tail` bytes
    if (from[size - tail] >= kLeadOfMore[tail]) return size - tail;
  }
  return size;
}

}  // namespace

void unmark_utf8(const char* begin, size_t size, uint8_t* bits) {
  const auto* const from = reinterpret_cast<const uint8_t*>(begin);
  const size_t whole = without_last(from, size);
  if (!HWY_DYNAMIC_DISPATCH(is_utf8)(from, whole)) return;
  HWY_DYNAMIC_DISPATCH(unmark_blocks)(from, whole / 64, bits);
  for (size_t at = whole / 64 * 64; at < whole; ++at) {
    const unsigned bit = from[at] >= 0x80 ? 1U << at % 8 : 0U;
    bits[at / 8] = static_cast<uint8_t>(bits[at / 8] & ~bit);
  }
}

}  // namespace paystats::record
#endif  // HWY_ONCE
