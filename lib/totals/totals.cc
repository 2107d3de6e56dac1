#include "totals/totals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <string>
#include <utility>

namespace paystats::totals {
namespace {

constexpr size_t kLineBytes = 64;  // of the cache
constexpr uint32_t kSlotsAhead = 16;

// By force: to gcc a call that only prefetches can be left out.
[[gnu::always_inline]] inline void fetch(const void* address) {
  __builtin_prefetch(address);
}

// The rows of a line: from `begin` up to `end`.
struct LineRows {
  size_t begin = 0;
  size_t end = 0;
};

LineRows line_of(std::span<const Totals::Row> rows, size_t row) {
  LineRows line{row, row + 1};
  while (line.begin > 0 && rows[line.begin - 1].line == rows[row].line) --line.begin;
  while (line.end < rows.size() && rows[line.end].line == rows[row].line) ++line.end;
  return line;
}

}  // namespace

// What is found of each row of a strip before the rows are added one after the other.
struct Totals::Strip {
  std::array<uint32_t, kStrip> tags;
  std::array<uint32_t, kStrip> slots;  // where the search for the tag has ended
  std::array<Entry*, kStrip> entries;  // whose they are, or nullptr; they never move
};

Totals::Totals(uint64_t seed, TotalsOptions options)
    : hash_(seed),
      users_max_(std::min(options.users_max, kUsersMax)),
      track_changes_(options.track_changes) {}

inline bool Totals::is_named(const Entry& e, const record::UserName& user) const {
  assert(e.has_long_name() != user.is_in_head());
  if (!e.has_long_name()) [[likely]] {
    return e.head() == user.head();
  }
  return e.name_size() == user.size() &&
         std::memcmp(long_name_bytes(e), user.data(), user.size()) == 0;
}

base::Result<void> Totals::add(std::span<const Row> rows, std::vector<RejectedRow>& rejected) {
  Strip strip;
  base::Result<record::Flaw> flaw = record::Flaw::kNone;
  size_t row_after = 0;                     // behind the last line that was rejected
  size_t changed_before = changed_.size();  // how many had changed then
  for (size_t done = 0; done < rows.size();) {
    const auto part = rows.subspan(done, std::min(kStrip, rows.size() - done));
    make_room(part.size());
    fetch_ahead(part, strip);
    size_t i = 0;
    while ((i = add_strip(part, strip, i, flaw)) < part.size()) {
      if (!flaw) return base::fail(flaw.error());
      const size_t row = done + i;
      rejected.push_back({row, *flaw});
      const LineRows line = line_of(rows, row);
      const bool alone = line.end - line.begin == 1;
      if (!alone) {
        take_back_line(rows.subspan(row_after, row - row_after), line.begin - row_after,
                       changed_before);
      }
      i = line.end - done;
      row_after = line.end;
      changed_before = changed_.size();
      if (!alone) break;  // what has been found of the other rows is no longer right
    }
    done += i;
  }
  return {};
}

// Adds the rows of a strip from row `i` on, up to one that cannot be added: its place, and why.
size_t Totals::add_strip(std::span<const Row> rows, const Strip& strip, size_t i,
                         base::Result<record::Flaw>& why) {
  for (; i < rows.size(); ++i) {
    const record::Payment& payment = rows[i].record;
    Entry* const e = strip.entries[i];
    if (e != nullptr && is_named(*e, payment.user)) [[likely]] {
      if (e->add_payments(payment.sum, payment.count) || add_to_wide(*e, payment)) [[likely]] {
        if (track_changes_) {
          mark_changed(*e, slots_.probe().search_from(strip.slots[i], strip.tags[i]).user);
        }
        continue;
      }
    }
    const base::Result<uint32_t> index = resolve(payment.user, strip.tags[i], strip.slots[i]);
    if (!index) {
      why = base::fail(index.error());
      return i;
    }
    if (const record::Flaw flaw = add_to(*index, {payment.sum, payment.count});
        flaw != record::Flaw::kNone) [[unlikely]] {
      why = flaw;
      return i;
    }
  }
  return i;
}

// Of these rows, all of which have been added, those from `line_begin` on and the users that they
// have brought. Behind the first so many that had changed before come the users of the others.
[[gnu::noinline]] void Totals::take_back_line(std::span<const Row> added, size_t line_begin,
                                              size_t changed_before) {
  for (size_t i = added.size(); i-- > line_begin;) {
    const std::optional<uint32_t> index = find(added[i].record.user);
    assert(index);
    take_back(*index, added[i].record);
    if (*index + 1 == users_ && count(*index) == 0) remove_last_user();
  }
  if (!track_changes_) return;
  forget_changes(changed_before);  // of users that are removed, too: their entries lie there still
  for (const Row& row : added.first(line_begin)) {
    const uint32_t index = *find(row.record.user);
    mark_changed(entry(index), index);
  }
}

// REQUIRES: it has paid nothing, and a row has brought it. That it has changed is for the caller.
void Totals::remove_last_user() {
  const uint32_t index = users_ - 1;
  const Entry& e = entry(index);
  slots_.remove_last(e.tag(), index);
  const bool in_last_chunk = e.has_long_name() && e.place() >> kNameChunkBits == names_.size() - 1;
  if (in_last_chunk) names_used_ -= e.name_size();
  users_ = index;
}

void Totals::take_back(uint32_t index, const record::Payment& payments) {
  Entry& e = entry(index);
  UserTotal total = total_of(e);
  total.take_back({payments.sum, payments.count});
  if (!e.set(total)) set_wide(e, total);
}

void Totals::forget_changes(size_t first) {
  for (; changed_.size() > first; changed_.pop_back()) entry(changed_.back()).clear_changed();
}

base::Result<void> Totals::find_or_add(std::span<const Row> rows, std::vector<uint32_t>& indices) {
  indices.clear();
  Strip strip;
  for (size_t done = 0; done < rows.size(); done += kStrip) {
    const auto part = rows.subspan(done, std::min(kStrip, rows.size() - done));
    make_room(part.size());
    fetch_ahead(part, strip);
    for (size_t i = 0; i < part.size(); ++i) {
      const base::Result<uint32_t> index =
          resolve(part[i].record.user, strip.tags[i], strip.slots[i]);
      if (!index) return base::fail(index.error());
      indices.push_back(*index);
    }
  }
  return {};
}

// Each pass asks for what the next one reads: slots, then entries, then long names. The slots found
// here stay right while rows of the strip are added, since a slot once filled never changes.
void Totals::fetch_ahead(std::span<const Row> rows, Strip& strip) const {
  const UserHash hash = hash_;
  const UserSlots::Probe slots = slots_.probe();
  bool any_long = false;
  for (size_t i = 0; i < rows.size(); ++i) {
    const record::UserName& user = rows[i].record.user;
    const uint32_t tag = hash.tag(user);
    any_long |= UserHash::is_of_long_name(tag);
    strip.tags[i] = tag;
    slots.fetch(tag);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const UserSlots::Found found = slots.search(strip.tags[i]);
    strip.slots[i] = found.slot;
    Entry* e = nullptr;
    if (found) [[likely]] {
      e = &entry(found.user);
      __builtin_prefetch(e);
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

UserSlots::Found Totals::find_from(UserSlots::Found found, const record::UserName& user,
                                   uint32_t tag) const {
  while (found && !is_named(entry(found.user), user)) {
    found = slots_.probe().search_behind(tag, found);
  }
  return found;
}

// REQUIRES: room for one more user, of whom there is nothing in front of `slot`.
base::Result<uint32_t> Totals::resolve(const record::UserName& user, uint32_t tag, uint32_t slot) {
  const UserSlots::Found found = find_from(slots_.probe().search_from(slot, tag), user, tag);
  if (found) return found.user;
  if (users_ >= users_max_) return base::fail(too_many_users());
  const uint32_t index = append_entry(user, tag);
  slots_.set(found, tag, index);
  return index;
}

base::Error Totals::too_many_users() const {
  return {fmt::format("more than {} users: {}", users_max_,
                      users_max_ == kUsersMax ? "this table cannot hold them"
                                              : "raise --users-max if there is the memory")};
}

Totals::Entry& Totals::next_entry() {
  const uint32_t index = users_++;
  if (index >> kEntryChunkBits == entries_.size()) {
    entries_.emplace_back(size_t{1} << kEntryChunkBits, base::pages_of_piece(entries_.size()));
  }
  return entry(index);
}

uint32_t Totals::append_entry(const record::UserName& user, uint32_t tag) {
  assert(user.size() <= record::kUserBytesMax);
  uint64_t place = 0;
  if (UserHash::is_of_long_name(tag)) {
    // Never filled to its last byte: so an empty name, too, lies within a chunk.
    if (names_used_ + user.size() >= size_t{1} << kNameChunkBits) {
      names_.emplace_back(size_t{1} << kNameChunkBits, base::pages_of_piece(names_.size()));
      names_used_ = 0;
    }
    std::memcpy(names_.back().data() + names_used_, user.data(), user.size());
    place = (uint64_t{names_.size() - 1} << kNameChunkBits) | names_used_;
    names_used_ += user.size();
  }
  next_entry() = Entry(user, tag, place);
  return users_ - 1;
}

record::Flaw Totals::add_to(uint32_t index, const UserTotal& more) {
  bound_.add(more);
  Entry& e = entry(index);
  const record::Flaw flaw = e.add(more) ? record::Flaw::kNone : add_wide(e, more);
  if (flaw == record::Flaw::kNone) mark_changed(e, index);
  return flaw;
}

// False, and nothing is changed, where the total is not wide or would not fit.
[[gnu::noinline]] bool Totals::add_to_wide(const Entry& e, const record::Payment& payments) {
  const UserTotal more = {payments.sum, payments.count};
  if (!e.is_wide() || wide_[e.wide_place()].add(more) != record::Flaw::kNone) return false;
  bound_.add(more);
  return true;
}

[[gnu::noinline]] record::Flaw Totals::add_wide(Entry& e, const UserTotal& more) {
  UserTotal total = total_of(e);
  const record::Flaw flaw = total.add(more);
  if (flaw == record::Flaw::kNone) set_wide(e, total);
  return flaw;
}

void Totals::set_wide(Entry& e, const UserTotal& total) {
  if (!e.is_wide()) {
    e.set_wide(wide_.size());
    wide_.emplace_back();
  }
  wide_[e.wide_place()] = total;
}

void Totals::mark_changed(Entry& e, uint32_t index) {
  if (!track_changes_ || e.changed()) return;
  e.set_changed();
  changed_.push_back(index);
}

void Totals::make_room(size_t more) {
  assert(slots_.are_there());
  if (slots_.has_room_for(users_ + more)) return;
  slots_.clear_for(users_ + more);
  const UserSlots::Probe slots = slots_.probe();
  for (uint32_t i = 0; i < users_; ++i) {
    if (i + kSlotsAhead < users_) slots.fetch(entry(i + kSlotsAhead).tag());
    slots_.add(entry(i).tag(), i);
  }
}

std::optional<uint32_t> Totals::find(const record::UserName& user) const {
  assert(slots_.are_there());
  const uint32_t tag = hash_.tag(user);
  const UserSlots::Found found = find_from(slots_.probe().search(tag), user, tag);
  return found ? std::optional(found.user) : std::nullopt;
}

base::Result<uint32_t> Totals::find_or_add(const record::UserName& user) {
  make_room(1);
  const uint32_t tag = hash_.tag(user);
  return resolve(user, tag, slots_.probe().search(tag).slot);
}

void Totals::set(uint32_t index, money::Decimal sum, uint64_t count) {
  Entry& e = entry(index);
  if (!e.set({sum, count})) set_wide(e, {sum, count});
  mark_changed(e, index);
}

PrefixBound Totals::take_bound() {
  return std::exchange(bound_, {});
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
  return slots_.memory_bytes() + users_ * sizeof(Entry) + names +
         wide_.capacity() * sizeof(UserTotal) + changed_.capacity() * sizeof(uint32_t);
}

}  // namespace paystats::totals
