// The hash of a user's name. Names are chosen by strangers, so it is seeded anew in each process:
// nobody can prepare names that meet in one place of the table.
//
// Most names have 4 to 16 bytes. Four loads of four bytes then cover every byte of a name whatever
// its length (they overlap), so neither hashing nor comparing has a branch that depends on the
// length, which no processor could predict. The loads are those of wyhash,
// https://github.com/wangyi-fudan/wyhash, and so is the multiplication that folds them; a second
// one spreads the rest. Other lengths take XXH3.
//
// What is claimed: the seed is in both factors, so who does not know it does not know which names
// meet, and names that differ in a few characters, as numbered ones do, spread as random numbers
// would. No more than that: it is no cryptographic hash, and who can measure how long single names
// take might learn something of the seed.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/hash.h"

namespace paystats {

// The bytes of a name of 4 to 16 as two words: equal words and equal lengths mean equal names.
struct ShortName {
  ShortName() = default;
  static bool fits(size_t size) { return size - 4 <= 12; }

  // REQUIRES: fits(size).
  ShortName(const char* name, size_t size)
      : first((four(name) << 32U) | four(name + size / 8 * 4)),
        last((four(name + size - 4) << 32U) | four(name + size - 4 - size / 8 * 4)) {}

  friend bool operator==(const ShortName&, const ShortName&) = default;

  uint64_t first = 0;
  uint64_t last = 0;

 private:
  static uint64_t four(const char* p) {
    uint32_t word = 0;
    std::memcpy(&word, p, sizeof word);
    return word;
  }
};

// The upper half of the 64-bit hash. Its highest bits are the place in the table (see totals.h).
inline uint32_t short_tag(const ShortName& name, size_t size, uint64_t seed) {
  constexpr uint64_t kFirst = 0xA0761D6478BD642F;
  constexpr uint64_t kSecond = 0xE7037ED1A0B428DB;
  __extension__ typedef unsigned __int128 Wide;
  const uint64_t a = name.first ^ ((seed ^ kFirst) * kSecond + size);
  const uint64_t b = name.last ^ seed ^ kSecond;
  const Wide product = static_cast<Wide>(a) * b;
  // A second multiplication spreads what names that differ in few bytes leave close together.
  const uint64_t folded = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64U);
  return static_cast<uint32_t>((folded * kSecond) >> 32U);
}

inline uint32_t long_tag(std::string_view user, uint64_t seed) {
  return static_cast<uint32_t>(hash_bytes(user, seed) >> 32U);
}

inline uint32_t user_tag(std::string_view user, uint64_t seed) {
  if (!ShortName::fits(user.size())) return long_tag(user, seed);
  return short_tag(ShortName(user.data(), user.size()), user.size(), seed);
}

inline bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  if (!ShortName::fits(a.size())) [[unlikely]] {
    return std::memcmp(a.data(), b.data(), a.size()) == 0;
  }
  return ShortName(a.data(), a.size()) == ShortName(b.data(), b.size());
}

}  // namespace paystats
