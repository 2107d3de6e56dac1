#include "view/ledger.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "view/wide_sum.h"

namespace paystats::view {
namespace {

// What `partials` of a row says where it is not the first of a list.
constexpr uint32_t kAbsolute = UINT32_MAX - 1;
constexpr uint32_t kHoldsNothing = UINT32_MAX - 2;

// The tag decides the slot where a search begins, the top byte of the hash the segment.
uint32_t tag_of(uint64_t hash) {
  return static_cast<uint32_t>(hash);
}
size_t segment_of(uint64_t hash) {
  return hash >> 56;
}

LedgerChange change_from(uint32_t id, const UserRow& row) {
  const bool held = row.partials != kHoldsNothing;
  LedgerChange change;
  change.id = id;
  change.was_held = held;
  change.is_held = held;
  if (held) {
    change.old_sum = row.sum;
    change.old_count = row.count;
  }
  return change;
}

void clear(UserRow& row) {
  row.partials = kHoldsNothing;
  row.sum = money::Decimal();
  row.count = 0;
}

}  // namespace

Ledger::Ledger(size_t users_max, uint64_t hash_seed)
    : users_max_(std::min<size_t>(users_max, kHoldsNothing)),
      hash_seed_(hash_seed),
      partials_(hash_seed) {}

uint64_t Ledger::hash(std::string_view user) const {
  return base::hash_bytes(user, hash_seed_);
}

void Ledger::prefetch_slot(uint64_t hash) const {
  const Segment& segment = segments_[segment_of(hash)];
  if (segment.slots.empty()) return;
  __builtin_prefetch(&segment.slots[tag_of(hash) & (segment.slots.size() - 1)]);
}

uint32_t Ledger::prefetch_row(uint64_t hash) const {
  const Segment& segment = segments_[segment_of(hash)];
  if (segment.slots.empty()) return kNoUser;
  const size_t mask = segment.slots.size() - 1;
  for (size_t at = tag_of(hash) & mask; segment.slots[at].id_and_1 != 0; at = (at + 1) & mask) {
    if (segment.slots[at].tag != tag_of(hash)) continue;
    const uint32_t id = segment.slots[at].id_and_1 - 1;
    __builtin_prefetch(&rows_[id], 1);
    return id;
  }
  return kNoUser;
}

uint32_t Ledger::find_row(const record::UserName& user, uint64_t hash) const {
  const Segment& segment = segments_[segment_of(hash)];
  if (segment.slots.empty()) return kNoUser;
  const size_t mask = segment.slots.size() - 1;
  for (size_t at = tag_of(hash) & mask; segment.slots[at].id_and_1 != 0; at = (at + 1) & mask) {
    if (segment.slots[at].tag != tag_of(hash)) continue;
    const uint32_t id = segment.slots[at].id_and_1 - 1;
    if (rows_[id].is_named(user)) return id;
  }
  return kNoUser;
}

uint32_t Ledger::find(std::string_view user) const {
  const uint32_t id = find_row(user, hash(user));
  return id != kNoUser && rows_[id].partials != kHoldsNothing ? id : kNoUser;
}

void Ledger::grow(Segment& segment) {
  constexpr size_t kSlotsMin = 16;
  std::vector<Slot> old(segment.slots.empty() ? kSlotsMin : segment.slots.size() * 2);
  old.swap(segment.slots);
  const size_t mask = segment.slots.size() - 1;
  for (const Slot& slot : old) {
    if (slot.id_and_1 == 0) continue;
    size_t at = slot.tag & mask;
    while (segment.slots[at].id_and_1 != 0) at = (at + 1) & mask;
    segment.slots[at] = slot;
  }
}

const char* Ledger::keep(std::string_view name) {
  assert(name.size() <= kArenaBytes);
  if (kArenaBytes - arena_used_ < name.size()) {
    arena_.emplace_back(kArenaBytes, base::pages_of_piece(arena_.size()));
    arena_used_ = 0;
  }
  char* const place = arena_.back().data() + arena_used_;
  std::memcpy(place, name.data(), name.size());
  arena_used_ += name.size();
  return place;
}

uint32_t Ledger::add_row(const record::UserName& user, uint64_t hash) {
  Segment& segment = segments_[segment_of(hash)];
  if ((segment.used + 1) * 4 > segment.slots.size() * 3) grow(segment);
  const uint32_t id = rows_.grow();
  UserRow& row = rows_[id];
  row.set_name(user, UserRow::is_inline(user) ? nullptr : keep(user));
  row.partials = kHoldsNothing;

  const size_t mask = segment.slots.size() - 1;
  size_t at = tag_of(hash) & mask;
  while (segment.slots[at].id_and_1 != 0) at = (at + 1) & mask;
  segment.slots[at] = {tag_of(hash), id + 1};
  ++segment.used;
  return id;
}

LedgerChange Ledger::apply(const record::Stats& stats, uint64_t hash) {
  const record::UserName user(stats.user);
  uint32_t id = find_row(user, hash);
  const bool is_removal = !stats.at && stats.count == 0 && stats.sum == money::Decimal();
  if (id == kNoUser) {
    if (is_removal) return {};
    if (rows_.size() >= users_max_) {
      LedgerChange rejected;
      rejected.outcome = Applied::kUsersFull;
      return rejected;
    }
    id = add_row(user, hash);
  }
  UserRow& row = rows_[id];
  LedgerChange change = change_from(id, row);
  if (is_removal) {
    if (!change.was_held) return {};
    return remove_held(change);
  }
  change.outcome = stats.at ? set_partial(id, stats) : set_absolute(id, stats);
  change.is_held = row.partials != kHoldsNothing;
  return change;
}

Applied Ledger::set_absolute(uint32_t id, const record::Stats& stats) {
  UserRow& row = rows_[id];
  if (row.partials == kAbsolute) {
    if (row.sum == stats.sum && row.count == stats.count) return Applied::kUnchanged;
  } else {
    if (row.partials != kHoldsNothing) ++kind_changes_;
    drop_partials(id);
    row.partials = kAbsolute;
  }
  row.sum = stats.sum;
  row.count = stats.count;
  return Applied::kChanged;
}

Applied Ledger::set_partial(uint32_t id, const record::Stats& stats) {
  UserRow& row = rows_[id];
  const auto [partition, offset] = *stats.at;
  Partial* held = nullptr;
  if (row.partials < kHoldsNothing) {
    held = partials_.find(row.partials, id, partition);
    if (held != nullptr && held->offset >= offset) {
      const bool is_repeat = held->sum == stats.sum && held->count == stats.count;
      if (held->offset > offset || is_repeat) return Applied::kUnchanged;
    }
    const Applied outcome = add_up(row, held, stats);
    if (was_rejected(outcome)) return outcome;
  } else {
    if (row.partials == kAbsolute) ++kind_changes_;
    row.partials = Partials::kNone;
    row.sum = stats.sum;
    row.count = stats.count;
  }
  if (held == nullptr) held = &partials_.add(row.partials, id, partition);
  held->sum = stats.sum;
  held->count = stats.count;
  held->offset = offset;
  return Applied::kChanged;
}

// The row's sum and count with `stats` in place of `replaced` (or besides all, where that is null).
Applied Ledger::add_up(UserRow& row, const Partial* replaced, const record::Stats& stats) {
  WideSum sum;
  WideSum count;
  sum.add(row.sum.nanos());
  sum.add(stats.sum.nanos());
  count.add(row.count);
  count.add(stats.count);
  if (replaced != nullptr) {
    sum.subtract(replaced->sum.nanos());
    count.subtract(replaced->count);
  }
  const std::optional<money::Int128> new_sum = sum.value();
  const std::optional<money::Int128> new_count = count.value();
  if (!new_sum) return Applied::kSumOverflow;
  if (*new_count > UINT64_MAX) return Applied::kCountOverflow;
  row.sum = money::Decimal::from_nanos(*new_sum);
  row.count = static_cast<uint64_t>(*new_count);
  return Applied::kChanged;
}

void Ledger::drop_partials(uint32_t id) {
  UserRow& row = rows_[id];
  if (row.partials < kHoldsNothing) partials_.clear(row.partials, id);
}

LedgerChange Ledger::remove(std::string_view user) {
  const uint32_t id = find(user);
  return id == kNoUser ? LedgerChange() : remove_held(change_from(id, rows_[id]));
}

// Of a user that holds something.
LedgerChange Ledger::remove_held(LedgerChange change) {
  drop_partials(change.id);
  clear(rows_[change.id]);
  change.outcome = Applied::kChanged;
  change.is_held = false;
  return change;
}

LedgerChange Ledger::remove_partial(std::string_view user, int32_t partition) {
  const uint32_t id = find(user);
  if (id == kNoUser || rows_[id].partials == kAbsolute) return {};
  UserRow& row = rows_[id];
  LedgerChange change = change_from(id, row);
  const Partial* const gone = partials_.find(row.partials, id, partition);
  if (gone == nullptr) return {};

  // What is left may be out of range, as it never was before: then nothing is forgotten.
  const Applied outcome = add_up(row, gone, record::Stats{});
  if (was_rejected(outcome)) {
    change.outcome = outcome;
    return change;
  }
  partials_.remove(row.partials, id, partition);
  if (row.partials == Partials::kNone) clear(row);
  change.outcome = Applied::kChanged;
  change.is_held = row.partials != kHoldsNothing;
  return change;
}

LedgerChange Ledger::take_back(std::string_view user, int32_t partition) {
  const uint32_t id = find(user);
  if (id == kNoUser) return {};
  return rows_[id].partials == kAbsolute ? remove(user) : remove_partial(user, partition);
}

}  // namespace paystats::view
