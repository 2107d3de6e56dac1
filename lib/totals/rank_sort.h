// Keys of a ranking, sorted by what is leading of them; equal ones are left in any order.
//
//   sort_keys(keys, threads);
//
// By counting. Many keys are dealt in place, into 256 buckets by the highest bits in which they
// differ, then each bucket in turn ("American flag sort", P. M. McIlroy, K. Bostic, M. D. McIlroy
// 1993). What fits the cache is sorted from the last digit to the first one: that takes as long
// where most sums are small and few large. Takes up to 1.5 MB a thread.
//
// Tested through totals/rank.h.
#pragma once

#include <span>

#include "totals/rank_key.h"

namespace paystats::totals {

void sort_keys(std::span<RankKey> keys, unsigned threads);

}  // namespace paystats::totals
