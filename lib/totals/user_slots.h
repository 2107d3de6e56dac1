// Where a table of totals finds its users: open addressing over slots of 32 bits. Of a user's tag,
// 32 bits of its hash, the highest ones are its place, and the others stand in its slot, above the
// number of the user, for which as many bits are left as there are places.
//
//   UserSlots slots;
//   const UserSlots::Probe probe = slots.probe();
//   probe.fetch(tag);                                // some time before it is asked
//   UserSlots::Found found = probe.search(tag);
//   while (found && !is_named(found.user, name)) found = probe.search_behind(tag, found);
//   if (!found) slots.set(found, tag, user);        // where the search has ended
//
// It does not keep tags as a whole, so a table that grows puts all users in again. Slots once
// filled do not change until then. Tested through totals/totals.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/large_array.h"

namespace paystats::totals {

class UserSlots {
 public:
  // Three quarters of the most slots that there can be.
  static constexpr uint64_t kUsersMax = uint64_t{3} << 29U;

  // Where a search has ended: at a user that has the tag, as far as a slot can tell, or at an empty
  // slot.
  struct Found {
    uint32_t slot = 0;
    uint32_t user = kNobody;

    explicit operator bool() const { return user != kNobody; }
  };

  // A non-owning view of the slots, valid until they grow: a loop keeps it in registers.
  class Probe {
   public:
    // By force: to gcc a call that only prefetches can be left out.
    [[gnu::always_inline]] void fetch(uint32_t tag) const {
      __builtin_prefetch(&slots_[home(tag)]);
    }
    Found search(uint32_t tag) const { return search_from(home(tag), tag); }
    Found search_behind(uint32_t tag, Found found) const {
      return search_from((found.slot + 1) & mask_, tag);
    }
    // From a slot on where such a search has ended before.
    //
    // What is left of a slot without the bits of the tag that it should have is a user's number and
    // 1, or too large for that; of an empty slot it is never in that range.
    Found search_from(uint32_t at, uint32_t tag) const {
      const uint32_t bits = tag << bits_;
      for (;; at = (at + 1) & mask_) {
        const uint32_t slot = slots_[at];
        const uint32_t user = (slot ^ bits) - 1;
        if (user < mask_) [[likely]] {
          return {at, user};
        }
        if (slot == 0) return {at, kNobody};
      }
    }

   private:
    friend class UserSlots;
    Probe(uint32_t* slots, unsigned bits)
        : slots_(slots),
          mask_((uint32_t{1} << bits) - 1),
          bits_(bits),
          home_shift_(kTagBits - bits) {}

    uint32_t home(uint32_t tag) const { return tag >> home_shift_; }

    uint32_t* slots_;
    uint32_t mask_;
    unsigned bits_;
    unsigned home_shift_;
  };
  Probe probe() const { return {slots_.data(), bits_}; }

  void set(Found found, uint32_t tag, uint32_t user) {
    slots_[found.slot] = tag << bits_ | (user + 1);
  }
  // The same for a user that is known to be new.
  void add(uint32_t tag, uint32_t user) {
    const Probe all = probe();
    uint32_t at = all.home(tag);
    while (slots_[at] != 0) at = (at + 1) & all.mask_;
    set({at, kNobody}, tag, user);
  }

  // Takes back what set() or add() did last, of those that have not been taken back.
  void remove_last(uint32_t tag, uint32_t user) {
    Found found = probe().search(tag);
    while (found.user != user) found = probe().search_behind(tag, found);
    slots_[found.slot] = 0;
  }

  // At most three quarters are in use: a search is then short.
  bool has_room_for(uint64_t users) const { return users <= room(bits_) || bits_ == kBitsMax; }
  // Empty ones with room for so many users; nothing of the old ones is kept.
  void clear_for(uint64_t users) {
    while (!has_room_for(users)) ++bits_;
    slots_ = {};  // first, so that there are never both
    slots_ = base::LargeArray<uint32_t>(size_t{1} << bits_, base::PageSize::kLarge,
                                        base::Backing::kAtOnce);
  }

  // Gives the memory back; only clear_for() may follow.
  void drop() { slots_ = {}; }
  bool are_there() const { return slots_.size() > 0; }
  uint64_t memory_bytes() const { return slots_.size() * sizeof(uint32_t); }

 private:
  static constexpr unsigned kTagBits = 32;
  static constexpr unsigned kBitsLeast = 10;
  static constexpr unsigned kBitsMax = 31;
  static constexpr uint32_t kNobody = UINT32_MAX;

  static uint64_t room(unsigned bits) { return (uint64_t{1} << bits) / 4 * 3; }

  unsigned bits_ = kBitsLeast;
  base::LargeArray<uint32_t> slots_ = base::LargeArray<uint32_t>(size_t{1} << kBitsLeast);
};

}  // namespace paystats::totals
