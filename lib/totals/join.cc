#include "totals/join.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/threads.h"

namespace paystats::totals {

class TableJoin {
 public:
  TableJoin(Totals& totals, unsigned threads) : totals_(totals), threads_(threads) {
    known_.push_back(&totals);
  }

  // Adds what `table` has of users known so far; afterwards those have no payments in it.
  base::Result<void> add_to_known(Totals& table) {
    assert(table.hash_ == totals_.hash_ && !table.track_changes_ && !totals_.track_changes_);
    std::vector<Part> parts(threads_);
    base::on_threads(threads_, [&](unsigned part) { add_part(table, part, parts[part]); });
    users_ += table.users_;
    for (const Part& part : parts) {
      if (part.overflow) {
        return base::fail(fmt::format("user {}: the total does not fit", *part.overflow));
      }
      users_ -= part.added;
    }
    known_.push_back(&table);
    return {};
  }

  // To be called once for each table, when all have been added.
  void take_rest(Totals& table) {
    remove_added(table);
    take_names(table);
    take_wide(table);
    take_entries(table);
  }

  base::Result<void> check_users() const {
    return users_ > totals_.users_max_ ? base::fail(totals_.too_many_users())
                                       : base::Result<void>();
  }

 private:
  using Entry = Totals::Entry;
  static constexpr uint32_t kChunk = uint32_t{1} << Totals::kEntryChunkBits;

  // What a thread has found of its stretch of a table.
  struct Part {
    uint64_t added = 0;                   // users
    std::optional<std::string> overflow;  // the first one whose total does not fit
  };

  uint32_t begin_of(unsigned part, const Totals& table) const {
    return static_cast<uint32_t>(uint64_t{table.users_} * part / threads_);
  }

  void add_part(Totals& table, unsigned number, Part& part) {
    std::array<Entry*, Totals::kStrip> strip;
    const uint32_t end = begin_of(number + 1, table);
    for (uint32_t at = begin_of(number, table); at < end;) {
      size_t n = 0;
      for (; at < end && n < strip.size(); ++at) {
        assert(!table.entry(at).is_unpaid());  // else it could not be told from one that was added
        strip[n++] = &table.entry(at);
      }
      for (Totals* const known : known_) {
        n = add_strip(*known, table, {strip.data(), n}, part);
      }
    }
  }

  // Adds those of the strip that this table knows, and moves the others to its front; returns how
  // many those are. In passes, as Totals::fetch_ahead() does.
  size_t add_strip(Totals& known, const Totals& table, std::span<Entry*> strip, Part& part) {
    const UserSlots::Probe slots = known.slots_.probe();
    std::array<UserSlots::Found, Totals::kStrip> found;
    for (const Entry* const theirs : strip) slots.fetch(theirs->tag());
    for (size_t i = 0; i < strip.size(); ++i) {
      found[i] = slots.search(strip[i]->tag());
      if (found[i]) known.prefetch_entry(found[i].user);
    }
    for (size_t i = 0; i < strip.size(); ++i) {
      if (!found[i] || !strip[i]->has_long_name()) continue;
      known.prefetch_name(found[i].user);
      __builtin_prefetch(table.name_bytes(*strip[i]));
    }
    size_t left = 0;
    for (size_t i = 0; i < strip.size(); ++i) {
      if (!add_one(known, table, *strip[i], found[i], part)) strip[left++] = strip[i];
    }
    return left;
  }

  bool add_one(Totals& known, const Totals& table, Entry& theirs, UserSlots::Found found,
               Part& part) {
    if (!found) return false;
    const record::UserName user = table.name_of(theirs);
    found = known.find_from(found, user, theirs.tag());
    if (!found) return false;
    const UserTotal total = table.total_of(theirs);
    Entry& ours = known.entry(found.user);
    if (!ours.add(total)) {
      const base::MutexLock lock(wide_mutex_);
      if (add_wide(known, ours, total) != record::Flaw::kNone) {
        if (!part.overflow) part.overflow = std::string(user);
        return true;
      }
    }
    theirs.set_unpaid();
    ++part.added;
    return true;
  }

  // An entry is in the hands of one thread, but the wide totals of a table are not. Of the tables
  // in known_ the threads touch them here alone.
  record::Flaw add_wide(Totals& known, Entry& ours, const UserTotal& total)
      PAYSTATS_REQUIRES(wide_mutex_) {
    return known.add_wide(ours, total);
  }

  // The last ones come to where those were.
  static void remove_added(Totals& table) {
    uint32_t end = table.users_;
    for (uint32_t i = 0; i < end; ++i) {
      if (!table.entry(i).is_unpaid()) continue;
      do {
        --end;
      } while (end > i && table.entry(end).is_unpaid());
      if (end > i) table.entry(i) = table.entry(end);
    }
    table.users_ = end;
  }

  // What is left of our last chunk stays empty: theirs is the last one from now on.
  void take_names(Totals& table) {
    if (table.names_.empty()) return;
    const uint64_t step = uint64_t{totals_.names_.size()} << Totals::kNameChunkBits;
    base::on_threads(threads_, [&](unsigned part) {
      for (uint32_t i = begin_of(part, table); i < begin_of(part + 1, table); ++i) {
        if (table.entry(i).has_long_name()) table.entry(i).move_place(step);
      }
    });
    for (auto& chunk : table.names_) totals_.names_.push_back(std::move(chunk));
    totals_.names_used_ = table.names_used_;
  }

  void take_wide(Totals& table) {
    if (table.wide_.empty()) return;
    const size_t step = totals_.wide_.size();
    for (uint32_t i = 0; i < table.users_; ++i) {
      if (table.entry(i).is_wide()) table.entry(i).move_wide_place(step);
    }
    totals_.wide_.insert(totals_.wide_.end(), table.wide_.begin(), table.wide_.end());
  }

  // Their full chunks go in front of our last one, and what is in their last one behind it.
  void take_entries(Totals& table) {
    const uint32_t whole = table.users_ / kChunk;
    const auto ours = totals_.entries_.begin();
    const auto theirs = std::make_move_iterator(table.entries_.begin());
    totals_.entries_.insert(ours + totals_.users_ / kChunk, theirs, theirs + whole);
    totals_.users_ += whole * kChunk;
    for (uint32_t i = whole * kChunk; i < table.users_; ++i) {
      totals_.next_entry() = table.entry(i);
    }
  }

  Totals& totals_;
  const unsigned threads_;
  std::vector<Totals*> known_;
  base::Mutex wide_mutex_;  // of the wide totals of all of known_
  uint64_t users_ = totals_.users_;
};

base::Result<void> join_tables(Totals& totals, std::vector<std::unique_ptr<Totals>> others,
                               unsigned threads) {
  TableJoin join(totals, std::max(threads, 1U));
  for (const auto& table : others) {
    if (base::Result<void> added = join.add_to_known(*table); !added) return added;
  }
  if (base::Result<void> few = join.check_users(); !few) return few;
  totals.drop_slots();
  for (auto& table : others) {
    table->drop_slots();
    join.take_rest(*table);
    table.reset();
  }
  return {};
}

}  // namespace paystats::totals
