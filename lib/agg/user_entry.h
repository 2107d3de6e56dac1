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

struct UserEntry {
  static constexpr size_t kInlineBytes = UserName::kHeadBytes;
  static bool is_inline(size_t name_size) { return name_size <= kInlineBytes; }

  // Nothing paid yet. `place` is where a long name lies; of another one it means nothing.
  void begin(const UserName& user, uint64_t place) {
    assert(user.size() < size_t{1} << kLengthBits);
    *this = {};
    name = user.size();
    head = user.head();
    if (!is_inline(user.size())) name |= place << kLengthBits;
  }

  size_t name_size() const { return name & ((1U << kLengthBits) - 1); }
  bool has_long_name() const { return !is_inline(name_size()); }
  // Of a name that is not long.
  const char* text() const { return reinterpret_cast<const char*>(&head); }
  // REQUIRES of the next two: has_long_name().
  uint64_t place() const { return (name & ~kChangedBit) >> kLengthBits; }
  void move_place(uint64_t by) { name += by << kLengthBits; }

  // Whether it is listed among those that have changed.
  bool changed() const { return (name & kChangedBit) != 0; }
  void set_changed() { name |= kChangedBit; }
  void clear_changed() { name &= ~kChangedBit; }

  // It may lie in two lines of the cache. By force: see Totals::prefetch_entry().
  [[gnu::always_inline]] static void prefetch(const UserEntry* e) {
    __builtin_prefetch(e);
    __builtin_prefetch(&e->head);
  }

  Decimal sum;
  uint64_t count = 0;
  uint64_t name = 0;  // for the functions above; from the lowest bit: length, place, kChangedBit
  UserName::Head head{};

  static constexpr unsigned kLengthBits = 11;
  static constexpr uint64_t kChangedBit = uint64_t{1} << 63U;
};
static_assert(sizeof(UserEntry) == 48);

}  // namespace paystats
