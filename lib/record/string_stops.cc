// This file is compiled once for each instruction set that the compiler knows: foreach_target.h
// includes it again and again, with another HWY_NAMESPACE each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "record/string_stops.cc"
#include <hwy/foreach_target.h>

#include "record/string_stops.h"

#include <hwy/highway.h>

#include <algorithm>

#include "record/utf8_marks.h"

HWY_BEFORE_NAMESPACE();
namespace paystats::record {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// `blocks` times 64 bytes at `from`; eight bytes of bits for each, of stops and of newlines.
// Returns whether all is ASCII.
#if HWY_TARGET == HWY_SCALAR  // has no vectors, and is compiled for machines that have none
bool mark_blocks(const uint8_t* from, size_t blocks, uint8_t* stops, uint8_t* newlines) {
  uint8_t all = 0;
  for (size_t at = 0; at < blocks * 64; ++at) {
    const uint8_t byte = from[at];
    all |= byte;
    const bool stop = byte == '"' || byte == '\\' || byte < 0x20 || byte >= 0x80;
    stops[at / 8] = static_cast<uint8_t>((stops[at / 8] >> 1U) | (stop ? 0x80U : 0U));
    const bool newline = byte == '\n';
    newlines[at / 8] = static_cast<uint8_t>((newlines[at / 8] >> 1U) | (newline ? 0x80U : 0U));
  }
  return all < 0x80;
}
#else
bool mark_blocks(const uint8_t* HWY_RESTRICT from, size_t blocks, uint8_t* HWY_RESTRICT stops,
                 uint8_t* HWY_RESTRICT newlines) {
  const hn::CappedTag<uint8_t, 64> bytes;
  const hn::RebindToSigned<decltype(bytes)> signed_bytes;
  const size_t lanes = hn::Lanes(bytes);
  const auto quote = hn::Set(bytes, '"');
  const auto backslash = hn::Set(bytes, '\\');
  const auto newline = hn::Set(bytes, '\n');
  const auto space = hn::Set(signed_bytes, ' ');
  auto all = hn::Zero(bytes);
  for (size_t at = 0; at < blocks * 64; at += lanes) {
    const auto loaded = hn::LoadU(bytes, from + at);
    all = hn::Or(all, loaded);
    // As signed numbers, what is not ASCII is negative: one comparison finds it and the controls.
    const auto odd = hn::RebindMask(bytes, hn::Lt(hn::BitCast(signed_bytes, loaded), space));
    const auto ends = hn::Or(hn::Eq(loaded, quote), hn::Eq(loaded, backslash));
    hn::StoreMaskBits(bytes, hn::Or(odd, ends), stops + at / 8);
    hn::StoreMaskBits(bytes, hn::Eq(loaded, newline), newlines + at / 8);
  }
  const auto negative = hn::Lt(hn::BitCast(signed_bytes, all), hn::Zero(signed_bytes));
  return hn::AllFalse(signed_bytes, negative);
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace paystats::record
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace paystats::record {
namespace {

HWY_EXPORT(mark_blocks);

}  // namespace

void StringStops::mark(const char* begin, const char* end, size_t wanted) {
  const size_t size = std::min({static_cast<size_t>(end - begin), wanted, kBytes});
  const size_t whole = size / 64;
  const auto* const from = reinterpret_cast<const uint8_t*>(begin);
  const auto mark_blocks_here = HWY_DYNAMIC_DISPATCH(mark_blocks);
  auto* const stops = reinterpret_cast<uint8_t*>(stops_.data());
  auto* const newlines = reinterpret_cast<uint8_t*>(newlines_.data());
  bool is_ascii = whole == 0 || mark_blocks_here(from, whole, stops, newlines);
  if (const size_t rest = size % 64; rest > 0) {
    std::array<uint8_t, 64> padded{};  // a NUL is a stop
    std::memcpy(padded.data(), from + whole * 64, rest);
    is_ascii &= mark_blocks_here(padded.data(), 1, stops + whole * 8, newlines + whole * 8);
  }
  if (!is_ascii) unmark_utf8(begin, size, stops);
  const size_t behind = (size + 63) / 64 * 8;
  std::memset(stops_.data() + behind, 0xFF, 8);
  std::memset(newlines_.data() + behind, 0xFF, 8);
  begin_ = begin;
  end_ = begin + size;
}

}  // namespace paystats::record
#endif  // HWY_ONCE
