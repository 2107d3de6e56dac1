#include "topics/last_message.h"

#include <vector>

#include "io/message_source.h"
#include "kafka/ends.h"
#include "kafka/range_reader.h"

namespace paystats::topics {

base::Result<LastMessages> look_again(kafka::Cluster& cluster, const std::string& topic,
                                      std::span<const LastRead> marks) {
  LastMessages found;
  std::map<int32_t, kafka::MessageMark> wanted;
  std::vector<kafka::OffsetRange> ranges;
  for (const auto& [mark, partition, low] : marks) {
    if (mark.offset < low) continue;
    wanted[partition] = mark;
    ranges.push_back({.partition = partition, .from = mark.offset, .to = mark.offset + 1});
  }
  base::Result<void> read =
      kafka::read_ranges(cluster, topic, ranges, [&](const io::MessageBlock& block) {
        for (const io::Message& message : block.messages) {
          const bool same = kafka::mark_of(message) == wanted.at(message.at.partition);
          found[message.at.partition] = same ? LastMessage::kSame : LastMessage::kOther;
        }
        return base::Result<void>();
      });
  if (!read) return base::fail(read.error());
  std::vector<int32_t> missing;
  for (const auto& [partition, mark] : wanted) {
    if (!found.contains(partition)) missing.push_back(partition);
  }
  // They are behind the end, or have been removed at this moment.
  const base::Result<std::vector<kafka::PartitionEnds>> ends =
      kafka::ends_of_partitions(cluster, topic, missing);
  if (!ends) return base::fail(ends.error());
  for (const kafka::PartitionEnds& each : *ends) {
    const bool removed = wanted.at(each.partition).offset < each.low;
    found[each.partition] = removed ? LastMessage::kUnchecked : LastMessage::kOther;
  }
  return found;
}

}  // namespace paystats::topics
