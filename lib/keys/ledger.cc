#include "keys/ledger.h"

#include <cassert>
#include <utility>

namespace paystats::keys {

namespace {

KeyAnswer paid(const KeyedRequest& request, uint64_t place, bool under_way) {
  return {.kind = KeyAnswer::Kind::kPaid,
          .count = request.count,
          .payments = request.payments,
          .place = place,
          .under_way = under_way};
}

}  // namespace

Ledger::Ledger(const KeyLimits& limits, ReadRequest read)
    : table_(limits), read_(std::move(read)) {}

// As kPaid, whatever its payments are; nothing where no request of the key is known.
base::Result<std::optional<KeyAnswer>> Ledger::known(std::string_view key) const {
  const auto bound = bound_.find(std::string(key));
  if (bound != bound_.end()) return paid(bound->second.request, bound->second.place, true);
  const Digest wanted = digest_of(key);
  for (const KeyPlace& found : table_.find(fingerprint_of(key))) {
    const base::Result<std::optional<KeyedRequest>> request = read_(found.place);
    if (!request) return base::fail(request.error());
    if (*request && (*request)->key == wanted) return paid(**request, found.place, false);
  }
  return std::nullopt;
}

base::Result<KeyAnswer> Ledger::judge(const record::Request& request, base::Instant now) const {
  assert(!request.idempotency_key.empty());
  base::Result<std::optional<KeyAnswer>> found = known(request.idempotency_key);
  if (!found) return base::fail(found.error());
  if (*found) {
    if ((*found)->payments != digest_of(request)) (*found)->kind = KeyAnswer::Kind::kReused;
    return **found;
  }
  KeyAnswer answer;
  if (table_.full(now, bound_.size())) answer.kind = KeyAnswer::Kind::kNoRoom;
  return answer;
}

base::Result<KeyAnswer> Ledger::find(std::string_view key) const {
  base::Result<std::optional<KeyAnswer>> found = known(key);
  if (!found) return base::fail(found.error());
  return found->value_or(KeyAnswer());
}

void Ledger::bind(std::string_view key, const KeyedRequest& request, uint64_t place) {
  bound_.emplace(std::string(key), Bound{request, place});
}

void Ledger::confirm(base::Instant now) {
  for (const auto& [key, bound] : bound_) learn(key, bound.place, now);
  bound_.clear();
}

void Ledger::drop() {
  bound_.clear();
}

void Ledger::learn(std::string_view key, uint64_t place, base::Instant now) {
  table_.add({fingerprint_of(key), place}, now);
}

void Ledger::learn_past(std::vector<KeyPlace> entries, base::Instant now) {
  table_.add_past(std::move(entries), now);
}

void Ledger::forget_all() {
  table_ = KeyTable<KeyPlace>(table_.limits());
}

}  // namespace paystats::keys
