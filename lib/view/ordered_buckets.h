// Ids in order, for a million of them under a million changes a second. Two levels: buckets of at
// most 256 ids in NO order, and a sorted directory of the keys at which buckets begin.
//
// - A change of key looks up the directory. Where the id stays in its bucket (most changes move it
//   by little), nothing else happens; otherwise it is swapped out of one bucket and appended to
//   another. Each id knows its place, so neither searches.
// - A full bucket is split at its median; small neighbours are joined; an empty one goes.
// - A reader sorts only the buckets that it touches.
// - How many ids come before a key: the sizes of the buckets before it (summed up once after a
//   change, not for each reader) and a look at one bucket.
//
// Order is a small object that knows the keys:
//
//   using Key = ...;                       a copy of what orders an id; an id is never reused
//   Key key_of(uint32_t id) const;         as of now
//   bool before(const Key&, const Key&) const;   strict and total over ids
//   Place& place_of(uint32_t id) const;
//
// After the key of an id has changed, update(id) must be the next call.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "view/chunked.h"
#include "view/user_row.h"

namespace paystats::view {

template <class Order>
class OrderedBuckets {
 public:
  using Key = typename Order::Key;
  static constexpr uint32_t kBucketIds = 256;

  explicit OrderedBuckets(Order order) : order_(order) {}

  void insert(uint32_t id);
  void erase(uint32_t id);
  void update(uint32_t id);

  // For an update that will probably come soon: each step fetches the memory that the next one
  // reads, so that many ids can wait for theirs at the same time. Inlined by force: gcc leaves out
  // a call that it takes to be without effect. REQUIRES: `id` is in here, or was.
  [[gnu::always_inline]] void prefetch_bucket(uint32_t id) const;
  [[gnu::always_inline]] void prefetch_moved(uint32_t id) const;

  size_t size() const { return size_; }
  size_t buckets() const { return directory_.size(); }
  const Order& order() const { return order_; }

  // How many ids have a key that comes before `key`.
  uint64_t count_before(const Key& key) const {
    return count_before([&](const Key& other) { return order_.before(other, key); });
  }
  // The same for a place between keys: `is_before(key)` holds for a first part of all keys.
  template <class IsBefore>
  uint64_t count_before(IsBefore is_before) const;

  // Reading: buckets are numbered in order, until the next change.
  size_t bucket_of(const Key& key) const {
    return bucket_at([&](const Key& lower) { return !order_.before(key, lower); });
  }
  // The last bucket whose lower key satisfies `reaches` (which holds for a first part of all keys),
  // else the first, which has none.
  template <class Reaches>
  size_t bucket_at(Reaches reaches) const;
  size_t bucket_at_position(uint64_t position) const;  // REQUIRES: position < size()
  uint64_t first_position(size_t bucket) const;        // of the bucket's first id
  std::span<const uint32_t> ids(size_t bucket) const;  // in no order
  void sorted_keys(size_t bucket, std::vector<Key>& out) const;
  const Key& lower_key(size_t bucket) const { return lowers_[bucket]; }  // REQUIRES: bucket > 0

 private:
  using Ids = std::array<uint32_t, kBucketIds>;
  static constexpr uint32_t kJoinIds = kBucketIds / 2;   // joined neighbours have at most this many
  static constexpr uint32_t kSmallIds = kBucketIds / 4;  // a bucket of no more looks for one

  void append(size_t at, uint32_t id);
  void take_out(uint32_t id);
  void split(size_t at);
  void join_if_small(uint32_t bucket);
  void join(size_t left);
  void drop(size_t at);
  uint32_t new_bucket();
  const std::vector<uint32_t>& first_positions() const;

  Order order_;
  size_t size_ = 0;
  Chunked<Ids, 11> pool_;
  std::vector<uint32_t> sizes_;  // of those in the pool; dense, so that all are near at hand
  std::vector<Key> begins_;      // as in lowers_: how a bucket finds itself in the directory
  std::vector<uint32_t> free_;
  std::vector<Key> lowers_;          // the directory: where buckets begin (that of the first is
  std::vector<uint32_t> directory_;  // not used), and their numbers in the pool
  std::vector<Key> split_keys_;      // memory of split()
  mutable std::vector<uint32_t> first_positions_;
  mutable bool first_positions_known_ = false;
};

}  // namespace paystats::view

#include "view/ordered_buckets_impl.h"  // IWYU pragma: keep
