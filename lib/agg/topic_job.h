// One member of the group at work: payments of the partitions that it is given become totals, which
// go to the partitions of the same number of the output topic. That topic is the state: whoever is
// given a partition reads back what was published of it and goes on from the group's offset.
//
//   TopicJob job(options, {cluster, rejects, pending, counters, context});
//   Result<void> done = job.run();      // until a stop signal, or what is there now has been read
//
// Exactly once: totals, rejects and offsets are one transaction. At least once: one after the
// other; what is read twice after a crash is known by the offset of each user's total, and skipped.
// Either way a publication that did not come about is made again from the table, which needs no
// undoing: it is a function of the partition and of how far that has been read. One thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agg/topic_start.h"
#include "agg/trigger.h"
#include "base/result.h"
#include "base/run_context.h"
#include "io/reject_log.h"
#include "kafka/cluster.h"
#include "record/decoder.h"

namespace paystats {

enum class Guarantee { kExactlyOnce, kAtLeastOnce };

struct TopicJobOptions {
  TopicNames names;
  std::string group;
  std::string instance;  // of this job alone
  std::optional<std::string> rejects_topic = {};
  Guarantee guarantee = Guarantee::kExactlyOnce;
  OnDataLoss on_data_loss = OnDataLoss::kStop;
  bool available_now = false;  // ends at what is there when a partition is assigned
  TriggerOptions trigger = {};
  FieldNames fields = {};
  uint64_t users_max = UINT64_MAX;  // in the tables of this job
  uint64_t hash_seed = 0;
};

// What the job tells while it runs. Each is written by the job and read by anyone.
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

// Lines that leave with the next transaction: the sink of a job's RejectLog where rejects go to a
// topic.
class PendingLines final : public Sink {
 public:
  explicit PendingLines(std::vector<std::string>& lines) : lines_(lines) {}
  Result<void> write(std::string_view lines) override {
    lines_.emplace_back(lines);
    return {};
  }
  Result<void> flush() override { return {}; }
  Result<void> close() override { return {}; }

 private:
  std::vector<std::string>& lines_;
};

// All are borrowed.
struct TopicJobEnds {
  Cluster& cluster;
  RejectLog& rejects;
  std::vector<std::string>& pending_rejects;  // filled by `rejects` where they go to a topic
  TopicCounters& counters;
  const RunContext& context;
};

class TopicJob {
 public:
  TopicJob(const TopicJobOptions& options, const TopicJobEnds& ends);
  TopicJob(const TopicJob&) = delete;
  TopicJob& operator=(const TopicJob&) = delete;
  ~TopicJob();

  // Call once. A stop signal is a normal end: what has been read is published first.
  Result<void> run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paystats
