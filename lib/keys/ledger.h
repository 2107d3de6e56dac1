// What became of the idempotency keys of one output: which requests have been paid, and which are
// about to be. The first request of a key binds it, and only once its payments are where they
// belong. Pure: where requests lie, a function of the caller knows.
//
//   Ledger ledger(limits, [&](uint64_t place) { return read_request(place); });
//   Result<KeyAnswer> answer = ledger.judge(request, now);
//   if (answer->kind == KeyAnswer::Kind::kNew) {
//     ledger.bind(request.idempotency_key, keyed_request(request), place);
//   }
//   ...                                              // the payments are written
//   ledger.confirm(now);                             // or drop(): they were not
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "keys/key_answer.h"
#include "keys/key_table.h"
#include "keys/keyed_lines.h"

namespace paystats::keys {

class Ledger {
 public:
  // The request that lies at a place, if there is one that counts.
  using ReadRequest = std::function<base::Result<std::optional<KeyedRequest>>(uint64_t place)>;

  Ledger(const KeyLimits& limits, ReadRequest read);

  // Of a request that has a key. An error is that of reading a place.
  base::Result<KeyAnswer> judge(const record::Request& request, base::Instant now) const;
  base::Result<KeyAnswer> find(std::string_view key) const;

  // REQUIRES: judge() said kNew. It is kPaid from here on, under way until confirm().
  void bind(std::string_view key, const KeyedRequest& request, uint64_t place);
  void confirm(base::Instant now);
  void drop();

  void learn(std::string_view key, uint64_t place, base::Instant now);
  void learn_past(std::vector<KeyPlace> entries, base::Instant now);
  void forget_all();

  size_t size() const { return table_.size(); }
  uint64_t young(base::Instant now) const { return table_.young(now); }
  bool has_forgotten() const { return table_.has_forgotten(); }
  const KeyLimits& limits() const { return table_.limits(); }

 private:
  struct Bound {
    KeyedRequest request;
    uint64_t place = 0;
  };
  base::Result<std::optional<KeyAnswer>> known(std::string_view key) const;

  KeyTable<KeyPlace> table_;
  const ReadRequest read_;
  std::unordered_map<std::string, Bound> bound_;
};

}  // namespace paystats::keys
