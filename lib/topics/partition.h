// What one partition of payments has given: each user's total, and with it the offset of the last
// payment that it includes. So a payment that is read again is known, user by user, and skipped.
//
//   PartitionTotals part(partition, random_hash_seed(), {.users_max = ..., .track_changes = true});
//   part.restore(stats);                        // what was published of it, in any order
//   part.restored();
//   part.add(rows, messages, rejected);          // payments in the order of the partition
//   for (uint32_t user : part.totals().changed()) write(part.stats(user));
//
// Memory: that of Totals and 8 bytes a user. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "io/message_source.h"
#include "kafka/offset_signature.h"
#include "record/payment.h"
#include "totals/totals.h"

namespace paystats::topics {

class PartitionTotals {
 public:
  using Row = totals::Totals::Row;
  static constexpr int64_t kNothing = -1;

  PartitionTotals(int32_t partition, uint64_t seed, totals::TotalsOptions options);

  // One record of the output topic. Of several for one user that of the highest offset counts.
  // REQUIRES: stats.at.
  base::Result<void> restore(const record::Stats& stats);
  void remove(std::string_view user);  // a tombstone: as if it had never paid
  void restored();                     // nothing of it is to be published

  // Users whose last record was a tombstone when restored() was called.
  uint64_t tombstones() const { return tombstones_; }
  // The number of a user who has a record in the output topic, or will have one.
  std::optional<uint32_t> find(std::string_view user) const;
  // As if each user who has such a record had just changed; returns how many those are.
  uint64_t set_all_changed();

  // The highest offset in what was restored, or kNothing.
  int64_t newest_restored() const { return newest_restored_; }

  // Adds payments whose messages are messages[row.line]; those not yet included, that is. Of a
  // group whose rows cannot all be added none is, and the first of those is appended to `rejected`.
  // REQUIRES: the rows of a message follow each other and are all there.
  base::Result<void> add(std::span<const Row> rows, std::span<const io::Message> messages,
                         std::vector<totals::Totals::RejectedRow>& rejected);

  // Of the users who include a payment, kept with each change.
  const kafka::TableDigest& digest() const { return digest_; }

  // Messages all of whose payments were included already.
  uint64_t skipped() const { return skipped_; }

  int32_t partition() const { return partition_; }
  totals::Totals& totals() { return totals_; }
  const totals::Totals& totals() const { return totals_; }
  record::Stats stats(uint32_t user) const {
    record::Stats stats = totals_.stats(user);
    stats.at = record::SourceOffset{partition_, offsets_[user]};
    return stats;
  }

 private:
  size_t add_message(std::span<const Row> rows, size_t first, int64_t offset,
                     std::vector<totals::Totals::RejectedRow>& rejected);
  void leave_digest(uint32_t user);

  const int32_t partition_;
  totals::Totals totals_;
  kafka::TableDigest digest_;
  std::vector<int64_t> offsets_;   // by user: the last payment included
  std::vector<uint32_t> indices_;  // reused, as is the next one
  std::vector<size_t> added_;      // rows of a message
  bool is_restored_ = false;
  std::unordered_set<std::string> removed_;  // until then
  uint64_t tombstones_ = 0;
  int64_t newest_restored_ = kNothing;
  uint64_t skipped_ = 0;
};

// A partition that is assigned.
struct TopicPart {
  PartitionTotals totals;
  int64_t target = 0;                  // the end of the partition when it was assigned
  std::vector<uint32_t> leaving = {};  // users whose totals are being published
  size_t left = 0;                     // so many of them before the part of now
  int64_t output_end = 0;              // of its totals' partition, when they were read back
  std::optional<kafka::MessageMark> last = {};  // message read, by this owner or one before
  int64_t begun = 0;          // where this owner began to read, or went on behind what was gone
  bool transactions = false;  // ends of some have been seen, by this owner or one before
};
using TopicParts = std::map<int32_t, TopicPart>;

// Removes users whose last record is a tombstone, but for those of whom a total is about to stand
// behind it: who have changed, or, where `leaving_follow`, are being published and not written yet.
// Returns how many are removed.
size_t remove_users(TopicPart& part, const std::set<std::string>& users, bool leaving_follow);

}  // namespace paystats::topics
