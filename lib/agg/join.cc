#include "agg/join.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/threads.h"

namespace paystats {

class TableJoin {
 public:
  TableJoin(Totals& ours, Totals& theirs, unsigned threads)
      : ours_(ours), theirs_(theirs), threads_(threads), parts_(threads) {
    assert(ours.hash_ == theirs.hash_ && !ours.track_changes_);
  }

  Result<void> run() {
    on_threads(threads_, [this](unsigned part) { add_to_known(part); });
    uint64_t missing = 0;
    for (const Part& part : parts_) {
      if (part.overflow) {
        return fail(fmt::format("user {}: the total does not fit", *part.overflow));
      }
      missing += part.missing.size();
    }
    // What is added twice then does no harm: there are too many users, and that is an error.
    if (missing > ours_.users_max_ - ours_.users_) return ours_.absorb(theirs_);
    ours_.make_room(missing);
    if (missing < theirs_.users_ / 2) return append_missing();
    adopt_names();
    make_entries(missing);
    on_threads(threads_, [this](unsigned part) { place_missing(part); });
    for (const Part& part : parts_) {
      for (const uint64_t slot : part.spilled) insert(slot, 0, ours_.slots_.size());
    }
    return {};
  }

 private:
  static constexpr size_t kStrip = 64;
  static constexpr uint64_t kIndexMask = UINT32_MAX;

  struct Part {
    std::vector<uint32_t> missing;        // places of their slots
    std::optional<std::string> overflow;  // the first user whose total does not fit
    uint32_t first_index = 0;             // of the entries of those missing
    std::vector<uint64_t> spilled;        // slots that belong to a neighbour's stretch
  };

  static uint32_t tag_of(uint64_t slot) { return static_cast<uint32_t>(slot >> 32U); }
  static uint32_t index_of(uint64_t slot) { return static_cast<uint32_t>(slot & kIndexMask) - 1; }

  size_t begin_of(unsigned part, const Totals& totals) const {
    return totals.slots_.size() * part / threads_;
  }

  // Ours of this tag: the first such slot or the empty one where the search ends.
  size_t search(uint32_t tag, size_t from) const {
    const size_t mask = ours_.slots_.size() - 1;
    while (ours_.slots_[from] != 0 && tag_of(ours_.slots_[from]) != tag) from = (from + 1) & mask;
    return from;
  }

  void add_to_known(unsigned number) {
    Part& part = parts_[number];
    const size_t end = begin_of(number + 1, theirs_);
    size_t strip[kStrip];  // places of their slots in use
    size_t found[kStrip];  // and of ours with the same tag
    for (size_t at = begin_of(number, theirs_); at < end && !part.overflow;) {
      size_t n = 0;
      for (; at < end && n < kStrip; ++at) {
        if (theirs_.slots_[at] == 0) continue;
        theirs_.prefetch_entry(index_of(theirs_.slots_[at]));
        strip[n++] = at;
      }
      for (size_t i = 0; i < n; ++i) {
        const uint32_t tag = tag_of(theirs_.slots_[strip[i]]);
        found[i] = search(tag, ours_.home(tag));
        const uint64_t slot = ours_.slots_[found[i]];
        if (slot != 0) ours_.prefetch_entry(index_of(slot));
      }
      for (size_t i = 0; i < n; ++i) {
        const uint64_t slot = ours_.slots_[found[i]];
        if (slot == 0) continue;
        ours_.prefetch_name(index_of(slot));
        theirs_.prefetch_name(index_of(theirs_.slots_[strip[i]]));
      }
      for (size_t i = 0; i < n && !part.overflow; ++i) add_one(strip[i], found[i], part);
    }
  }

