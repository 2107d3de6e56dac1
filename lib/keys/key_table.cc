#include "keys/key_table.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/hash.h"

namespace paystats::keys {
namespace {

constexpr size_t kGenerations = 8;  // that a full table is made of
constexpr size_t kFirstSlots = 64;

bool before(const KeyPlace& a, const KeyPlace& b) {
  return a.fingerprint != b.fingerprint ? a.fingerprint < b.fingerprint : a.place < b.place;
}
bool before(const KeyOutcome& a, const KeyOutcome& b) {
  return a.fingerprint < b.fingerprint;
}

}  // namespace

uint64_t fingerprint_of(std::string_view key) {
  static const uint64_t kSeed = base::random_hash_seed();
  return base::hash_bytes(key, kSeed);
}

template <class Entry>
void KeyTable<Entry>::Newest::put(const Entry& entry) {
  size_t at = home(entry.fingerprint);
  while (!slots_[at].is_free()) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = entry;
}

template <class Entry>
void KeyTable<Entry>::Newest::grow() {
  std::vector<Entry> old(std::max(kFirstSlots, slots_.size() * 2));
  old.swap(slots_);
  for (const Entry& entry : old) {
    if (!entry.is_free()) put(entry);
  }
}

template <class Entry>
void KeyTable<Entry>::Newest::add(const Entry& entry) {
  if (2 * (size_ + 1) > slots_.size()) grow();
  put(entry);
  ++size_;
}

template <class Entry>
void KeyTable<Entry>::Newest::find(uint64_t fingerprint, std::vector<Entry>& found) const {
  if (slots_.empty()) return;
  for (size_t at = home(fingerprint); !slots_[at].is_free(); at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].fingerprint == fingerprint) found.push_back(slots_[at]);
  }
}

template <class Entry>
std::vector<Entry> KeyTable<Entry>::Newest::take_sorted() {
  std::vector<Entry> entries;
  entries.reserve(size_);
  std::copy_if(slots_.begin(), slots_.end(), std::back_inserter(entries),
               [](const Entry& entry) { return !entry.is_free(); });
  std::fill(slots_.begin(), slots_.end(), Entry());
  size_ = 0;
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return before(a, b); });
  return entries;
}

template <class Entry>
KeyTable<Entry>::KeyTable(const KeyLimits& limits)
    : limits_(limits), generation_keys_(std::max<size_t>(1, limits.keys_max / kGenerations)) {}

template <class Entry>
bool KeyTable<Entry>::expired(base::Instant newest, base::Instant now) const {
  return now - newest >= limits_.memory;
}

// Forgets what may be forgotten, where there is no room for one key more.
template <class Entry>
void KeyTable<Entry>::make_room(base::Instant now) {
  while (size_ >= limits_.keys_max && !generations_.empty() &&
         expired(generations_.front().newest, now)) {
    size_ -= generations_.front().entries.size();
    generations_.pop_front();
    has_forgotten_ = true;
  }
}

template <class Entry>
void KeyTable<Entry>::add(const Entry& entry, base::Instant now) {
  make_room(now);
  newest_.add(entry);
  newest_added_ = now;
  ++size_;
  if (newest_.size() < generation_keys_) return;
  generations_.push_back({newest_.take_sorted(), newest_added_, false});
}

template <class Entry>
void KeyTable<Entry>::add_past(std::vector<Entry> entries, base::Instant now) {
  if (entries.empty()) return;
  size_ += entries.size();
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return before(a, b); });
  generations_.push_front({std::move(entries), now, true});
}

template <class Entry>
std::vector<Entry> KeyTable<Entry>::find(uint64_t fingerprint) const {
  std::vector<Entry> found;
  newest_.find(fingerprint, found);
  Entry first;
  first.fingerprint = fingerprint;
  for (const Generation& generation : generations_) {
    auto at = std::lower_bound(
        generation.entries.begin(), generation.entries.end(), first,
        [](const Entry& a, const Entry& b) { return a.fingerprint < b.fingerprint; });
    for (; at != generation.entries.end() && at->fingerprint == fingerprint; ++at) {
      found.push_back(*at);
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Entry& a, const Entry& b) { return before(a, b); });
  return found;
}

template <class Entry>
uint64_t KeyTable<Entry>::young(base::Instant now) const {
  uint64_t young = newest_.size();
  for (const Generation& generation : generations_) {
    if (!generation.past && !expired(generation.newest, now)) young += generation.entries.size();
  }
  return young;
}

template class KeyTable<KeyPlace>;
template class KeyTable<KeyOutcome>;

}  // namespace paystats::keys
