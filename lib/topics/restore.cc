#include "topics/restore.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "io/message_source.h"
#include "kafka/restore.h"
#include "record/decoder.h"

namespace paystats::topics {
namespace {

base::Result<void> restore_message(const io::Message& message, const std::string& topic,
                                   record::LineDecoder<record::Stats>& decoder,
                                   PartitionTotals& totals) {
  if (!message.value) {
    totals.remove(message.key);
    return {};
  }
  const auto fail_with = [&](std::string_view why) {
    return base::fail(fmt::format("kafka:{}: partition {}, offset {}: {}", topic,
                                  message.at.partition, message.at.offset, why));
  };
  record::Stats stats;
  const record::Flaw flaw = decoder.decode_one(*message.value, stats);
  if (flaw != record::Flaw::kNone) {
    return fail_with("not a stats record: " + record::describe(flaw, record::FieldNames{}) +
                     "; totals go to a topic of their own");
  }
  if (!stats.at) {
    return fail_with(
        "stats without an offset: another program writes to this topic; payagg needs one of its "
        "own");
  }
  if (stats.at->partition != message.at.partition) {
    return fail_with(
        fmt::format("stats of partition {}; payagg needs a topic of its own", stats.at->partition));
  }
  return totals.restore(stats);
}

}  // namespace

base::Result<void> restore(kafka::Cluster& cluster, const std::string& stats_topic,
                           TopicParts& parts, TopicCounters& counters) {
  if (parts.empty()) return {};
  std::vector<int32_t> numbers;
  for (const auto& [partition, part] : parts) numbers.push_back(partition);
  record::LineDecoder<record::Stats> decoder(record::FieldNames{});
  std::vector<record::SourceOffset> ends;
  base::Result<void> read = kafka::read_back(
      cluster, {stats_topic, numbers},
      [&](const io::MessageBlock& block) {
        for (const io::Message& message : block.messages) {
          PartitionTotals& totals = parts.at(message.at.partition).totals;
          base::Result<void> taken = restore_message(message, stats_topic, decoder, totals);
          if (!taken) return taken;
        }
        return base::Result<void>();
      },
      [&](uint64_t done, uint64_t all) {
        counters.restored = done;
        counters.to_restore = all;
      },
      &ends);
  if (!read) return read;
  for (auto& [partition, part] : parts) part.totals.restored();
  for (const record::SourceOffset& end : ends) parts.at(end.partition).output_end = end.offset;
  return {};
}

}  // namespace paystats::topics
