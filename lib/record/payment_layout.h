// What stands between the values of a line of a payment (braces, names, colons, commas, white
// space): learned from a line that the flat path has accepted, and compared as a whole with the
// next one, a few words in place of a grammar: any order of fields, any spacing, further fields
// included, and what is nested in them.
//
//   {"user":"edgar","paymentAmt":52.05}\n        is kept as three literals and two values:
//   `{"user":"` user `","paymentAmt":` amount `}\n`
//
// It is right because only values differ from a line that is known to be right, and each value is
// checked as strictly as elsewhere. May refuse valid input: a line that does not fit the layout is
// for the flat path. Never accepts invalid input. A layout has no escapes in the names of fields.
// Tested through record/payment_layouts.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "record/json_scanner.h"
#include "record/layout_literal.h"
#include "record/payment.h"
#include "record/plain_layout.h"
#include "record/plain_tail.h"
#include "record/scan.h"
#include "record/string_stops.h"
#include "record/text_arena.h"

namespace paystats::record {

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

  // Whether it may fit, as far as the first bytes tell; without a branch. REQUIRES: eight bytes can
  // be read.
  bool may_fit(const char* p) const {
    const LayoutLiteral& first = parts_[0].before;
    return ((scan::load_eight(p) ^ first.words[0]) & first.mask) == 0;
  }

  // The same for most lines of most layouts, in a fraction of the time; false where it has none.
  const PlainLayout& plain() const { return plain_; }
  // What follows the amount in such a line; false where that is nothing.
  const PlainTail& plain_tail() const { return plain_tail_; }

 private:
  static constexpr size_t kPartsMax = 40;

  // kNested begins an object or array, whose own literals and values follow. The next line may have
  // another one, which is then read as a whole.
  enum class Value : uint8_t {
    kUser,
    kIntegerUser,
    kAmount,
    kVolume,
    kString,
    kScalar,
    kNested,
    kNothing,
    kEnd,
    kNever
  };
  struct Part {
    LayoutLiteral before;
    Value value = Value::kNever;
    uint8_t behind = 0;  // of kNested: the part that follows its end
  };

  bool add(const char* begin, const char* end, Value value);
  void learn_plain(const char* line, const char* next, const Tokens& tokens);
  bool learn_tail(const Tokens& tokens, size_t last, PlainTail& tail) const;
  bool add_parts(const char* line, const char* next, const Tokens& tokens, bool with_nested);
  bool add_nested(const char* done, const char* begin, const char* end, bool with_parts);
  bool add_nested_parts(const char* begin, const char* end);
  const char* part_end(const Part& part, const char* p, const char* newline,
                       const StringStops& stops, TextArena& arena, Payment& out) const;

  std::array<Part, kPartsMax> parts_;
  size_t parts_used_ = 0;
  PlainLayout plain_;
  PlainTail plain_tail_;
};

}  // namespace paystats::record
