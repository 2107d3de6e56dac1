// What a table of totals has of one user: 32 bytes, half a cache line: one cache miss a payment. A
// short name (user_hash.h) lies here, and a long one has a place among the table's long names; and
// sum and count are words of 64 and 31 bits, and where they do not suffice, they lie among the
// table's *wide* totals. Tested through totals/totals.h.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "money/decimal.h"
#include "record/flaw.h"
#include "record/user_name.h"
#include "totals/user_hash.h"

namespace paystats::totals {

// Of one user, of any size.
struct UserTotal {
  money::Decimal sum;
  uint64_t count = 0;

  // Or the reason why it does not fit, and all is as it was.
  record::Flaw add(const UserTotal& more) {
    uint64_t counted = 0;
    if (__builtin_add_overflow(count, more.count, &counted)) return record::Flaw::kCountOverflow;
    if (!sum.add(more.sum)) return record::Flaw::kSumOverflow;
    count = counted;
    return record::Flaw::kNone;
  }
  // REQUIRES: it has been added.
  void take_back(const UserTotal& more) {
    sum = money::Decimal::from_nanos(sum.nanos() - more.sum.nanos());
    count -= more.count;
  }
};

class alignas(32) UserEntry {
 public:
  UserEntry() = default;
  // Nothing paid yet. `place` is where a long name lies; of another one it means nothing.
  UserEntry(const record::UserName& user, uint32_t tag, uint64_t place)
      : tag_(tag), head_(user.head()) {
    if (has_long_name()) head_ = {.first = place, .second = user.size()};
  }

  uint32_t tag() const { return tag_; }
  bool has_long_name() const { return UserHash::is_of_long_name(tag_); }
  size_t name_size() const {
    if (has_long_name()) return head_.second;
    return head_.second == 0 ? bytes_of(head_.first) : 8 + bytes_of(head_.second);
  }
  // REQUIRES of the next two: not has_long_name().
  const record::UserName::Head& head() const { return head_; }
  const char* text() const { return reinterpret_cast<const char*>(&head_); }
  // REQUIRES of the next two: has_long_name().
  uint64_t place() const { return head_.first; }
  void move_place(uint64_t by) { head_.first += by; }

  // Whether sum and count lie elsewhere.
  bool is_wide() const { return counted_ >= kWide; }
  // REQUIRES: not is_wide().
  UserTotal total() const {
    return {.sum = money::Decimal::from_nanos(sum_), .count = counted_ / kOne};
  }
  // REQUIRES of the next two: is_wide().
  size_t wide_place() const { return static_cast<size_t>(sum_); }
  void move_wide_place(size_t by) { sum_ += static_cast<int64_t>(by); }

  // All three return false, and change nothing, where the total is wide or would be.
  bool add_payments(money::Decimal more, uint64_t count) {
    const auto small = static_cast<int64_t>(more.nanos());
    int64_t sum = 0;
    if (small != more.nanos() || __builtin_add_overflow(sum_, small, &sum)) return false;
    // In 64 bits, which hold it for a count below the first limit; of a wide total it is beyond.
    const uint64_t counted = counted_ + count * kOne;
    if (count >= kWide / kOne || counted >= kWide) return false;
    counted_ = static_cast<uint32_t>(counted);
    sum_ = sum;
    return true;
  }
  bool add(const UserTotal& more) {
    if (is_wide()) return false;
    UserTotal sum = total();
    return sum.add(more) == record::Flaw::kNone && set(sum);
  }
  bool set(const UserTotal& total) {
    const auto small = static_cast<int64_t>(total.sum.nanos());
    if (is_wide() || small != total.sum.nanos() || total.count >= kWide / kOne) return false;
    sum_ = small;
    counted_ = static_cast<uint32_t>(total.count) * kOne | (counted_ & kChanged);
    return true;
  }
  void set_wide(size_t place) {
    sum_ = static_cast<int64_t>(place);
    counted_ |= kWide;
  }
  // For one whose total has been taken elsewhere: no more than that has a meaning here.
  void set_unpaid() {
    sum_ = 0;
    counted_ = 0;
  }
  bool is_unpaid() const { return counted_ < kOne; }

  // Whether it is listed among those that have changed.
  bool changed() const { return (counted_ & kChanged) != 0; }
  void set_changed() { counted_ |= kChanged; }
  void clear_changed() { counted_ &= ~kChanged; }

 private:
  static constexpr uint32_t kChanged = 1;
  static constexpr uint32_t kOne = 2;  // payment
  static constexpr uint32_t kWide = std::numeric_limits<uint32_t>::max() - kChanged;

  // A word of a head has zeros behind the text.
  static size_t bytes_of(uint64_t word) {
    return static_cast<size_t>(std::bit_width(word) + 7) / 8;
  }

  int64_t sum_ = 0;       // in nanos; the place of a wide total
  uint32_t counted_ = 0;  // the count, all ones where the total is wide, and kChanged
  uint32_t tag_ = 0;
  record::UserName::Head head_;  // the place of a long name and its size
};
static_assert(sizeof(UserEntry) == 32);

}  // namespace paystats::totals
