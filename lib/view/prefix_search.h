// Users that begin with a prefix, in the order of the ranking, `limit` of them from `offset` on;
// in slices, so that a loop can do other work in between. Two ways, of which the one that should
// touch fewer rows is taken:
//
// - gather: all that begin with it, from the index of names, then select the page. For few.
// - walk: from the top of the ranking down, skipping users that do not begin with it. For many: the
//   more of them, the sooner the page is full.
//
// Changes between slices do no harm: a walk resumes at the key that it came to, and takes no user
// twice; what was found keeps the sum it had. So rows are unique and strictly descending.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "protocol/answer.h"
#include "view/ledger.h"
#include "view/name_index.h"
#include "view/ranking.h"

namespace paystats::view {

inline constexpr size_t kSliceRows = 16 << 10;  // about a millisecond

class PrefixSearch {
 public:
  // Up to this many matches are always gathered, and never more than the second number, since
  // what was gathered is selected from in one go.
  static constexpr uint64_t kGatherAlways = 8 << 10;
  static constexpr uint64_t kGatherMax = 64 << 10;

  // All are borrowed and outlive the search.
  PrefixSearch(const Ledger& ledger, const Ranking& ranking, const NameIndex& names,
               std::string prefix, uint64_t offset, uint64_t limit);
  PrefixSearch(const PrefixSearch&) = delete;
  PrefixSearch& operator=(const PrefixSearch&) = delete;

  // Goes on for about `rows` rows, at least a bucket of them. True once all is found.
  bool step(size_t rows = kSliceRows);

  // What was found, with the ranks of now. REQUIRES: step() has returned true.
  std::vector<protocol::RankedStats> rows() const;
  uint64_t matches() const;  // how many users begin with the prefix, now

  bool gathers() const { return gathers_; }

 private:
  struct Found {
    RankKey key;
    uint64_t count = 0;
  };

  bool gather(size_t rows);
  void select();
  bool walk(size_t rows);
  bool walk_bucket(size_t bucket);
  size_t count_matches(size_t bucket) const;

  const Ledger& ledger_;
  const Ranking& ranking_;
  const NameIndex& names_;
  const std::string text_;
  const Prefix prefix_;  // after text_, which it points into
  const uint64_t offset_;
  const uint64_t limit_;
  bool gathers_ = false;
  bool done_ = false;
  std::vector<Found> found_;
  // Whole buckets are visited, and what is left begins at the lower key of the next one.
  std::optional<NameKey> gather_from_;
  std::optional<RankKey> walk_from_;
  uint64_t skipped_ = 0;
  std::unordered_set<uint32_t> taken_;  // ids in found_
  std::vector<NameKey> name_keys_;      // memory of one step
  std::vector<RankKey> rank_keys_;
};

}  // namespace paystats::view
