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

  const std::unique_ptr<Client> client_;
  const std::string topic_;
};

std::vector<record::SourceOffset> TopicLook::Impl::ask_ends(std::span<const int32_t> partitions) {
  std::vector<PartitionEnds> found;
  found.reserve(partitions.size());
  for (const int32_t partition : partitions) found.push_back({.partition = partition});
  std::vector<record::SourceOffset> ends;
  if (query_highs(client_->rk(), topic_, found, milliseconds(kTimeout)) !=
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ends;
  }
  ends.reserve(found.size());
  for (const PartitionEnds& each : found) ends.push_back({each.partition, each.high});
  return ends;
}

std::optional<TopicSight> TopicLook::Impl::look(std::span<const int32_t> partitions) {
  TopicSight sight{.ends = ask_ends(partitions)};
  if (!sight.ends.empty()) return sight;
  // The answer is also what librdkafka goes by in the next look, where a leader has moved.
  const std::optional<int32_t> count = client_->count_partitions(topic_, milliseconds(kTimeout));
  if (!count) return std::nullopt;
  sight.partitions = *count;
  return sight;
}

TopicLook::TopicLook(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TopicLook::~TopicLook() = default;

base::Result<std::unique_ptr<TopicLook>> TopicLook::open(Cluster& cluster, std::string topic) {
  base::Result<std::unique_ptr<Client>> client = Client::open_uncommitted(cluster);
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
