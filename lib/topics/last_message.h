// Looks at the messages that were read last again: a topic that has been made anew has others at
// their offsets, or none. Tested through topics/job.h.
//
//   Result<LastMessages> found = look_again(cluster, "payments", marks);
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/result.h"
#include "kafka/cluster.h"
#include "kafka/offset_signature.h"
#include "topics/start.h"

namespace paystats::topics {

struct LastRead {
  kafka::MessageMark mark;
  int32_t partition = 0;
  int64_t low = 0;  // the first offset that is there
};

using LastMessages = std::map<int32_t, LastMessage>;  // by partition

// All in one go. Waits for brokers; fails with kInterrupted after a stop signal. REQUIRES: one mark
// of a partition.
base::Result<LastMessages> look_again(kafka::Cluster& cluster, const std::string& topic,
                                      std::span<const LastRead> marks);

}  // namespace paystats::topics
