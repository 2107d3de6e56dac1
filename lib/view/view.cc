#include "view/view.h"

#include <algorithm>
#include <array>

namespace paystats::view {

View::View(const ViewOptions& options)
    : options_(options),
      ledger_(options.users_max, options.hash_seed),
      ranking_(RankOrder(ledger_)),
      name_index_(NameOrder(ledger_)) {}

Applied View::apply(const record::Stats& stats) {
  return settle(ledger_.apply(stats));
}

void View::apply(std::span<const Row> rows, std::vector<RejectedRow>& rejected) {
  // Each record waits for memory again and again: its slot, its row, its bucket, the last id in
  // there, which takes its place, and that one's row. By groups the waits of all of them overlap.
  constexpr size_t kGroup = 64;
  std::array<uint64_t, kGroup> hashes;
  std::array<uint32_t, kGroup> ids;
  while (!rows.empty()) {
    const std::span<const Row> group = rows.first(std::min(kGroup, rows.size()));
    for (size_t i = 0; i < group.size(); ++i) {
      hashes[i] = ledger_.hash(group[i].record.user);
      ledger_.prefetch_slot(hashes[i]);
    }
    size_t known = 0;
    for (size_t i = 0; i < group.size(); ++i) {
      ids[known] = ledger_.prefetch_row(hashes[i]);
      known += ids[known] != kNoUser ? 1 : 0;
    }
    const std::span<const uint32_t> probable(ids.data(), known);
    for (const uint32_t id : probable) {
      ledger_.prefetch_name(id);
      ranking_.prefetch_bucket(id);
    }
    for (const uint32_t id : probable) ranking_.prefetch_moved(id);
    for (size_t i = 0; i < group.size(); ++i) {
      const Applied outcome = settle(ledger_.apply(group[i].record, hashes[i]));
      if (was_rejected(outcome)) rejected.push_back({&group[i], outcome});
    }
    rows = rows.subspan(group.size());
  }
}

Applied View::remove(std::string_view user) {
  return settle(ledger_.remove(user));
}

Applied View::remove_partial(std::string_view user, int32_t partition) {
  return settle(ledger_.remove_partial(user, partition));
}

Applied View::take_back(std::string_view user, int32_t partition) {
  return settle(ledger_.take_back(user, partition));
}

// Brings all else in line with what the ledger has done.
Applied View::settle(const LedgerChange& change) {
  if (change.outcome != Applied::kChanged) return change.outcome;
  ++version_;
  if (change.was_held) {
    sum_.subtract(change.old_sum.nanos());
    count_.subtract(change.old_count);
  }
  if (change.is_held) {
    const UserRow& row = ledger_.row(change.id);
    sum_.add(row.sum.nanos());
    count_.add(row.count);
    if (!change.was_held) {
      ranking_.insert(change.id);
      name_index_.insert(change.id);
    } else if (row.sum != change.old_sum) {
      ranking_.update(change.id);
    }
  } else if (change.was_held) {
    ranking_.erase(change.id);
    name_index_.erase(change.id);
  }
  return change.outcome;
}

void View::set_ready() {
  if (ready_) return;
  ready_ = true;
  ++version_;
}

std::vector<protocol::RankedStats> View::page(uint64_t offset, uint64_t limit) const {
  std::vector<protocol::RankedStats> rows;
  if (offset >= users() || limit == 0) return rows;
  const uint64_t last = offset + std::min(limit, users() - offset);
  rows.reserve(last - offset);
  std::vector<RankKey> keys;
  uint64_t position = offset;
  for (size_t bucket = ranking_.bucket_at_position(offset); position < last; ++bucket) {
    ranking_.sorted_keys(bucket, keys);
    for (size_t i = position - ranking_.first_position(bucket); i < keys.size() && position < last;
         ++i) {
      const UserRow& row = ledger_.row(keys[i].id);
      rows.push_back({.rank = ++position, .user = row.name(), .sum = row.sum, .count = row.count});
    }
  }
  return rows;
}

std::optional<protocol::RankedStats> View::find(std::string_view user) const {
  const uint32_t id = ledger_.find(user);
  if (id == kNoUser) return std::nullopt;
  const UserRow& row = ledger_.row(id);
  return protocol::RankedStats{.rank = ranking_.count_before(ranking_.order().key_of(id)) + 1,
                               .user = row.name(),
                               .sum = row.sum,
                               .count = row.count};
}

protocol::Envelope View::envelope(uint64_t offset) const {
  return {.instance = options_.instance,
          .version = version_,
          .ready = ready_,
          .offset = offset,
          .users = users(),
          .sum = sum_.decimal_text(),
          .count = count_.integer_text(),
          .matches = std::nullopt};
}

}  // namespace paystats::view
