// Reading back what was published of some partitions: the state of a job from topic to topic.
// Tested through topics/job.h.
//
//   Result<void> done = restore(cluster, "payment-stats", parts, counters);
#pragma once

#include <string>

#include "base/result.h"
#include "kafka/cluster.h"
#include "topics/job_context.h"
#include "topics/partition.h"

namespace paystats::topics {

// Fills the tables of `parts` from the partitions of the same numbers of `stats_topic`. Errors: a
// record that is not such stats; a stop signal, which leaves a part of a table.
base::Result<void> restore(kafka::Cluster& cluster, const std::string& stats_topic,
                           TopicParts& parts, TopicCounters& counters);

}  // namespace paystats::topics
