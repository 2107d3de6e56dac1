// A seeded hash of bytes for tables that outsiders fill (users): XXH3, fast on the short keys that
// names are. The seed is random for each process, so that nobody can choose names that collide.
// Those values mean nothing outside the process. Shared by every table of users (totals, view). The
// long hash and the lasting one have no seed: they stand for the bytes themselves.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace paystats::base {

inline uint64_t hash_bytes(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

struct LongHash {
  uint64_t low = 0;
  uint64_t high = 0;

  friend bool operator==(const LongHash&, const LongHash&) = default;
};

// XXH3-128.
inline LongHash long_hash(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

// XXH3-64 with seed 0 of the pieces one after the other: the same on every machine, for what is
// kept.
inline uint64_t lasting_hash(std::initializer_list<std::string_view> pieces) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  for (const std::string_view piece : pieces) {
    XXH3_64bits_update(&state, piece.data(), piece.size());
  }
  return XXH3_64bits_digest(&state);
}

// From the system's random numbers.
inline uint64_t random_hash_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32U) | device();
}

}  // namespace paystats::base
