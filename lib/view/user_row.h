// The row that the parts of a view share: the ledger fills it, the order indexes keep their places
// in it. A change of a user's sum touches this one cache line and the buckets that it moves
// between: a name of up to 16 bytes lies in here, for each further place in memory is one that has
// to be waited for.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "money/decimal.h"
#include "record/user_name.h"

namespace paystats::view {

inline constexpr uint32_t kNoUser = UINT32_MAX;

// Where an order index (ordered_buckets.h) keeps an id.
struct Place {
  uint32_t bucket = 0;
  uint32_t slot = 0;
};

// All that is known of a user, in one cache line.
struct alignas(64) UserRow {
  money::Decimal sum;
  uint64_t count = 0;
  record::UserName::Head
      head;  // of a name that is not inline: its first 8 bytes, and where it lies
  uint32_t name_size = 0;
  uint32_t partials = 0;  // the first of a list, or one of the ledger's marks
  Place in_ranking;
  Place in_names;

  static bool is_inline(std::string_view name) {
    return name.size() <= record::UserName::kHeadBytes;
  }

  // `elsewhere`: the bytes of a name that is not inline, which stay there for good.
  void set_name(const record::UserName& name, const char* elsewhere) {
    head = name.head();
    name_size = static_cast<uint32_t>(name.size());
    if (!is_inline(name)) head.second = std::bit_cast<uint64_t>(elsewhere);
  }
  bool has_inline_name() const { return name_size <= record::UserName::kHeadBytes; }
  const char* name_bytes() const {
    return has_inline_name() ? reinterpret_cast<const char*>(&head)
                             : std::bit_cast<const char*>(head.second);
  }
  std::string_view name() const { return {name_bytes(), name_size}; }
  bool is_named(const record::UserName& name) const {
    if (name_size != name.size()) return false;
    if (has_inline_name()) [[likely]] {
      return head == name.head();
    }
    return std::memcmp(name_bytes(), name.data(), name_size) == 0;
  }
  // The first 8 bytes as a number that compares as they do, zeros behind: orders most names alone.
  uint64_t name_head() const { return head.ordered(); }
};
static_assert(sizeof(UserRow) == 64);

}  // namespace paystats::view
