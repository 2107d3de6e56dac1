#include "kafka/group_entry.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <utility>

#include "kafka/rd.h"
#include "kafka/refusals.h"

namespace paystats::kafka {
namespace {

using std::chrono::milliseconds;

constexpr base::Duration kLookInterval = milliseconds(25);
// From being admitted to partitions take two round trips of the slowest member's and a write of the
// coordinator's. To join again where that is slow would be a rebalance for nothing.
constexpr base::Duration kPatience = milliseconds(400);
// librdkafka's own, between two JoinGroups.
constexpr base::Duration kJoinInterval = std::chrono::seconds(1);
constexpr int32_t kNoPartition = std::numeric_limits<int32_t>::max();

}  // namespace

rd_kafka_resp_err_t ask_outside(Client& client, rd_kafka_topic_partition_list_t& offsets,
                                int timeout_ms) {
  const rd_kafka_resp_err_t error = rd_kafka_committed(client.rk(), &offsets, timeout_ms);
  if (error != RD_KAFKA_RESP_ERR__TIMED_OUT && error != RD_KAFKA_RESP_ERR__WAIT_COORD) return error;
  // librdkafka goes on looking for the coordinator, whatever the brokers say: that comes as a
  // message. There are no others: nothing is subscribed yet.
  const RdMessage message(rd_kafka_consumer_poll(client.rk(), 0));
  return message && refused_by(message->err) != Refused::kNothing ? message->err : error;
}

// For an offset that nobody has committed, since one that a transaction holds up is waited for.
rd_kafka_resp_err_t ask_coordinator(Client& client, const std::string& topic, int timeout_ms) {
  const RdPartitions any(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(any.get(), topic.c_str(), kNoPartition);
  return ask_outside(client, *any, timeout_ms);
}

std::string member_id_of(Client& member) {
  char* const id = rd_kafka_memberid(member.rk());
  if (id == nullptr) return {};
  std::string copy = id;
  rd_kafka_mem_free(member.rk(), id);
  return copy;
}

GroupEntry::GroupEntry(Client& client, std::string group, std::string topic)
    : client_(client), group_(std::move(group)), topic_(std::move(topic)) {}

base::Result<void> GroupEntry::find_coordinator() {
  return client_.request("kafka: group " + group_, [&](int timeout_ms) {
    return ask_coordinator(client_, topic_, timeout_ms);
  });
}

base::Result<void> GroupEntry::subscribe() {
  waiting_ = true;
  asked_.reset();
  admitted_.reset();
  const RdPartitions topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), topic_.c_str(), RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t error = rd_kafka_subscribe(client_.rk(), topics.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return base::fail(fmt::format("{}: {}", topic_label(topic_), rd_kafka_err2str(error)));
}

base::Instant GroupEntry::look(base::Instant now) {
  if (!waiting_) return base::Instant::max();
  if (!asked_) asked_ = now;
  // To look wakes librdkafka as well, which otherwise would sleep for another second.
  if (!admitted_ && !member_id_of(client_).empty()) admitted_ = now;
  const bool left_waiting = admitted_ && now >= *admitted_ + kPatience;
  if (left_waiting && now < *asked_ + kJoinInterval) {
    client_.cluster().context().diagnostics.detail(
        fmt::format("kafka: group {} has changed while it was joined: joining it again", group_));
    static_cast<void>(subscribe());  // it is subscribed already: librdkafka goes on by itself
    done();
    return base::Instant::max();
  }
  return now + (now < *asked_ + 2 * kJoinInterval ? kLookInterval : kJoinInterval);
}

}  // namespace paystats::kafka
