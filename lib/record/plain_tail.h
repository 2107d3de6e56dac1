// What follows the amount in a line of a plain layout (see plain_layout.h): a volume, and texts
// that nobody reads, as a time and an idempotency key, in any order.
//
//   if (!tail.scan(amount, values_end, stops, places)) ...                  // of a PaymentLayout
//   amounts.set(i, amount, places.amount_end);
//   volumes.set(i, places.volume, places.volume_end);                       // if has_volume()
//
// Where a number ends, the quote of the name of the next field tells, or the end of the line: so it
// is found without a look at its digits, which are read later, many side by side.
// Tested through record/payment_layouts.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "record/layout_literal.h"
#include "record/scan.h"
#include "record/string_stops.h"

namespace paystats::record {

class PlainTail {
 public:
  enum class Value : uint8_t { kVolume, kText, kEnd };

  struct Places {
    const char* amount_end = nullptr;
    const char* volume = nullptr;
    const char* volume_end = nullptr;
  };

  // A tail that is a volume and nothing else, whose lines take a shorter way.
  class Volume {
   public:
    explicit operator bool() const { return before_size_ != 0; }

    // As below. How the line ends PlainLayout has seen.
    [[gnu::always_inline]] bool scan(const char* amount, const char* values_end,
                                     const StringStops::Marks& stops, Places& out) const {
      out.amount_end = stops.next(amount) - quote_;
      out.volume = out.amount_end + before_size_;
      out.volume_end = values_end;
      return ((scan::load_eight(out.amount_end) ^ before_[0]) |
              (scan::load_eight(out.volume - 8) ^ before_[1])) == 0;
    }

   private:
    friend class PlainTail;
    size_t quote_ = 0;
    size_t before_size_ = 0;  // 8 to 16, as words that overlap; 0: the tail is another one
    std::array<uint64_t, 2> before_{};
  };

  // Of a line whose amount ends where the first literal begins, at whose byte `quote` its first
  // quote is. False where that is too far away, or at once, as that of an amount which is a string.
  bool begin(size_t quote) {
    quote_ = quote;
    return quote - 1 < kQuoteMax;
  }
  // The next literal and value; behind a volume the first quote is at byte `quote` of the next
  // literal, if that is not the last one. False where there are too many.
  bool add(const LayoutLiteral& before, Value value, size_t quote = 0) {
    if (used_ == steps_.size() || (value == Value::kVolume && quote > kQuoteMax)) return false;
    has_volume_ |= value == Value::kVolume;
    steps_[used_++] = {before, value, static_cast<uint8_t>(quote)};
    return true;
  }
  explicit operator bool() const { return used_ > 0; }
  bool has_volume() const { return has_volume_; }
  Volume volume() const {
    const LayoutLiteral& before = steps_[0].before;
    Volume volume;
    if (!has_volume_ || used_ != 2 || before.size < 8 || before.size > 16) return volume;
    volume.quote_ = quote_;
    volume.before_size_ = before.size;
    volume.before_ = {before.words[0], before.words[1]};
    return volume;
  }

  // Finds the values of the line whose amount begins at `amount` and whose last value, if it is no
  // text, ends at `values_end`; an end may be in front of its beginning. False where the line does
  // not fit. REQUIRES: what PaymentLayout::scan() does; amount <= newline; PlainLayout has accepted
  // it.
  //
  // No literal but the last one holds a newline, and no value does: so nothing here is read from
  // behind it.
  [[gnu::always_inline]] bool scan(const char* amount, const char* values_end,
                                   const StringStops::Marks& stops, Places& out) const {
    const char* p = out.amount_end = stops.next(amount) - quote_;
    for (const Step* step = steps_.data();; ++step) {
      if (!step->before.matches(p)) return false;
      p += step->before.size;
      if (step->value == Value::kEnd) return true;
      if (step->value == Value::kText) {
        p = stops.next(p);
        continue;
      }
      out.volume = p;
      p = out.volume_end = step->quote == 0 ? values_end : stops.next(p) - step->quote;
    }
  }

 private:
  // So near that the eight bytes in front of a number's end, wherever that is found, are of the
  // line: PlainLayout has 16 in front of the amount.
  static constexpr size_t kQuoteMax = 4;

  struct Step {
    LayoutLiteral before;
    Value value = Value::kEnd;
    uint8_t quote = 0;
  };
  std::array<Step, 5> steps_;
  size_t used_ = 0;
  size_t quote_ = 0;
  bool has_volume_ = false;
};

}  // namespace paystats::record
