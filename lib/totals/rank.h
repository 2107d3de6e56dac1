// The order of every list: sum descending, then user by bytes (ranks_before() in record/).
//
//   Ranking ranking(totals, threads);                      // in order by sum and leading bytes
//   // In any thread, for any part:
//   const size_t begin = ranking.part_begin(here), end = ranking.part_begin(there);
//   ranking.finish(begin, end);                            // all of the order
//   for (size_t i = begin; i < end; ++i) write(totals.stats(ranking.user(i)));
//
// In two steps, because a thread that writes a part just after it was finished finds its users and
// names, which were compared, still in the cache; and so that several threads can do parts side by
// side.
//
// Keys that nearly all of the order is found in (rank_key.h) are sorted first (rank_sort.h), then
// users of equal keys. Takes 12 bytes a user.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/large_array.h"
#include "totals/rank_key.h"
#include "totals/totals.h"

namespace paystats::totals {

class Ranking {
 public:
  // `totals` is borrowed and must not change.
  Ranking(const Totals& totals, unsigned threads);

  size_t size() const { return keys_.size(); }

  // The first place from `at` on where a part may begin or end. Thread-safe.
  size_t part_begin(size_t at) const;

  // Puts the users from one such place to another in their order. Thread-safe for parts that do not
  // overlap.
  void finish(size_t begin, size_t end);

  uint32_t user(size_t place) const { return keys_[place].index; }

 private:
  // A user of equal keys, with the beginning of its name at hand, which decides nearly always.
  struct Named {
    uint64_t beginning = 0;
    uint32_t index = 0;
  };

  std::span<RankKey> all_keys() const { return {keys_.data(), keys_.size()}; }
  void make_keys(unsigned threads);
  KeySpread spread_of(uint32_t begin, uint32_t end) const;
  void set_keys(uint32_t begin, uint32_t end);
  size_t common_prefix() const;
  void sort_equals_by_name(unsigned threads);
  void prefetch(size_t place, size_t end) const;
  void finish_run(size_t begin, size_t run_end, size_t end, std::vector<Named>& named);

  const Totals& totals_;
  KeyShape shape_;
  base::LargeArray<RankKey> keys_;
};

// All users in their order, at once.
std::vector<uint32_t> ranked(const Totals& totals, unsigned threads = 1);

}  // namespace paystats::totals
