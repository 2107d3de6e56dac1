#include "record/payment_layouts.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <utility>

#include "money/decimal.h"
#include "record/field_values.h"

namespace paystats::record {

void PaymentLayouts::missed(const char* line, const char* next, const char* end,
                            const PaymentLayout::Tokens& tokens) {
  if (end - next < PaymentLayout::kMargin) return;  // too near the end to have been tried
  if (learned_ == kLayouts && ++misses_ < kMissesMax) return;
  misses_ = 0;
  current_ = oldest_;
  alike_ = 0;
  layouts_[current_].learn(line, next, tokens);
  oldest_ = (oldest_ + 1) % kLayouts;
  learned_ = std::min(learned_ + 1, kLayouts);
}

// Those that a line may fit which begins so, a bit each.
unsigned PaymentLayouts::candidates_of(const char* p) const {
  unsigned candidates = 0;
  for (size_t i = 0; i < kLayouts; ++i) {
    candidates |= static_cast<unsigned>(layouts_[i].may_fit(p)) << i;
  }
  return candidates;
}

// The current one, where the lines before had it as well. Where lines of several layouts are mixed,
// nothing foretells which is next: it is computed, from how the line begins, for a guess would be
// wrong as often as not, and the next line would have to wait for this one.
bool PaymentLayouts::scan_by_any(const char* p, const char* newline, TextArena& arena,
                                 Payment& out) {
  bool guessed = alike_ >= kAlikeLeast;
  unsigned candidates = guessed ? 1U << current_ : candidates_of(p);
  for (;;) {
    for (; candidates != 0; candidates &= candidates - 1) {
      const auto at = static_cast<size_t>(std::countr_zero(candidates));
      if (!layouts_[at].scan(p, newline, stops_, arena, out)) continue;
      alike_ = at == current_ ? alike_ + 1 : 0;
      current_ = at;
      return true;
    }
    if (!std::exchange(guessed, false)) return false;
    candidates = candidates_of(p) & ~(1U << current_);
  }
}

// As much as the rows that there is room for are likely to take.
void PaymentLayouts::mark(const char* p, const char* end, const DecodedLines<Payment>& out) {
  const size_t rows = DecodedLines<Payment>::kRowsMax - out.rows.size();
  const bool cut = stops_.begin() == p;  // that was too little
  stops_.mark(p, end, cut ? StringStops::kBytes : std::max(kMarkLeast, (rows + 2) * line_bytes_));
}

// Where a line begins depends on the newline in front of it and on nothing else that is found in
// the line before, so that the processor is at several lines at once.
template <bool kHasTail>
const char* PaymentLayouts::read_plain_lines(const char* p, const char* limit,
                                             DecodedLines<Payment>& out) {
  const PlainLayout plain = layouts_[current_].plain();  // ours: no row overlaps it
  const PlainTail& tail = layouts_[current_].plain_tail();
  const StringStops::Marks stops = stops_.marks();
  for (size_t room = 0; (room = DecodedLines<Payment>::kRowsMax - out.rows.size()) > 0;) {
    auto* const rows = &out.rows.next();
    std::array<const char*, kHasTail ? ShortAmounts::kMax : 1> begins;  // of lines
    const char* const begin = p;
    const size_t most = std::min(room, ShortAmounts::kMax);
    size_t scanned = 0;
    for (uint32_t line = out.lines; scanned < most; ++scanned, ++line) {
      const char* const newline = stops.next_newline(p);
      if (newline >= limit) break;
      Payment& payment = rows[scanned].record;
      const char* amount = plain.scan(p, newline, stops, payment);
      if (amount == nullptr) [[unlikely]] {
        amount = plain.scan_odd(p, newline, stops_, out.decoded, payment);
        if (amount == nullptr) break;
      }
      if constexpr (kHasTail) {
        const char* const amount_end = tail.scan(amount, stops, payment.count);
        if (amount_end == nullptr) [[unlikely]]
          break;
        amounts_.set(scanned, amount, amount_end);
        begins[scanned] = p;
      } else {
        amounts_.set(scanned, amount, plain.amount_end(newline));
      }
      rows[scanned].line = line;
      p = newline + 1;
    }
    const size_t read = read_amounts(rows, scanned);
    if constexpr (kHasTail) {
      // It fits: the volume has seven digits at most.
      for (size_t i = 0; i < read; ++i) sum_up(rows[i].record);
    }
    out.rows.keep(read);
    out.lines += static_cast<uint32_t>(read);
    if constexpr (kHasTail) {
      if (read < scanned) return begins[read];
    } else {
      if (read < scanned) return read == 0 ? begin : plain.line_end(amounts_.end(read - 1));
    }
    if (scanned < most) return p;
  }
  return p;
}

// The amounts of so many rows, up to one that is wrong; returns how many that were.
size_t PaymentLayouts::read_amounts(DecodedLines<Payment>::Row* rows, size_t scanned) {
  const uint32_t right = amounts_.read(scanned);
  // Nearly always; a loop without a question is worth a second one.
  if (static_cast<size_t>(std::popcount(right)) == scanned) [[likely]] {
    for (size_t i = 0; i < scanned; ++i) rows[i].record.sum = amounts_.at(i);
    return scanned;
  }
  for (size_t i = 0; i < scanned; ++i) {
    Payment& payment = rows[i].record;
    if ((right >> i & 1U) != 0) {
      payment.sum = amounts_.at(i);
      continue;
    }
    const char* const begin = amounts_.begin(i);
    if (begin >= amounts_.end(i)) return i;
    const std::string_view text(begin, static_cast<size_t>(amounts_.end(i) - begin));
    if (money::parse_amount(text, payment.sum) != money::AmountFlaw::kNone) return i;
  }
  return scanned;
}

const char* PaymentLayouts::read_lines(const char* p, const char* end, DecodedLines<Payment>& out) {
  if (learned_ == 0) return p;
  constexpr size_t kRowsMax = DecodedLines<Payment>::kRowsMax;
  const char* const begin = p;
  const size_t rows_before = out.rows.size();
  while (end - p > PaymentLayout::kMargin) {
    if (!stops_.covers(p)) mark(p, end, out);
    const char* const limit = std::min(stops_.end(), end - PaymentLayout::kMargin);
    if (alike_ >= kAlikeLeast && layouts_[current_].plain()) {
      p = layouts_[current_].plain_tail() ? read_plain_lines<true>(p, limit, out)
                                          : read_plain_lines<false>(p, limit, out);
    }
    if (out.rows.size() == kRowsMax) break;
    const char* const newline = stops_.next_newline(p);
    if (newline >= limit) {
      const bool most = stops_.begin() == p && stops_.end() == p + StringStops::kBytes;
      if (most || stops_.end() == end) break;
      mark(p, end, out);  // the line is cut in two by the end of what is marked
      continue;
    }
    // Into its row at once: a copy of what has just been stored word by word would wait for it.
    auto& row = out.rows.next();
    if (!scan_by_any(p, newline, out.decoded, row.record)) break;
    row.line = out.lines++;
    out.rows.keep();
    p = newline + 1;
    if (out.rows.size() == kRowsMax) break;
  }
  const size_t rows = out.rows.size() - rows_before;
  if (rows > 0) line_bytes_ = static_cast<size_t>(p - begin) / rows + 1;
  return p;
}

}  // namespace paystats::record
