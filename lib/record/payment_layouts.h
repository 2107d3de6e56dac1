// The fastest path, for payments alone: most lines look like the one before. The layouts that the
// lines of a file have, learned as they come, and the loop over the lines that fit one.
//
//   layouts.forget_block();                      // the bytes are others now
//   p = layouts.read_lines(p, end, out);         // as far as lines fit and there is room
//   // The next one fits none: it is decoded by the flat path, and learned.
//   layouts.missed(line, next, end, tokens);
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "money/decimal.h"
#include "record/decoder.h"
#include "record/payment_layout.h"
#include "record/short_amounts.h"
#include "record/string_stops.h"
#include "record/text_arena.h"

namespace paystats::record {

class PaymentLayouts {
 public:
  // A line that is right has fitted none: it is learned from where that has paid so far.
  void missed(const char* line, const char* next, const char* end,
              const PaymentLayout::Tokens& tokens);

  // Reads lines from `p` on into `out` for as long as they fit and there is room; returns the place
  // behind them. `end` is that of the block.
  const char* read_lines(const char* p, const char* end, DecodedLines<Payment>& out);
  // To be called when the bytes of the block may have changed.
  void forget_block() { stops_.clear(); }

 private:
  static constexpr size_t kLayouts = 4;
  // Once all layouts are in use: whose lines look like no other must not pay for learning each.
  static constexpr uint32_t kMissesMax = 64;
  // Lines alike, before the next one is expected to be.
  static constexpr size_t kAlikeLeast = 8;
  static constexpr size_t kMarkLeast = 512;
  static constexpr size_t kAtOnceLeast = 4;

  void mark(const char* p, const char* end, const DecodedLines<Payment>& out);
  // What follows the amount.
  enum class Tail : uint8_t { kNone, kVolume, kTexts, kVolumeAndTexts };
  const char* read_plain_lines(const char* p, const char* limit, DecodedLines<Payment>& out);
  template <Tail kTail>
  const char* read_plain_lines(const char* p, const char* limit, DecodedLines<Payment>& out);
  template <bool kHasVolume>
  size_t read_numbers(DecodedLines<Payment>::Row* rows, size_t scanned);
  bool read_amount(size_t i, money::Decimal& amount) const;
  bool read_volume(size_t i, uint64_t& volume) const;
  unsigned candidates_of(const char* p) const;
  bool scan_by_any(const char* p, const char* newline, TextArena& arena, Payment& out);

  std::array<PaymentLayout, kLayouts> layouts_;
  size_t current_ = 0;  // the one that the last line fitted
  size_t alike_ = 0;    // so many before it as well
  size_t learned_ = 0;  // of kLayouts
  size_t oldest_ = 0;
  uint32_t misses_ = 0;
  // Lines that are scanned before their numbers are read: few where one of those before was wrong,
  // for what has been scanned behind it is scanned again.
  size_t at_once_ = ShortAmounts::kMax;
  size_t line_bytes_ = 64;  // of the lines that were read last, on average
  StringStops stops_;
  ShortAmounts amounts_;
  ShortVolumes volumes_;
};

}  // namespace paystats::record
