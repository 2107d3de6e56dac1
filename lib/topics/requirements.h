// What both topics must be, so that totals are exact: there, with as many partitions, the payments
// not compacted and the totals compacted and nothing else.
//
//   Result<int32_t> partitions = check_topics(cluster, {.payments = "p", .stats = "s"});
//
// Asked at the start, and of totals that have been made anew while payagg runs.
// Tested through topics/run.h.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "kafka/cluster.h"
#include "topics/options.h"

namespace paystats::topics {

// The number of partitions that both topics have. Waits for brokers; makes topics where the user
// said so. An error says what mends it.
base::Result<int32_t> check_topics(kafka::Cluster& cluster, const TopicNames& topics);

}  // namespace paystats::topics
