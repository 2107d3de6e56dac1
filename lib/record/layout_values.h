// Values of a line that fits a layout (see payment_layout.h), each read from where it begins to
// where it ends. May refuse valid input (nullptr: the flat path decides); never accepts invalid
// input.
// Tested through record/payment_layouts.h.
#pragma once

#include <cstdint>

#include "money/decimal.h"
#include "record/string_stops.h"
#include "record/text_arena.h"
#include "record/user_name.h"

namespace paystats::record {

// Behind the name that begins at `begin` (at its closing quote), of which `stop` is the first byte
// that is not plain; nullptr where it is not right or does not end before `limit`. A name with
// escapes is kept in `arena`, another one stays where it is. REQUIRES: 32 bytes can be read from
// any place before `limit`, and `stops` has marked them; stop < limit.
const char* odd_name_end(const char* begin, const char* stop, const char* limit,
                         const StringStops& stops, TextArena& arena, UserName& user);

// The same for a text that nobody reads, which begins at `p`.
const char* odd_text_end(const char* p, const char* stop, const char* limit);

// Behind the amount that begins at `p` and is none that read_short_amount() reads.
const char* long_amount_end(const char* p, const char* limit, money::Decimal& amount);

// Behind the volume that begins at `p`, or nullptr where it is none or has many digits.
const char* volume_end(const char* p, uint64_t& volume);

// Behind the user that begins at `p`, which is an integer. REQUIRES: kHeadBytes of a UserName can
// be read from any place before `newline`.
const char* integer_user_end(const char* p, const char* newline, UserName& user);

// Behind the value that begins at `p`, which is no string and which nobody reads. Of a number with
// an exponent that may be the part before it. REQUIRES: 32 bytes can be read at `p`.
const char* other_end(const char* p, const char* newline);
// The same for a number, true, false or null only.
const char* scalar_end(const char* p, const char* newline);

}  // namespace paystats::record
