// One member of the group at work: payments of the partitions that it is given become totals, which
// go to the partitions of the same number of the output topic. That topic is the state: a member
// given a partition reads back what was published of it and goes on from the group's offset.
//
//   TopicJob job(options, {cluster, rejects, pending, counters, context});
//   Result<void> opened = job.open();
//   Result<void> done = job.run();      // until a stop signal, or what is there now has been read
//
// Exactly once: totals, rejects and offsets are one transaction. At least once: one after the
// other; what is read twice after a crash is known by the offset of each user's total, and skipped.
// Either way a publication that did not come about is made again from the table, which needs no
// undoing: it is a function of the partition and of how far that has been read. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/reject_log.h"
#include "record/decoder.h"
#include "topics/job_context.h"
#include "topics/options.h"
#include "topics/publisher.h"

namespace paystats::topics {

struct TopicJobOptions {
  TopicNames topics;
  std::string group;
  std::string instance;    // of this job alone
  bool is_first = true;    // of the jobs of its process
  int32_t partitions = 0;  // of both topics when they were checked
  std::optional<std::string> rejects_topic = {};
  Guarantee guarantee = Guarantee::kExactlyOnce;
  OnDataLoss on_data_loss = OnDataLoss::kStop;
  bool available_now = false;  // ends at what is there when a partition is assigned
  TopicPublisherOptions publish = {};
  record::FieldNames fields = {};
  io::Framing framing = io::Framing::kNone;
  uint64_t users_max = UINT64_MAX;  // in the tables of this job
  uint64_t hash_seed = 0;
};

// Lines that leave with the next transaction: the sink of a job's RejectLog where rejects go to a
// topic.
class PendingLines final : public io::Sink {
 public:
  explicit PendingLines(PendingRejects& rejects) : rejects_(rejects) {}
  base::Result<void> write(std::string_view lines) override {
    rejects_.add(lines);
    return {};
  }
  base::Result<void> flush() override { return {}; }
  base::Result<void> close() override { return {}; }

 private:
  PendingRejects& rejects_;
};

class TopicJob {
 public:
  TopicJob(const TopicJobOptions& options, const TopicJobContext& context);
  TopicJob(const TopicJob&) = delete;
  TopicJob& operator=(const TopicJob&) = delete;
  ~TopicJob();

  // Waits for the brokers and for what a predecessor of this name has left. Jobs that join their
  // group together are all opened before the first of them runs. Call once.
  base::Result<void> open();

  // Call once. A stop signal is a normal end: what has been read is published first.
  base::Result<void> run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paystats::topics
