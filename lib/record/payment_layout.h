// The fastest path, for payments alone: most lines look like the one before. What stands between
// the values of a line (braces, names, colons, commas, white space) is learned from one that the
// flat path has accepted, and compared as a whole with the next one, a few words in place of a
// grammar: any order of fields, any spacing, further fields included.
//
//   {"user":"edgar","paymentAmt":52.05}\n        is kept as three literals and two values:
//   `{"user":"` user `","paymentAmt":` amount `}\n`
//
// It is right because only values differ from a line that is known to be right, and each value is
// checked as strictly as elsewhere. It only ever says yes; a line that does not fit the layout is
// for the flat path. A layout has no `volume` and no escapes (in names, or in a line to learn
// from).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "record/decoder.h"
#include "record/json_scanner.h"
#include "record/string_stops.h"
#include "record/text_arena.h"

namespace paystats {

// The layout of one line.
class PaymentLayout {
 public:
  using Tokens = std::array<JsonToken, 3>;  // user, amount, volume

  // How far a scan may read beyond the place that it has reached.
  static constexpr ptrdiff_t kMargin = 32;

  // Takes the layout of the line from `line` to `next` (behind its newline), which is right and has
  // these tokens. Where it is none to learn from, no line fits afterwards.
  void learn(const char* line, const char* next, const Tokens& tokens);

  // The place behind the line at `p`, or nullptr. REQUIRES: kMargin bytes can be read from any
  // place below `limit`, and `stops` has marked all up to there. A name with escapes is kept in
  // `arena`.
  const char* scan(const char* p, const char* limit, const StringStops& stops, TextArena& arena,
                   Payment& out) const;

 private:
  static constexpr size_t kPartsMax = 40;

  // Up to 32 bytes, compared as words.
  struct Literal {
    std::array<uint64_t, 4> words{};
    uint64_t mask = 0;  // of the first word
    size_t size = 0;

    void set(const char* begin, const char* end);
    bool matches(const char* p) const;
  };
  enum class Value : uint8_t { kUser, kAmount, kString, kOther, kNothing, kEnd, kNever };
  struct Part {
    Literal before;
    Value value = Value::kNever;
  };

  bool add(const char* begin, const char* end, Value value);
  bool add_parts(const char* line, const char* next, const Tokens& tokens);

  std::array<Part, kPartsMax> parts_;
  size_t parts_used_ = 0;
};

// Those of a file, and the loop over its lines.
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
  static constexpr uint32_t kMissesMost = 64;
  // Of marked bytes that are left: below it more are marked, so that few lines are cut in two.
  static constexpr ptrdiff_t kAheadLeast = 512;

  const char* scan_by_any(const char* p, const char* limit, TextArena& arena, Payment& out);

  std::array<PaymentLayout, kLayouts> layouts_;
  size_t current_ = 0;  // the one that the last line fitted
  size_t learned_ = 0;  // of kLayouts
  size_t oldest_ = 0;
  uint32_t misses_ = 0;
  StringStops stops_;
};

}  // namespace paystats
