// What a table of totals has of one user. A name of up to 16 bytes lies here, beside what is added
// to it: each further place in memory is one that a large table has not in the cache. A longer one
// has a place among the table's long names. Tested through agg/totals.h.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "money/decimal.h"
#include "record/user_name.h"

namespace paystats {

class UserEntry {
 public:
  static bool is_inline(size_t name_size) { return name_size <= UserName::kHeadBytes; }

  UserEntry() = default;
  // Nothing paid yet. `place` is where a long name lies; of another one it means nothing.
  UserEntry(const UserName& user, uint32_t tag, uint64_t place)
      : tag_(tag), name_(static_cast<uint32_t>(user.size())), head_(user.head()) {
    assert(user.size() <= kSizeMask);
    if (has_long_name()) head_ = {.first = place, .second = 0};
  }

  uint32_t tag() const { return tag_; }
  size_t name_size() const { return name_ & kSizeMask; }
  bool has_long_name() const { return !is_inline(name_size()); }
  // REQUIRES of the next two: not has_long_name().
  const UserName::Head& head() const { return head_; }
  const char* text() const { return reinterpret_cast<const char*>(&head_); }
  // REQUIRES of the next two: has_long_name().
  uint64_t place() const { return head_.first; }
  void move_place(uint64_t by) { head_.first += by; }

  // Whether it is listed among those that have changed.
  bool changed() const { return (name_ & kChangedBit) != 0; }
  void set_changed() { name_ |= kChangedBit; }
  void clear_changed() { name_ &= ~kChangedBit; }

  // It may lie in two lines of the cache. By force: see Totals::prefetch_entry().
  [[gnu::always_inline]] static void prefetch(const UserEntry* e) {
    __builtin_prefetch(e);
    __builtin_prefetch(&e->head_);
  }

  Decimal sum;
  uint64_t count = 0;

 private:
  static constexpr uint32_t kChangedBit = uint32_t{1} << 31U;
  static constexpr uint32_t kSizeMask = kChangedBit - 1;

  uint32_t tag_ = 0;
  uint32_t name_ = 0;    // its size, and kChangedBit
  UserName::Head head_;  // or the place of a long name
};
static_assert(sizeof(UserEntry) == 48);

}  // namespace paystats
