// The order of every list: sum descending, then user by bytes (ranks_before() in record/).
#pragma once

#include <cstdint>
#include <vector>

#include "agg/totals.h"

namespace paystats {

// The users of `totals` in that order. Takes 32 bytes a user while it works, 4 for the result.
std::vector<uint32_t> ranked(const Totals& totals);

}  // namespace paystats
