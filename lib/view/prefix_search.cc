#include "view/prefix_search.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace paystats::view {

PrefixSearch::PrefixSearch(const Ledger& ledger, const Ranking& ranking, const NameIndex& names,
                           std::string prefix, uint64_t offset, uint64_t limit)
    : ledger_(ledger),
      ranking_(ranking),
      names_(names),
      text_(std::move(prefix)),
      prefix_(text_),
      offset_(offset),
      limit_(limit) {
  const uint64_t matching = matches();
  if (matching <= offset_ || limit_ == 0) {
    done_ = true;  // nothing to show
    return;
  }
  // A walk meets a match every users/matching rows, and looks for this many of them.
  const uint64_t to_meet = offset_ + std::min(limit_, matching - offset_);
  const bool walk_is_longer = static_cast<money::Uint128>(matching) * matching <
                              static_cast<money::Uint128>(to_meet) * ranking_.size();
  gathers_ = matching <= kGatherAlways || (matching <= kGatherMax && walk_is_longer);
}

uint64_t PrefixSearch::matches() const {
  return find_range(names_, prefix_).size();
}

bool PrefixSearch::step(size_t rows) {
  if (!done_) done_ = gathers_ ? gather(rows) : walk(rows);
  return done_;
}

bool PrefixSearch::gather(size_t rows) {
  const auto place = [&](const NameKey& key) {
    return prefix_.compare(key.head, names_.order().name(key));
  };
  size_t bucket = gather_from_
                      ? names_.bucket_of(*gather_from_)
                      : names_.bucket_at([&](const NameKey& lower) { return place(lower) < 0; });
  for (size_t visited = 0; bucket < names_.buckets(); ++bucket) {
    if (bucket > 0 && place(names_.lower_key(bucket)) > 0) break;
    if (visited >= rows) {
      gather_from_ = names_.lower_key(bucket);
      return false;
    }
    for (const uint32_t id : names_.ids(bucket)) {
      const UserRow& row = ledger_.row(id);
      if (!prefix_.begins(row)) continue;
      if (gather_from_ && names_.order().before({row.name_head(), id}, *gather_from_)) continue;
      found_.push_back({ranking_.order().key_of(id), row.count});
    }
    visited += names_.ids(bucket).size();
  }
  select();
  return true;
}

// Keeps the page of what was gathered.
void PrefixSearch::select() {
  const auto before = [this](const Found& a, const Found& b) {
    return ranking_.order().before(a.key, b.key);
  };
  const auto first = found_.begin() + static_cast<ptrdiff_t>(std::min(offset_, found_.size()));
  const auto rest = static_cast<uint64_t>(found_.end() - first);
  const auto last = first + static_cast<ptrdiff_t>(std::min(limit_, rest));
  if (first != found_.end()) std::nth_element(found_.begin(), first, found_.end(), before);
  std::partial_sort(first, last, found_.end(), before);
  found_.erase(last, found_.end());
  found_.erase(found_.begin(), first);
}

bool PrefixSearch::walk(size_t rows) {
  size_t bucket = walk_from_ ? ranking_.bucket_of(*walk_from_) : 0;
  for (size_t visited = 0; bucket < ranking_.buckets(); ++bucket) {
    if (visited >= rows) {
      walk_from_ = ranking_.lower_key(bucket);
      return false;
    }
    if (walk_bucket(bucket)) return true;
    visited += ranking_.ids(bucket).size();
  }
  return true;
}

// True once the page is full.
bool PrefixSearch::walk_bucket(size_t bucket) {
  rank_keys_.clear();
  for (const uint32_t id : ranking_.ids(bucket)) {
    if (!prefix_.begins(ledger_.row(id))) continue;
    const RankKey key = ranking_.order().key_of(id);
    // A bucket that grew to both sides of the key where this slice began.
    if (walk_from_ && ranking_.order().before(key, *walk_from_)) continue;
    rank_keys_.push_back(key);
  }
  if (skipped_ + rank_keys_.size() <= offset_) {  // none of these will be shown: no need to sort
    skipped_ += rank_keys_.size();
    return false;
  }
  std::sort(rank_keys_.begin(), rank_keys_.end(),
            [this](const RankKey& a, const RankKey& b) { return ranking_.order().before(a, b); });
  for (const RankKey& key : rank_keys_) {
    if (skipped_ < offset_) {
      ++skipped_;
    } else if (taken_.insert(key.id).second) {  // else it fell since an earlier slice took it
      found_.push_back({key, ledger_.row(key.id).count});
      if (found_.size() == limit_) return true;
    }
  }
  return false;
}

std::vector<protocol::RankedStats> PrefixSearch::rows() const {
  assert(done_);
  std::vector<protocol::RankedStats> rows;
  rows.reserve(found_.size());
  for (const Found& found : found_) {
    rows.push_back({.rank = ranking_.count_before(found.key) + 1,
                    .user = ledger_.row(found.key.id).name(),
                    .sum = found.key.sum,
                    .count = found.count});
  }
  return rows;
}

}  // namespace paystats::view
