// The layout that most lines have (see payment_layout.h), in a form that is compared in a fraction
// of the time: a name, then an amount, and no other value but those of its tail (plain_tail.h).
//
//   const PlainLayout& plain = layout.plain();             // of a PaymentLayout
//   const char* amount = plain.scan(line, newline, stops, payment);
//   amounts.set(i, amount, plain.values_end(newline));     // which is read later
//
// Tested through record/payment_layouts.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "record/layout_values.h"
#include "record/payment.h"
#include "record/scan.h"
#include "record/string_stops.h"
#include "record/text_arena.h"

namespace paystats::record {

class PlainLayout {
 public:
  PlainLayout() = default;  // of no line

  // Of the line from `line` to `next` (behind its newline), whose name and amount are these, and
  // whose last `after` bytes follow the last value. There is none where what lies between them is
  // too long or too short. REQUIRES: they stand in this order, and nothing else may differ in the
  // next line but the values of a tail.
  static PlainLayout of(const char* line, const char* next, std::string_view name,
                        std::string_view amount, size_t after) {
    const auto before = static_cast<size_t>(name.data() - line);
    const char* const quote = name.data() + name.size();
    const auto between = static_cast<size_t>(amount.data() - quote);
    PlainLayout plain;
    if (before < 8 || before > 16 || between < 8 || between > 24 || after > 8) return plain;
    plain.before_size_ = before;
    plain.before_ = {scan::load_eight(line), scan::load_eight(name.data() - 8)};
    plain.between_size_ = between;
    plain.between_middle_ = std::min<size_t>(8, between - 8);
    plain.between_ = {scan::load_eight(quote), scan::load_eight(quote + plain.between_middle_),
                      scan::load_eight(amount.data() - 8)};
    plain.after_size_ = after;
    plain.after_ = scan::load_eight(next - 8);
    plain.after_mask_ = ~uint64_t{0} << (64 - 8 * after);
    return plain;
  }

  explicit operator bool() const { return before_size_ != 0; }

  // Both set the user and return where the amount begins, or nullptr, where PaymentLayout::scan()
  // may yet say yes; they REQUIRE what it does. First, a name without escapes and, unless all that
  // is marked is UTF-8, of ASCII:
  [[gnu::always_inline]] const char* scan(const char* p, const char* newline,
                                          const StringStops::Marks& stops, Payment& out) const {
    if (!begins(p)) return nullptr;
    const char* const name = p + before_size_;
    const char* const quote = stops.next(name);
    if (!goes_on(quote, newline)) return nullptr;
    const auto size = static_cast<size_t>(quote - name);
    if (size > UserName::kHeadBytes || size == 0) [[unlikely]] {
      if (size - 1 >= kUserBytesMax) return nullptr;  // empty or too long
    }
    out.user = UserName::with_margin(name, size);
    return quote + between_size_;
  }
  // and all others:
  [[gnu::noinline]] const char* scan_odd(const char* p, const char* newline,
                                         const StringStops& stops, TextArena& arena,
                                         Payment& out) const {
    if (!begins(p)) return nullptr;
    const char* const name = p + before_size_;
    const char* const stop = stops.next(name);
    if (stop >= newline || *stop == '"') return nullptr;
    const char* const quote = odd_name_end(name, stop, newline, stops, arena, out.user);
    return quote != nullptr && goes_on(quote, newline) ? quote + between_size_ : nullptr;
  }

  // Where the last value ends.
  const char* values_end(const char* newline) const { return newline + 1 - after_size_; }

 private:
  // No literal but the last one holds a newline, so as far as one matches, the line goes on: that
  // is what makes the next load one within the margin.
  bool begins(const char* p) const {
    return ((scan::load_eight(p) ^ before_[0]) |
            (scan::load_eight(p + before_size_ - 8) ^ before_[1])) == 0;
  }
  // From the quote behind the name on.
  bool goes_on(const char* quote, const char* newline) const {
    return ((scan::load_eight(quote) ^ between_[0]) |
            (scan::load_eight(quote + between_middle_) ^ between_[1]) |
            (scan::load_eight(quote + between_size_ - 8) ^ between_[2]) |
            ((scan::load_eight(newline - 7) ^ after_) & after_mask_)) == 0;
  }

  size_t before_size_ = 0;  // 8 to 16, as words that overlap; 0: there is none
  std::array<uint64_t, 2> before_{};
  size_t between_size_ = 0;  // 8 to 24
  size_t between_middle_ = 0;
  std::array<uint64_t, 3> between_{};
  size_t after_size_ = 0;  // up to 8: the highest bytes of a word
  uint64_t after_ = 0;
  uint64_t after_mask_ = 0;
};

}  // namespace paystats::record
