// The table of totals: for each user the sum and the number of its payments, exact and checked.
//
//   Totals totals(random_hash_seed(), {.users_max = 1000, .track_changes = false});
//   std::vector<Totals::RejectedRow> rejected;
//   Result<void> added = totals.add(lines.rows, rejected);   // fails when there are too many users
//   for (uint32_t i = 0; i < totals.users(); ++i) write(totals.stats(i));
//
// Shape: slots (see user_slots.h), which hold the numbers of entries of 32 bytes, in chunks that
// never move. A short name (user_hash.h) lies in its entry, beside what is added to it; a long one
// in chunks of an arena. An entry knows its hash, so a table grows by one pass over the entries,
// without a look at a name. Rows are added in strips: all are hashed first, and what they need is
// fetched ahead of use, since a large table is never in the cache.
// Memory: 32 bytes of entry and 5 to 11 of slots, so 37 to 43 bytes a user, and a long name. A sum
// beyond 9.2 x 10^9 or 2 x 10^9 payments take 32 to 64 more, a user listed as changed 4.
// Limits: kUsersMax users. Not thread-safe. Users are numbered from 0 as they first come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/large_array.h"
#include "base/result.h"
#include "record/decoder.h"
#include "record/payment.h"
#include "totals/prefix_bound.h"
#include "totals/totals_options.h"
#include "totals/user_entry.h"
#include "totals/user_hash.h"
#include "totals/user_slots.h"

namespace paystats::totals {

class Totals {
 public:
  using Row = record::DecodedLines<record::Payment>::Row;
  using Head = record::UserName::Head;
  using RejectedRow = totals::RejectedRow;
  static constexpr uint64_t kUsersMax = UserSlots::kUsersMax;

  Totals(uint64_t seed, TotalsOptions options);

  // Adds each row, or appends it to `rejected`. REQUIRES: the rows of a line follow each other and
  // are all there. An error: more users than users_max; rows before that user have been added.
  base::Result<void> add(std::span<const Row> rows, std::vector<RejectedRow>& rejected);

  // The two halves of add(), for a caller that keeps more of a user than the total: the numbers of
  // the rows' users, which are added with zero payments if not yet known; and the payments of a row
  // of such a user, or the reason why they cannot be added.
  base::Result<void> find_or_add(std::span<const Row> rows, std::vector<uint32_t>& indices);
  record::Flaw add_payments(uint32_t index, const record::Payment& payments) {
    return add_to(index, {payments.sum, payments.count});
  }
  // As if they had not been added, the last of this user; and as if only the first so many changed.
  void take_back(uint32_t index, const record::Payment& payments);
  void forget_changes(size_t first);
  std::optional<uint32_t> find(const record::UserName& user) const;  // its number, if it is known
  base::Result<uint32_t> find_or_add(const record::UserName& user);  // as those of rows
  // For tables whose totals are computed elsewhere (see merge.h).
  void set(uint32_t index, money::Decimal sum, uint64_t count);
  PrefixBound take_bound();  // of the rows since the last call, see prefix_bound.h

  uint32_t users() const { return users_; }
  std::string_view user(uint32_t index) const { return name_of(entry(index)); }
  Head head(uint32_t index) const { return head_of(entry(index)); }  // of the name
  money::Decimal sum(uint32_t index) const { return total_of(entry(index)).sum; }
  uint64_t count(uint32_t index) const { return total_of(entry(index)).count; }
  record::Stats stats(uint32_t index) const {
    const auto [sum, count] = total_of(entry(index));
    return {.user = user(index), .sum = sum, .count = count, .at = {}};
  }

  // Ask for what stats() will read. By force: to gcc a call that only prefetches can be left out.
  [[gnu::always_inline]] void prefetch_entry(uint32_t i) const { __builtin_prefetch(&entry(i)); }
  [[gnu::always_inline]] void prefetch_name(uint32_t index) const {
    __builtin_prefetch(name_bytes(entry(index)));
  }

  // The users that changed since clear_changed(), in the order of the first change.
  std::span<const uint32_t> changed() const { return changed_; }
  void clear_changed();
  void take_changed(std::vector<uint32_t>& users);  // the same, moved; set_changed() puts one back
  void set_changed(uint32_t index) { mark_changed(entry(index), index); }

  uint64_t memory_bytes() const;        // held for slots, entries, names and changes
  void drop_slots() { slots_.drop(); }  // from then on users are known by their numbers alone

 private:
  friend class TableJoin;  // see join.h
  using Entry = UserEntry;
  static constexpr unsigned kEntryChunkBits = 17;  // so that a chunk is whole large pages
  static constexpr unsigned kNameChunkBits = 21;
  static constexpr size_t kStrip = 64;
  struct Strip;

  Entry& entry(uint32_t index) const {
    return entries_[index >> kEntryChunkBits][index & ((1U << kEntryChunkBits) - 1)];
  }
  const char* name_bytes(const Entry& e) const {
    return e.has_long_name() ? long_name_bytes(e) : e.text();
  }
  const char* long_name_bytes(const Entry& e) const {
    const uint64_t at = e.place();
    return names_[at >> kNameChunkBits].data() + (at & ((1U << kNameChunkBits) - 1));
  }
  std::string_view name_of(const Entry& e) const { return {name_bytes(e), e.name_size()}; }
  Head head_of(const Entry& e) const {
    return e.has_long_name() ? record::UserName(name_of(e)).head() : e.head();
  }
  UserTotal total_of(const Entry& e) const {
    return e.is_wide() ? wide_[e.wide_place()] : e.total();
  }
  // REQUIRES: the bits of the tag that a slot keeps are equal.
  bool is_named(const Entry& e, const record::UserName& user) const;

  void fetch_ahead(std::span<const Row> rows, Strip& strip) const;
  // This user, or the empty slot for it, from where a search for its tag has ended.
  UserSlots::Found find_from(UserSlots::Found at, const record::UserName& user, uint32_t tag) const;
  base::Result<uint32_t> resolve(const record::UserName& user, uint32_t tag, uint32_t slot);
  base::Error too_many_users() const;
  uint32_t append_entry(const record::UserName& user, uint32_t tag);
  Entry& next_entry();
  record::Flaw add_to(uint32_t index, const UserTotal& more);
  bool add_to_wide(const Entry& e, const record::Payment& payments);
  record::Flaw add_wide(Entry& e, const UserTotal& more);  // changes are for the caller to mark
  void set_wide(Entry& e, const UserTotal& total);
  void mark_changed(Entry& e, uint32_t index);
  void make_room(size_t more);
  size_t add_strip(std::span<const Row> rows, const Strip& strip, size_t i,
                   base::Result<record::Flaw>& why);
  void take_back_line(std::span<const Row> added, size_t line_begin, size_t changed_before);
  void remove_last_user();

  const UserHash hash_;
  const uint64_t users_max_;
  const bool track_changes_;
  uint32_t users_ = 0;
  UserSlots slots_;
  std::vector<base::LargeArray<Entry>> entries_;
  std::vector<UserTotal> wide_;  // of entries that have no room for them
  std::vector<base::LargeArray<char>> names_;
  size_t names_used_ = size_t{1} << kNameChunkBits;  // of the last chunk
  std::vector<uint32_t> changed_;
  PrefixBound bound_;
};

}  // namespace paystats::totals
