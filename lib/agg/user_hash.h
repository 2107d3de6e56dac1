// The hash of a user's name. Names are chosen by strangers, so it is seeded anew in each process:
// nobody can prepare names that meet in one place of the table.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace paystats {

// The upper half of the 64-bit hash. Its highest bits are the place in the table (see totals.h).
inline uint32_t user_tag(std::string_view user, uint64_t seed) {
  return static_cast<uint32_t>(hash_bytes(user, seed) >> 32U);
}

}  // namespace paystats
