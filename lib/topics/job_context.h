// What a job from topic to topic borrows: the cluster, where its rejects go, and the figures that
// it tells.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/run_context.h"
#include "io/reject_log.h"
#include "kafka/cluster.h"

namespace paystats::topics {

// Each is written by the job while it runs, and read by anyone.
struct TopicCounters {
  std::atomic<uint64_t> accepted = 0;
  std::atomic<uint64_t> skipped = 0;  // read again, and included already
  std::atomic<uint64_t> bytes = 0;
  std::atomic<uint64_t> users = 0;
  std::atomic<uint64_t> commits = 0;
  std::atomic<uint64_t> commits_failed = 0;
  std::atomic<uint64_t> partitions = 0;
  std::atomic<uint64_t> lag = 0;       // to the high watermark, as far as the client knows it
  std::atomic<uint64_t> hidden = 0;    // of that, by an open transaction
  std::atomic<uint64_t> hidden_s = 0;  // for so long
  std::atomic<uint64_t> restored = 0;
  std::atomic<uint64_t> to_restore = 0;  // of those, when the last restore began
  std::atomic<bool> caught_up = false;
};

// Rejects that leave with the next transaction, in their order.
struct PendingRejects {
  std::vector<std::string> lines;
  size_t bytes = 0;

  void add(std::string_view line) { bytes += lines.emplace_back(line).size(); }
  // `earlier` go before what is there.
  void put_back(PendingRejects earlier) {
    bytes += earlier.bytes;
    earlier.lines.insert(earlier.lines.end(), std::make_move_iterator(lines.begin()),
                         std::make_move_iterator(lines.end()));
    lines = std::move(earlier.lines);
  }
};

// All are borrowed.
struct TopicJobContext {
  kafka::Cluster& cluster;
  io::RejectLog& rejects;
  PendingRejects& pending_rejects;  // filled by `rejects` where they go to a topic
  TopicCounters& counters;
  const base::RunContext& run;
};

}  // namespace paystats::topics
