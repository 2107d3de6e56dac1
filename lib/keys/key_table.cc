#include "keys/key_table.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/hash.h"

namespace paystats::keys {
namespace {

constexpr size_t kGenerations = 8;  // that a full table is made of
constexpr size_t kFirstSlots = 64;

bool before(const KeyEntry& a, const KeyEntry& b) {
  return a.fingerprint != b.fingerprint ? a.fingerprint < b.fingerprint : a.place < b.place;
}

}  // namespace

void KeyTable::Newest::put(const KeyEntry& entry) {
  size_t at = home(entry.fingerprint);
  while (slots_[at].place != kFree) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = entry;
}

void KeyTable::Newest::grow() {
  std::vector<KeyEntry> old(std::max(kFirstSlots, slots_.size() * 2), KeyEntry{0, kFree});
  old.swap(slots_);
  for (const KeyEntry& entry : old) {
    if (entry.place != kFree) put(entry);
  }
}

void KeyTable::Newest::add(const KeyEntry& entry) {
  if (2 * (size_ + 1) > slots_.size()) grow();
  put(entry);
  ++size_;
}

void KeyTable::Newest::find(uint64_t fingerprint, std::vector<uint64_t>& places) const {
  if (slots_.empty()) return;
  for (size_t at = home(fingerprint); slots_[at].place != kFree;
       at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].fingerprint == fingerprint) places.push_back(slots_[at].place);
  }
}

std::vector<KeyEntry> KeyTable::Newest::take_sorted() {
  std::vector<KeyEntry> entries;
  entries.reserve(size_);
  std::copy_if(slots_.begin(), slots_.end(), std::back_inserter(entries),
               [](const KeyEntry& entry) { return entry.place != kFree; });
  std::fill(slots_.begin(), slots_.end(), KeyEntry{0, kFree});
  size_ = 0;
  std::sort(entries.begin(), entries.end(), before);
  return entries;
}

KeyTable::KeyTable(const KeyLimits& limits)
    : limits_(limits), generation_keys_(std::max<size_t>(1, limits.keys_max / kGenerations)) {}

uint64_t KeyTable::fingerprint_of(std::string_view key) {
  static const uint64_t kSeed = base::random_hash_seed();
  return base::hash_bytes(key, kSeed);
}

bool KeyTable::expired(base::Instant newest, base::Instant now) const {
  return now - newest >= limits_.memory;
}

// Forgets what may be forgotten, where there is no room for one key more.
void KeyTable::make_room(base::Instant now) {
  while (size_ >= limits_.keys_max && !generations_.empty() &&
         expired(generations_.front().newest, now)) {
    size_ -= generations_.front().entries.size();
    generations_.pop_front();
    has_forgotten_ = true;
  }
}

void KeyTable::add(const KeyEntry& entry, base::Instant now) {
  make_room(now);
  newest_.add(entry);
  newest_added_ = now;
  ++size_;
  if (newest_.size() < generation_keys_) return;
  generations_.push_back({newest_.take_sorted(), newest_added_, false});
}

void KeyTable::add_past(std::vector<KeyEntry> entries, base::Instant now) {
  if (entries.empty()) return;
  size_ += entries.size();
  std::sort(entries.begin(), entries.end(), before);
  generations_.push_front({std::move(entries), now, true});
}

std::vector<uint64_t> KeyTable::find(uint64_t fingerprint) const {
  std::vector<uint64_t> places;
  newest_.find(fingerprint, places);
  for (const Generation& generation : generations_) {
    auto at = std::lower_bound(generation.entries.begin(), generation.entries.end(),
                               KeyEntry{fingerprint, 0}, before);
    for (; at != generation.entries.end() && at->fingerprint == fingerprint; ++at) {
      places.push_back(at->place);
    }
  }
  std::sort(places.begin(), places.end());
  return places;
}

bool KeyTable::full(base::Instant now, size_t more) const {
  uint64_t young = newest_.size() + more;
  for (const Generation& generation : generations_) {
    if (!generation.past && !expired(generation.newest, now)) young += generation.entries.size();
  }
  return young >= limits_.keys_max;
}

}  // namespace paystats::keys
