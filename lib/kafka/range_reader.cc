#include "kafka/range_reader.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "io/wait.h"
#include "kafka/partition_reader.h"

namespace paystats::kafka {
namespace {

// So that the end, which comes with an answer that holds nothing, comes soon.
constexpr int kFetchWaitMs = 10;
constexpr int kFetchBytes = 64 << 10;  // ranges are short, and there are as many as partitions
constexpr base::Duration kLookInterval = std::chrono::seconds(1);

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
                               std::vector<int64_t>* reached) {
  if (ranges.empty()) return {};
  base::Result<std::unique_ptr<PartitionReader>> opened = PartitionReader::open(
      cluster, topic,
      {.fetch_wait_ms = kFetchWaitMs, .source_headers = true, .fetch_bytes = kFetchBytes});
  if (!opened) return base::fail(opened.error());
  PartitionReader& reader = **opened;
  std::vector<int32_t> partitions;
  std::vector<int64_t> first;
  for (const OffsetRange& range : ranges) {
    partitions.push_back(range.partition);
    first.push_back(range.from);
  }
  if (base::Result<void> begun = reader.begin(partitions, first); !begun) return begun;

  const base::RunContext& context = cluster.context();
  const io::Waiter waiter(cluster.stop(), context.clock);
  std::vector<io::Message> selected;
  for (;;) {
    if (cluster.stop().requested()) {
      return base::fail(topic_label(topic) + ": a signal came while it was read",
                        base::ErrorKind::kInterrupted);
    }
    const base::Result<size_t> seen = reader.take();
    if (!seen) return base::fail(seen.error());
    select(reader.messages(), ranges, selected);
    if (!selected.empty()) {
      base::Result<void> taken = on_messages({.messages = selected, .source = topic});
      if (!taken) return taken;
    }
    bool done = true;
    for (size_t i = 0; i < ranges.size(); ++i) {
      const PartitionPosition& position = reader.partitions()[i];
      if (position.next >= ranges[i].to || position.at_end) {
        reader.stop(position.id);
      } else {
        done = false;
      }
    }
    if (done) {
      for (const PartitionPosition& position : reader.partitions()) {
        if (reached != nullptr) reached->push_back(position.next);
      }
      return {};
    }
    if (*seen > 0) continue;
    const base::Result<io::Wake> wake = reader.wait(waiter, context.clock.now() + kLookInterval);
    if (!wake) return base::fail(wake.error());
  }
}

}  // namespace paystats::kafka
