// Which user pays next: rank i (from 0) with a weight of 1 / (i+1)^skew, after Zipf. Skew 0 makes
// all users alike; at 1 the first of a thousand makes 13 % of the payments.
//
//   ZipfTable table(users, skew_thousandths);
//   uint32_t rank = table.rank(generator.next());
//
// Integer arithmetic only, so the table is the same on every machine: logarithm and power go bit by
// bit in fixed point (see PowerWeight), and the weights are rounded to whole parts of 2^-32 of a
// column whose total is exact. A draw is one look-up and one comparison, by the alias method
// (A. J. Walker 1977, in the form of M. D. Vose 1991). A user needs 8 bytes, 24 while it is built.
#pragma once

#include <cstdint>
#include <vector>

#include "money/decimal.h"

namespace paystats::gen {

inline constexpr uint32_t kUsersMax = 100'000'000;
inline constexpr uint32_t kSkewThousandthsMax = 10'000;

class ZipfTable {
 public:
  // REQUIRES: 1 <= users <= kUsersMax, skew_thousandths <= kSkewThousandthsMax.
  ZipfTable(uint32_t users, uint32_t skew_thousandths);

  // The product of the random number and the number of columns has the column in its high word,
  // and in its low one a number that is uniform within the column.
  uint32_t rank(uint64_t random) const { return rank(place(random)); }

  // The two halves of rank(), for a caller that asks for many and prefetches the columns.
  struct Place {
    uint32_t column = 0;
    uint32_t coin = 0;
  };
  Place place(uint64_t random) const {
    const money::Uint128 product = static_cast<money::Uint128>(random) * columns_.size();
    return {static_cast<uint32_t>(product >> 64),
            static_cast<uint32_t>(static_cast<uint64_t>(product) >> 32)};
  }
  void prefetch(Place place) const { __builtin_prefetch(&columns_[place.column]); }
  uint32_t rank(Place place) const {
    const Column& c = columns_[place.column];
    return place.coin < c.cut ? place.column : c.alias;
  }

 private:
  struct Column {
    uint32_t cut = 0;    // coins below it are the column's own rank,
    uint32_t alias = 0;  // the others are this rank
  };
  std::vector<Column> columns_;
};

// 2^62 / n^(skew/1000), with an error of less than one part in 10^9 and one unit. REQUIRES: n >= 1.
class PowerWeight {
 public:
  explicit PowerWeight(uint32_t skew_thousandths);
  uint64_t operator()(uint32_t n) const;

 private:
  static constexpr int kFractionBits = 40;  // of the logarithm
  uint64_t skew_;
  uint64_t roots_[kFractionBits + 1];  // 2^(2^-k) as a multiple of 2^-62
};

}  // namespace paystats::gen
