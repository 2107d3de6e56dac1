#include "kafka/topic_look.h"

#include <utility>

#include "kafka/client.h"
#include "kafka/rd.h"

namespace paystats::kafka {

class TopicLook::Impl {
 public:
  Impl(std::unique_ptr<Client> client, std::string topic)
      : client_(std::move(client)), topic_(std::move(topic)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { client_->abandon(); }

  void poll() { rd_kafka_poll(client_->rk(), 0); }
  std::optional<TopicSight> look(std::span<const int32_t> partitions);

 private:
  std::vector<record::SourceOffset> ask_ends(std::span<const int32_t> partitions);
  std::optional<int32_t> count_partitions();

  const std::unique_ptr<Client> client_;
  const std::string topic_;
};

std::vector<record::SourceOffset> TopicLook::Impl::ask_ends(std::span<const int32_t> partitions) {
  const RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const int32_t partition : partitions) {
    // As a time this means the end, in Kafka's protocol.
    rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), partition)->offset =
        RD_KAFKA_OFFSET_END;
  }
  if (rd_kafka_offsets_for_times(client_->rk(), list.get(), milliseconds(kTimeout)) !=
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    return {};
  }
  std::vector<record::SourceOffset> ends;
  for (const int32_t partition : partitions) {
    const rd_kafka_topic_partition_t* const found =
        rd_kafka_topic_partition_list_find(list.get(), topic_.c_str(), partition);
    if (found == nullptr || found->err != RD_KAFKA_RESP_ERR_NO_ERROR || found->offset < 0) {
      return {};
    }
    ends.push_back({partition, found->offset});
  }
  return ends;
}

// The answer is also what librdkafka goes by in the next look, where a leader has moved.
std::optional<int32_t> TopicLook::Impl::count_partitions() {
  const rd_kafka_metadata_t* raw = nullptr;
  if (rd_kafka_metadata(client_->rk(), 0, client_->topic(topic_), &raw, milliseconds(kTimeout)) !=
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    return std::nullopt;
  }
  const RdMetadata metadata(raw);
  if (metadata->topic_cnt != 1) return std::nullopt;
  const rd_kafka_metadata_topic_t& found = metadata->topics[0];
  if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return 0;
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR || found.partition_cnt == 0) return std::nullopt;
  return found.partition_cnt;
}

std::optional<TopicSight> TopicLook::Impl::look(std::span<const int32_t> partitions) {
  TopicSight sight{.ends = ask_ends(partitions)};
  if (!sight.ends.empty()) return sight;
  const std::optional<int32_t> count = count_partitions();
  if (!count) return std::nullopt;
  sight.partitions = *count;
  return sight;
}

TopicLook::TopicLook(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TopicLook::~TopicLook() = default;

base::Result<std::unique_ptr<TopicLook>> TopicLook::open(Cluster& cluster, std::string topic) {
  base::Result<std::unique_ptr<Client>> client =
      Client::open(cluster, RD_KAFKA_CONSUMER,
                   {.defaults = {},
                    .musts = {{"enable.auto.commit", "false"},
                              {"isolation.level", "read_uncommitted"},
                              {"allow.auto.create.topics", "false"}}});
  if (!client) return base::fail(client.error());
  return std::unique_ptr<TopicLook>(
      new TopicLook(std::make_unique<Impl>(std::move(*client), std::move(topic))));
}

void TopicLook::poll() {
  impl_->poll();
}

std::optional<TopicSight> TopicLook::look(std::span<const int32_t> partitions) {
  return impl_->look(partitions);
}

}  // namespace paystats::kafka
