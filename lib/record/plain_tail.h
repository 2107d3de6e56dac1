// What follows the amount in a line of a plain layout (see plain_layout.h): a volume, and texts
// that nobody reads, as a time and an idempotency key, in any order.
//
//   if (tail) end = tail.scan(amount, stops, payment.count);                // of a PaymentLayout
//
// Tested through record/payment_layouts.h.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "record/layout_literal.h"
#include "record/string_stops.h"

namespace paystats::record {

class PlainTail {
 public:
  enum class Value : uint8_t { kVolume, kText, kEnd };

  // False where there are too many.
  bool add(const LayoutLiteral& before, Value value) {
    if (used_ == steps_.size()) return false;
    steps_[used_++] = {before, value};
    return true;
  }
  // Where the first quote is in the first literal: with it the amount's end is found. False where
  // there is none, or it is that of the amount.
  bool find_quote(const char* begin, size_t size) {
    for (quote_ = 0; quote_ < size && begin[quote_] != '"';) ++quote_;
    return quote_ > 0 && quote_ < size;
  }
  explicit operator bool() const { return used_ > 0; }

  // Where the amount that begins at `amount` ends, which may be in front of it; nullptr where the
  // line does not fit. REQUIRES: what PaymentLayout::scan() does, and amount <= newline.
  //
  // No literal but the last one holds a newline, and no value does: so nothing here is read from
  // behind it.
  [[gnu::always_inline]] const char* scan(const char* amount, const StringStops::Marks& stops,
                                          uint64_t& volume) const {
    const char* const end = stops.next(amount) - quote_;
    const char* p = end;
    for (const Step* step = steps_.data();; ++step) {
      if (!step->before.matches(p)) return nullptr;
      p += step->before.size;
      if (step->value == Value::kEnd) return end;
      p = step->value == Value::kText ? stops.next(p) : short_volume_end(p, volume);
      if (p == nullptr) return nullptr;
    }
  }

 private:
  // Up to seven digits, of which the first is none that stands in front. REQUIRES: eight bytes can
  // be read.
  static const char* short_volume_end(const char* p, uint64_t& volume) {
    constexpr uint64_t kTops = scan::repeat(0x80);
    uint64_t bytes = scan::load_eight(p) ^ scan::repeat('0');
    const uint64_t others = (((bytes & ~kTops) + scan::repeat(0x7F - 9)) | bytes) & kTops;
    if (others == 0 || (bytes & 0xFF) - 1 > 8) return nullptr;
    const auto digits = static_cast<unsigned>(std::countr_zero(others)) / 8;
    bytes <<= 64 - 8 * digits;  // zeros in front, and what stands behind is gone
    bytes = (bytes * 10 + (bytes >> 8U)) & 0x00FF00FF00FF00FF;
    bytes = (bytes * 100 + (bytes >> 16U)) & 0x0000FFFF0000FFFF;
    volume = (bytes * 10000 + (bytes >> 32U)) & 0xFFFFFFFF;
    return p + digits;
  }

  struct Step {
    LayoutLiteral before;
    Value value = Value::kEnd;
  };
  std::array<Step, 5> steps_;
  size_t used_ = 0;
  size_t quote_ = 0;
};

}  // namespace paystats::record
