#include "kafka/client.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <future>
#include <thread>
#include <utility>

#include "base/fd.h"
#include "base/threads.h"
#include "kafka/refusals.h"
#include "kafka/stall.h"

namespace paystats::kafka {
namespace {

constexpr base::Duration kRequestTimeout = std::chrono::seconds(1);             // of one try
constexpr base::Duration kCommitLookInterval = std::chrono::milliseconds(100);  // for a stop signal
// A broker that has just started may not know its own partitions for a moment.
constexpr base::Duration kUnknownGrace = std::chrono::seconds(10);
constexpr base::Duration kProbeTimeout = std::chrono::milliseconds(500);
constexpr base::Duration kAbandonLimit = std::chrono::seconds(3);
constexpr base::Duration kRetryPause = std::chrono::milliseconds(50);

base::Result<void> set(rd_kafka_conf_t* conf, const KafkaSettings& settings) {
  std::array<char, 512> why{};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(), why.size()) !=
        RD_KAFKA_CONF_OK) {
      return base::fail(fmt::format("{}={}: {}", name, value, why.data()));
    }
  }
  return {};
}

// Why there is no socket, an errno value: without a descriptor no broker can ever answer.
void note_socket(int error, BrokerWatch& watch) {
  if (error != EMFILE && error != ENFILE) return;
  base::Error none = base::system_error("kafka: socket", error);
  none.message += " (see ulimit -n)";
  watch.give_up_at_start(std::move(none));
}

// A partition of which librdkafka knows no leader is left out of its requests, which is told only
// next to it, as the broker's answers are; that none has a leader is called unknown.
rd_kafka_resp_err_t error_of(rd_kafka_resp_err_t error,
                             const rd_kafka_topic_partition_list_t& asked) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
    return error;
  }
  for (int i = 0; i < asked.cnt; ++i) {
    const rd_kafka_topic_partition_t& each = asked.elems[i];
    const bool told =
        each.err != RD_KAFKA_RESP_ERR_NO_ERROR && each.err != RD_KAFKA_RESP_ERR__IN_PROGRESS;
    if (told) return each.err;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR && each.offset < 0) {
      return RD_KAFKA_RESP_ERR__TIMED_OUT;  // not answered
    }
  }
  return error;
}

// `which`: in Kafka's protocol a time of -1 or -2 means the end or the beginning.
rd_kafka_resp_err_t query_each(rd_kafka_t* rk, const std::string& topic,
                               std::span<PartitionEnds> ends, int64_t which,
                               int64_t PartitionEnds::*found, int timeout_ms) {
  const RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(ends.size())));
  for (const PartitionEnds& each : ends) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), each.partition)->offset = which;
  }
  const rd_kafka_resp_err_t error =
      error_of(rd_kafka_offsets_for_times(rk, list.get(), timeout_ms), *list);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error;
  for (size_t i = 0; i < ends.size(); ++i) ends[i].*found = list->elems[i].offset;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace

bool is_unknown(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
         error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
         error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

bool is_about_reach(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__WAIT_CACHE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_LISTENER_NOT_FOUND:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
    case RD_KAFKA_RESP_ERR_UNKNOWN:  // "unexpected": a broker that is about to die says so
      return true;
    default:
      return false;
  }
}

bool was_purged(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__PURGE_QUEUE || error == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
}

rd_kafka_resp_err_t query_ends(rd_kafka_t* rk, const std::string& topic,
                               std::span<PartitionEnds> ends, int timeout_ms) {
  const rd_kafka_resp_err_t error =
      query_each(rk, topic, ends, RD_KAFKA_OFFSET_BEGINNING, &PartitionEnds::low, timeout_ms);
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? query_highs(rk, topic, ends, timeout_ms) : error;
}

rd_kafka_resp_err_t query_highs(rd_kafka_t* rk, const std::string& topic,
                                std::span<PartitionEnds> ends, int timeout_ms) {
  return query_each(rk, topic, ends, RD_KAFKA_OFFSET_END, &PartitionEnds::high, timeout_ms);
}

