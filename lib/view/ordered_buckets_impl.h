// The definitions of ordered_buckets.h, which includes this.
#pragma once

#include "view/ordered_buckets.h"

namespace paystats::view {

template <class Order>
template <class Reaches>
size_t OrderedBuckets<Order>::bucket_at(Reaches reaches) const {
  // A binary search whose step is a choice of two numbers: no branch to be guessed wrong.
  size_t base = 0;
  size_t length = lowers_.size();
  while (length > 1) {
    const size_t half = length / 2;
    base += reaches(lowers_[base + half]) ? half : 0;
    length -= half;
  }
  return base;
}

template <class Order>
void OrderedBuckets<Order>::insert(uint32_t id) {
  if (directory_.empty()) {
    directory_.push_back(new_bucket());
    lowers_.emplace_back();
  }
  append(bucket_of(order_.key_of(id)), id);
  ++size_;
}

template <class Order>
void OrderedBuckets<Order>::erase(uint32_t id) {
  const uint32_t bucket = order_.place_of(id).bucket;
  take_out(id);
  --size_;
  join_if_small(bucket);
}

template <class Order>
void OrderedBuckets<Order>::update(uint32_t id) {
  const size_t at = bucket_of(order_.key_of(id));
  const uint32_t bucket = order_.place_of(id).bucket;
  if (directory_[at] == bucket) return;
  take_out(id);
  append(at, id);
  join_if_small(bucket);
}

template <class Order>
inline void OrderedBuckets<Order>::prefetch_bucket(uint32_t id) const {
  const Place place = order_.place_of(id);
  if (place.bucket >= pool_.size() || sizes_[place.bucket] == 0) return;
  const Ids& ids = pool_[place.bucket];
  __builtin_prefetch(&ids[place.slot], 1);
  __builtin_prefetch(&ids[sizes_[place.bucket] - 1]);
}

template <class Order>
inline void OrderedBuckets<Order>::prefetch_moved(uint32_t id) const {
  const uint32_t number = order_.place_of(id).bucket;
  if (number >= pool_.size() || sizes_[number] == 0) return;
  __builtin_prefetch(&order_.place_of(pool_[number][sizes_[number] - 1]), 1);
}

template <class Order>
void OrderedBuckets<Order>::append(size_t at, uint32_t id) {
  const uint32_t bucket = directory_[at];
  uint32_t& size = sizes_[bucket];
  order_.place_of(id) = {bucket, size};
  pool_[bucket][size++] = id;
  first_positions_known_ = false;
  if (size == kBucketIds) split(at);
}

template <class Order>
void OrderedBuckets<Order>::take_out(uint32_t id) {
  const Place place = order_.place_of(id);
  Ids& ids = pool_[place.bucket];
  assert(place.slot < sizes_[place.bucket] && ids[place.slot] == id);
  const uint32_t last = ids[--sizes_[place.bucket]];
  ids[place.slot] = last;
  order_.place_of(last).slot = place.slot;
  first_positions_known_ = false;
}

template <class Order>
void OrderedBuckets<Order>::split(size_t at) {
  const uint32_t left_number = directory_[at];
  const uint32_t right_number = new_bucket();
  Ids& left = pool_[left_number];
  Ids& right = pool_[right_number];
  const uint32_t size = sizes_[left_number];
  split_keys_.clear();
  for (uint32_t slot = 0; slot < size; ++slot) split_keys_.push_back(order_.key_of(left[slot]));
  const auto before = [this](const Key& a, const Key& b) { return order_.before(a, b); };
  const uint32_t half = size / 2;
  std::nth_element(split_keys_.begin(), split_keys_.begin() + half, split_keys_.end(), before);

  for (uint32_t slot = 0; slot < half; ++slot) {
    left[slot] = split_keys_[slot].id;
    order_.place_of(left[slot]).slot = slot;
  }
  for (uint32_t slot = half; slot < size; ++slot) {
    right[slot - half] = split_keys_[slot].id;
    order_.place_of(split_keys_[slot].id) = {right_number, slot - half};
  }
  sizes_[left_number] = half;
  sizes_[right_number] = size - half;
  begins_[right_number] = split_keys_[half];
  const auto next = static_cast<ptrdiff_t>(at) + 1;
  lowers_.insert(lowers_.begin() + next, split_keys_[half]);
  directory_.insert(directory_.begin() + next, right_number);
}

// Looks only now and then, so that a bucket that shrinks does not search for itself each time.
template <class Order>
void OrderedBuckets<Order>::join_if_small(uint32_t bucket) {
  const uint32_t size = sizes_[bucket];
  if (size > kSmallIds || size % 16 != 0 || directory_.size() == 1) return;
  const size_t at = directory_[0] == bucket ? 0 : bucket_of(begins_[bucket]);
  assert(directory_[at] == bucket);
  if (size == 0) {
    drop(at);
  } else if (at > 0 && sizes_[directory_[at - 1]] + size <= kJoinIds) {
    join(at - 1);
  } else if (at + 1 < directory_.size() && sizes_[directory_[at + 1]] + size <= kJoinIds) {
    join(at);
  }
}

template <class Order>
void OrderedBuckets<Order>::join(size_t left_at) {
  const uint32_t left_number = directory_[left_at];
  const uint32_t right_number = directory_[left_at + 1];
  Ids& left = pool_[left_number];
  uint32_t& size = sizes_[left_number];
  for (const uint32_t id : ids(left_at + 1)) {
    order_.place_of(id) = {left_number, size};
    left[size++] = id;
  }
  sizes_[right_number] = 0;
  drop(left_at + 1);
}

// An empty bucket goes; its part of the order falls to the one before it, or, where it is the
// first, to the one behind it.
template <class Order>
void OrderedBuckets<Order>::drop(size_t at) {
  assert(sizes_[directory_[at]] == 0);
  free_.push_back(directory_[at]);
  lowers_.erase(lowers_.begin() + static_cast<ptrdiff_t>(at));
  directory_.erase(directory_.begin() + static_cast<ptrdiff_t>(at));
  first_positions_known_ = false;
}

template <class Order>
uint32_t OrderedBuckets<Order>::new_bucket() {
  if (free_.empty()) {
    sizes_.push_back(0);
    begins_.emplace_back();
    return pool_.grow();
  }
  const uint32_t bucket = free_.back();
  free_.pop_back();
  return bucket;
}

template <class Order>
const std::vector<uint32_t>& OrderedBuckets<Order>::first_positions() const {
  if (!first_positions_known_) {
    first_positions_.resize(directory_.size());
    uint32_t position = 0;
    for (size_t at = 0; at < directory_.size(); ++at) {
      first_positions_[at] = position;
      position += sizes_[directory_[at]];
    }
    first_positions_known_ = true;
  }
  return first_positions_;
}

template <class Order>
template <class IsBefore>
uint64_t OrderedBuckets<Order>::count_before(IsBefore is_before) const {
  if (directory_.empty()) return 0;
  const size_t at = bucket_at(is_before);
  uint64_t count = first_position(at);
  for (const uint32_t id : ids(at)) count += is_before(order_.key_of(id)) ? 1 : 0;
  return count;
}

template <class Order>
size_t OrderedBuckets<Order>::bucket_at_position(uint64_t position) const {
  assert(position < size_);
  const std::vector<uint32_t>& firsts = first_positions();
  const auto behind = std::upper_bound(firsts.begin(), firsts.end(), position);
  return static_cast<size_t>(behind - firsts.begin()) - 1;
}

template <class Order>
uint64_t OrderedBuckets<Order>::first_position(size_t bucket) const {
  return first_positions()[bucket];
}

template <class Order>
std::span<const uint32_t> OrderedBuckets<Order>::ids(size_t bucket) const {
  const uint32_t number = directory_[bucket];
  return {pool_[number].data(), sizes_[number]};
}

template <class Order>
void OrderedBuckets<Order>::sorted_keys(size_t bucket, std::vector<Key>& out) const {
  out.clear();
  for (const uint32_t id : ids(bucket)) out.push_back(order_.key_of(id));
  std::sort(out.begin(), out.end(),
            [this](const Key& a, const Key& b) { return order_.before(a, b); });
}

}  // namespace paystats::view
