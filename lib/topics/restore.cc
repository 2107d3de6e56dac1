#include "topics/restore.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "io/message_source.h"
#include "kafka/restore.h"
#include "record/decoder.h"

namespace paystats {
namespace {

Result<void> restore_message(const Message& message, const std::string& topic,
                             LineDecoder<Stats>& decoder, PartitionTotals& totals) {
  if (!message.value) {
    totals.remove(message.key);
    return {};
  }
  const auto refuse = [&](std::string_view why) {
    return fail(fmt::format("kafka:{}: partition {}, offset {}: {}", topic, message.at.partition,
                            message.at.offset, why));
  };
  Stats stats;
  const Flaw flaw = decoder.decode_one(*message.value, stats);
  if (flaw != Flaw::kNone) {
    return refuse("not a stats record: " + describe(flaw, FieldNames{}) +
                  "; totals go to a topic of their own");
  }
  if (!stats.at) {
    return refuse(
        "stats without an offset: another program writes to this topic; payagg needs one of its "
        "own");
  }
  if (stats.at->partition != message.at.partition) {
    return refuse(
        fmt::format("stats of partition {}; payagg needs a topic of its own", stats.at->partition));
  }
  return totals.restore(stats);
}

}  // namespace

Result<void> restore(Cluster& cluster, const std::string& stats_topic, TopicParts& parts,
                     TopicCounters& counters) {
  if (parts.empty()) return {};
  std::vector<int32_t> numbers;
  for (const auto& [partition, part] : parts) numbers.push_back(partition);
  LineDecoder<Stats> decoder(FieldNames{});
  Result<void> read = read_back(
      cluster, {stats_topic, numbers},
      [&](const MessageBlock& block) {
        for (const Message& message : block.messages) {
          PartitionTotals& totals = parts.at(message.at.partition).totals;
          Result<void> taken = restore_message(message, stats_topic, decoder, totals);
          if (!taken) return taken;
        }
        return Result<void>();
      },
      [&](uint64_t done, uint64_t all) {
        counters.restored = done;
        counters.to_restore = all;
      });
  if (!read) return read;
  for (auto& [partition, part] : parts) part.totals.restored();
  return {};
}

}  // namespace paystats
