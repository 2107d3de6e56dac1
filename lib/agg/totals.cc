#include "agg/totals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <string>
#include <utility>

namespace paystats {
namespace {

constexpr uint64_t slot_of(uint32_t tag, uint32_t index) {
  return (uint64_t{tag} << 32U) | (uint64_t{index} + 1);
}
constexpr uint32_t tag_of(uint64_t slot) {
  return static_cast<uint32_t>(slot >> 32U);
}
constexpr uint32_t index_of(uint64_t slot) {
  return static_cast<uint32_t>(slot) - 1;
}

constexpr size_t kLineBytes = 64;  // of the cache

// By force: to gcc a call that only prefetches can be left out.
[[gnu::always_inline]] inline void fetch(const void* address) {
  __builtin_prefetch(address);
}

}  // namespace

// What is found of each row of a strip before the rows are added one after the other.
struct Totals::Strip {
  std::array<uint32_t, kStrip> tags;
  std::array<uint32_t, kStrip> slots;  // the first slot that has the tag or is empty
  std::array<Entry*, kStrip> entries;  // of that slot, where there is one; they never move
};

Totals::Totals(uint64_t seed, TotalsOptions options)
    : hash_(seed),
      users_max_(std::min(options.users_max, kUsersMost)),
      track_changes_(options.track_changes),
      slots_(size_t{1} << kSlotBitsLeast) {}

Result<void> Totals::add(std::span<const Row> rows, std::vector<Refused>& refused) {
  Strip strip;
  for (size_t done = 0; done < rows.size(); done += kStrip) {
    const auto part = rows.subspan(done, std::min(kStrip, rows.size() - done));
    make_room(part.size());
    fetch_ahead(part, strip);
    for (size_t i = 0; i < part.size(); ++i) {
      const Payment& payment = part[i].record;
      Entry* const e = strip.entries[i];
      Flaw flaw = Flaw::kNone;
      if (e != nullptr && is_named(*e, payment.user)) [[likely]] {
        flaw = add_payment_to(*e, payment.amount);
        if (track_changes_ && flaw == Flaw::kNone) {
          mark_changed(*e, index_of(slots_[strip.slots[i]]));
        }
      } else {
        const Result<uint32_t> index = resolve(payment.user, strip.tags[i], strip.slots[i]);
        if (!index) return fail(index.error());
        flaw = add_to(*index, payment.amount, 1);
      }
      if (flaw != Flaw::kNone) [[unlikely]] {
        refused.push_back({done + i, flaw});
      }
    }
  }
  return {};
}

Result<void> Totals::find_or_add(std::span<const Row> rows, std::vector<uint32_t>& indices) {
  indices.clear();
  Strip strip;
  for (size_t done = 0; done < rows.size(); done += kStrip) {
    const auto part = rows.subspan(done, std::min(kStrip, rows.size() - done));
    make_room(part.size());
    fetch_ahead(part, strip);
    for (size_t i = 0; i < part.size(); ++i) {
      const Result<uint32_t> index = resolve(part[i].record.user, strip.tags[i], strip.slots[i]);
      if (!index) return fail(index.error());
      indices.push_back(*index);
    }
  }
  return {};
}

// Each pass asks for what the next one reads: slots, then entries, then long names. The slots found
// here stay right while rows of the strip are added, since a slot once filled never changes.
void Totals::fetch_ahead(std::span<const Row> rows, Strip& strip) const {
  const uint64_t* const slots = slots_.data();
  const UserHash hash = hash_;
  const unsigned shift = slot_shift_;
  bool any_long = false;
  for (size_t i = 0; i < rows.size(); ++i) {
    const UserName& user = rows[i].record.user;
    const uint32_t tag = hash.tag(user);
    any_long |= !Entry::is_inline(user.size());
    strip.tags[i] = tag;
    fetch(&slots[tag >> shift]);
  }
  const size_t mask = slots_.size() - 1;
  const LargeArray<Entry>* const chunks = entries_.data();
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t tag = strip.tags[i];
    size_t at = tag >> shift;
    uint64_t slot = slots[at];
    while (tag_of(slot) != tag && slot != 0) slot = slots[at = (at + 1) & mask];
    strip.slots[i] = static_cast<uint32_t>(at);
    Entry* e = nullptr;
    if (slot != 0) [[likely]] {
      const uint32_t index = index_of(slot);
      e = chunks[index >> kEntryChunkBits].data() + (index & ((1U << kEntryChunkBits) - 1));
      Entry::prefetch(e);
    }
    strip.entries[i] = e;
  }
  if (!any_long) return;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Entry* const e = strip.entries[i];
    if (e == nullptr || !e->has_long_name()) continue;
    const char* const name = long_name_bytes(*e);
    for (size_t at = 0; at < e->name_size(); at += kLineBytes) fetch(name + at);
  }
}

// REQUIRES: room for one more user; no slot from the tag's home up to `slot` has the tag.
Result<uint32_t> Totals::resolve(const UserName& user, uint32_t tag, size_t slot) {
  const size_t mask = slots_.size() - 1;
  for (;; slot = (slot + 1) & mask) {
    if (slots_[slot] == 0) break;
    if (tag_of(slots_[slot]) != tag) continue;
    const uint32_t index = index_of(slots_[slot]);
    if (is_named(entry(index), user)) return index;
  }
  if (users_ >= users_max_) {
    return fail(fmt::format("more than {} users: {}", users_max_,
                            users_max_ == kUsersMost ? "this table cannot hold them"
                                                     : "raise --users-max if there is the memory"));
  }
  const uint32_t index = append_entry(user);
  slots_[slot] = slot_of(tag, index);
  return index;
}

