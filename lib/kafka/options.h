// What the command line says of Kafka, the same for every tool.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace paystats::kafka {

struct KafkaOptions {
  std::optional<std::string> brokers = {};        // host:port,…; else $KAFKA_BROKERS
  std::vector<std::string> properties = {};       // key=value, any of librdkafka's
  std::optional<std::string> property_file = {};  // lines of key=value; `properties` come after it
  std::optional<base::Duration> broker_timeout =
      {};                      // without: a broker that is away is waited for
  bool create_topics = false;  // make what does not exist
};

}  // namespace paystats::kafka
