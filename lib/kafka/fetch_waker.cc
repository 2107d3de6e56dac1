#include "kafka/fetch_waker.h"

#include <charconv>
#include <cstddef>
#include <utility>

namespace paystats::kafka {
namespace {

constexpr const char* kBackoff = "fetch.queue.backoff.ms";

}  // namespace

void resume_fetching_soon(ClientSettings& settings) {
  const RdConf any(rd_kafka_conf_new());
  size_t size = 0;
  if (rd_kafka_conf_get(any.get(), kBackoff, nullptr, &size) != RD_KAFKA_CONF_OK) return;
  settings.defaults.emplace_back(kBackoff, "2");
}

FetchWaker::FetchWaker(Client& client, std::string topic)
    : client_(client), topic_(std::move(topic)) {
  if (!client_.setting(kBackoff).empty()) return;
  const std::string full_at = client_.setting("queued.min.messages");
  std::from_chars(full_at.data(), full_at.data() + full_at.size(), full_at_);
}

bool FetchWaker::has_room_again(rd_kafka_queue_t* queue) {
  if (!needed()) return false;
  const bool full = rd_kafka_queue_length(queue) >= full_at_;
  return std::exchange(was_full_, full) && !full;
}

void FetchWaker::wake(std::span<const int32_t> partitions) const {
  if (!needed() || partitions.empty()) return;
  const RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const int32_t partition : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), partition)->offset =
        RD_KAFKA_OFFSET_END;
  }
  rd_kafka_offsets_for_times(client_.rk(), list.get(), 0);
}

}  // namespace paystats::kafka