std::string topic_label(const std::string& topic) {
  return "kafka:" + topic;
}

Client::Client(Cluster& cluster, ClientCallbacks callbacks)
    : cluster_(cluster), callbacks_(std::move(callbacks)) {}

base::Result<std::unique_ptr<Client>> Client::open(Cluster& cluster, rd_kafka_type_t type,
                                                   const ClientSettings& settings,
                                                   ClientCallbacks callbacks) {
  std::unique_ptr<Client> client(new Client(cluster, std::move(callbacks)));
  RdConf conf(rd_kafka_conf_new());
  const KafkaSettings own = {{"bootstrap.servers", cluster.brokers()}};
  const KafkaSettings common = {{"client.id", cluster.context().diagnostics.tool()},
                                // A broker that comes back is seen within a second.
                                {"reconnect.backoff.ms", "50"},
                                {"reconnect.backoff.max.ms", "1000"}};
  const KafkaSettings* const parts[] = {&common, &settings.defaults, &cluster.settings(), &own,
                                        &settings.musts};
  for (const KafkaSettings* part : parts) {
    if (base::Result<void> done = set(conf.get(), *part); !done) return base::fail(done.error());
  }
  rd_kafka_conf_set_opaque(conf.get(), client.get());
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  rd_kafka_conf_set_socket_cb(conf.get(), open_socket);
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  if (client->callbacks_.on_rebalance) {
    client->is_group_consumer_ = true;
    rd_kafka_conf_set_rebalance_cb(
        conf.get(), [](rd_kafka_t* /*rk*/, rd_kafka_resp_err_t error,
                       rd_kafka_topic_partition_list_t* partitions, void* opaque) {
          static_cast<Client*>(opaque)->callbacks_.on_rebalance(error, partitions);
        });
  }
  if (client->callbacks_.on_delivery) {
    rd_kafka_conf_set_dr_msg_cb(
        conf.get(), [](rd_kafka_t* /*rk*/, const rd_kafka_message_t* message, void* opaque) {
          static_cast<Client*>(opaque)->callbacks_.on_delivery(*message);
        });
  }
  std::array<char, 512> why{};
  client->rk_ = rd_kafka_new(type, conf.get(), why.data(), why.size());
  if (client->rk_ == nullptr) return base::fail(fmt::format("kafka: {}", why.data()));
  (void)conf.release();  // the handle's now
  return client;
}

base::Result<std::unique_ptr<Client>> Client::open_uncommitted(Cluster& cluster,
                                                               const KafkaSettings& more) {
  ClientSettings settings{.defaults = {},
                          .musts = {{"enable.auto.commit", "false"},
                                    {"allow.auto.create.topics", "false"},
                                    {"isolation.level", "read_uncommitted"}}};
  settings.musts.insert(settings.musts.end(), more.begin(), more.end());
  return open(cluster, RD_KAFKA_CONSUMER, settings);
}

Client::~Client() {
  topics_.clear();
  if (rk_ == nullptr) return;
  if (is_group_consumer_) rd_kafka_consumer_close(rk_);
  rd_kafka_destroy(rk_);
}

