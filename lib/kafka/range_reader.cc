#include "kafka/range_reader.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "kafka/partition_reader.h"

namespace paystats::kafka {
namespace {

// So that the end, which comes with an answer that holds nothing, comes soon.
constexpr int kFetchWaitMs = 10;
constexpr int kFetchBytes = 64 << 10;  // ranges are short, and there are as many as partitions

// The messages of a block that lie in their ranges. They are few, so a range is searched for.
void select(std::span<const io::Message> messages, std::span<const OffsetRange> ranges,
            std::vector<io::Message>& out) {
  out.clear();
  for (const io::Message& message : messages) {
    const auto range = std::ranges::find(ranges, message.at.partition, &OffsetRange::partition);
    if (range == ranges.end()) continue;
    // A range that lies behind the end began there, and there may be more by now.
    if (message.at.offset >= range->from && message.at.offset < range->to) out.push_back(message);
  }
}

}  // namespace

base::Result<void> read_ranges(Cluster& cluster, const std::string& topic,
                               std::span<const OffsetRange> ranges, const OnRestored& on_messages,
                               std::vector<int64_t>* reached, base::Instant deadline) {
  if (ranges.empty()) return {};
  base::Result<std::unique_ptr<PartitionReader>> opened = PartitionReader::open(
      cluster, topic,
      {.fetch_wait_ms = kFetchWaitMs, .source_headers = true, .fetch_bytes = kFetchBytes});
  if (!opened) return base::fail(opened.error());
  PartitionReader& reader = **opened;
  reader.client().give_up_at(deadline);
  std::vector<int32_t> partitions;
  std::vector<int64_t> first;
  for (const OffsetRange& range : ranges) {
    partitions.push_back(range.partition);
    first.push_back(range.from);
  }
  if (base::Result<void> begun = reader.begin(partitions, first); !begun) return begun;

  std::vector<io::Message> selected;
  const auto on_taken = [&](size_t /*seen*/) {
    select(reader.messages(), ranges, selected);
    return selected.empty() ? base::Result<void>()
                            : on_messages({.messages = selected, .source = topic});
  };
  base::Result<void> read = reader.read_until(on_taken, [&] {
    if (cluster.context().clock.now() >= deadline) return true;
    bool done = true;
    for (size_t i = 0; i < ranges.size(); ++i) {
      const PartitionPosition& position = reader.partitions()[i];
      if (position.next >= ranges[i].to || position.at_end) {
        reader.stop(position.id);
      } else {
        done = false;
      }
    }
    return done;
  });
  if (!read || reached == nullptr) return read;
  for (const PartitionPosition& position : reader.partitions()) reached->push_back(position.next);
  return read;
}

}  // namespace paystats::kafka
