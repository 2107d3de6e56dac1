#include "topics/last_message.h"

#include <vector>

#include "io/message_source.h"
#include "kafka/range_reader.h"

namespace paystats::topics {

base::Result<LastMessages> look_again(kafka::Cluster& cluster, const std::string& topic,
                                      std::span<const LastRead> marks, const AskEnds& ask_ends) {
  LastMessages found;
  std::map<int32_t, kafka::MessageMark> wanted;
  std::vector<kafka::OffsetRange> ranges;
  for (const auto& [mark, ends] : marks) {
    if (mark.offset >= ends.low) {
      wanted[ends.partition] = mark;
      ranges.push_back({.partition = ends.partition, .from = mark.offset, .to = mark.offset + 1});
    }
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
  for (const auto& [partition, mark] : wanted) {
    if (found.contains(partition)) continue;
    // It is behind the end, or has been removed at this moment.
    const base::Result<kafka::PartitionOffsets> ends = ask_ends(partition);
    if (!ends) return base::fail(ends.error());
    found[partition] = mark.offset < ends->low ? LastMessage::kUnchecked : LastMessage::kOther;
  }
  return found;
}

}  // namespace paystats::topics
