// A query under way. Most are done at the first step; the search for a broad prefix, or deep into
// one, takes several, so that a loop can do other work (apply stats, serve others) in between.
//
//   Answering answering(view, query);
//   while (!answering.step()) co_await other_work();
//   send(*answering.answer());
//
// A step of kSliceRows holds the loop for a millisecond or two; the last one of a page of a
// thousand rows, which finds their ranks, for three. Where stats are applied between the steps of a
// search, its rows are still unique and in strictly descending order, each as it stood when the
// search came by; without such changes the answer is exact. All else (users, sum, count, version,
// ranks) is of the moment of the last step.
#pragma once

#include <cstddef>
#include <optional>

#include "view/answer.h"
#include "view/prefix_search.h"
#include "view/query.h"
#include "view/view.h"

namespace paystats {

class Answering {
 public:
  // `view` is borrowed and outlives this. Of a watch this is one answer: begin a new one for each.
  Answering(View& view, Query query);

  // Goes on for about `rows` rows. True once answer() is there.
  bool step(size_t rows = kSliceRows);

  // Bytes with their newline. REQUIRES: step() has returned true.
  const Answer& answer() const;

 private:
  Answer answer_page(const PageQuery& page);
  Answer answer_user(const UserQuery& query);
  Answer finish_search(const PageQuery& page);

  View& view_;
  const Query query_;
  std::optional<PrefixSearch> search_;
  uint64_t begun_at_version_ = 0;
  Answer answer_;
};

// All steps at once: for tests, and where nobody else waits.
Answer answer_now(View& view, const Query& query);

}  // namespace paystats
