#include "kafka/version.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

namespace paystats::kafka {

// A release candidate has a last byte below 0xff, which is left off.
std::string librdkafka_version_at_build() {
  return fmt::format("{}.{}.{}", (RD_KAFKA_VERSION >> 24) & 0xff, (RD_KAFKA_VERSION >> 16) & 0xff,
                     (RD_KAFKA_VERSION >> 8) & 0xff);
}

std::string librdkafka_version_at_run() {
  return rd_kafka_version_str();
}

}  // namespace paystats::kafka
