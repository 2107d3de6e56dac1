// One table of totals added to another by several threads.
//
//   Result<void> added = join_tables(totals, std::move(other), threads);
//
// The place of a tag is its highest bits, so both tables hold their users in the same order: each
// thread walks one stretch of the other's slots, next to the stretch of ours where the same users
// are. First it adds to the users that are known to both, and notes the others; once it is clear
// how many those are and room is made, it gives each an entry and a slot. Only where a stretch ends
// may a slot lie in a neighbour's; the few users there follow when the threads are done. Most names
// stay where they are: their chunks change hands.
#pragma once

#include "agg/totals.h"
#include "base/result.h"

namespace paystats {

// As totals.absorb(other), in any number of threads; little is left of `other`.
Result<void> join_tables(Totals& totals, Totals&& other, unsigned threads);

}  // namespace paystats
