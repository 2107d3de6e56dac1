// The row that the parts of a view share: the ledger fills it, the order indexes keep their places
// in it. A change of a user's sum touches this one cache line and the buckets that he moves
// between.
#pragma once

#include <cstdint>
#include <string_view>

#include "money/decimal.h"

namespace paystats {

inline constexpr uint32_t kNoUser = UINT32_MAX;

// Where an order index (ordered_buckets.h) keeps an id.
struct Place {
  uint32_t bucket = 0;
  uint32_t slot = 0;
};

// All that is known of a user, in one cache line.
struct alignas(64) UserRow {
  Decimal sum;
  uint64_t count = 0;
  const char* name_bytes = nullptr;
  uint64_t name_head = 0;  // the first 8 bytes, big-endian, zeros behind: orders most names alone
  uint32_t name_size = 0;
  uint32_t partials = 0;  // the first of a list, or one of the ledger's marks
  Place in_ranking;
  Place in_names;

  std::string_view name() const { return {name_bytes, name_size}; }
};
static_assert(sizeof(UserRow) == 64);

// The first 8 bytes of `name` as a number that compares as they do.
uint64_t name_head(std::string_view name);

}  // namespace paystats
