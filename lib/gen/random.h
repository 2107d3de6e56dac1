// Random numbers that are the same on every machine: xoshiro256** 1.0 by David Blackman and
// Sebastiano Vigna (2018, public domain, prng.di.unimi.it), its state filled from a seed by
// SplitMix64 as they advise. Integers only. Not for secrets.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "money/decimal.h"

namespace paystats::gen {

class SplitMix64 {
 public:
  explicit constexpr SplitMix64(uint64_t seed) : state_(seed) {}

  constexpr uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

class Xoshiro256 {
 public:
  explicit constexpr Xoshiro256(uint64_t seed) {
    SplitMix64 fill(seed);
    for (uint64_t& word : state_) word = fill.next();
  }
  // REQUIRES: not all zero.
  explicit constexpr Xoshiro256(const std::array<uint64_t, 4>& state) : state_(state) {}

  constexpr uint64_t next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

 private:
  std::array<uint64_t, 4> state_{};
};

// `random` spread over 0 .. bound-1: the high word of the product, so that the low bits of a small
// bound do not depend on the low bits of the generator. No value is more likely than another by
// more than bound / 2^64.
constexpr uint64_t scale_to(uint64_t random, uint64_t bound) {
  return static_cast<uint64_t>((static_cast<money::Uint128>(random) * bound) >> 64);
}

}  // namespace paystats::gen
