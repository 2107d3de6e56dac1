// Which idempotency keys are known, and what became of their requests. Of a log that is the place
// where the request lies, 16 bytes for each key: two keys may have the same fingerprint, so the
// caller compares the key that lies at the place. Of a topic, which cannot be read at any place, it
// is the answer itself, 32 bytes, and 128 bits in place of the key. Pure: the time is passed in.
//
//   KeyTable<KeyPlace> table({.keys_max = 1'000'000, .memory = std::chrono::hours(24)});
//   table.add({fingerprint_of(key), place}, clock.since_boot());
//   for (const KeyPlace& found : table.find(fingerprint_of(key))) ...
//
// A key is remembered for at least `memory` from when it was added. Where `keys_max` of them are
// younger, the table is full(): no key may be forgotten to make room for another. Keys that lay in
// the log at the start (add_past()) are remembered as long, but do not make it full: so a start
// with a long log blocks nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace paystats::keys {

struct KeyLimits {
  uint64_t keys_max = 1'000'000;
  base::Duration memory = std::chrono::hours(24);
};

// Random for each process, so that nobody can choose keys that collide.
uint64_t fingerprint_of(std::string_view key);

struct KeyPlace {
  uint64_t fingerprint = 0;
  uint64_t place = UINT64_MAX;

  bool is_free() const { return place == UINT64_MAX; }  // an unused slot of the table
};

struct KeyOutcome {
  uint64_t fingerprint = 0;
  uint64_t key_check = 0;  // 64 further bits of the key, also random for each process
  uint64_t payments = 0;   // 64 bits of keys::digest_of(request)
  uint64_t count = 0;      // of payments

  bool is_free() const { return count == 0; }
};

// Entry is KeyPlace or KeyOutcome.
template <class Entry>
class KeyTable {
 public:
  explicit KeyTable(const KeyLimits& limits);

  // REQUIRES: not is_free().
  void add(const Entry& entry, base::Instant now);
  void add_past(std::vector<Entry> entries, base::Instant now);

  // Those with this fingerprint; of places the lowest first.
  std::vector<Entry> find(uint64_t fingerprint) const;

  // Those that may not be forgotten, but for those of the start.
  uint64_t young(base::Instant now) const;
  // With so many more that are not added yet.
  bool full(base::Instant now, size_t more = 0) const {
    return young(now) + more >= limits_.keys_max;
  }
  size_t size() const { return size_; }
  bool has_forgotten() const { return has_forgotten_; }
  const KeyLimits& limits() const { return limits_; }

 private:
  // Keys that were added one after another, and that are forgotten together.
  struct Generation {
    std::vector<Entry> entries;  // by fingerprint
    base::Instant newest;
    bool past = false;
  };

  // Keys that are added now, found by their fingerprint: open addressing with linear probing.
  class Newest {
   public:
    void add(const Entry& entry);
    void find(uint64_t fingerprint, std::vector<Entry>& found) const;
    size_t size() const { return size_; }
    std::vector<Entry> take_sorted();

   private:
    void grow();
    void put(const Entry& entry);
    size_t home(uint64_t fingerprint) const { return fingerprint & (slots_.size() - 1); }

    std::vector<Entry> slots_;
    size_t size_ = 0;
  };

  bool expired(base::Instant newest, base::Instant now) const;
  void make_room(base::Instant now);

  KeyLimits limits_;
  size_t generation_keys_;
  Newest newest_;
  base::Instant newest_added_{};
  std::deque<Generation> generations_;  // the oldest first
  size_t size_ = 0;
  bool has_forgotten_ = false;
};

extern template class KeyTable<KeyPlace>;
extern template class KeyTable<KeyOutcome>;

}  // namespace paystats::keys
