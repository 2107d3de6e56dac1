// payagg from topic to topic: checks that both topics are what exactness needs, says which
// guarantee holds, and runs as many members of the group as were asked for, each in a thread of its
// own.
//
//   Result<ExitStatus> status = run_topics(options, *cluster, context);
#pragma once

#include "base/exit_status.h"
#include "base/result.h"
#include "base/run_context.h"
#include "kafka/cluster.h"
#include "topics/options.h"

namespace paystats::topics {

// A stop signal is a normal end, also while a broker is waited for.
base::Result<base::ExitStatus> run_topics(const TopicRunOptions& options, kafka::Cluster& cluster,
                                          const base::RunContext& context);

}  // namespace paystats::topics
