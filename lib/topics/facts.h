// Gathers what the start of a partition is judged by, once it has been assigned and its totals have
// been read back. Tested through topics/job.h.
//
//   Result<std::vector<PartitionFacts>> facts =
//       gather_facts(cluster, "payments", partitions, parts, consumer);
//   Result<TopicStarts> starts = choose_starts(*facts, context);       // topics/start.h
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "kafka/cluster.h"
#include "kafka/group_consumer.h"
#include "topics/partition.h"
#include "topics/start.h"

namespace paystats::topics {

// In the order of `partitions`. The last message that was read is looked at again, and offsets that
// totals go beyond are asked for again. Waits for brokers; fails with kInterrupted after a stop
// signal. REQUIRES: the parts of all of them are there.
base::Result<std::vector<PartitionFacts>> gather_facts(
    kafka::Cluster& cluster, const std::string& payments,
    std::span<const kafka::PartitionOffsets> partitions, const TopicParts& parts,
    kafka::GroupConsumer& consumer);

}  // namespace paystats::topics
