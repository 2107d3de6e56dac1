// What users hold: one row a user, found by name, and for users that came in partials the newest
// partial of each partition.
//
// - Stats without `at` are absolute: the newest replaces. One of no payments takes the user away,
//   as payagg says it of a user that has been removed.
// - Stats with `at` are the partial of one source partition: of each partition the one of highest
//   offset counts, in whatever order they come (of equal ones the last), and the partitions are
//   added up.
// - A user whose kind changes loses what was held before.
//
// Rows and names never move and are never reused: an id (the index of a row, 32 bits) means the
// same user for the ledger's life, so the order indexes can hold ids in their keys. A user that is
// removed keeps its row (64 bytes, and a name of more than 16), which counts towards users_max and
// is taken up again if it comes back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/large_array.h"
#include "record/payment.h"
#include "record/user_name.h"
#include "view/chunked.h"
#include "view/partials.h"
#include "view/user_row.h"

namespace paystats::view {

// What became of a record of stats, or of a tombstone.
enum class Applied : uint8_t {
  kChanged,
  kUnchanged,      // a repeat, or an older partial
  kSumOverflow,    // rejected: the partials' sum would not fit; all is as it was
  kCountOverflow,  // likewise
  kUsersFull,      // rejected: a user beyond users_max
};
inline bool was_rejected(Applied applied) {
  return applied >= Applied::kSumOverflow;
}

// A change, with what the indexes and totals need to follow it.
struct LedgerChange {
  Applied outcome = Applied::kUnchanged;
  uint32_t id = kNoUser;
  bool was_held = false;  // the user had stats before
  bool is_held = false;   // and has some now
  money::Decimal old_sum;
  uint64_t old_count = 0;
};

class Ledger {
 public:
  Ledger(size_t users_max, uint64_t hash_seed);

  LedgerChange apply(const record::Stats& stats) { return apply(stats, hash(stats.user)); }
  LedgerChange remove(std::string_view user);
  LedgerChange remove_partial(std::string_view user, int32_t partition);
  // A tombstone that came in `partition`: what was said there, be it absolute or a partial.
  LedgerChange take_back(std::string_view user, int32_t partition);

  // apply() in three parts for batches: hash all, prefetch all, then apply each.
  uint64_t hash(std::string_view user) const;
  void prefetch_slot(uint64_t hash) const;
  // Once the slot is near. Whose row it probably is, or kNoUser.
  uint32_t prefetch_row(uint64_t hash) const;
  // Once the row is near. By force: see OrderedBuckets::prefetch_bucket().
  [[gnu::always_inline]] void prefetch_name(uint32_t id) const {
    const UserRow& row = rows_[id];
    if (!row.has_inline_name()) __builtin_prefetch(row.name_bytes());
  }
  LedgerChange apply(const record::Stats& stats, uint64_t hash);

  // The user's id, or kNoUser where it holds nothing.
  uint32_t find(std::string_view user) const;

  const UserRow& row(uint32_t id) const { return rows_[id]; }
  UserRow& row(uint32_t id) { return rows_[id]; }
  uint64_t kind_changes() const { return kind_changes_; }

 private:
  static constexpr size_t kSegments = 256;
  static constexpr size_t kArenaBytes = 2 << 20;

  struct Slot {
    uint32_t tag = 0;       // low half of the hash
    uint32_t id_and_1 = 0;  // 0: empty
  };
  // The table of slots is 256 small ones, by the top byte of the hash, that grow one by one: the
  // growth of one table of a million users would hold the loop for tens of milliseconds.
  struct Segment {
    std::vector<Slot> slots;  // a power of two, or none
    size_t used = 0;
  };

  uint32_t find_row(const record::UserName& user, uint64_t hash) const;
  uint32_t add_row(const record::UserName& user, uint64_t hash);
  void grow(Segment& segment);
  const char* keep(std::string_view name);

  Applied set_absolute(uint32_t id, const record::Stats& stats);
  Applied set_partial(uint32_t id, const record::Stats& stats);
  Applied add_up(UserRow& row, const Partial* replaced, const record::Stats& stats);
  LedgerChange remove_held(LedgerChange change);
  void drop_partials(uint32_t id);

  const size_t users_max_;
  const uint64_t hash_seed_;
  uint64_t kind_changes_ = 0;
  std::array<Segment, kSegments> segments_;
  Chunked<UserRow, 15> rows_;
  Partials partials_;
  std::vector<base::LargeArray<char>> arena_;  // of names that do not lie in their rows
  size_t arena_used_ = kArenaBytes;
};

}  // namespace paystats::view
