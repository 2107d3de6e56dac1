// What a job from topic to topic is connected to: the cluster, where its rejects go, and the
// figures that it tells.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/run_context.h"
#include "io/reject_log.h"
#include "kafka/cluster.h"

namespace paystats {

// Each is written by the job while it runs, and read by anyone.
struct TopicCounters {
  std::atomic<uint64_t> accepted = 0;
  std::atomic<uint64_t> skipped = 0;  // read again, and included already
  std::atomic<uint64_t> bytes = 0;
  std::atomic<uint64_t> users = 0;
  std::atomic<uint64_t> commits = 0;
  std::atomic<uint64_t> commits_failed = 0;
  std::atomic<uint64_t> partitions = 0;
  std::atomic<uint64_t> lag = 0;  // payments that the client knows of and has not read
  std::atomic<uint64_t> restored = 0;
  std::atomic<uint64_t> to_restore = 0;  // of those, when the last restore began
  std::atomic<bool> caught_up = false;
};

// All are borrowed.
struct TopicJobEnds {
  Cluster& cluster;
  RejectLog& rejects;
  std::vector<std::string>& pending_rejects;  // filled by `rejects` where they go to a topic
  TopicCounters& counters;
  const RunContext& context;
};

}  // namespace paystats
