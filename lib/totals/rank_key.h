// Sort keys of users, compact, so that the table, which is not in the CPU's cache, is seldom needed
// again. A key holds the distance of the sum from the largest one and, in the bits that are left,
// the first bytes of the name behind the prefix that all names share. It decides nearly all of the
// order.
//
//   KeySpread spread;
//   spread.add(nanos, head, first_head);   // for each user
//   const KeyShape shape(spread, spread.prefix());
//   keys[i].set(shape.key(nanos, bytes_at(name, shape.prefix())), i);
//
// Tested through totals/rank.h.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "money/decimal.h"
#include "record/scan.h"
#include "record/user_name.h"

namespace paystats::totals {

// In halves, for size.
struct RankKey {
  uint32_t low;
  uint32_t high;
  uint32_t index;  // of the user

  uint64_t leading() const { return uint64_t{high} << 32U | low; }
  void set(uint64_t leading, uint32_t user) {
    *this = {static_cast<uint32_t>(leading), static_cast<uint32_t>(leading >> 32U), user};
  }
};

// Eight bytes of a name from `at` on, as a number: the order of numbers is that of bytes. Zeros
// where the name has ended.
inline uint64_t bytes_at(std::string_view name, size_t at) {
  const char* const end = name.data() + name.size();
  return __builtin_bswap64(record::scan::load_eight(name.data() + std::min(at, name.size()), end));
}

// Sums are mostly of whole cents, which are smaller numbers.
inline constexpr uint64_t kCentNanos = 10'000'000;
inline constexpr auto kCentNanosSigned = static_cast<int64_t>(kCentNanos);

// What all keys have to make room for.
struct KeySpread {
  money::Int128 least = static_cast<money::Int128>(~money::Uint128{0} >> 1U);
  money::Int128 most = -least - 1;
  bool whole_cents = true;        // all sums are
  record::UserName::Head unlike;  // the bits in which heads differ from that of the first user

  void add(money::Int128 nanos, const record::UserName::Head& head,
           const record::UserName::Head& first) {
    unlike.first |= head.first ^ first.first;
    unlike.second |= head.second ^ first.second;
    least = std::min(least, nanos);
    most = std::max(most, nanos);
    if (!whole_cents) return;
    // A division of 128 bits takes ten times as long, and few sums need it.
    const auto small = static_cast<int64_t>(nanos);
    whole_cents = small == nanos ? small % kCentNanosSigned == 0 : nanos % kCentNanosSigned == 0;
  }
  void add(const KeySpread& other) {
    least = std::min(least, other.least);
    most = std::max(most, other.most);
    whole_cents = whole_cents && other.whole_cents;
    unlike.first |= other.unlike.first;
    unlike.second |= other.unlike.second;
  }
  // How many bytes all heads have in common, zeros behind a name among them; 16 where all are one.
  size_t prefix() const {
    const auto bits =
        unlike.first != 0 ? std::countr_zero(unlike.first) : 64 + std::countr_zero(unlike.second);
    return static_cast<size_t>(bits) / 8;
  }
};

// What a key is made of: how far the sum is below the largest, in cents if all are; and in the bits
// that this leaves eight bytes of the name behind what all names begin with.
class KeyShape {
 public:
  KeyShape() = default;  // of no keys
  KeyShape(const KeySpread& spread, size_t prefix)
      : most_(spread.most), whole_cents_(spread.whole_cents), prefix_(prefix) {
    const money::Uint128 range = below_most(spread.least);
    const money::Uint128 units = whole_cents_ ? range / kCentNanos : range;
    const auto high = static_cast<uint64_t>(units >> 64U);
    const auto bits = static_cast<unsigned>(
        high != 0 ? 64 + std::bit_width(high) : std::bit_width(static_cast<uint64_t>(units)));
    shift_ = bits > 64 ? bits - 64 : 0;
    name_bits_ = bits > 64 ? 0 : 64 - bits;
  }

  bool has_whole_sums() const { return shift_ == 0; }
  size_t prefix() const { return prefix_; }
  // Users of equal keys have names that are equal up to here.
  size_t names_at() const { return prefix_ + name_bits_ / 8; }
  bool is_of_heads() const {
    return prefix_ <= record::UserName::kHeadBytes / 2;
  }  // has enough of a name

  uint64_t key(money::Int128 nanos, uint64_t name) const {
    const money::Uint128 below = below_most(nanos);
    const auto small = static_cast<uint64_t>(below);
    const money::Uint128 units = !whole_cents_    ? below
                                 : small == below ? small / kCentNanos
                                                  : below / kCentNanos;
    const auto sum = static_cast<uint64_t>(units >> shift_);
    if (name_bits_ == 0) return sum;
    name >>= 64 - name_bits_;
    return name_bits_ == 64 ? name : sum << name_bits_ | name;
  }

 private:
  money::Uint128 below_most(money::Int128 nanos) const {
    return static_cast<money::Uint128>(most_) - static_cast<money::Uint128>(nanos);
  }

  money::Int128 most_ = 0;
  bool whole_cents_ = true;
  size_t prefix_ = 0;   // bytes that all names, with zeros behind, begin with
  unsigned shift_ = 0;  // of sums that have more than 64 bits
  unsigned name_bits_ = 0;
};

}  // namespace paystats::totals
