// What a run from topic to topic is asked for. Pure: no broker, no client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "io/endpoint.h"
#include "io/message_source.h"
#include "record/decoder.h"
#include "stream/trigger.h"

namespace paystats::topics {

enum class Guarantee { kExactlyOnce, kAtLeastOnce };

// Unread payments that have been removed: stop, or go on with what is left.
enum class OnDataLoss { kStop, kContinue };

struct TopicNames {
  std::string payments;
  std::string stats;
};

// Why both have as many partitions.
constexpr std::string_view kTotalsGoByNumber =
    "the totals of a partition go to the one of the same number";

struct TopicRunOptions {
  TopicNames topics;
  std::string group;
  std::optional<std::string> instance = {};  // by default the host and its first free slot
  uint64_t jobs = 1;                         // members of the group, each in a thread of its own
  Guarantee guarantee = Guarantee::kExactlyOnce;
  OnDataLoss on_data_loss = OnDataLoss::kStop;
  bool available_now = false;  // ends at what is there when a partition is assigned
  stream::TriggerOptions trigger = {};
  record::FieldNames fields = {};
  io::Framing framing = io::Framing::kNone;
  uint64_t users_max = UINT64_MAX;  // in the tables of each job
  std::optional<io::Endpoint> rejects = {};
  std::optional<std::string> metrics = {};
};

}  // namespace paystats::topics
