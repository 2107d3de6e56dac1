#include "kafka/message_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "kafka/client.h"
#include "kafka/rd.h"
#include "kafka/refusals.h"

namespace paystats::kafka {
namespace {

// A batch of one message: its header is 61 bytes, the record's at most 30.
constexpr size_t kFraming = 512;

// A broker that has just started may not know its own topics for a moment, and a new client takes a
// topic for unknown no sooner than after this time.
constexpr const char* kUnknownGrace = "topic.metadata.propagation.max.ms";
constexpr const char* kUnknownGraceMs = "10000";

// Clients that fail at once are not made in a loop.
constexpr base::Duration kBetweenClients = std::chrono::seconds(1);

// For librdkafka to hand over what it has been told to drop.
constexpr base::Duration kPurgeTimeout = std::chrono::seconds(1);

ClientSettings settings_of(const MessageSender::Options& options) {
  const std::string timeout = std::to_string(milliseconds(options.delivery_timeout));
  ClientSettings settings;
  settings.defaults = {
      {"linger.ms", "0"},
      {"socket.timeout.ms", timeout},
      {"queue.buffering.max.messages", "100000"},
      {"queue.buffering.max.kbytes", "65536"},
      {kUnknownGrace, kUnknownGraceMs},
  };
  settings.musts = {
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"message.timeout.ms", timeout},
      {"allow.auto.create.topics", "false"},
      // As Java's default partitioner. All that send need the same one, so that a key is always in
      // the same partition.
      {"partitioner", "murmur2_random"},
  };
  return settings;
}

bool is_forbidden(rd_kafka_resp_err_t error) {
  return refused_by(error) == Refused::kEverything;
}

void* opaque_of(uint64_t number) {
  static_assert(sizeof(void*) == sizeof(number));
  return reinterpret_cast<void*>(number);  // NOLINT(performance-no-int-to-ptr): never dereferenced
}

}  // namespace

class MessageSender::Impl {
 public:
  Impl(Cluster& cluster, Options options) : cluster_(cluster), options_(std::move(options)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    close_topic();
    if (client_) client_->abandon();
  }

  base::Result<void> open();
  bool send(uint64_t number, std::string_view key, std::string_view value)
      PAYSTATS_EXCLUDES(mutex_);
  base::Result<std::vector<Failure>> failures() PAYSTATS_EXCLUDES(mutex_);
  bool is_answered() { return client_ && client_->has_leaders(options_.topic); }
  size_t message_bytes_max() const { return message_bytes_max_; }

 private:
  void on_delivery(const rd_kafka_message_t& message);
  void close_topic() PAYSTATS_EXCLUDES(mutex_);
  void judge() PAYSTATS_EXCLUDES(mutex_);
  void drop_client();
  void replace_client(std::string_view why);
  base::Instant now() const { return cluster_.context().clock.now(); }

  Cluster& cluster_;
  const Options options_;
  size_t message_bytes_max_ = 0;
  base::Duration unknown_grace_{};

  // Of the thread that calls failures():
  std::unique_ptr<Client> client_;
  base::Instant opened_at_{};  // the client
  std::vector<Failure> failed_;
  bool delivered_ = false;                      // a message, in this call
  std::optional<rd_kafka_resp_err_t> refused_;  // why one was refused for good, in this call
  std::optional<base::Instant> unknown_since_;  // the topic, and nothing delivered meanwhile
  base::Instant unknown_last_{};                // when this was last told
  std::optional<base::Error> ended_;            // of no more use, ever

  base::Mutex mutex_;
  rd_kafka_topic_t* topic_ PAYSTATS_GUARDED_BY(mutex_) = nullptr;  // the client's; null: none
  bool topic_unknown_ PAYSTATS_GUARDED_BY(mutex_) = false;         // the last send() was told so
};

base::Result<void> MessageSender::Impl::open() {
  base::Result<std::unique_ptr<Client>> client = Client::open(
      cluster_, RD_KAFKA_PRODUCER, settings_of(options_),
      {.on_rebalance = {},
       .on_delivery = [this](const rd_kafka_message_t& message) { on_delivery(message); }});
  if (!client) return base::fail(client.error());
  client_ = std::move(*client);
  opened_at_ = now();
  unknown_grace_ = std::chrono::milliseconds(std::stoi(client_->setting(kUnknownGrace)));
  const size_t limit = std::stoul(client_->setting("message.max.bytes"));
  message_bytes_max_ = limit - std::min(limit, kFraming);
  rd_kafka_topic_t* const topic = client_->topic(options_.topic);
  if (topic == nullptr) {
    return base::fail(fmt::format("{}: {}", topic_label(options_.topic),
                                  rd_kafka_err2str(rd_kafka_last_error())));
  }
  const base::MutexLock lock(mutex_);
  topic_ = topic;
  topic_unknown_ = false;
  return {};
}

