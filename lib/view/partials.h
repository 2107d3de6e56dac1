// The partials that users' totals are the sum of: of each user a list, one partial a source
// partition. Most lists are short and are walked along. The partials of a longer one can be found
// by the partition as well, since a topic whose payments are not keyed has each user in all of its
// partitions, hundreds of them.
//
//   uint32_t head = Partials::kNone;                     // no list
//   Partial& added = partials.add(head, owner, partition);
//   Partial* held = partials.find(head, owner, partition);   // or nullptr
//   partials.remove(head, owner, partition);
//
// `owner` is the user's id; the head of its list is kept elsewhere. References stay good until that
// partial is removed. Memory: 48 bytes a partial, and some 45 in a long list.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/hash.h"
#include "money/decimal.h"
#include "view/chunked.h"

namespace paystats::view {

class Partial {
 public:
  money::Decimal sum;
  uint64_t count = 0;
  int64_t offset = 0;
  int32_t partition = 0;

 private:
  friend class Partials;
  uint32_t previous = 0;
  uint32_t next = 0;
  uint32_t length = 0;  // of the list; of its head alone
};

class Partials {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kWalkedMax = 8;  // so long is a list that is walked along

  explicit Partials(uint64_t hash_seed) : hash_seed_(hash_seed) {}

  Partial* find(uint32_t head, uint32_t owner, int32_t partition);
  // REQUIRES: there is none of that partition.
  Partial& add(uint32_t& head, uint32_t owner, int32_t partition);
  void remove(uint32_t& head, uint32_t owner, int32_t partition);
  void clear(uint32_t& head, uint32_t owner);

 private:
  struct Hash {
    uint64_t seed;
    size_t operator()(uint64_t key) const {
      return base::hash_bytes({reinterpret_cast<const char*>(&key), sizeof key}, seed);
    }
  };
  // By owner and partition. Many small maps: the growth of one large one would hold the loop.
  using Index = std::unordered_map<uint64_t, uint32_t, Hash>;

  static uint64_t key_of(uint32_t owner, int32_t partition);
  bool is_long(uint32_t head) const;
  uint32_t find_id(uint32_t head, uint32_t owner, int32_t partition);
  Index& index_of(uint64_t key);
  void enter(uint32_t owner, uint32_t id);
  void strike(uint32_t owner, uint32_t id);
  void free(uint32_t id);

  static constexpr size_t kIndexes = 256;

  const uint64_t hash_seed_;
  Chunked<Partial, 17> partials_;
  uint32_t free_ = kNone;  // a list through `next`
  std::array<std::unique_ptr<Index>, kIndexes> indexes_;
};

}  // namespace paystats::view
