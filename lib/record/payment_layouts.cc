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
template <PaymentLayouts::Tail kTail>
const char* PaymentLayouts::read_plain_lines(const char* p, const char* limit,
                                             DecodedLines<Payment>& out) {
  constexpr bool kHasVolume = kTail == Tail::kVolume || kTail == Tail::kVolumeAndTexts;
  const PlainLayout plain = layouts_[current_].plain();  // ours: no row overlaps it
  const PlainTail& tail = layouts_[current_].plain_tail();
  const PlainTail::Volume volume = tail.volume();
  const StringStops::Marks stops = stops_.marks();
  for (size_t room = 0; (room = DecodedLines<Payment>::kRowsMax - out.rows.size()) > 0;) {
    auto* const rows = &out.rows.next();
    const char* const begin = p;
    const size_t most = std::min(room, at_once_);
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
      PlainTail::Places places{.amount_end = plain.values_end(newline)};
      if constexpr (kTail == Tail::kVolume) {
        if (!volume.scan(amount, places.amount_end, stops, places)) [[unlikely]]
          break;
      } else if constexpr (kTail != Tail::kNone) {
        if (!tail.scan(amount, places.amount_end, stops, places)) [[unlikely]]
          break;
      }
      amounts_.set(scanned, amount, places.amount_end);
      if constexpr (kHasVolume) {
        volumes_.set(scanned, places.volume, places.volume_end);
      } else {
        payment.count = 1;
      }
      rows[scanned].line = line;
      p = newline + 1;
    }
    const size_t read = read_numbers<kHasVolume>(rows, scanned);
    out.rows.keep(read);
    out.lines += static_cast<uint32_t>(read);
    if (read < scanned) {
      at_once_ = kAtOnceLeast;
      return read == 0 ? begin : stops.next_newline(amounts_.end(read - 1)) + 1;
    }
    if (scanned < most) return p;
    at_once_ = std::min(2 * at_once_, ShortAmounts::kMax);
  }
  return p;
}

const char* PaymentLayouts::read_plain_lines(const char* p, const char* limit,
                                             DecodedLines<Payment>& out) {
  const PlainTail& tail = layouts_[current_].plain_tail();
  if (!tail) return read_plain_lines<Tail::kNone>(p, limit, out);
  if (tail.volume()) return read_plain_lines<Tail::kVolume>(p, limit, out);
  return tail.has_volume() ? read_plain_lines<Tail::kVolumeAndTexts>(p, limit, out)
                           : read_plain_lines<Tail::kTexts>(p, limit, out);
}

// The amounts and volumes of so many rows, up to one that is wrong; returns how many that were.
template <bool kHasVolume>
size_t PaymentLayouts::read_numbers(DecodedLines<Payment>::Row* rows, size_t scanned) {
  const uint32_t amounts = amounts_.read(scanned);
  const uint32_t volumes = kHasVolume ? volumes_.read(scanned) : amounts;
  const auto take = [&](size_t i) {
    if constexpr (kHasVolume) {
      // Two numbers of 64 bits, neither of which is negative: the product fits.
      const int64_t volume = volumes_.at(i);
      rows[i].record.sum = money::Decimal::from_nanos(money::Int128{amounts_.nanos(i)} * volume);
      rows[i].record.count = static_cast<uint64_t>(volume);
    } else {
      rows[i].record.sum = amounts_.at(i);
    }
  };
  // Nearly always; a loop without a question is worth a second one.
  if (static_cast<size_t>(std::popcount(amounts & volumes)) == scanned) [[likely]] {
    for (size_t i = 0; i < scanned; ++i) take(i);
    return scanned;
  }
  for (size_t i = 0; i < scanned; ++i) {
    if ((amounts & volumes) >> i & 1U) {
      take(i);
      continue;
    }
    Payment& payment = rows[i].record;
    if (!read_amount(i, payment.sum)) return i;
    if (kHasVolume && !(read_volume(i, payment.count) && sum_up(payment))) return i;
  }
  return scanned;
}

// The same for one that is not short, or wrong.
bool PaymentLayouts::read_amount(size_t i, money::Decimal& amount) const {
  const char* const begin = amounts_.begin(i);
  const char* const end = amounts_.end(i);
  if (begin >= end) return false;
  const std::string_view text(begin, static_cast<size_t>(end - begin));
  return money::parse_amount(text, amount) == money::AmountFlaw::kNone;
}

bool PaymentLayouts::read_volume(size_t i, uint64_t& volume) const {
  const char* const begin = volumes_.begin(i);
  const char* const end = volumes_.end(i);
  if (begin >= end) return false;
  return read_volume_text({begin, static_cast<size_t>(end - begin)}, volume);
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
      p = read_plain_lines(p, limit, out);
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
