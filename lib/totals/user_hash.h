// The hash of a user's name. Names are chosen by strangers, so it is seeded anew in each process:
// nobody can prepare names that collide.
//
// A *short* name, of up to 16 bytes of which the last one is no NUL, is its head (see
// record/user_name.h), two words whatever its length: one multiplication folds them, as in wyhash,
// https://github.com/wangyi-fudan/wyhash, and a second one spreads the rest. A *long* name, which
// is any other one, takes XXH3.
//
// What is claimed: the seed is in both factors, so a client that does not know it cannot tell which
// names collide; and names that differ in a few characters, as numbered ones do, spread as random
// numbers would. No more than that: it is no cryptographic hash, and a client that can measure how
// long single names take might learn something of the seed.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"
#include "record/user_name.h"

namespace paystats::totals {

// The upper half of the 64-bit hash. Its highest bits are the place in the table (see
// user_slots.h); the lowest one says whether the name is long, so two names of one tag both are, or
// none of them.
class UserHash {
 public:
  explicit UserHash(uint64_t seed)
      : seed_(seed), first_((seed ^ kFirst) * kSecond), second_(seed ^ kSecond) {}

  friend bool operator==(const UserHash&, const UserHash&) = default;

  [[gnu::always_inline]] uint32_t tag(const record::UserName& user) const {
    if (!user.is_in_head()) [[unlikely]] {
      return tag_of_long(user);
    }
    __extension__ typedef unsigned __int128 Wide;
    const record::UserName::Head& head = user.head();
    const Wide product = static_cast<Wide>(head.first ^ first_) * (head.second ^ second_);
    // A second multiplication spreads what names that differ in few bytes leave close together.
    const uint64_t folded = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64U);
    return static_cast<uint32_t>((folded * kSecond) >> 32U) & ~kLong;
  }
  static bool is_of_long_name(uint32_t tag) { return (tag & kLong) != 0; }

 private:
  [[gnu::noinline]] uint32_t tag_of_long(std::string_view user) const {
    return static_cast<uint32_t>(base::hash_bytes(user, seed_) >> 32U) | kLong;
  }

  static constexpr uint32_t kLong = 1;
  static constexpr uint64_t kFirst = 0xA0761D6478BD642F;
  static constexpr uint64_t kSecond = 0xE7037ED1A0B428DB;

  const uint64_t seed_;
  const uint64_t first_;
  const uint64_t second_;
};

}  // namespace paystats::totals
