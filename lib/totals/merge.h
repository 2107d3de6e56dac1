// Partial totals made into one: what --merge adds up.
//
//   MergedTotals merged(random_hash_seed(), {}, diagnostics);
//   merged.begin_input();                       // before the first record of each INPUT
//   merged.add(lines.rows, rejected);
//   publish(merged.totals());
//
// A record says everything that its source has seen of a user, so the newest one of each source
// counts and sources add up. A record without partition has its INPUT as source, and the last one
// counts. A record with partition has that partition as source, whatever the INPUT, and the one of
// the highest offset counts. When a user's records change from one kind to the other, what was held
// of it is replaced, and the first such change is reported.
//
// Memory: that of Totals, 16 bytes a user, and about 70 bytes for each user and source.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "totals/totals.h"

namespace paystats::totals {

class MergedTotals {
 public:
  using Row = record::DecodedLines<record::Stats>::Row;

  // `diagnostics` is borrowed.
  MergedTotals(uint64_t seed, TotalsOptions options, base::Diagnostics& diagnostics);

  void begin_input() { ++input_; }

  // As Totals::add().
  base::Result<void> add(std::span<const Row> rows, std::vector<Totals::RejectedRow>& rejected);

  // Takes back what this partition said of a user; where the user's records have no partition, what
  // they said. The user stays in totals(), with a count of 0 when nothing is left of it.
  void remove(std::string_view user, int32_t partition);

  Totals& totals() { return totals_; }
  const Totals& totals() const { return totals_; }

 private:
  enum class Kind : uint8_t { kNone, kByInput, kByPartition };
  struct User {
    uint64_t generation = 0;  // one more with each change of kind: parts of earlier ones are void
    Kind kind = Kind::kNone;
  };
  struct Part {
    uint64_t generation = 0;
    int64_t offset = 0;
  };

  base::Result<record::Flaw> add_one(const record::Stats& stats);
  void change_kind(uint32_t index, Kind kind);

  base::Diagnostics& diagnostics_;
  Totals totals_;
  Totals parts_;  // its "users" are user, kind and source as bytes; what the part adds to the user
  std::vector<User> users_held_;  // by index in totals_
  std::vector<Part> parts_held_;  // by index in parts_
  uint32_t input_ = 0;
  bool change_reported_ = false;
};

}  // namespace paystats::totals
