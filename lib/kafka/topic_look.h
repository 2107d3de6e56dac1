// A look at a topic in passing: whether it is there, and where its partitions end. Nothing waits
// for it: where no broker answers within half a second there is nothing to be seen, and no error.
//
//   Result<std::unique_ptr<TopicLook>> look = TopicLook::open(cluster, "payment-stats");
//   (*look)->poll();                                        // about each second
//   std::optional<TopicSight> sight = (*look)->look(partitions);
//
// One request to each broker that leads some of the partitions (ListOffsets). The end is the high
// watermark, that is of all messages, those of transactions that are still open among them: the
// end of what is committed goes back where an older transaction hangs. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "kafka/cluster.h"
#include "record/payment.h"

namespace paystats::kafka {

struct TopicSight {
  // Behind the last message of each partition, in the order asked for; empty: not of all of them.
  std::vector<record::SourceOffset> ends = {};
  // Where `ends` is empty: how many partitions the topic has. 0: there is no such topic.
  int32_t partitions = 0;
};

class TopicLook {
 public:
  static constexpr base::Duration kTimeout = std::chrono::milliseconds(500);

  // Connects without waiting. `cluster` is borrowed.
  static base::Result<std::unique_ptr<TopicLook>> open(Cluster& cluster, std::string topic);
  TopicLook(const TopicLook&) = delete;
  TopicLook& operator=(const TopicLook&) = delete;
  ~TopicLook();

  // What has happened to the connection is heard of while it is news.
  void poll();

  // REQUIRES: at least one partition.
  std::optional<TopicSight> look(std::span<const int32_t> partitions);

 private:
  class Impl;
  explicit TopicLook(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace paystats::kafka
