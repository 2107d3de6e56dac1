// What is known of the keys of two topics: the answers that have been committed, and who waits for
// one. Thread-safe; each function says who calls it.
//
//   AnswerBook book(limits, clock);
//   book.set_on_outcomes(tell);
//   std::optional<KeyedOutcome> now = book.await(17, key, digest, count, name);
//   // Without one the callback has it, once.
//   book.learn(answers);     // of a committed block
//
// The callback is called within learn(), learn_past(), fail() and expire(), without the lock.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "io/keyed_requests.h"
#include "keys/key_answer.h"
#include "keys/key_table.h"
#include "requests/format.h"

namespace paystats::requests {

class AnswerBook {
 public:
  using OnOutcomes = std::function<void(std::vector<io::KeyedOutcome>)>;

  // Waiting at a time; a request that comes beyond it is not taken.
  static constexpr size_t kWaitingMax = 65'536;

  // `clock` is borrowed.
  AnswerBook(const keys::KeyLimits& limits, const base::Clock& clock);

  // Before any of the following.
  void set_on_outcomes(OnOutcomes on_outcomes) { on_outcomes_ = std::move(on_outcomes); }

  // ---- Of who has clients: the outcome, where it is known already; else it is awaited.
  std::optional<io::KeyedOutcome> await(uint64_t id, std::string_view key, uint64_t digest,
                                        uint64_t count, std::string name);
  std::optional<io::KeyedOutcome> await_question(uint64_t id, std::string_view key,
                                                 std::string name);
  // It is not awaited any more, and nobody is told.
  void drop(uint64_t id);
  // It will not be answered: `outcome` is what is told.
  void fail(uint64_t id, io::KeyedOutcome::Kind outcome);
  // What has been awaited for longer than `age` becomes kUncertain.
  void expire(base::Duration age);

  // ---- Of who owns partitions, and of who reads answers
  struct Known {
    uint64_t digest = 0;  // of its payments
    uint64_t count = 0;
  };
  std::optional<Known> find(std::string_view key) const;

  // Answers that have been committed. One that is known already stays as it is.
  void learn(std::span<const Answer> answers);

  // The same of answers that were there at a start, which do not make the table full, but for those
  // that a request waits for.
  static keys::KeyOutcome entry_of(const Answer& answer);  // REQUIRES: payments were made
  void learn_past(std::vector<keys::KeyOutcome> entries);

  keys::KeyFigures figures(uint64_t instance) const;

 private:
  struct Waiting {
    keys::KeyOutcome wanted;  // without a count: a question
    std::string name;         // of the request, or of the question
    base::Instant since;
  };

  std::optional<keys::KeyOutcome> known(const keys::KeyOutcome& wanted) const
      PAYSTATS_REQUIRES(mutex_);
  // By a request that waits; a question asks and requests nothing.
  bool is_requested(const keys::KeyOutcome& key) const PAYSTATS_REQUIRES(mutex_);
  static io::KeyedOutcome outcome_of(uint64_t id, const keys::KeyOutcome& wanted,
                                     const keys::KeyOutcome& paid, bool repeated);
  std::optional<io::KeyedOutcome> await(uint64_t id, Waiting waiting);
  void remove_waiting(uint64_t id) PAYSTATS_REQUIRES(mutex_);
  void settle(const Answer& answer, std::vector<io::KeyedOutcome>& outcomes)
      PAYSTATS_REQUIRES(mutex_);
  void settle(const keys::KeyOutcome& paid, std::vector<io::KeyedOutcome>& outcomes)
      PAYSTATS_REQUIRES(mutex_);
  void tell(std::vector<io::KeyedOutcome> outcomes) const;

  const base::Clock& clock_;
  OnOutcomes on_outcomes_;
  mutable base::Mutex mutex_;
  keys::KeyTable<keys::KeyOutcome> table_ PAYSTATS_GUARDED_BY(mutex_);
  std::unordered_map<uint64_t, Waiting> waiting_ PAYSTATS_GUARDED_BY(mutex_);
  // By fingerprint of the key.
  std::unordered_multimap<uint64_t, uint64_t> waiting_ids_ PAYSTATS_GUARDED_BY(mutex_);
  size_t requests_waiting_ PAYSTATS_GUARDED_BY(mutex_) = 0;
};

}  // namespace paystats::requests