bool MessageSender::Impl::send(uint64_t number, std::string_view key, std::string_view value) {
  const base::MutexLock lock(mutex_);
  if (topic_ == nullptr) return false;
  if (rd_kafka_produce(topic_, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                       const_cast<char*>(value.data()), value.size(),
                       key.empty() ? nullptr : key.data(), key.size(), opaque_of(number)) == 0) {
    topic_unknown_ = false;
    return true;
  }
  if (is_unknown(rd_kafka_last_error())) topic_unknown_ = true;
  return false;
}

void MessageSender::Impl::on_delivery(const rd_kafka_message_t& message) {
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    delivered_ = true;
    return;
  }
  if (is_forbidden(message.err) || is_unknown(message.err)) refused_ = message.err;
  failed_.push_back(
      {.number = reinterpret_cast<uint64_t>(message._private),
       .maybe_written = rd_kafka_message_status(&message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED,
       .why = refusal(message.err, {.right = "Write", .topic = options_.topic})});
}

// From now on send() is refused.
void MessageSender::Impl::close_topic() {
  const base::MutexLock lock(mutex_);
  topic_ = nullptr;
}

// Everything that is under way has failed, by its own delivery report.
void MessageSender::Impl::drop_client() {
  close_topic();
  rd_kafka_purge(client_->rk(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(client_->rk(), milliseconds(kPurgeTimeout));
  client_->abandon();
  client_.reset();
}

void MessageSender::Impl::replace_client(std::string_view why) {
  cluster_.context().diagnostics.detail(
      fmt::format("{}: a new producer: {}", topic_label(options_.topic), why));
  drop_client();
  if (base::Result<void> opened = open(); !opened) ended_ = opened.error();
}

// Whether the client can go on as it is, after its callbacks have been called.
void MessageSender::Impl::judge() {
  if (delivered_) {
    cluster_.watch().reachable();
    unknown_since_.reset();
  }
  std::array<char, 512> text{};
  const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client_->rk(), text.data(), text.size());
  if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR && is_forbidden(fatal)) {
    ended_ = base::Error{fmt::format("{}: {}", topic_label(options_.topic),
                                     refusal(fatal, {.right = "Write", .topic = options_.topic}))};
    return drop_client();
  }
  if (refused_ && is_forbidden(*refused_)) {
    ended_ =
        base::Error{fmt::format("{}: {}", topic_label(options_.topic),
                                refusal(*refused_, {.right = "Write", .topic = options_.topic}))};
    return drop_client();
  }
  bool unknown = refused_.has_value();
  {
    const base::MutexLock lock(mutex_);
    unknown = unknown || topic_unknown_;
  }
  if (unknown) {
    if (!unknown_since_ || now() - unknown_last_ > 3 * unknown_grace_) unknown_since_ = now();
    unknown_last_ = now();
    if (unknown_last_ - *unknown_since_ >= unknown_grace_) {
      ended_ = base::Error{fmt::format("{}: there is no such topic", topic_label(options_.topic))};
      return drop_client();
    }
  }
  const bool may_replace = now() - opened_at_ >= kBetweenClients;
  if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (may_replace) replace_client(text.data());
    // Where librdkafka has lost track of the messages, it does not know this of any of them.
    for (Failure& failure : failed_) failure.maybe_written = true;
  } else if (unknown && may_replace) {
    // It would not ask after the topic again for minutes.
    replace_client("the topic is unknown");
  }
}

base::Result<std::vector<MessageSender::Failure>> MessageSender::Impl::failures() {
  delivered_ = false;
  refused_.reset();
  if (client_) {
    rd_kafka_poll(client_->rk(), 0);
    judge();
  }
  if (base::Result<void> patient = cluster_.watch().check(); !patient && !ended_) {
    ended_ = patient.error();
    if (client_) drop_client();
  }
  if (failed_.empty() && ended_) return base::fail(*ended_);
  return std::exchange(failed_, {});
}

MessageSender::MessageSender(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MessageSender::~MessageSender() = default;

base::Result<std::unique_ptr<MessageSender>> MessageSender::open(Cluster& cluster,
                                                                 Options options) {
  auto impl = std::make_unique<Impl>(cluster, std::move(options));
  if (base::Result<void> opened = impl->open(); !opened) return base::fail(opened.error());
  return std::unique_ptr<MessageSender>(new MessageSender(std::move(impl)));
}

bool MessageSender::send(uint64_t number, std::string_view key, std::string_view value) {
  return impl_->send(number, key, value);
}

base::Result<std::vector<MessageSender::Failure>> MessageSender::failures() {
  return impl_->failures();
}

bool MessageSender::is_answered() {
  return impl_->is_answered();
}

size_t MessageSender::message_bytes_max() const {
  return impl_->message_bytes_max();
}

}  // namespace paystats::kafka
