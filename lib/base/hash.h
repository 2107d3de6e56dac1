// A seeded hash of bytes for tables that outsiders fill (users): XXH3, fast on the short keys that
// names are. The seed is random for each process, so that nobody can choose names that collide.
// The values mean nothing outside the process. Shared by every table of users (totals, view).
#pragma once

#include <cstdint>
#include <random>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace paystats::base {

inline uint64_t hash_bytes(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

// From the system's random numbers.
inline uint64_t random_hash_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32U) | device();
}

}  // namespace paystats::base
