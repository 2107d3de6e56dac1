// A query under way. Most are done at the first step; the search for a broad prefix, or deep into
// one, takes several, so that a loop can do other work (apply stats, serve others) in between.
//
//   Answering answering(view, query);
//   while (!answering.step()) co_await other_work();
//   send(answering.answer());
//
// A step of kSliceRows holds the loop for a millisecond or two; the last one of a page of a
// thousand rows, which finds their ranks, for three. Where stats are applied between the steps of a
// search, its rows are still unique and in strictly descending order, each as it stood when the
// search came by, with its rank at the last step; without such changes the answer is exact. All
// else (version, ready, users, sum, count, matches) is of the moment of the first step: so it
// belongs together, and the rows are of that version or newer. A client that compares versions
// learns that something has changed since; the version of the last step would hide that.
#pragma once

#include <cstddef>
#include <optional>

#include "protocol/answer.h"
#include "protocol/query.h"
#include "view/prefix_search.h"
#include "view/view.h"

namespace paystats::view {

class Answering {
 public:
  // `view` is borrowed and outlives this. Of a watch this is one answer: begin a new one for each.
  Answering(View& view, protocol::Query query);

  // Goes on for about `rows` rows. True once answer() is there. The first step is the one that the
  // answer's version is of.
  bool step(size_t rows = kSliceRows);

  // Bytes with their newline. REQUIRES: step() has returned true.
  const protocol::Answer& answer() const;

 private:
  protocol::Answer answer_page(const protocol::PageQuery& page);
  protocol::Answer answer_user(const protocol::UserQuery& query);
  void begin_search(const protocol::PageQuery& page);
  protocol::Answer finish_search() const;

  View& view_;
  const protocol::Query query_;
  std::optional<PrefixSearch> search_;
  uint64_t begun_at_version_ = 0;
  protocol::Envelope head_;  // of a search's answer: all but the rows
  protocol::Answer answer_;
};

// All steps at once: for tests, and where nobody else waits.
protocol::Answer answer_now(View& view, const protocol::Query& query);

}  // namespace paystats::view
