#include "kafka/restore.h"

#include <algorithm>
#include <memory>

#include "kafka/hidden_messages.h"
#include "kafka/partition_reader.h"

namespace paystats::kafka {
namespace {

// So that the end, which comes with an answer that holds nothing, comes soon.
constexpr int kFetchWaitMs = 10;

// The end of what is committed is the end of all. What the broker told with its last answer is
// compared, for librdkafka would answer a question with the end of what is committed.
bool is_complete(const PartitionReader& reader, const PartitionPosition& position) {
  return position.at_end && reader.known_high(position.id) == position.next;
}

void look(HiddenMessages& hidden, const PartitionReader& reader, base::Instant now) {
  std::vector<GroupConsumer::Position> positions;
  positions.reserve(reader.partitions().size());
  for (const PartitionPosition& position : reader.partitions()) {
    positions.push_back({.partition = position.id,
                         .next = position.next,
                         .high = reader.known_high(position.id),
                         .at_end = position.at_end});
  }
  hidden.look(positions, now);
}

uint64_t messages_done(const PartitionReader& reader, int64_t PartitionPosition::*until) {
  uint64_t sum = 0;
  for (const PartitionPosition& position : reader.partitions()) {
    sum += static_cast<uint64_t>(position.*until - position.low);
  }
  return sum;
}

}  // namespace

base::Result<void> read_back(Cluster& cluster, const RestoreWish& wish,
                             const OnRestored& on_messages, const OnRestoreProgress& on_progress,
                             std::vector<record::SourceOffset>* ends) {
  base::Result<std::unique_ptr<PartitionReader>> opened = PartitionReader::open(
      cluster, wish.topic, {.fetch_wait_ms = kFetchWaitMs, .source_headers = wish.source_headers});
  if (!opened) return base::fail(opened.error());
  PartitionReader& reader = **opened;
  if (base::Result<void> begun = reader.begin(wish.partitions); !begun) return begun;

  HiddenMessages hidden(wish.topic, cluster.tool_options(), cluster.context().diagnostics);
  const auto on_taken = [&](size_t seen) {
    if (seen == 0) look(hidden, reader, cluster.context().clock.now());
    if (!reader.messages().empty()) {
      base::Result<void> taken = on_messages({.messages = reader.messages(), .source = wish.topic});
      if (!taken) return taken;
    }
    if (seen > 0 && on_progress) {
      const uint64_t all = messages_done(reader, &PartitionPosition::high);
      on_progress(std::min(all, messages_done(reader, &PartitionPosition::next)), all);
    }
    return base::Result<void>();
  };
  base::Result<void> read = reader.read_until(on_taken, [&reader] {
    return std::ranges::all_of(reader.partitions(), [&reader](const PartitionPosition& position) {
      return is_complete(reader, position);
    });
  });
  if (!read || ends == nullptr) return read;
  for (const PartitionPosition& position : reader.partitions()) {
    ends->push_back({position.id, position.next});
  }
  return read;
}

}  // namespace paystats::kafka
