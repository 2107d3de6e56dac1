// Checks a whole stretch of bytes for UTF-8 at once: where all of it is valid, so is each name in
// it, and no character has to be looked at. It then clears the bits of bytes that are not ASCII
// among those that string_stops.h has set for the ends of runs of plain characters.
//
//   unmark_utf8(begin, size, bits);   // bits of size bytes, the first lowest
//
// A stretch that is not UTF-8 keeps its bits, and a decoder that meets one looks at that character
// alone. A character that the end of the stretch cuts off keeps them as well. Nothing beyond the
// stretch is read.
//
// Three look-ups of four bits each, in vectors: J. Keiser, D. Lemire, "Validating UTF-8 In Less
// Than One Instruction Per Byte", 2021, https://arxiv.org/abs/2010.03090.
#pragma once

#include <cstddef>
#include <cstdint>

namespace paystats::record {

// `bits` has 8 bytes for each 64 bytes of the stretch, a last part of it included.
void unmark_utf8(const char* begin, size_t size, uint8_t* bits);

}  // namespace paystats::record
