// A seeded hash of bytes for tables that outsiders fill (users): XXH3, fast on the short keys that
// names are. The seed is random for each process, so that nobody can choose names that collide.
// The values mean nothing outside the process. Shared by every table of users (agg, view).
#pragma once

#include <cstdint>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace paystats {

inline uint64_t hash_bytes(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace paystats
