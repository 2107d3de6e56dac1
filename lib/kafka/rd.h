// librdkafka's C objects with owners. Only for the files of this room: no public header of it
// shows librdkafka.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <memory>
#include <string>

#include "base/clock.h"

namespace paystats::kafka {

template <auto Destroy>
struct RdDeleter {
  template <class T>
  void operator()(T* object) const {
    Destroy(object);
  }
};

using RdConf = std::unique_ptr<rd_kafka_conf_t, RdDeleter<rd_kafka_conf_destroy>>;
using RdTopic = std::unique_ptr<rd_kafka_topic_t, RdDeleter<rd_kafka_topic_destroy>>;
using RdQueue = std::unique_ptr<rd_kafka_queue_t, RdDeleter<rd_kafka_queue_destroy>>;
using RdPartitions = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                     RdDeleter<rd_kafka_topic_partition_list_destroy>>;
using RdGroupMetadata = std::unique_ptr<rd_kafka_consumer_group_metadata_t,
                                        RdDeleter<rd_kafka_consumer_group_metadata_destroy>>;
using RdError = std::unique_ptr<rd_kafka_error_t, RdDeleter<rd_kafka_error_destroy>>;
using RdEvent = std::unique_ptr<rd_kafka_event_t, RdDeleter<rd_kafka_event_destroy>>;
using RdMessage = std::unique_ptr<rd_kafka_message_t, RdDeleter<rd_kafka_message_destroy>>;
using RdHeaders = std::unique_ptr<rd_kafka_headers_t, RdDeleter<rd_kafka_headers_destroy>>;
using RdMetadata = std::unique_ptr<const rd_kafka_metadata_t, RdDeleter<rd_kafka_metadata_destroy>>;

// For librdkafka's time-outs: whole milliseconds, at least 0.
inline int milliseconds(base::Duration duration) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return ms < 0 ? 0 : static_cast<int>(ms);
}

}  // namespace paystats::kafka
