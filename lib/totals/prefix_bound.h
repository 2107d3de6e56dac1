// Whether payments can be added in any order: a bound of what the sum and the count of any user can
// have been on the way, whichever payments come first. Amounts may be negative, so that a sum fits
// at the end does not mean that it always did.
//
//   totals.add(rows, rejected);
//   PrefixBound bound = totals.take_bound();     // of the rows that have just been added
//   bound.add(bound_of_those_before);
//   if (!bound.fits()) ...                       // only their order tells which ones fit
//
// A table takes into account only what does not go to an entry in place (see user_entry.h), so
// almost no payment costs anything. The others are below 2^63 nanos each, and there are fewer than
// 2^60 of them, since each takes several bytes of a file: together less than 2^123 nanos. The
// payments that they count are fewer than 2^31 a user and table: less than 2^62.
#pragma once

#include <cstdint>

#include "money/decimal.h"
#include "totals/user_entry.h"

namespace paystats::totals {

class PrefixBound {
 public:
  void add(const UserTotal& row) {
    const money::Int128 nanos = row.sum.nanos();
    const auto bits = static_cast<money::Uint128>(nanos);
    add(nanos < 0 ? -bits : bits, row.count);
  }
  void add(const PrefixBound& more) { add(more.sum_, more.count_); }

  // False where a sum or a count may not have fitted. Payments of which that is said are in no file
  // but one made for it: they are at least 10^28 of the currency, or 9 * 10^18 payments.
  bool fits() const { return sum_ >> 126U == 0 && count_ >> 63U == 0; }

 private:
  // What is too large stays so.
  void add(money::Uint128 sum, uint64_t count) {
    if (__builtin_add_overflow(sum_, sum, &sum_)) sum_ = ~money::Uint128{0};
    if (__builtin_add_overflow(count_, count, &count_)) count_ = UINT64_MAX;
  }

  money::Uint128 sum_ = 0;  // of magnitudes, over all users
  uint64_t count_ = 0;
};

}  // namespace paystats::totals
