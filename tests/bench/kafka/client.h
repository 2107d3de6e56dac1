// The little of librdkafka that the programs of this folder share: owners, and an end with exit
// status 2 where something fails, since a measurement that went wrong is none.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paystats::bench {

inline constexpr int kWaitMs = 30000;

[[noreturn]] void give_up(std::string_view what, std::string_view why);
void check(std::string_view what, rd_kafka_resp_err_t error);

struct Destroy {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
  void operator()(const rd_kafka_metadata_t* data) const { rd_kafka_metadata_destroy(data); }
};
template <class T>
using Owned = std::unique_ptr<T, Destroy>;

using Property = std::pair<std::string, std::string>;

// "KEY=VALUE" of a command line.
Property property_of(std::string_view word);

// A consumer of read_committed records that belongs to no group; a producer.
Owned<rd_kafka_t> make_consumer(const std::string& brokers, const std::vector<Property>& more);
Owned<rd_kafka_t> make_producer(const std::string& brokers, const std::vector<Property>& more);

enum class From { kBeginning, kEnd };

// Of one partition: where reading starts, and where the topic ended at that time.
struct Extent {
  int64_t begin = 0;
  int64_t end = 0;
};

// Assigns all partitions of the topic.
std::vector<Extent> assign_all(rd_kafka_t& consumer, const std::string& topic, From from);

inline std::string_view value_of(const rd_kafka_message_t& message) {
  return {static_cast<const char*>(message.payload), message.len};
}

}  // namespace paystats::bench
