// Which idempotency keys are known, and where their requests lie: 8 bytes of fingerprint and 8 of
// place for each key. Two keys may have the same fingerprint, so the caller compares the key that
// lies at the place. Pure: the time is passed in.
//
//   KeyTable table({.keys_max = 1'000'000, .memory = std::chrono::hours(24)});
//   table.add({KeyTable::fingerprint_of(key), place}, clock.since_boot());
//   for (uint64_t place : table.find(KeyTable::fingerprint_of(key))) ...
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

struct KeyEntry {
  uint64_t fingerprint = 0;
  uint64_t place = 0;
};

class KeyTable {
 public:
  explicit KeyTable(const KeyLimits& limits);

  static uint64_t fingerprint_of(std::string_view key);

  void add(const KeyEntry& entry, base::Instant now);
  void add_past(std::vector<KeyEntry> entries, base::Instant now);

  // The places of keys with this fingerprint, lowest first.
  std::vector<uint64_t> find(uint64_t fingerprint) const;

  // With so many more that are not added yet.
  bool full(base::Instant now, size_t more = 0) const;
  size_t size() const { return size_; }
  bool has_forgotten() const { return has_forgotten_; }
  const KeyLimits& limits() const { return limits_; }

 private:
  // Keys that were added one after another, and that are forgotten together.
  struct Generation {
    std::vector<KeyEntry> entries;  // by fingerprint
    base::Instant newest;
    bool past = false;
  };

  // Keys that are added now, found by their fingerprint: open addressing with linear probing.
  class Newest {
   public:
    void add(const KeyEntry& entry);
    void find(uint64_t fingerprint, std::vector<uint64_t>& places) const;
    size_t size() const { return size_; }
    std::vector<KeyEntry> take_sorted();

   private:
    void grow();
    void put(const KeyEntry& entry);
    size_t home(uint64_t fingerprint) const { return fingerprint & (slots_.size() - 1); }

    static constexpr uint64_t kFree = UINT64_MAX;  // no place
    std::vector<KeyEntry> slots_;
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

}  // namespace paystats::keys
