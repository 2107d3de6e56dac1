// What both topics must be, so that totals are exact: there, with as many partitions, the payments
// not compacted and the totals compacted and nothing else.
//
//   Result<int32_t> partitions = check_topics(cluster, {.payments = "p", .stats = "s"});
//
// Asked at the start, and of totals that have been made anew while payagg runs.
// Tested through topics/run.h.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/result.h"
#include "io/wait.h"
#include "kafka/cluster.h"
#include "topics/options.h"

namespace paystats::topics {

// The number of partitions that both topics have. Waits for brokers; makes topics where the user
// said so. An error says what mends it.
base::Result<int32_t> check_topics(kafka::Cluster& cluster, const TopicNames& topics,
                                   base::Instant deadline = io::kForever);

// The same of topics that are in use: an error is what the topic of totals lacks. False: it is not
// there at the moment, or brokers have not said so by the deadline.
base::Result<bool> check_again(kafka::Cluster& cluster, const TopicNames& topics,
                               base::Instant deadline);

}  // namespace paystats::topics
