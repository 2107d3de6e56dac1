#include "agg/rank.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace paystats {
namespace {

// The leading bits of the sum, turned so that a larger sum has a smaller key. Most of the order is
// found here, without a look at the table, which is not in the cache.
struct Key {
  uint64_t leading = 0;
  uint32_t index = 0;
};

constexpr unsigned kDigitBits = 11;
constexpr size_t kDigits = size_t{1} << kDigitBits;
constexpr size_t kRadixLeast = 4096;  // keys from which on counting them is faster than comparing

unsigned bits_of(Uint128 magnitude) {
  const auto high = static_cast<uint64_t>(magnitude >> 64U);
  const auto low = static_cast<uint64_t>(magnitude);
  if (high != 0) return 128U - static_cast<unsigned>(__builtin_clzll(high));
  return low == 0 ? 0 : 64U - static_cast<unsigned>(__builtin_clzll(low));
}

std::vector<Key> keys_of(const Totals& totals) {
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
  return keys;
}

// By counting, from the lowest digit up; digits that all keys share are passed over.
void sort_by_leading(std::vector<Key>& keys) {
  if (keys.size() < kRadixLeast) {
    std::sort(keys.begin(), keys.end(),
              [](const Key& a, const Key& b) { return a.leading < b.leading; });
    return;
  }
  std::vector<Key> other(keys.size());
  for (unsigned shift = 0; shift < 64; shift += kDigitBits) {
    const auto digit = [shift](const Key& key) { return (key.leading >> shift) & (kDigits - 1); };
    std::array<size_t, kDigits> places{};
    for (const Key& key : keys) ++places[digit(key)];
    if (places[digit(keys[0])] == keys.size()) continue;
    size_t place = 0;
    for (size_t& count : places) place += std::exchange(count, place);
    for (const Key& key : keys) other[places[digit(key)]++] = key;
    keys.swap(other);
  }
}

// A user of a run of equal keys, with the beginning of his name at hand.
struct Named {
  uint64_t beginning = 0;  // as a number: the order of numbers is that of bytes
  uint32_t index = 0;
};

uint64_t beginning_of(std::string_view name) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof value; ++i) {
    value = value << 8U | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0U);
  }
  return value;
}

// Whoever has an equal neighbour will be compared by name: a miss of the cache, or two, so they are
// asked for while others are compared.
void prefetch(const std::vector<Key>& keys, size_t at, const Totals& totals) {
  constexpr size_t kEntriesAhead = 32;
  constexpr size_t kNamesAhead = 16;
  const auto has_equal = [&keys](size_t i) {
    return i + 1 < keys.size() &&
           (keys[i].leading == keys[i + 1].leading || keys[i].leading == keys[i - 1].leading);
  };
  if (has_equal(at + kEntriesAhead)) totals.prefetch_entry(keys[at + kEntriesAhead].index);
  if (has_equal(at + kNamesAhead)) totals.prefetch_name(keys[at + kNamesAhead].index);
}

// Puts users with equal leading bits in order, by the whole sum and then by name.
void sort_run(std::span<Key> run, const Totals& totals, std::vector<Named>& named) {
  named.clear();
  bool equal_sums = true;
  for (const Key& key : run) {
    named.push_back({beginning_of(totals.user(key.index)), key.index});
    equal_sums = equal_sums && totals.sum(key.index) == totals.sum(run[0].index);
  }
  std::sort(named.begin(), named.end(), [&](const Named& a, const Named& b) {
    if (equal_sums && a.beginning != b.beginning) return a.beginning < b.beginning;
    return ranks_before(totals.sum(a.index), totals.user(a.index), totals.sum(b.index),
                        totals.user(b.index));
  });
  for (size_t i = 0; i < run.size(); ++i) run[i].index = named[i].index;
}

}  // namespace

std::vector<uint32_t> ranked(const Totals& totals) {
  std::vector<Key> keys = keys_of(totals);
  sort_by_leading(keys);
  std::vector<Named> named;
  for (size_t begin = 0; begin < keys.size();) {
    size_t end = begin;
    while (end < keys.size() && keys[end].leading == keys[begin].leading) {
      prefetch(keys, ++end, totals);
    }
    if (end - begin > 1) sort_run(std::span(keys).subspan(begin, end - begin), totals, named);
    begin = end;
  }
  std::vector<uint32_t> order(keys.size());
  std::transform(keys.begin(), keys.end(), order.begin(), [](const Key& key) { return key.index; });
  return order;
}

}  // namespace paystats
