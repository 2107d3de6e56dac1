#include "view/partials.h"

#include <utility>

namespace paystats::view {

uint64_t Partials::key_of(uint32_t owner, int32_t partition) {
  return uint64_t{owner} << 32U | static_cast<uint32_t>(partition);
}

Partials::Index& Partials::index_of(uint64_t key) {
  std::unique_ptr<Index>& index = indexes_[Hash{hash_seed_}(key) >> 56U];
  if (!index) index = std::make_unique<Index>(0, Hash{hash_seed_});
  return *index;
}

void Partials::enter(uint32_t owner, uint32_t id) {
  const uint64_t key = key_of(owner, partials_[id].partition);
  index_of(key).emplace(key, id);
}

void Partials::strike(uint32_t owner, uint32_t id) {
  const uint64_t key = key_of(owner, partials_[id].partition);
  index_of(key).erase(key);
}

bool Partials::is_long(uint32_t head) const {
  return head != kNone && partials_[head].length > kWalkedMax;
}

uint32_t Partials::find_id(uint32_t head, uint32_t owner, int32_t partition) {
  if (is_long(head)) {
    const uint64_t key = key_of(owner, partition);
    const Index& index = index_of(key);
    const auto found = index.find(key);
    return found == index.end() ? kNone : found->second;
  }
  uint32_t id = head;
  while (id != kNone && partials_[id].partition != partition) id = partials_[id].next;
  return id;
}

Partial* Partials::find(uint32_t head, uint32_t owner, int32_t partition) {
  const uint32_t id = find_id(head, owner, partition);
  return id == kNone ? nullptr : &partials_[id];
}

Partial& Partials::add(uint32_t& head, uint32_t owner, int32_t partition) {
  const uint32_t id =
      free_ == kNone ? partials_.grow() : std::exchange(free_, partials_[free_].next);
  Partial& added = partials_[id];
  added.partition = partition;
  added.previous = kNone;
  added.next = head;
  added.length = 1;
  if (head != kNone) {
    added.length += partials_[head].length;
    partials_[head].previous = id;
  }
  head = id;
  if (added.length == kWalkedMax + 1) {
    for (uint32_t each = head; each != kNone; each = partials_[each].next) enter(owner, each);
  } else if (is_long(head)) {
    enter(owner, id);
  }
  return added;
}

void Partials::remove(uint32_t& head, uint32_t owner, int32_t partition) {
  const uint32_t id = find_id(head, owner, partition);
  if (id == kNone) return;
  const uint32_t length = partials_[head].length;
  if (length == kWalkedMax + 1) {
    for (uint32_t each = head; each != kNone; each = partials_[each].next) strike(owner, each);
  } else if (is_long(head)) {
    strike(owner, id);
  }
  const Partial& gone = partials_[id];
  (gone.previous == kNone ? head : partials_[gone.previous].next) = gone.next;
  if (gone.next != kNone) partials_[gone.next].previous = gone.previous;
  if (head != kNone) partials_[head].length = length - 1;
  free(id);
}

void Partials::clear(uint32_t& head, uint32_t owner) {
  const bool is_entered = is_long(head);
  while (head != kNone) {
    const uint32_t id = std::exchange(head, partials_[head].next);
    if (is_entered) strike(owner, id);
    free(id);
  }
}

void Partials::free(uint32_t id) {
  partials_[id].next = free_;
  free_ = id;
}

}  // namespace paystats::view
