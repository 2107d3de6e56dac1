// What the cache holds: the newest stats of every user, in the order of ranks_before(), for a
// million users under a million updates a second, and answers to queries about them as bytes.
//
//   View view({.instance = base::random_hash_seed(),
//              .hash_seed = base::random_hash_seed(),
//              .users_max = 10'000'000});
//   view.apply(lines.rows, rejected);        // stats, as decoded
//   if (view.kind_changes() > 0 && !warned) ...
//   Result<Query> query = protocol::parse_query(line);   // see protocol/query.h
//   Answering answering(view, *query);                   // see answering.h
//
// Pure: no sockets, no clock, no printing. Not thread-safe: one thread has it, and calls are
// short: none takes time in proportion to the number of users. Inside, three parts share one row
// of 64 bytes a user: the ledger (ledger.h: look-up by name, partials), the ranking (ranking.h)
// and the index of names (name_index.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/answer.h"
#include "record/decoder.h"
#include "record/payment.h"
#include "view/answer_cache.h"
#include "view/ledger.h"
#include "view/name_index.h"
#include "view/ranking.h"
#include "view/wide_sum.h"

namespace paystats::view {

struct ViewOptions {
  uint64_t instance = 0;   // 64 random bits that tell this run from any other
  uint64_t hash_seed = 0;  // random as well, so that nobody can choose names that collide
  size_t users_max = 0;    // further users are rejected (Applied::kUsersFull)
};

class View {
 public:
  explicit View(const ViewOptions& options);
  View(const View&) = delete;  // the parts refer to each other
  View& operator=(const View&) = delete;

  // Takes one record of stats; see ledger.h for the rules and the outcomes.
  Applied apply(const record::Stats& stats);

  // Takes a batch, which is faster, in its order. What could not be taken goes to `rejected`.
  using Row = record::DecodedLines<record::Stats>::Row;
  struct RejectedRow {
    const Row* row = nullptr;  // points into `rows`
    Applied why = Applied::kUnchanged;
  };
  void apply(std::span<const Row> rows, std::vector<RejectedRow>& rejected);

  // Tombstones: forgets a user, or its partial of one partition, or whichever of the two a message
  // of this partition can have said. kUnchanged where there is none.
  Applied remove(std::string_view user);
  Applied remove_partial(std::string_view user, int32_t partition);
  Applied take_back(std::string_view user, int32_t partition);

  // Everything that was there at the start has been applied. Counts as a change.
  void set_ready();

  bool ready() const { return ready_; }
  uint64_t instance() const { return options_.instance; }
  uint64_t version() const { return version_; }  // grows with each change, from 0
  uint64_t users() const { return ranking_.size(); }

  // How often a user's stats changed between absolute and partial: worth one warning in a run.
  uint64_t kind_changes() const { return ledger_.kind_changes(); }

  // `limit` users from the one at `offset` on, in order. Any limit; the time is that of the rows.
  // The names point into the view and stay where they are for its life.
  std::vector<protocol::RankedStats> page(uint64_t offset, uint64_t limit) const;
  std::optional<protocol::RankedStats> find(std::string_view user) const;

  // What an answer says besides its rows, as of now.
  protocol::Envelope envelope(uint64_t offset) const;

  const Ledger& ledger() const { return ledger_; }
  const Ranking& ranking() const { return ranking_; }
  const NameIndex& name_index() const { return name_index_; }
  AnswerCache& answer_cache() { return answer_cache_; }

 private:
  Applied settle(const LedgerChange& change);

  const ViewOptions options_;
  uint64_t version_ = 0;
  bool ready_ = false;
  Ledger ledger_;
  Ranking ranking_;  // after the ledger, to which it refers; so does the next
  NameIndex name_index_;
  WideSum sum_;
  WideSum count_;
  AnswerCache answer_cache_;
};

}  // namespace paystats::view