  void add_one(size_t their_slot, size_t our_slot, Part& part) {
    const Totals::Entry& theirs =
        std::as_const(theirs_).entry(index_of(theirs_.slots_[their_slot]));
    const uint32_t tag = tag_of(theirs_.slots_[their_slot]);
    const size_t mask = ours_.slots_.size() - 1;
    for (;; our_slot = search(tag, (our_slot + 1) & mask)) {
      const uint64_t slot = ours_.slots_[our_slot];
      if (slot == 0) {
        part.missing.push_back(static_cast<uint32_t>(their_slot));
        return;
      }
      if (ours_.user(index_of(slot)) == theirs_.name_of(theirs)) break;
    }
    const uint32_t index = index_of(ours_.slots_[our_slot]);
    if (ours_.add_to(index, theirs.sum, theirs.count) != Flaw::kNone) {
      part.overflow = std::string(ours_.user(index));
    }
  }

  // They are few in comparison: their names are copied, so that those of all others can go.
  Result<void> append_missing() {
    for (const Part& part : parts_) {
      for (const uint32_t at : part.missing) {
        const uint64_t slot = theirs_.slots_[at];
        const Totals::Entry& theirs = theirs_.entry(index_of(slot));
        const uint32_t tag = tag_of(slot);
        const Result<uint32_t> index = ours_.resolve(theirs_.name_of(theirs), tag, ours_.home(tag));
        if (!index) return fail(index.error());
        ours_.set(*index, theirs.sum, theirs.count);
      }
    }
    return {};
  }

  // What is left of our last chunk stays empty: theirs is the last one from now on.
  void adopt_names() {
    first_chunk_ = ours_.names_.size();
    for (auto& chunk : theirs_.names_) ours_.names_.push_back(std::move(chunk));
    ours_.names_used_ = theirs_.names_used_;
  }

  void make_entries(uint64_t missing) {
    uint32_t index = ours_.users_;
    for (Part& part : parts_) {
      part.first_index = index;
      index += static_cast<uint32_t>(part.missing.size());
    }
    ours_.users_ += static_cast<uint32_t>(missing);
    constexpr size_t kChunk = size_t{1} << Totals::kEntryChunkBits;
    while (ours_.entries_.size() * kChunk < ours_.users_) {
      ours_.entries_.emplace_back(kChunk, pages_of_piece(ours_.entries_.size()));
    }
  }

  void place_missing(unsigned number) {
    Part& part = parts_[number];
    const size_t begin = begin_of(number, ours_);
    const size_t end = begin_of(number + 1, ours_);
    const uint64_t name_step = uint64_t{first_chunk_} << Totals::kNameChunkBits;
    constexpr size_t kAhead = 16;
    for (size_t i = 0; i < part.missing.size(); ++i) {
      if (i + kAhead < part.missing.size()) {
        theirs_.prefetch_entry(index_of(theirs_.slots_[part.missing[i + kAhead]]));
      }
      const uint64_t slot = theirs_.slots_[part.missing[i]];
      const uint32_t index = part.first_index + static_cast<uint32_t>(i);
      Totals::Entry& entry = ours_.entry(index);
      entry = theirs_.entry(index_of(slot));
      if (entry.has_long_name()) entry.move_place(name_step);
      const uint64_t placed = (slot & ~kIndexMask) | (uint64_t{index} + 1);
      if (!insert(placed, begin, end)) part.spilled.push_back(placed);
    }
    std::vector<uint32_t>().swap(part.missing);
  }

  // Where there is room between its home and the end of the stretch.
  bool insert(uint64_t slot, size_t begin, size_t end) {
    const size_t mask = ours_.slots_.size() - 1;
    const bool whole = end - begin == ours_.slots_.size();
    size_t at = ours_.home(tag_of(slot));
    if (at < begin || at >= end) return false;
    while (ours_.slots_[at] != 0) {
      if (++at == end && !whole) return false;
      at &= mask;
    }
    ours_.slots_[at] = slot;
    return true;
  }

  Totals& ours_;
  Totals& theirs_;
  const unsigned threads_;
  std::vector<Part> parts_;
  size_t first_chunk_ = 0;  // of the names that were theirs
};

Result<void> join_tables(Totals& totals, Totals&& other, unsigned threads) {
  return TableJoin(totals, other, std::max(threads, 1U)).run();
}

}  // namespace paystats
