#include "client.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace paystats::bench {
namespace {

void set(rd_kafka_conf_t* conf, const std::string& key, const std::string& value) {
  std::array<char, 512> why{};
  if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), why.data(), why.size()) !=
      RD_KAFKA_CONF_OK) {
    give_up(key, why.data());
  }
}

Owned<rd_kafka_t> make_client(rd_kafka_type_t type, const std::vector<Property>& own,
                              const std::vector<Property>& more) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [key, value] : own) set(conf, key, value);
  for (const auto& [key, value] : more) set(conf, key, value);
  std::array<char, 512> why{};
  Owned<rd_kafka_t> client(rd_kafka_new(type, conf, why.data(), why.size()));
  if (!client) give_up("client", why.data());
  return client;
}

}  // namespace

void give_up(std::string_view what, std::string_view why) {
  fprintf(stderr, "bench-kafka: error: %.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
          static_cast<int>(why.size()), why.data());
  std::_Exit(2);  // other threads may still run
}

void check(std::string_view what, rd_kafka_resp_err_t error) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) give_up(what, rd_kafka_err2str(error));
}

Property property_of(std::string_view word) {
  const size_t equals = word.find('=');
  if (equals == std::string_view::npos) give_up(word, "not KEY=VALUE");
  return {std::string(word.substr(0, equals)), std::string(word.substr(equals + 1))};
}

Owned<rd_kafka_t> make_consumer(const std::string& brokers, const std::vector<Property>& more) {
  std::vector<Property> own = {
      {"bootstrap.servers", brokers},   {"group.id", "bench"},  // of the API; never joined
      {"enable.auto.commit", "false"},  {"enable.auto.offset.store", "false"},
      {"enable.partition.eof", "true"}, {"isolation.level", "read_committed"},
      {"auto.offset.reset", "error"},
  };
  // By default a full queue is looked at again only after a second; a library before 2.2 cannot be
  // told.
  if (rd_kafka_version() >= 0x02020000) own.emplace_back("fetch.queue.backoff.ms", "5");
  Owned<rd_kafka_t> client = make_client(RD_KAFKA_CONSUMER, own, more);
  check("consumer", rd_kafka_poll_set_consumer(client.get()));
  return client;
}

Owned<rd_kafka_t> make_producer(const std::string& brokers, const std::vector<Property>& more) {
  return make_client(RD_KAFKA_PRODUCER,
                     {{"bootstrap.servers", brokers}, {"partitioner", "murmur2_random"}}, more);
}

std::vector<Extent> assign_all(rd_kafka_t& consumer, const std::string& topic, From from) {
  const Owned<rd_kafka_topic_t> handle(rd_kafka_topic_new(&consumer, topic.c_str(), nullptr));
  const rd_kafka_metadata_t* data = nullptr;
  check(topic, rd_kafka_metadata(&consumer, 0, handle.get(), &data, kWaitMs));
  const Owned<const rd_kafka_metadata_t> metadata(data);
  check(topic, data->topics[0].err);

  // Offsets by number: to be told the beginning by the broker costs half a second.
  std::vector<Extent> extents;
  const int count = data->topics[0].partition_cnt;
  const Owned<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(count));
  for (int32_t p = 0; p < count; ++p) {
    int64_t low = 0;
    int64_t high = 0;
    check(topic,
          rd_kafka_query_watermark_offsets(&consumer, topic.c_str(), p, &low, &high, kWaitMs));
    extents.push_back({from == From::kBeginning ? low : high, high});
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), p)->offset = extents.back().begin;
  }
  check("assign", rd_kafka_assign(&consumer, list.get()));
  return extents;
}

}  // namespace paystats::bench
