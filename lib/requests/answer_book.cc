#include "requests/answer_book.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"

namespace paystats::requests {
namespace {

using Kind = io::KeyedOutcome::Kind;

// An entry of this key that says nothing of payments yet.
keys::KeyOutcome entry_of_key(std::string_view key) {
  static const uint64_t kSeed = base::random_hash_seed();
  return {.fingerprint = keys::fingerprint_of(key),
          .key_check = base::hash_bytes(key, kSeed),
          .payments = 0,
          .count = 0};
}

// A request that was sent again has as many answers. They say the same, unless the key was
// forgotten in between.
void keep_last_of_each_key(std::vector<keys::KeyOutcome>& entries) {
  const auto key_of = [](const keys::KeyOutcome& entry) {
    return std::pair(entry.fingerprint, entry.key_check);
  };
  std::reverse(entries.begin(), entries.end());
  std::stable_sort(entries.begin(), entries.end(),
                   [&](const auto& a, const auto& b) { return key_of(a) < key_of(b); });
  entries.erase(std::unique(entries.begin(), entries.end(),
                            [&](const auto& a, const auto& b) { return key_of(a) == key_of(b); }),
                entries.end());
}

}  // namespace

AnswerBook::AnswerBook(const keys::KeyLimits& limits, const base::Clock& clock)
    : clock_(clock), table_(limits) {}

std::optional<keys::KeyOutcome> AnswerBook::known(const keys::KeyOutcome& wanted) const {
  for (const keys::KeyOutcome& found : table_.find(wanted.fingerprint)) {
    if (found.key_check == wanted.key_check) return found;
  }
  return std::nullopt;
}

io::KeyedOutcome AnswerBook::outcome_of(uint64_t id, const keys::KeyOutcome& wanted,
                                        const keys::KeyOutcome& paid, bool repeated) {
  const bool is_question = wanted.is_free();
  if (!is_question && wanted.payments != paid.payments) return {.id = id, .kind = Kind::kReused};
  return {.id = id, .kind = repeated ? Kind::kRepeated : Kind::kPaid, .count = paid.count};
}

void AnswerBook::remove_waiting(uint64_t id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  const auto [first, last] = waiting_ids_.equal_range(found->second.wanted.fingerprint);
  waiting_ids_.erase(
      std::find_if(first, last, [id](const auto& entry) { return entry.second == id; }));
  if (!found->second.wanted.is_free()) --requests_waiting_;
  waiting_.erase(found);
}

std::optional<io::KeyedOutcome> AnswerBook::await(uint64_t id, std::string_view key,
                                                  uint64_t digest, uint64_t count,
                                                  std::string name) {
  keys::KeyOutcome wanted = entry_of_key(key);
  wanted.payments = digest;
  wanted.count = count;
  return await(id, {.wanted = wanted, .name = std::move(name), .since = {}});
}

std::optional<io::KeyedOutcome> AnswerBook::await_question(uint64_t id, std::string_view key,
                                                           std::string name) {
  return await(id, {.wanted = entry_of_key(key), .name = std::move(name), .since = {}});
}

std::optional<io::KeyedOutcome> AnswerBook::await(uint64_t id, Waiting waiting) {
  const keys::KeyOutcome& wanted = waiting.wanted;
  const base::MutexLock lock(mutex_);
  if (const auto paid = known(wanted)) return outcome_of(id, wanted, *paid, true);
  // A question takes no room.
  if (!wanted.is_free() && table_.full(clock_.since_boot(), requests_waiting_)) {
    return io::KeyedOutcome{.id = id, .kind = Kind::kNoRoom};
  }
  if (waiting_.size() >= kWaitingMax) return io::KeyedOutcome{.id = id, .kind = Kind::kNotTaken};
  waiting.since = clock_.now();
  waiting_ids_.emplace(wanted.fingerprint, id);
  if (!wanted.is_free()) ++requests_waiting_;
  waiting_.emplace(id, std::move(waiting));
  return std::nullopt;
}

void AnswerBook::drop(uint64_t id) {
  const base::MutexLock lock(mutex_);
  remove_waiting(id);
}

void AnswerBook::fail(uint64_t id, io::KeyedOutcome::Kind outcome) {
  {
    const base::MutexLock lock(mutex_);
    if (!waiting_.contains(id)) return;
    remove_waiting(id);
  }
  tell({{.id = id, .kind = outcome}});
}

void AnswerBook::expire(base::Duration age) {
  const base::Instant oldest = clock_.now() - age;
  std::vector<io::KeyedOutcome> outcomes;
  {
    const base::MutexLock lock(mutex_);
    for (const auto& [id, waiting] : waiting_) {
      if (waiting.since <= oldest) outcomes.push_back({.id = id, .kind = Kind::kUncertain});
    }
    for (const io::KeyedOutcome& outcome : outcomes) remove_waiting(outcome.id);
  }
  tell(std::move(outcomes));
}

std::optional<AnswerBook::Known> AnswerBook::find(std::string_view key) const {
  const keys::KeyOutcome wanted = entry_of_key(key);
  const base::MutexLock lock(mutex_);
  const auto paid = known(wanted);
  if (!paid) return std::nullopt;
  return Known{.digest = paid->payments, .count = paid->count};
}

keys::KeyOutcome AnswerBook::entry_of(const Answer& answer) {
  keys::KeyOutcome entry = entry_of_key(answer.key);
  entry.payments = answer.digest;
  entry.count = answer.count;
  return entry;
}

// All that wait for this key. The first of those that asked for these payments has paid them, as
// far as this process can tell.
void AnswerBook::settle(const keys::KeyOutcome& paid, std::vector<io::KeyedOutcome>& outcomes) {
  std::vector<uint64_t> ids;
  const auto [first, last] = waiting_ids_.equal_range(paid.fingerprint);
  for (auto at = first; at != last; ++at) {
    if (waiting_.at(at->second).wanted.key_check == paid.key_check) ids.push_back(at->second);
  }
  std::sort(ids.begin(), ids.end());
  bool repeated = false;
  for (const uint64_t id : ids) {
    const keys::KeyOutcome& wanted = waiting_.at(id).wanted;
    outcomes.push_back(outcome_of(id, wanted, paid, repeated || wanted.is_free()));
    repeated = repeated || outcomes.back().kind == Kind::kPaid;
    remove_waiting(id);
  }
}

// Nothing was paid: of this request, or of any request of the key so far.
void AnswerBook::settle(const Answer& answer, std::vector<io::KeyedOutcome>& outcomes) {
  const bool is_question = answer.error.empty();
  const keys::KeyOutcome wanted = entry_of_key(answer.key);
  std::optional<uint64_t> asked;
  const auto [first, last] = waiting_ids_.equal_range(wanted.fingerprint);
  for (auto at = first; at != last; ++at) {
    const Waiting& waiting = waiting_.at(at->second);
    if (waiting.wanted.is_free() == is_question && waiting.name == answer.name) asked = at->second;
  }
  if (!asked) return;
  outcomes.push_back({.id = *asked, .kind = is_question ? Kind::kKeyUnknown : Kind::kRefused});
  remove_waiting(*asked);
}

void AnswerBook::learn(std::span<const Answer> answers) {
  std::vector<io::KeyedOutcome> outcomes;
  {
    const base::MutexLock lock(mutex_);
    for (const Answer& answer : answers) {
      if (answer.count == 0) {
        if (!answer.name.empty()) settle(answer, outcomes);
        continue;
      }
      keys::KeyOutcome entry = entry_of(answer);
      if (const auto before = known(entry)) {
        entry = *before;
      } else {
        table_.add(entry, clock_.since_boot());
      }
      settle(entry, outcomes);
    }
  }
  tell(std::move(outcomes));
}

bool AnswerBook::is_requested(const keys::KeyOutcome& key) const {
  const auto [first, last] = waiting_ids_.equal_range(key.fingerprint);
  return std::any_of(first, last, [&](const auto& each) PAYSTATS_REQUIRES(mutex_) {
    const keys::KeyOutcome& wanted = waiting_.at(each.second).wanted;
    return !wanted.is_free() && wanted.key_check == key.key_check;
  });
}

// Of one that is requested now the answer may have come with the others, so it is as one that
// follows: it keeps the room that its request was given.
void AnswerBook::learn_past(std::vector<keys::KeyOutcome> entries) {
  keep_last_of_each_key(entries);
  std::vector<io::KeyedOutcome> outcomes;
  {
    const base::MutexLock lock(mutex_);
    std::erase_if(entries, [this](const keys::KeyOutcome& entry)
                               PAYSTATS_REQUIRES(mutex_) { return known(entry).has_value(); });
    const auto requested =
        std::partition(entries.begin(), entries.end(),
                       [this](const keys::KeyOutcome& entry)
                           PAYSTATS_REQUIRES(mutex_) { return !is_requested(entry); });
    for (auto entry = requested; entry != entries.end(); ++entry) {
      table_.add(*entry, clock_.since_boot());
    }
    entries.erase(requested, entries.end());
    table_.add_past(std::move(entries), clock_.since_boot());
    std::vector<keys::KeyOutcome> paid;
    for (const auto& [id, waiting] : waiting_) {
      if (const auto found = known(waiting.wanted)) paid.push_back(*found);
    }
    for (const keys::KeyOutcome& entry : paid) settle(entry, outcomes);
  }
  tell(std::move(outcomes));
}

keys::KeyFigures AnswerBook::figures(uint64_t instance) const {
  const base::MutexLock lock(mutex_);
  return {.kept = keys::KeyFigures::Kept::kTopic,
          .complete = false,  // the topic forgets
          .instance = instance,
          .keys = table_.size(),
          .keys_young = table_.young(clock_.since_boot()),
          .keys_max = table_.limits().keys_max,
          .memory = table_.limits().memory};
}

void AnswerBook::tell(std::vector<io::KeyedOutcome> outcomes) const {
  if (!outcomes.empty()) on_outcomes_(std::move(outcomes));
}

}  // namespace paystats::requests
