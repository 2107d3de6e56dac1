// What a table of totals is told, and what it tells of rows.
// Tested through totals/totals.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "record/flaw.h"

namespace paystats::totals {

struct TotalsOptions {
  uint64_t users_max = UINT64_MAX;  // one more user is an error
  bool track_changes = false;       // keep the list of changed()
};

// A row that was well formed but not added, since the user's sum or count would overflow. Rows of
// one line are a group, which is added whole or not at all: there is one for all of them.
struct RejectedRow {
  size_t row = 0;  // its place in the span
  record::Flaw flaw = record::Flaw::kNone;
};

}  // namespace paystats::totals
