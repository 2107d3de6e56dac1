// Reading back what was published of some partitions: the state of a job from topic to topic.
// Tested through agg/topic_job.h.
//
//   Result<void> done = restore(cluster, "payment-stats", parts, counters);
#pragma once

#include <string>

#include "agg/topic_ends.h"
#include "agg/topic_partition.h"
#include "base/result.h"
#include "kafka/cluster.h"

namespace paystats {

// Fills the tables of `parts` from the partitions of the same numbers of `stats_topic`. Errors: a
// record that is not such stats; a stop signal, which leaves a part of a table.
Result<void> restore(Cluster& cluster, const std::string& stats_topic, TopicParts& parts,
                     TopicCounters& counters);

}  // namespace paystats
