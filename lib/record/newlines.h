// How many lines there are in a stretch of bytes, counted by vectors in the best instruction set
// that the machine has: a block's lines are numbered at the speed of the cache.
#pragma once

#include <cstdint>
#include <string_view>

namespace paystats {

uint64_t count_newlines(std::string_view bytes);

}  // namespace paystats
