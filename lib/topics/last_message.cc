#include "topics/last_message.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "io/message_source.h"
#include "kafka/ends.h"
#include "kafka/range_reader.h"

namespace paystats::topics {
namespace {

using Marks = std::map<int32_t, kafka::MessageMark>;  // by partition

std::vector<int32_t> partitions_of(const Marks& marks) {
  std::vector<int32_t> partitions;
  partitions.reserve(marks.size());
  for (const auto& [partition, mark] : marks) partitions.push_back(partition);
  return partitions;
}

// Puts into `found` what stands at each of the marks, where anything does.
base::Result<void> read_again(kafka::Cluster& cluster, const std::string& topic, const Marks& marks,
                              LastMessages& found) {
  std::vector<kafka::OffsetRange> ranges;
  ranges.reserve(marks.size());
  for (const auto& [partition, mark] : marks) {
    ranges.push_back({.partition = partition, .from = mark.offset, .to = mark.offset + 1});
  }
  return kafka::read_ranges(cluster, topic, ranges, [&](const io::MessageBlock& block) {
    for (const io::Message& message : block.messages) {
      const bool same = kafka::mark_of(message) == marks.at(message.at.partition);
      found[message.at.partition] = same ? LastMessage::kSame : LastMessage::kOther;
    }
    return base::Result<void>();
  });
}

// Takes out of `marks` what has been removed by now; returns how many those are.
base::Result<size_t> leave_removed(kafka::Cluster& cluster, const std::string& topic, Marks& marks,
                                   LastMessages& found) {
  const base::Result<std::vector<kafka::PartitionEnds>> ends =
      kafka::ends_of_partitions(cluster, topic, partitions_of(marks));
  if (!ends) return base::fail(ends.error());
  return std::erase_if(marks, [&](const auto& mark) {
    const auto end = std::ranges::find(*ends, mark.first, &kafka::PartitionEnds::partition);
    const bool removed = mark.second.offset < end->low;
    if (removed) found[mark.first] = LastMessage::kUnchecked;
    return removed;
  });
}

}  // namespace

base::Result<LastMessages> look_again(kafka::Cluster& cluster, const std::string& topic,
                                      std::span<const LastRead> marks) {
  LastMessages found;
  Marks wanted;
  for (const auto& [mark, partition, low] : marks) {
    if (mark.offset >= low) wanted[partition] = mark;
  }
  for (;;) {
    base::Result<void> read = read_again(cluster, topic, wanted, found);
    if (read) break;
    if (read.error().kind == base::ErrorKind::kInterrupted) return base::fail(read.error());
    // One that is removed at this moment is an error of that reading.
    const base::Result<size_t> removed = leave_removed(cluster, topic, wanted, found);
    if (!removed) return base::fail(removed.error());
    if (*removed == 0) return base::fail(read.error());
  }
  // What is not there is behind the end, or has been removed since.
  std::erase_if(wanted, [&found](const auto& mark) { return found.contains(mark.first); });
  for (const auto& [partition, mark] : wanted) found[partition] = LastMessage::kOther;
  const base::Result<size_t> removed = leave_removed(cluster, topic, wanted, found);
  if (!removed) return base::fail(removed.error());
  return found;
}

}  // namespace paystats::topics
