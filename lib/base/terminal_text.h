// Text from outside (names, records, paths) made safe to show to a person: a name must not drive a
// terminal. Data on stdout that is not a terminal is never changed by this.
#pragma once

#include <string>
#include <string_view>

namespace paystats::base {

// `text` with every control character shown as \u00xx: C0, DEL, C1, the line and paragraph
// separators, and the bidirectional controls (U+061C, U+200E/F, U+202A..E, U+2066..9). A byte that
// is not part of valid UTF-8 is shown as \xNN. All else is unchanged.
std::string printable(std::string_view text);

}  // namespace paystats::base
