// Topics as such: that they exist, how many partitions they have, and their settings.
//
//   Result<int32_t> partitions = require_topic(cluster, {.name = "payments"});
//
// Broker and topic are waited for as the cluster says. A topic that does not exist is an error, or
// is made where the user said --create-topics. Settings go by Kafka's names and values:
// https://kafka.apache.org/documentation/#topicconfigs
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/wait.h"
#include "kafka/cluster.h"

namespace paystats::kafka {

struct TopicWish {
  std::string name;
  // For a topic that is to be made:
  std::optional<int32_t> partitions = {};  // without: as the broker has it
  std::vector<std::pair<std::string, std::string>> settings =
      {};  // the others: as the broker has it
};

// The number of its partitions. A caller that has more to do than to wait for brokers says until
// when it does.
base::Result<int32_t> require_topic(Cluster& cluster, const TopicWish& wish,
                                    base::Instant deadline = io::kForever);

// The same where there is such a topic, else nothing. Makes none, whatever the user said.
base::Result<std::optional<int32_t>> find_topic(Cluster& cluster, const std::string& name,
                                                base::Instant deadline = io::kForever);

// Of two topics whose partitions go together by number: an error that says which of them is to be
// grown, and how. Nothing is grown by itself: where keys go changes with it.
struct TopicSize {
  std::string name;
  int32_t partitions = 0;
};
base::Result<void> check_as_many(const Cluster& cluster, const TopicSize& one,
                                 const TopicSize& other, std::string_view why);

// The same of topics that are in use, where `output` may be the larger one, since it is to be grown
// first. Brokers may know of the one before they know of the other: for two seconds that is no
// error.
base::Result<void> check_grown(Cluster& cluster, const std::string& input,
                               const std::string& output, std::string_view why);

// What the cluster calls itself; empty where it has no name (brokers before Kafka 0.10.1).
base::Result<std::string> cluster_id(Cluster& cluster);

// By name: {"cleanup.policy", "compact,delete"}.
using TopicSettings = std::map<std::string, std::string>;

// All settings of a topic, the broker's defaults for topics among them. Where the broker does not
// let us ask, nothing, and a warning.
base::Result<std::optional<TopicSettings>> topic_settings(Cluster& cluster,
                                                          const std::string& topic,
                                                          base::Instant deadline = io::kForever);

}  // namespace paystats::kafka
