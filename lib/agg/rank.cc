#include "agg/rank.h"

#include <algorithm>

namespace paystats {
namespace {

// The leading bits of the sum, turned so that a larger sum has a smaller key. Most comparisons end
// here, without a look at the table, which is not in the cache.
struct Key {
  uint64_t leading = 0;
  uint32_t index = 0;
};

unsigned bits_of(Uint128 magnitude) {
  const auto high = static_cast<uint64_t>(magnitude >> 64U);
  const auto low = static_cast<uint64_t>(magnitude);
  if (high != 0) return 128U - static_cast<unsigned>(__builtin_clzll(high));
  return low == 0 ? 0 : 64U - static_cast<unsigned>(__builtin_clzll(low));
}

}  // namespace

std::vector<uint32_t> ranked(const Totals& totals) {
  // All sums are shifted by the same number of bits, so that the longest one fits 63 and a sign.
  Uint128 seen = 0;
  for (uint32_t i = 0; i < totals.users(); ++i) {
    const Int128 nanos = totals.sum(i).nanos();
    seen |= static_cast<Uint128>(nanos < 0 ? ~nanos : nanos);
  }
  const unsigned bits = bits_of(seen);
  const unsigned shift = bits > 63 ? bits - 63 : 0;

  std::vector<Key> keys(totals.users());
  for (uint32_t i = 0; i < totals.users(); ++i) {
    const auto leading = static_cast<int64_t>(totals.sum(i).nanos() >> shift);
    keys[i] = {~(static_cast<uint64_t>(leading) ^ (uint64_t{1} << 63U)), i};
  }
  std::sort(keys.begin(), keys.end(), [&totals](const Key& a, const Key& b) {
    if (a.leading != b.leading) return a.leading < b.leading;
    return ranks_before(totals.sum(a.index), totals.user(a.index), totals.sum(b.index),
                        totals.user(b.index));
  });

  std::vector<uint32_t> order(keys.size());
  std::transform(keys.begin(), keys.end(), order.begin(), [](const Key& key) { return key.index; });
  return order;
}

}  // namespace paystats
