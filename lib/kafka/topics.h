// Topics as such: that they exist, how many partitions they have, whether they are compacted.
//
//   Result<int32_t> partitions = require_topic(cluster, {.name = "payments"});
//
// Broker and topic are waited for as the cluster says. A topic that does not exist is an error, or
// is made where the user said --create-topics.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "kafka/cluster.h"

namespace paystats::kafka {

struct TopicWish {
  std::string name;
  // For a topic that is to be made:
  std::optional<int32_t> partitions = {};  // without: as the broker has it
  bool compacted = false;
};

// The number of its partitions.
base::Result<int32_t> require_topic(Cluster& cluster, const TopicWish& wish);

// A topic's cleanup.policy: "delete", "compact", or "compact,delete". Where the broker does not let
// us ask, nothing, and a warning.
base::Result<std::optional<std::string>> cleanup_policy(Cluster& cluster, const std::string& topic);

}  // namespace paystats::kafka
