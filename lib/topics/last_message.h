// Looks at the messages that were read last again: a topic that has been made anew has others at
// their offsets, or none. Tested through topics/job.h.
//
//   Result<LastMessages> found = look_again(cluster, "payments", marks, ask_ends);
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>

#include "base/result.h"
#include "kafka/cluster.h"
#include "kafka/group_consumer.h"
#include "kafka/offset_signature.h"
#include "topics/start.h"

namespace paystats::topics {

struct LastRead {
  kafka::MessageMark mark;
  kafka::PartitionOffsets ends;
};

using LastMessages = std::map<int32_t, LastMessage>;  // by partition
using AskEnds = std::function<base::Result<kafka::PartitionOffsets>(int32_t partition)>;

// All in one go. Waits for brokers; fails with kInterrupted after a stop signal. REQUIRES: one mark
// of a partition.
base::Result<LastMessages> look_again(kafka::Cluster& cluster, const std::string& topic,
                                      std::span<const LastRead> marks, const AskEnds& ask_ends);

}  // namespace paystats::topics
