// The tables of several threads made one.
//
//   Result<void> joined = join_tables(totals, std::move(others), threads);
//
// What a later table has of a user that an earlier one knows is added there. Of all other entries,
// and of long names, whole chunks change hands; only the last ones of a table are moved, to where
// those were that have been added. So the slots of no table grow, and the threads have nothing to
// agree upon but wide totals, since each user is one entry of a table and in the hands of one
// thread. The price is that no slots are left: users of the result are known by their numbers
// alone, which is all that a list needs.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "totals/totals.h"

namespace paystats::totals {

// Adds all of `others` to `totals`, which loses its slots. An error says that there are too many
// users, or whose total does not fit. REQUIRES: all were made with the same seed, and list no
// changes; each user has a payment.
base::Result<void> join_tables(Totals& totals, std::vector<std::unique_ptr<Totals>> others,
                               unsigned threads);

}  // namespace paystats::totals
