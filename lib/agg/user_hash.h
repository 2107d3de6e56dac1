// The hash of a user's name. Names are chosen by strangers, so it is seeded anew in each process:
// nobody can prepare names that meet in one place of the table.
//
// Most names have 4 to 16 bytes. Four loads of four bytes then cover every byte of a name whatever
// its length (they overlap), so neither hashing nor comparing has a branch that depends on the
// length, which no processor could predict. Both the loads and the two multiplications that mix
// them are those of wyhash, https://github.com/wangyi-fudan/wyhash; other lengths take XXH3.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/hash.h"

namespace paystats {

// The bytes of a name of 4 to 16 as two words: equal words and equal lengths mean equal names.
struct ShortName {
  static bool fits(size_t size) { return size - 4 <= 12; }

  // REQUIRES: fits(size).
  ShortName(const char* name, size_t size)
      : first((four(name) << 32U) | four(name + size / 8 * 4)),
        last((four(name + size - 4) << 32U) | four(name + size - 4 - size / 8 * 4)) {}

  friend bool operator==(const ShortName&, const ShortName&) = default;

  uint64_t first;
  uint64_t last;

 private:
  static uint64_t four(const char* p) {
    uint32_t word = 0;
    std::memcpy(&word, p, sizeof word);
    return word;
  }
};

// Both halves of the 128-bit product.
inline void multiply(uint64_t& a, uint64_t& b) {
  __extension__ typedef unsigned __int128 Wide;
  const Wide product = static_cast<Wide>(a) * b;
  a = static_cast<uint64_t>(product);
  b = static_cast<uint64_t>(product >> 64U);
}

// The upper half of the 64-bit hash. Its highest bits are the place in the table (see totals.h).
inline uint32_t user_tag(std::string_view user, uint64_t seed) {
  constexpr uint64_t kFirst = 0xA0761D6478BD642F;
  constexpr uint64_t kSecond = 0xE7037ED1A0B428DB;
  if (!ShortName::fits(user.size())) [[unlikely]] {
    return static_cast<uint32_t>(hash_bytes(user, seed) >> 32U);
  }
  const ShortName name(user.data(), user.size());
  uint64_t a = name.first ^ kSecond;
  uint64_t b = name.last ^ seed;
  multiply(a, b);
  a ^= kFirst ^ user.size();
  b ^= kSecond;
  multiply(a, b);
  return static_cast<uint32_t>((a ^ b) >> 32U);
}

inline bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  if (!ShortName::fits(a.size())) [[unlikely]] {
    return std::memcmp(a.data(), b.data(), a.size()) == 0;
  }
  return ShortName(a.data(), a.size()) == ShortName(b.data(), b.size());
}

}  // namespace paystats
