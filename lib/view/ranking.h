// All users by sum, the largest first, equal ones by the bytes of their names: the order of
// ranks_before(). See ordered_buckets.h for how, and ledger.h for why an id is never reused.
#pragma once

#include <cstdint>

#include "view/ledger.h"
#include "view/ordered_buckets.h"

namespace paystats::view {

// Where a user stands, or stood: the sum is a copy. Names are looked at only where both the sums
// and the first 8 bytes are equal.
struct RankKey {
  money::Decimal sum;
  uint64_t name_head = 0;
  uint32_t id = kNoUser;
};

class RankOrder {
 public:
  using Key = RankKey;

  explicit RankOrder(Ledger& ledger) : ledger_(&ledger) {}

  Key key_of(uint32_t id) const {
    const UserRow& row = ledger_->row(id);
    return {row.sum, row.name_head(), id};
  }
  bool before(const Key& a, const Key& b) const {
    if (a.sum != b.sum) return a.sum > b.sum;
    if (a.name_head != b.name_head) return a.name_head < b.name_head;
    return a.id != b.id && ledger_->row(a.id).name() < ledger_->row(b.id).name();
  }
  Place& place_of(uint32_t id) const { return ledger_->row(id).in_ranking; }

 private:
  Ledger* ledger_;
};

using Ranking = OrderedBuckets<RankOrder>;

}  // namespace paystats::view
