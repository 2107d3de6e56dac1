// All users by the bytes of their names, so that those that begin with a prefix are one range,
// whose size is known at once. The same buckets as the ranking's: see ordered_buckets.h.
#pragma once

#include <cstdint>
#include <string_view>

#include "view/ledger.h"
#include "view/ordered_buckets.h"

namespace paystats::view {

struct NameKey {
  uint64_t head = 0;
  uint32_t id = kNoUser;
};

class NameOrder {
 public:
  using Key = NameKey;

  explicit NameOrder(Ledger& ledger) : ledger_(&ledger) {}

  Key key_of(uint32_t id) const { return {ledger_->row(id).name_head(), id}; }
  bool before(const Key& a, const Key& b) const {
    if (a.head != b.head) return a.head < b.head;
    return a.id != b.id && name(a) < name(b);
  }
  Place& place_of(uint32_t id) const { return ledger_->row(id).in_names; }

  std::string_view name(const Key& key) const { return ledger_->row(key.id).name(); }

 private:
  Ledger* ledger_;
};

using NameIndex = OrderedBuckets<NameOrder>;

// A prefix, made ready to be compared with many names: most are told by their first 8 bytes.
class Prefix {
 public:
  explicit Prefix(std::string_view bytes);  // points into `bytes`

  bool begins(const UserRow& row) const {
    return (row.name_head() & head_mask_) == head_ && row.name_size >= bytes_.size() &&
           (bytes_.size() <= sizeof head_ || row.name().starts_with(bytes_));
  }
  // How a name lies to the range of names that begin with this: before it, in it, behind it.
  int compare(uint64_t name_head, std::string_view name) const;

 private:
  std::string_view bytes_;
  uint64_t head_ = 0;
  uint64_t head_mask_ = 0;
};

// Positions in the index, from the first user that begins with the prefix to behind the last.
struct NameRange {
  uint64_t first = 0;
  uint64_t last = 0;

  uint64_t size() const { return last - first; }
};
NameRange find_range(const NameIndex& index, const Prefix& prefix);

}  // namespace paystats::view