uint32_t Totals::append_entry(const UserName& user) {
  assert(user.size() <= kUserBytesMax);
  const uint32_t index = users_++;
  if (index >> kEntryChunkBits == entries_.size()) {
    entries_.emplace_back(size_t{1} << kEntryChunkBits, pages_of_piece(entries_.size()));
  }
  if (Entry::is_inline(user.size())) {
    entry(index).begin(user, 0);
    return index;
  }
  if (names_used_ + user.size() > size_t{1} << kNameChunkBits) {
    names_.emplace_back(size_t{1} << kNameChunkBits, pages_of_piece(names_.size()));
    names_used_ = 0;
  }
  std::memcpy(names_.back().data() + names_used_, user.data(), user.size());
  entry(index).begin(user, (uint64_t{names_.size() - 1} << kNameChunkBits) | names_used_);
  names_used_ += user.size();
  return index;
}

inline Flaw Totals::add_payment_to(Entry& e, Decimal amount) {
  uint64_t count = 0;
  if (__builtin_add_overflow(e.count, 1, &count)) [[unlikely]] {
    return Flaw::kCountOverflow;
  }
  if (!e.sum.add(amount)) [[unlikely]] {
    return Flaw::kSumOverflow;
  }
  e.count = count;
  return Flaw::kNone;
}

Flaw Totals::add_to(Entry& e, uint32_t index, Decimal amount, uint64_t count) {
  uint64_t new_count = 0;
  if (__builtin_add_overflow(e.count, count, &new_count)) return Flaw::kCountOverflow;
  if (!e.sum.add(amount)) return Flaw::kSumOverflow;
  e.count = new_count;
  mark_changed(e, index);
  return Flaw::kNone;
}

void Totals::mark_changed(Entry& e, uint32_t index) {
  if (!track_changes_ || e.changed()) return;
  e.set_changed();
  changed_.push_back(index);
}

// Slots of at most three quarters are in use after `more` users: a search is then short.
void Totals::make_room(size_t more) {
  assert(slots_.size() > 0);  // given away
  size_t wanted = slots_.size();
  while (users_ + more > wanted / 4 * 3 && wanted < size_t{1} << kTagBits) wanted *= 2;
  if (wanted == slots_.size()) return;
  LargeArray<uint64_t> grown(wanted, PageSize::kLarge, Backing::kAtOnce);
  while (size_t{1} << (kTagBits - slot_shift_) < wanted) --slot_shift_;
  const size_t mask = wanted - 1;
  for (const uint64_t slot : slots_) {
    if (slot == 0) continue;
    size_t at = home(tag_of(slot));
    while (grown[at] != 0) at = (at + 1) & mask;
    grown[at] = slot;
  }
  slots_ = std::move(grown);
}

Result<void> Totals::absorb(const Totals& other) {
  assert(other.hash_ == hash_);
  // In the order of the other's slots, which is the order of ours: both are read from front to
  // back, and the tags need not be computed again. Room for all must be there at the start, or
  // they would crowd the front of a table that is too small for them.
  make_room(other.users_);
  for (const uint64_t slot : other.slots_) {
    if (slot == 0) continue;
    const Entry& theirs = other.entry(index_of(slot));
    const uint32_t tag = tag_of(slot);
    const Result<uint32_t> index = resolve(other.name_of(theirs), tag, home(tag));
    if (!index) return fail(index.error());
    if (add_to(*index, theirs.sum, theirs.count) != Flaw::kNone) {
      return fail(fmt::format("user {}: the total does not fit", user(*index)));
    }
  }
  return {};
}

std::optional<uint32_t> Totals::find(const UserName& user) const {
  assert(slots_.size() > 0);  // given away
  const uint32_t tag = hash_.tag(user);
  const size_t mask = slots_.size() - 1;
  for (size_t slot = home(tag); slots_[slot] != 0; slot = (slot + 1) & mask) {
    if (tag_of(slots_[slot]) != tag) continue;
    const uint32_t index = index_of(slots_[slot]);
    if (is_named(entry(index), user)) return index;
  }
  return std::nullopt;
}

Result<uint32_t> Totals::find_or_add(const UserName& user) {
  make_room(1);
  const uint32_t tag = hash_.tag(user);
  return resolve(user, tag, home(tag));
}

void Totals::set(uint32_t index, Decimal sum, uint64_t count) {
  Entry& e = entry(index);
  e.sum = sum;
  e.count = count;
  mark_changed(e, index);
}

void Totals::clear_changed() {
  for (const uint32_t index : changed_) entry(index).clear_changed();
  changed_.clear();
}

void Totals::take_changed(std::vector<uint32_t>& users) {
  for (const uint32_t index : changed_) entry(index).clear_changed();
  users.clear();
  std::swap(users, changed_);
}

uint64_t Totals::memory_bytes() const {
  // Of the last chunks what is in use: the rest has not been touched.
  const size_t names = names_.empty() ? 0 : ((names_.size() - 1) << kNameChunkBits) + names_used_;
  return slots_.size() * sizeof(uint64_t) + users_ * sizeof(Entry) + names +
         changed_.capacity() * sizeof(uint32_t);
}

}  // namespace paystats
