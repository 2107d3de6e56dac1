#include "topics/facts.h"

#include <algorithm>
#include <optional>

#include "topics/last_message.h"

namespace paystats::topics {

base::Result<std::vector<PartitionFacts>> gather_facts(
    kafka::Cluster& cluster, const std::string& payments,
    std::span<const kafka::PartitionOffsets> partitions, const TopicParts& parts,
    kafka::GroupConsumer& consumer) {
  std::vector<PartitionFacts> facts;
  std::vector<LastRead> marks;
  std::vector<int32_t> numbers;  // of those that are asked again
  for (const kafka::PartitionOffsets& offsets : partitions) {
    const TopicPart& part = parts.at(offsets.partition);
    facts.push_back({.offsets = offsets,
                     .table = part.totals.digest(),
                     .newest_total = part.totals.newest_restored(),
                     .tombstones = part.totals.tombstones()});
    const bool is_signed = offsets.signature && offsets.signature->last;
    const std::optional<kafka::MessageMark>& last = is_signed ? offsets.signature->last : part.last;
    if (last) {
      facts.back().last_offset = last->offset;
      marks.push_back({.mark = *last, .partition = offsets.partition, .low = offsets.low});
    }
    if (wants_second_look(facts.back())) numbers.push_back(offsets.partition);
  }
  const base::Result<LastMessages> found = look_again(cluster, payments, marks);
  if (!found) return base::fail(found.error());
  for (PartitionFacts& each : facts) {
    const auto last = found->find(each.offsets.partition);
    if (last != found->end()) each.last = last->second;
  }
  if (numbers.empty()) return facts;
  const base::Result<std::vector<kafka::PartitionOffsets>> again = consumer.ask_offsets(numbers);
  if (!again) return base::fail(again.error());
  for (PartitionFacts& each : facts) {
    const auto asked =
        std::ranges::find(*again, each.offsets.partition, &kafka::PartitionOffsets::partition);
    if (asked != again->end()) each.again = *asked;
  }
  return facts;
}

}  // namespace paystats::topics
