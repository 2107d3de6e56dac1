// The output of payagg on topics: stats, rejects, and how far the input has been read, all in one
// transaction; or, at least once, one after the other.
//
//   writer.begin();
//   writer.stats(partition, user, line);          // any number of times
//   Result<bool> committed = writer.commit(offsets, consumer);
//
// Where commit() says false nothing of it
// counts, or nobody knows: begin again and write all of it once more. Stats are absolute and carry
// their offset, so a repetition does no harm. One thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kafka/cluster.h"
#include "kafka/group_consumer.h"
#include "record/payment.h"

namespace paystats {

struct StatsWriterOptions {
  std::string source_topic;  // whose offsets are committed
  std::string topic;
  std::optional<std::string> rejects_topic = {};
  std::optional<std::string> transactional_id = {};  // without: at least once
};

class StatsWriter {
 public:
  // Waits for the broker, and until what a predecessor of the same id left open is settled.
  static Result<std::unique_ptr<StatsWriter>> open(Cluster& cluster, StatsWriterOptions options);
  ~StatsWriter();

  Result<void> begin();
  // `line` is a whole stats line; its newline is left off.
  Result<void> stats(int32_t partition, std::string_view user, std::string_view line);
  Result<void> reject(std::string_view line);  // REQUIRES: a topic of rejects
  Result<bool> commit(std::span<const SourceOffset> next, GroupConsumer& consumer);

  const std::string& why() const;  // the last commit() said false

 private:
  class Impl;
  explicit StatsWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace paystats