void Client::abandon() {
  topics_.clear();
  rd_kafka_t* const rk = std::exchange(rk_, nullptr);
  if (rk == nullptr) return;
  if (rd_kafka_type(rk) == RD_KAFKA_PRODUCER) {
    rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  }
  rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void Client::abandon_in_time(std::unique_ptr<Client> client) {
  base::Diagnostics& diagnostics = client->cluster_.context().diagnostics;
  client->left_ = true;
  const auto ended = std::make_shared<std::promise<void>>();
  const std::future<void> end = ended->get_future();
  std::shared_ptr<Client> owned(std::move(client));
  base::Result<base::Thread> thread = base::start_thread([owned, ended] {
    owned->abandon();
    ended->set_value();
  });
  if (!thread) {
    owned->abandon();
  } else if (end.wait_for(kAbandonLimit) == std::future_status::ready) {
    thread->join();
  } else {
    thread->detach();
    diagnostics.detail("kafka: librdkafka does not end a consumer: it is left to itself");
  }
}

std::string Client::setting(const char* property) const {
  std::array<char, 512> value{};
  size_t size = value.size();
  const rd_kafka_conf_res_t got =
      rd_kafka_conf_get(rd_kafka_conf(rk_), property, value.data(), &size);
  return got == RD_KAFKA_CONF_OK ? value.data() : "";
}

rd_kafka_topic_t* Client::topic(const std::string& name) {
  for (const auto& [known, topic] : topics_) {
    if (known == name) return topic.get();
  }
  topics_.emplace_back(name, RdTopic(rd_kafka_topic_new(rk_, name.c_str(), nullptr)));
  return topics_.back().second.get();
}

base::Result<void> Client::request(const std::string& what,
                                   const std::function<rd_kafka_resp_err_t(int)>& call) {
  const base::Clock& clock = cluster_.context().clock;
  base::Instant unknown_since = base::Instant::max();  // not so at the moment
  Stall stall(cluster_, what);
  for (;;) {
    const rd_kafka_resp_err_t error = call(milliseconds(kRequestTimeout));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      cluster_.watch().reachable();
      stall.over();
      return {};
    }
    if (is_unknown(error)) unknown_since = std::min(unknown_since, clock.now());
    if (is_unknown(error) && clock.now() - unknown_since < kUnknownGrace) {
      if (base::Result<void> patient = be_patient(what, error); !patient) return patient;
      rest(100);
      continue;
    }
    if (!is_about_reach(error)) {
      const std::string group = setting("group.id");
      return base::fail(fmt::format(
          "{}: {}", what,
          refusal(error, {.right = "Describe (Read and Write include it)", .group = group})));
    }
    // A broker that was away has just started when it answers.
    unknown_since = base::Instant::max();
    rest(0);  // the reason, by on_error
    if (error != RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT) {
      // A broker that answers knows who leads now. librdkafka, which goes on asking the broker that
      // led before, would look for that only after minutes.
      if (probe_brokers()) {
        if (base::Result<void> patient = stall.go_on(error); !patient) return patient;
      } else {
        stall.forget();
      }
    }
    if (base::Result<void> patient = be_patient(what, error); !patient) return patient;
    // Some of these come back at once, without having waited.
    rest(milliseconds(kRetryPause));
  }
}

base::Result<void> Client::be_patient(const std::string& what, rd_kafka_resp_err_t error) {
  if (cluster_.context().clock.now() >= deadline_) {
    return base::fail(fmt::format("{}: not answered in time: {}", what, rd_kafka_err2str(error)));
  }
  return cluster_.check_patience();
}

// A group's messages are in the queue that rd_kafka_poll() serves, and it cannot take them.
void Client::rest(int pause_ms) {
  if (is_group_consumer_) {
    std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
  } else {
    rd_kafka_poll(rk_, pause_ms);
  }
}

// Where the group's coordinator is away librdkafka waits for it as long as a session, and cannot be
// told to stop. So the answer comes to a queue, and a caller out of patience does without.
base::Result<rd_kafka_resp_err_t> Client::commit(const rd_kafka_topic_partition_list_t& next,
                                                 base::Duration grace_after_stop,
                                                 base::Duration at_most) {
  const base::Clock& clock = cluster_.context().clock;
  const base::Instant begun = clock.now();
  const RdQueue answers(rd_kafka_queue_new(rk_));
  const rd_kafka_resp_err_t asked =
      rd_kafka_commit_queue(rk_, &next, answers.get(), nullptr, nullptr);
  if (asked != RD_KAFKA_RESP_ERR_NO_ERROR) return asked;
  for (;;) {
    const RdEvent answer(rd_kafka_queue_poll(answers.get(), milliseconds(kCommitLookInterval)));
    if (answer) return rd_kafka_event_error(answer.get());
    if (clock.now() - begun >= at_most) return RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (base::Result<void> patient = cluster_.check_patience(grace_after_stop); !patient) {
      return base::fail(patient.error());
    }
  }
}

