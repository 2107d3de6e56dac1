#include "gen/zipf.h"

#include <bit>
#include <cassert>
#include <cstddef>

namespace paystats::gen {
namespace {

constexpr uint64_t kColumnParts = uint64_t{1} << 32;

uint64_t square_root(money::Uint128 value) {
  uint64_t root = 0;
  for (int bit = 63; bit >= 0; --bit) {
    const uint64_t candidate = root | (uint64_t{1} << bit);
    if (static_cast<money::Uint128>(candidate) * candidate <= value) root = candidate;
  }
  return root;
}

// log2(n) as a multiple of 2^-bits: each squaring of a number in [1, 2) gives the next bit.
uint64_t log2_fixed(uint32_t n, int bits) {
  const auto whole = static_cast<int>(std::bit_width(n)) - 1;
  uint64_t x = static_cast<uint64_t>(n) << (63 - whole);  // in units of 2^-63
  auto result = static_cast<uint64_t>(whole);
  for (int i = 0; i < bits; ++i) {
    const money::Uint128 squared =
        static_cast<money::Uint128>(x) * x;  // in units of 2^-126, below 4
    const bool two_or_more = (squared >> 127) != 0;
    x = static_cast<uint64_t>(squared >> (two_or_more ? 64 : 63));
    result = (result << 1) | (two_or_more ? 1 : 0);
  }
  return result;
}

// 2^62 / n^skew for n = 1 .. users, at [n - 1]. The power of a product is the product of the
// powers, so only primes go through logarithms: a linear sieve meets each other number once, as the
// product of its least prime factor and the rest.
std::vector<uint64_t> power_weights(uint32_t users, uint32_t skew_thousandths) {
  const PowerWeight weight(skew_thousandths);
  std::vector<uint64_t> weights(users);
  std::vector<bool> composite(users);
  std::vector<uint32_t> primes;
  weights[0] = weight(1);
  for (uint32_t n = 2; n <= users; ++n) {
    if (!composite[n - 1]) {
      primes.push_back(n);
      weights[n - 1] = weight(n);
    }
    for (const uint32_t prime : primes) {
      const uint64_t product = uint64_t{prime} * n;
      if (product > users) break;
      composite[product - 1] = true;
      weights[product - 1] = static_cast<uint64_t>(
          (static_cast<money::Uint128>(weights[prime - 1]) * weights[n - 1]) >> 62);
      if (n % prime == 0) break;
    }
  }
  return weights;
}

// The weights of all ranks in parts of 2^-32 of a column, with a total of exactly one column each.
std::vector<uint64_t> column_parts(uint32_t users, uint32_t skew_thousandths) {
  std::vector<uint64_t> parts = power_weights(users, skew_thousandths);
  money::Uint128 total = 0;
  for (const uint64_t weight : parts) total += weight;
  assert(total > 0);  // the first user's weight is 2^62

  // Parts of a weight of 2^62. The total is at least that and at most `users` times as much, so
  // this has 32 to 59 bits, and the largest product below 121.
  const money::Uint128 all_parts = static_cast<money::Uint128>(users) * kColumnParts;
  const auto ratio = static_cast<uint64_t>((all_parts << 62) / total);
  auto missing = static_cast<uint64_t>(all_parts);
  for (uint64_t& part : parts) {
    part = static_cast<uint64_t>((static_cast<money::Uint128>(part) * ratio) >> 62);
    missing -= part;
  }
  // Rounding down left some over: one part for each user, as long as there are any.
  while (missing > 0) {
    for (uint32_t i = 0; i < users && missing > 0; ++i, --missing) ++parts[i];
  }
  return parts;
}

}  // namespace

PowerWeight::PowerWeight(uint32_t skew_thousandths) : skew_(skew_thousandths) {
  roots_[0] = uint64_t{1} << 63;
  for (int k = 1; k <= kFractionBits; ++k) {
    roots_[k] = square_root(static_cast<money::Uint128>(roots_[k - 1]) << 62);
  }
}

uint64_t PowerWeight::operator()(uint32_t n) const {
  const uint64_t exponent = log2_fixed(n, kFractionBits) * skew_ / 1000;  // below 2^48 x 2^14
  const uint64_t whole = exponent >> kFractionBits;
  const uint64_t fraction = exponent & ((uint64_t{1} << kFractionBits) - 1);
  if (whole >= 62) return 0;
  uint64_t power = uint64_t{1} << 62;  // becomes 2^fraction, in units of 2^-62
  for (int k = 1; k <= kFractionBits; ++k) {
    if ((fraction >> (kFractionBits - k)) & 1) {
      power = static_cast<uint64_t>((static_cast<money::Uint128>(power) * roots_[k]) >> 62);
    }
  }
  return static_cast<uint64_t>((static_cast<money::Uint128>(1) << 124) / power) >> whole;
}

ZipfTable::ZipfTable(uint32_t users, uint32_t skew_thousandths) : columns_(users) {
  assert(users >= 1 && users <= kUsersMax && skew_thousandths <= kSkewThousandthsMax);
  std::vector<uint64_t> parts = column_parts(users, skew_thousandths);

  // Ranks with less than a column grow from the front of this list, those with more from its end.
  std::vector<uint32_t> waiting(users);
  size_t poor = 0;
  size_t rich = users;
  for (uint32_t i = 0; i < users; ++i) {
    columns_[i].alias = i;  // a full column needs no more
    if (parts[i] < kColumnParts) waiting[poor++] = i;
    if (parts[i] > kColumnParts) waiting[--rich] = i;
  }
  // Each poor rank keeps what it has of its column and gives the rest to a rich one. The total is
  // exact, so both lists run dry together.
  while (poor > 0) {
    assert(rich < users);
    const uint32_t taker = waiting[--poor];
    const uint32_t giver = waiting[rich];
    columns_[taker] = {static_cast<uint32_t>(parts[taker]), giver};
    parts[giver] -= kColumnParts - parts[taker];
    if (parts[giver] > kColumnParts) continue;
    ++rich;
    if (parts[giver] < kColumnParts) waiting[poor++] = giver;
  }
  assert(rich == users);
}

}  // namespace paystats::gen
