#include "topics/partition.h"

#include <algorithm>
#include <cassert>
#include <optional>

#include "money/decimal.h"

namespace paystats::topics {

PartitionTotals::PartitionTotals(int32_t partition, uint64_t seed, totals::TotalsOptions options)
    : partition_(partition), totals_(seed, options) {}

base::Result<void> PartitionTotals::restore(const record::Stats& stats) {
  assert(stats.at && stats.at->partition == partition_);
  const base::Result<uint32_t> user = totals_.find_or_add(stats.user);
  if (!user) return base::fail(user.error());
  offsets_.resize(totals_.users(), kNothing);
  // A member that the group had removed may have written late.
  if (stats.at->offset < offsets_[*user]) return {};
  if (!removed_.empty()) removed_.erase(std::string(stats.user));
  leave_digest(*user);
  offsets_[*user] = stats.at->offset;
  totals_.set(*user, stats.sum, stats.count);
  ++digest_.users;
  digest_.add(stats.sum, stats.count);
  newest_restored_ = std::max(newest_restored_, stats.at->offset);
  return {};
}

void PartitionTotals::remove(std::string_view user) {
  if (!is_restored_) removed_.emplace(user);
  const std::optional<uint32_t> found = totals_.find(user);
  if (!found) return;
  leave_digest(*found);
  offsets_[*found] = kNothing;
  const size_t changed = totals_.changed().size();
  totals_.set(*found, money::Decimal(), 0);
  totals_.forget_changes(changed);  // there is nothing to publish
}

std::optional<uint32_t> PartitionTotals::find(std::string_view user) const {
  const std::optional<uint32_t> found = totals_.find(user);
  return found && offsets_[*found] != kNothing ? found : std::nullopt;
}

uint64_t PartitionTotals::set_all_changed() {
  uint64_t count = 0;
  for (uint32_t user = 0; user < offsets_.size(); ++user) {
    if (offsets_[user] == kNothing) continue;
    totals_.set_changed(user);
    ++count;
  }
  return count;
}

void PartitionTotals::leave_digest(uint32_t user) {
  if (offsets_[user] == kNothing) return;
  --digest_.users;
  digest_.take_back(totals_.sum(user), totals_.count(user));
}

void PartitionTotals::restored() {
  totals_.clear_changed();
  is_restored_ = true;
  tombstones_ = removed_.size();
  removed_ = {};
}

base::Result<void> PartitionTotals::add(std::span<const Row> rows,
                                        std::span<const io::Message> messages,
                                        std::vector<totals::Totals::RejectedRow>& rejected) {
  if (base::Result<void> found = totals_.find_or_add(rows, indices_); !found) return found;
  offsets_.resize(totals_.users(), kNothing);
  for (size_t i = 0; i < rows.size();) {
    i = add_message(rows, i, messages[rows[i].line].at.offset, rejected);
  }
  return {};
}

// The rows of a message, of which rows[first] is the first; returns where the next one begins. What
// a user includes is set behind them all: a message may have several rows of one user.
size_t PartitionTotals::add_message(std::span<const Row> rows, size_t first, int64_t offset,
                                    std::vector<totals::Totals::RejectedRow>& rejected) {
  const size_t changed = totals_.changed().size();
  size_t end = first;
  while (end < rows.size() && rows[end].line == rows[first].line) ++end;
  added_.clear();
  for (size_t i = first; i < end; ++i) {
    if (offset <= offsets_[indices_[i]]) continue;
    const record::Flaw flaw = totals_.add_payments(indices_[i], rows[i].record);
    if (flaw != record::Flaw::kNone) {
      rejected.push_back({i, flaw});
      // The last one first, through the sums that each of them has found.
      for (auto row = added_.rbegin(); row != added_.rend(); ++row) {
        totals_.take_back(indices_[*row], rows[*row].record);
      }
      totals_.forget_changes(changed);
      return end;
    }
    added_.push_back(i);
  }
  if (added_.empty()) ++skipped_;
  for (const size_t row : added_) {
    int64_t& included = offsets_[indices_[row]];
    if (included == kNothing) ++digest_.users;
    included = offset;
    digest_.add(rows[row].record.sum, rows[row].record.count);
  }
  return end;
}

size_t remove_users(TopicPart& part, const std::set<std::string>& users, bool leaving_follow) {
  std::vector<bool> follows(part.totals.totals().users());
  for (const uint32_t user : part.totals.totals().changed()) follows[user] = true;
  if (leaving_follow) {
    for (size_t i = part.left; i < part.leaving.size(); ++i) follows[part.leaving[i]] = true;
  }
  size_t removed = 0;
  for (const std::string& user : users) {
    const std::optional<uint32_t> found = part.totals.find(user);
    if (!found || follows[*found]) continue;
    part.totals.remove(user);
    ++removed;
  }
  return removed;
}

}  // namespace paystats::topics
