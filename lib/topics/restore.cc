#include "topics/restore.h"

#include <fmt/format.h>

#include <map>
#include <string_view>
#include <vector>

#include "io/message_source.h"
#include "kafka/restore.h"
#include "record/decoder.h"

namespace paystats::topics {
namespace {

// What is read of one partition.
struct Lane {
  PartitionTotals& totals;
  kafka::SourceJudge judge;
};

base::Result<void> restore_message(const io::Message& message, const std::string& topic,
                                   record::LineDecoder<record::Stats>& decoder, Lane& lane) {
  if (!message.value) {
    lane.totals.remove(message.key);
    return {};
  }
  const auto fail_with = [&](std::string_view why) {
    return base::fail(fmt::format("kafka:{}: partition {}, offset {}: {}", topic,
                                  message.at.partition, message.at.offset, why),
                      base::ErrorKind::kMustNotGoOn);
  };
  if (base::Result<void> own = lane.judge.check(message, topic); !own) return own;
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
  return lane.totals.restore(stats);
}

}  // namespace

base::Result<void> restore(kafka::Cluster& cluster, const std::string& stats_topic,
                           const kafka::RecordSource& own, TopicParts& parts,
                           TopicCounters& counters) {
  if (parts.empty()) return {};
  std::vector<int32_t> numbers;
  std::map<int32_t, Lane> lanes;
  for (auto& [partition, part] : parts) {
    numbers.push_back(partition);
    kafka::RecordSource source = own;
    source.partition = partition;
    lanes.emplace(partition, Lane{part.totals, kafka::SourceJudge(source)});
  }
  record::LineDecoder<record::Stats> decoder(record::FieldNames{});
  std::vector<record::SourceOffset> ends;
  base::Result<void> read = kafka::read_back(
      cluster, {.topic = stats_topic, .partitions = numbers, .source_headers = true},
      [&](const io::MessageBlock& block) {
        for (const io::Message& message : block.messages) {
          Lane& lane = lanes.at(message.at.partition);
          base::Result<void> taken = restore_message(message, stats_topic, decoder, lane);
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
  for (auto& [partition, part] : parts) {
    part.totals.restored();
    part.last = lanes.at(partition).judge.last();
  }
  for (const record::SourceOffset& end : ends) parts.at(end.partition).output_end = end.offset;
  return {};
}

}  // namespace paystats::topics
