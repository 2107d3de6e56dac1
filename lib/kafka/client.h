// One connection to the cluster: a librdkafka handle with its callbacks. Only for the files of
// this room. Tested through kafka/payment_sink.h.
//
//   Result<std::unique_ptr<Client>> client = Client::open(cluster, RD_KAFKA_PRODUCER, {
//       .defaults = {{"linger.ms", "5"}}, .musts = {{"enable.idempotence", "true"}}});
//   rd_kafka_poll((*client)->rk(), 100);
//
// librdkafka's log goes to -v, its errors to the cluster's watch. Callbacks run where it is polled.
// One thread uses a client.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "kafka/cluster.h"
#include "kafka/ends.h"
#include "kafka/rd.h"

namespace paystats::kafka {

struct ClientSettings {
  KafkaSettings defaults;  // the user may change these
  KafkaSettings musts;     // and not these
};

struct ClientCallbacks {
  std::function<void(rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t*)> on_rebalance;
  std::function<void(const rd_kafka_message_t&)> on_delivery;
};

class Client {
 public:
  static base::Result<std::unique_ptr<Client>> open(Cluster& cluster, rd_kafka_type_t type,
                                                    const ClientSettings& settings,
                                                    ClientCallbacks callbacks = {});
  // A consumer of no partition, for questions that are to be answered of all messages: those of
  // transactions that are still open too. `more`: what it must be set to besides.
  static base::Result<std::unique_ptr<Client>> open_uncommitted(Cluster& cluster,
                                                                const KafkaSettings& more = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  rd_kafka_t* rk() const { return rk_; }
  Cluster& cluster() const { return cluster_; }

  // What a property of librdkafka's is set to; empty where it has no such property.
  std::string setting(const char* property) const;

  // A handle to `topic` that lives as long as the client.
  rd_kafka_topic_t* topic(const std::string& name);

  // Repeats `call(timeout_ms)` until it succeeds or fails for good; a broker that is away is waited
  // for as the cluster says, but not beyond the time of give_up_at(). `what` begins the message of
  // an error.
  base::Result<void> request(const std::string& what,
                             const std::function<rd_kafka_resp_err_t(int)>& call);

  // For a caller that has more to do than to wait.
  void give_up_at(base::Instant deadline) { deadline_ = deadline; }
  base::Instant deadline() const { return deadline_; }

  // Commits offsets of a group's member, and waits `at_most` so long; after a stop signal no longer
  // than the grace. REQUIRES: a member of a group.
  base::Result<rd_kafka_resp_err_t> commit(const rd_kafka_topic_partition_list_t& next,
                                           base::Duration grace_after_stop,
                                           base::Duration at_most = base::Duration::max());

  // While the brokers are away: asks whether they are back. Call at least each second from a loop
  // that waits. Fails by check_patience(), also where they are there.
  base::Result<void> check_brokers(base::Duration grace_after_stop = {});

  // Asks whether any broker answers, and tells the watch. What it answers, who leads the partitions
  // of the topics that this client has asked after, is what the next request goes by.
  bool probe_brokers();

  // Whether a broker answers that there is the topic and that each of its partitions has a leader,
  // within half a second; tells the watch.
  bool has_leaders(const std::string& topic);

  // How many partitions a topic has, 0: there is no such topic. Nothing where no broker says so in
  // this time.
  std::optional<int32_t> count_partitions(const std::string& topic, int timeout_ms);

  // Destroys the handle without waiting for what it has under way.
  void abandon();

  // The same, of a consumer, and waits a few seconds at most: librdkafka before 2.1.1 may never
  // destroy one whose topic has been deleted. That one is left to a thread of its own, which owns
  // all that it still uses. REQUIRES: its queues and topics have been given back.
  static void abandon_in_time(std::unique_ptr<Client> client);

 private:
  Client(Cluster& cluster, ClientCallbacks callbacks);
  RdMetadata ask_metadata(rd_kafka_topic_t* topic);
  void rest(int pause_ms);
  base::Result<void> be_patient(const std::string& what, rd_kafka_resp_err_t error);
  static int open_socket(int domain, int type, int protocol, void* opaque);
  static void on_error(rd_kafka_t* rk, int code, const char* reason, void* opaque);
  static void on_log(const rd_kafka_t* rk, int level, const char* facility, const char* text);

  Cluster& cluster_;
  const ClientCallbacks callbacks_;
  rd_kafka_t* rk_ = nullptr;
  base::Instant deadline_ = base::Instant::max();  // of request()
  bool is_group_consumer_ = false;
  std::atomic<bool> left_ = false;  // by its cluster: callbacks do nothing any more
  std::vector<std::pair<std::string, RdTopic>> topics_;
};

// Whether an error says that a broker cannot be reached or does not answer, so that trying again is
// all there is to do.
bool is_about_reach(rd_kafka_resp_err_t error);

// Of a delivery report: librdkafka has dropped the message, and does not say why.
bool was_purged(rd_kafka_resp_err_t error);

// Whether an error says that a broker does not know a topic or a partition.
bool is_unknown(rd_kafka_resp_err_t error);

// One try of ends_of_partitions(): fills in where these partitions begin and end, all of them or
// none. Unlike rd_kafka_query_watermark_offsets(), which waits for a broker that has just crashed
// as long as a request may take, this keeps its time-out.
rd_kafka_resp_err_t query_ends(rd_kafka_t* rk, const std::string& topic,
                               std::span<PartitionEnds> ends, int timeout_ms);
// The same of where they end alone.
rd_kafka_resp_err_t query_highs(rd_kafka_t* rk, const std::string& topic,
                                std::span<PartitionEnds> ends, int timeout_ms);

// "kafka:payments" for messages.
std::string topic_label(const std::string& topic);

}  // namespace paystats::kafka
