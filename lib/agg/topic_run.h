// payagg from topic to topic: checks that both topics are what exactness needs, says which
// guarantee holds, and runs as many members of the group as were asked for, each in a thread of its
// own.
//
//   Result<AggregateEnd> end = aggregate_topics(plan, *cluster, context);
#pragma once

#include "agg/aggregate.h"
#include "agg/plan.h"
#include "base/result.h"
#include "base/run_context.h"
#include "kafka/cluster.h"

namespace paystats {

// REQUIRES: input and output of the plan are topics.
Result<AggregateEnd> aggregate_topics(const AggregatePlan& plan, Cluster& cluster,
                                      const RunContext& context);

}  // namespace paystats
