// Where to begin in the partitions that are assigned, and whether one may: what the group's offsets
// are signed with, the totals that were read back and the payments that are there must belong
// together. Each finding would otherwise be a silent loss. Pure; K18 in docs/decisions/kafka.md has
// the rules, and why.
//
//   Result<TopicStarts> starts = choose_starts(facts, context);
//
// What is refused is kMustNotGoOn: going on, or starting again, would lose payments or count
// others. The message says what was found, and what to do.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "kafka/group_consumer.h"
#include "kafka/input_watch.h"
#include "kafka/offset_signature.h"
#include "record/payment.h"
#include "topics/options.h"
#include "topics/signature.h"

namespace paystats::topics {

// For messages that the topic of payments has been deleted.
inline constexpr const char* kWhenMadeAnew =
    "one that is made anew needs a new output topic and a new group";

// The message that was read last, when it is looked at again.
enum class LastMessage {
  kUnchecked,  // it has been removed since, or is not known
  kSame,
  kOther,  // another one is at its offset, or none: the topic is another one
};

// What is known of a partition when it has been assigned and its totals have been read back.
struct PartitionFacts {
  kafka::PartitionOffsets offsets;
  LastMessage last = LastMessage::kUnchecked;  // that the signature, or else the totals name
  int64_t last_offset = -1;                    // where it was
  kafka::TableDigest table = {};               // of the totals
  int64_t newest_total = -1;                   // the highest offset that those include; -1: none
  uint64_t tombstones = 0;                     // users whose last record is one
  std::optional<kafka::PartitionOffsets> again = {};  // after the totals were read back
};

struct StartContext {
  TopicNames topics;
  std::string group;
  TotalsOrigin origin = {};  // of the totals that are made now
  std::string tool_options;  // of Kafka's own tools, for the remedy: Cluster::tool_options()
  OnDataLoss on_data_loss = OnDataLoss::kStop;
};

struct TopicStarts {
  std::vector<record::SourceOffset> starts;  // of each partition, in their order
  std::vector<std::string> warnings = {};
  std::vector<std::string> notes = {};
};

// Whether offsets are to be asked for again before they are judged: there are totals of payments
// behind them. A member before may have published and committed meanwhile.
bool wants_second_look(const PartitionFacts& facts);

base::Result<TopicStarts> choose_starts(std::span<const PartitionFacts> facts,
                                        const StartContext& context);

// `offset` has been committed by another member of the group: one that makes the same totals, or
// this one must not go on.
base::Result<void> judge_companion(const kafka::SignedOffset& offset, const StartContext& context);

// Payments that were read are not in the topic any more, as was found while reading.
base::Error describe_other_topic(const kafka::TopicLoss& loss, const StartContext& context);

// The payment at `wanted`, the next one, cannot be read any more, as was found while reading;
// `last` is that before it. Returns a warning, or nothing where all is still there.
struct GoneFacts {
  kafka::PartitionEnds ends;
  int64_t wanted = 0;
  LastMessage last = LastMessage::kUnchecked;
  bool before_marker = false;  // the end of a transaction was at `wanted`, as far as can be told
};
base::Result<std::string> judge_gone(const GoneFacts& facts, const StartContext& context);

}  // namespace paystats::topics
