// Reading back what was published of some partitions: the state of a job from topic to topic.
// Tested through topics/job.h.
//
//   Result<void> done = restore(cluster, "payment-stats", own, parts, counters);
#pragma once

#include <string>

#include "base/result.h"
#include "kafka/cluster.h"
#include "kafka/record_source.h"
#include "topics/job_context.h"
#include "topics/partition.h"

namespace paystats::topics {

// Fills the tables of `parts` from the partitions of the same numbers of `stats_topic`, and notes
// the last messages that its records name. `own`: what its records say of themselves, whatever
// their partition. Errors: a record that is not such stats, or says that it is another's
// (kMustNotGoOn); a stop signal, which leaves a part of a table.
base::Result<void> restore(kafka::Cluster& cluster, const std::string& stats_topic,
                           const kafka::RecordSource& own, TopicParts& parts,
                           TopicCounters& counters);

}  // namespace paystats::topics
