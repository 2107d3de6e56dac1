#include "cli/kafka_options.h"

namespace paystats::cli {

void declare_kafka(CommandLine& line, kafka::KafkaOptions& options) {
  line.section("Kafka");
  line.text("-b,--brokers", options.brokers, "HOST:PORT,...",
            "where to find the cluster (default: the environment's KAFKA_BROKERS)");
  line.list("-X,--property", options.properties, "KEY=VALUE", "any property of librdkafka");
  line.text("-F,--property-file", options.property_file, "FILE",
            "a file of such properties, one a line");
  line.duration("--broker-timeout", options.broker_timeout, "T",
                "give up when no broker answers for so long (default: wait)");
  line.flag("--create-topics", options.create_topics, "make topics that do not exist");
}

}  // namespace paystats::cli