// Null where no broker answers. Of one topic, or of those that the client knows.
RdMetadata Client::ask_metadata(rd_kafka_topic_t* topic) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t asked =
      rd_kafka_metadata(rk_, 0, topic, &metadata, milliseconds(kProbeTimeout));
  if (asked != RD_KAFKA_RESP_ERR_NO_ERROR) {
    cluster_.watch().unreachable(rd_kafka_err2str(asked));
    return nullptr;
  }
  cluster_.watch().reachable();
  return RdMetadata(metadata);
}

bool Client::probe_brokers() {
  return ask_metadata(nullptr) != nullptr;
}

bool Client::has_leaders(const std::string& topic_name) {
  const RdMetadata metadata = ask_metadata(topic(topic_name));
  if (!metadata || metadata->topic_cnt != 1) return false;
  const rd_kafka_metadata_topic_t& answer = metadata->topics[0];
  if (answer.err != RD_KAFKA_RESP_ERR_NO_ERROR || answer.partition_cnt == 0) return false;
  return std::all_of(answer.partitions, answer.partitions + answer.partition_cnt,
                     [](const auto& partition) { return partition.leader >= 0; });
}

std::optional<int32_t> Client::count_partitions(const std::string& topic_name, int timeout_ms) {
  const rd_kafka_metadata_t* raw = nullptr;
  if (rd_kafka_metadata(rk_, 0, topic(topic_name), &raw, timeout_ms) !=
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

base::Result<void> Client::check_brokers(base::Duration grace_after_stop) {
  if (cluster_.watch().away()) (void)probe_brokers();
  return cluster_.check_patience(grace_after_stop);
}

// As librdkafka's own, whose failure would show as a broker that is away. Runs in its threads.
int Client::open_socket(int domain, int type, int protocol, void* opaque) {
  const int fd = ::socket(domain, type | SOCK_CLOEXEC, protocol);
  const Client& client = *static_cast<const Client*>(opaque);
  if (fd < 0 && !client.left_) {
    const int error = errno;
    note_socket(error, client.cluster_.watch());
    errno = error;
  }
  return fd;
}

void Client::on_error(rd_kafka_t* /*rk*/, int code, const char* reason, void* opaque) {
  const Client& client = *static_cast<Client*>(opaque);
  if (client.left_) return;
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  BrokerWatch& watch = client.cluster_.watch();
  switch (error) {
    case RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE:
      // Of a broker that has no thread nothing will ever be heard.
      watch.give_up({fmt::format("kafka: {} (see ulimit -u)", reason)});
      break;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
      watch.unreachable(reason);
      break;
    case RD_KAFKA_RESP_ERR__RESOLVE:
      // To look up a name takes descriptors too, and the reason does not tell of those.
      if (const base::UniqueFd probe(::eventfd(0, EFD_CLOEXEC)); !probe) note_socket(errno, watch);
      watch.reason(reason);
      break;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
      // One broker of several that is away is no trouble yet.
      watch.reason(reason);
      break;
    default:
      break;
  }
  client.cluster_.context().diagnostics.detail(
      fmt::format("kafka: {}: {}", rd_kafka_err2name(error), reason));
}

void Client::on_log(const rd_kafka_t* rk, int /*level*/, const char* facility, const char* text) {
  const auto* const client = static_cast<const Client*>(rd_kafka_opaque(rk));
  if (client == nullptr || client->left_) return;
  client->cluster_.context().diagnostics.detail(fmt::format("librdkafka: {}: {}", facility, text));
}

}  // namespace paystats::kafka
