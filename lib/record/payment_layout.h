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
// for the flat path. A layout has no `volume`, and no escapes in the names of fields.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "record/decoder.h"
#include "record/json_scanner.h"
#include "record/short_amounts.h"
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

  // Whether the line from `p` to its newline fits. REQUIRES: kMargin bytes can be read from any
  // place up to there, and `stops` has marked it. A name with escapes is kept in `arena`.
  bool scan(const char* p, const char* newline, const StringStops& stops, TextArena& arena,
            Payment& out) const;

  // The same for most lines of most layouts, in a fraction of the time: a name, then an amount that
  // is read later, and no other value. Both return where the amount begins, or nullptr, where
  // PaymentLayout::scan() may yet say yes.
  struct Plain {
    // A name without escapes and, unless all that is marked is UTF-8, of ASCII.
    const char* scan(const char* p, const char* newline, const StringStops& stops,
                     Payment& out) const;
    // Of the others.
    const char* scan_odd(const char* p, const char* newline, const StringStops& stops,
                         TextArena& arena, Payment& out) const;
    const char* amount_end(const char* newline) const { return newline + 1 - after_size; }
    bool begins(const char* p) const;
    bool goes_on(const char* quote, const char* newline) const;  // from the one behind the name on

    size_t before_size = 0;  // 8 to 16, as words that overlap; 0: there is none
    std::array<uint64_t, 2> before{};
    size_t between_size = 0;  // 8 to 24
    size_t between_middle = 0;
    std::array<uint64_t, 3> between{};
    size_t after_size = 0;  // up to 8: the highest bytes of a word
    uint64_t after = 0;
    uint64_t after_mask = 0;
  };
  const Plain& plain() const { return plain_; }

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
  void learn_plain(const char* line, const char* next, const Tokens& tokens);

  std::array<Part, kPartsMax> parts_;
  size_t parts_used_ = 0;
  Plain plain_;
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
  static constexpr size_t kMarkLeast = 512;

  using LineEnds = std::array<const char*, ShortAmounts::kMost>;  // their newlines

  void mark(const char* p, const char* end, const DecodedLines<Payment>& out);
  const char* read_plain_lines(const char* p, const char* limit, DecodedLines<Payment>& out);
  size_t read_amounts(const PaymentLayout::Plain& plain, DecodedLines<Payment>::Row* rows,
                      const LineEnds& ends, size_t scanned);
  bool scan_by_any(const char* p, const char* newline, TextArena& arena, Payment& out);

  std::array<PaymentLayout, kLayouts> layouts_;
  size_t current_ = 0;  // the one that the last line fitted
  size_t learned_ = 0;  // of kLayouts
  size_t oldest_ = 0;
  uint32_t misses_ = 0;
  size_t line_bytes_ = 64;  // of the lines that were read last, on average
  StringStops stops_;
  ShortAmounts amounts_;
};

}  // namespace paystats
