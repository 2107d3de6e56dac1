#include "topics/start.h"

#include <fmt/format.h>

namespace paystats::topics {
namespace {

// From `wanted` on, or, where the beginning of that is gone, from what is left if the user says so.
base::Result<TopicStart> from(int64_t wanted, const PartitionFacts& facts, const TopicNames& topics,
                              OnDataLoss on_data_loss) {
  if (wanted >= facts.low) return TopicStart{.offset = wanted};
  std::string gap = describe_gap(topics, facts.partition, wanted, facts.low);
  if (on_data_loss == OnDataLoss::kContinue) {
    return TopicStart{.offset = facts.low, .warning = std::move(gap)};
  }
  return base::fail(gap + "; --on-data-loss continue goes on without them");
}

}  // namespace

std::string describe_gap(const TopicNames& topics, int32_t partition, int64_t wanted, int64_t low) {
  return fmt::format(
      "kafka:{}: partition {}: the next payment to read is at offset {}, but the first that is "
      "still there is at offset {}: those between have been removed and are in no total",
      topics.payments, partition, wanted, low);
}

base::Result<TopicStart> choose_start(const PartitionFacts& facts, const TopicNames& topics,
                                      OnDataLoss on_data_loss) {
  if (facts.has_totals && facts.newest_total >= facts.high) {
    return base::fail(fmt::format(
        "kafka:{}: partition {} has totals up to offset {}, but kafka:{} ends at offset {}: "
        "these are not the payments that they were made of; has the topic been made anew?",
        topics.stats, facts.partition, facts.newest_total, topics.payments, facts.high));
  }
  if (facts.committed && *facts.committed > facts.high) {
    return base::fail(fmt::format(
        "kafka:{}: partition {}: the group has read up to offset {}, but the topic ends at offset "
        "{}: has it been made anew?",
        topics.payments, facts.partition, *facts.committed, facts.high));
  }
  if (!facts.has_totals) {
    if (facts.committed && *facts.committed > facts.low) {
      // What was read before has left no total, so all of it is read again.
      return from(0, facts, topics, on_data_loss);
    }
    TopicStart start{.offset = facts.low};
    if (facts.low > 0 && !facts.committed) {
      start.warning = fmt::format(
          "kafka:{}: partition {} begins at offset {}: what was removed before that is in no total",
          topics.payments, facts.partition, facts.low);
    }
    return start;
  }
  if (facts.committed) return from(*facts.committed, facts, topics, on_data_loss);
  // The offsets of a group expire; its totals do not. What they include is skipped.
  if (facts.low <= facts.newest_total + 1) return TopicStart{.offset = facts.low};
  return from(facts.newest_total + 1, facts, topics, on_data_loss);
}

}  // namespace paystats::topics
