#include "kafka/producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include "kafka/group_offsets.h"
#include "kafka/refusals.h"

namespace paystats::kafka {
namespace {

constexpr base::Duration kTryTimeout = std::chrono::seconds(1);  // of one try of a call
constexpr base::Duration kSocketTimeout = std::chrono::seconds(10);
constexpr base::Duration kLookInterval = std::chrono::seconds(1);  // at brokers that do not answer

// A transaction that begins sooner after the last one meets its markers being written, and the
// client then waits for far longer.
constexpr base::Duration kBetweenTransactions = std::chrono::milliseconds(2);

ClientSettings settings_of(const ProducerOptions& options) {
  ClientSettings settings;
  settings.defaults = {
      // Few large requests: where five small ones are under way, librdkafka waits for them in a
      // loop
      // that takes all of a core. What is waited for is sent at once all the same.
      {"linger.ms", "20"},
      // librdkafka wants a transaction to last longer than a request.
      {"socket.timeout.ms",
       std::to_string(milliseconds(std::min(kSocketTimeout, options.transaction_timeout)))},
      {"queue.buffering.max.messages", "100000"},
      {"partitioner", "murmur2_random"},  // as Java's default partitioner
  };
  if (options.transactional_id) {
    // CONCURRENT_TRANSACTIONS is tried again after this time.
    settings.defaults.emplace_back("retry.backoff.ms", "1");
  }
  for (const auto& setting : options.defaults) settings.defaults.push_back(setting);
  // What is made by sending to it would be made as the broker's defaults are.
  settings.musts = {{"enable.idempotence", "true"}, {"allow.auto.create.topics", "false"}};
  if (options.transactional_id) {
    settings.musts.emplace_back("transactional.id", *options.transactional_id);
    settings.musts.emplace_back("transaction.timeout.ms",
                                std::to_string(milliseconds(options.transaction_timeout)));
  }
  return settings;
}

// For a message: librdkafka does not say which of several is refused.
std::string any_of(std::span<const std::string> topics) {
  std::string all;
  for (const std::string& topic : topics) all += (all.empty() ? "" : " or ") + topic;
  return all;
}

}  // namespace

Producer::Producer(Cluster& cluster, ProducerOptions options)
    : cluster_(cluster), options_(std::move(options)) {}

base::Result<std::unique_ptr<Producer>> Producer::open(Cluster& cluster, ProducerOptions options) {
  std::unique_ptr<Producer> producer(new Producer(cluster, std::move(options)));
  if (base::Result<void> connected = producer->connect(); !connected)
    return base::fail(connected.error());
  return producer;
}

base::Result<void> Producer::connect() {
  sent_ = delivered_ = failed_ = 0;
  trouble_ = Trouble::kNone;
  open_ = false;
  base::Result<std::unique_ptr<Client>> client = Client::open(
      cluster_, RD_KAFKA_PRODUCER, settings_of(options_),
      {.on_rebalance = {},
       .on_delivery = [this](const rd_kafka_message_t& message) { on_delivery(message); }});
  if (!client) return base::fail(client.error());
  client_ = std::move(*client);
  if (!options_.transactional_id) {
    connected_ = true;
    return {};
  }
  const base::Result<bool> ready = attempt("init_transactions", [this](int timeout_ms) {
    return rd_kafka_init_transactions(client_->rk(), timeout_ms);
  });
  if (!ready) return base::fail(ready.error());
  if (!*ready)
    return base::fail(fmt::format("kafka: no transaction can be begun: {}", cause_.text));
  cluster_.watch().reachable();
  connected_ = true;
  return {};
}

void Producer::on_delivery(const rd_kafka_message_t& message) {
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++delivered_;
    if (message._private != nullptr) {
      static_cast<DeliveredRanges*>(message._private)->add(message.partition, message.offset);
    }
    return;
  }
  const bool told = refused_by(cause_.error) != Refused::kNothing;
  if (failed_++ == 0 || (!told && refused_by(message.err) != Refused::kNothing)) {
    const std::string topic(rd_kafka_topic_name(message.rkt));
    set_why({}, message.err, {&topic, 1});
  }
  if (trouble_ == Trouble::kNone) trouble_ = Trouble::kAbort;
}

base::Result<void> Producer::replace() {
  cluster_.context().diagnostics.detail("kafka: a new producer: " + cause_.text);
  client_->abandon();
  return connect();
}

// `text` where that is not an error of what the broker refuses. `topics`: it is about one of these.
void Producer::set_why(std::string text, rd_kafka_resp_err_t error,
                       std::span<const std::string> topics) {
  cause_.error = error;
  cause_.about_awaited_topic =
      is_unknown(error) && std::ranges::find(topics, options_.awaited_topic) != topics.end();
  cause_.text = text.empty() || refused_by(error) != Refused::kNothing
                    ? refusal(error, {.right = "Write",
                                      .topic = any_of(topics),
                                      .transactional_id = options_.transactional_id.value_or("")})
                    : std::move(text);
}

// What every wait does each time round.
base::Result<void> Producer::be_patient() {
  const base::Instant now = cluster_.context().clock.now();
  if (now - looked_at_ < kLookInterval) return {};
  looked_at_ = now;
  return client_->check_brokers(grace());
}

// Tries until it succeeds (true) or cannot (false: trouble_ says how bad it is).
base::Result<bool> Producer::attempt(const char* what,
                                     const std::function<rd_kafka_error_t*(int)>& call) {
  for (;;) {
    const RdError error(call(milliseconds(kTryTimeout)));
    if (!error) return true;
    set_why(fmt::format("{}: {}", what, rd_kafka_error_string(error.get())),
            rd_kafka_error_code(error.get()), sent_to_);
    if (rd_kafka_error_is_fatal(error.get()) != 0) {
      trouble_ = Trouble::kFatal;
      return false;
    }
    if (rd_kafka_error_txn_requires_abort(error.get()) != 0) {
      if (trouble_ == Trouble::kNone) trouble_ = Trouble::kAbort;
      return false;
    }
    if (rd_kafka_error_is_retriable(error.get()) == 0) {
      trouble_ = Trouble::kFatal;
      return false;
    }
    rd_kafka_poll(client_->rk(), 10);
    if (is_about_reach(rd_kafka_error_code(error.get()))) client_->probe_brokers();
    if (base::Result<void> patient = be_patient(); !patient) return base::fail(patient.error());
  }
}

base::Result<void> Producer::begin() {
  if (open_) return {};
  if (options_.transactional_id) {
    if (base::Result<void> begun = begin_transaction(); !begun) return begun;
  }
  cause_ = {};
  sent_to_.clear();
  return {};
}

base::Result<void> Producer::begin_transaction() {
  const base::Clock& clock = cluster_.context().clock;
  while (clock.now() - committed_at_ < kBetweenTransactions) {
    std::this_thread::sleep_for(kBetweenTransactions - (clock.now() - committed_at_));
  }
  const RdError error(rd_kafka_begin_transaction(client_->rk()));
  if (error) {
    cause_.text = fmt::format("begin_transaction: {}", rd_kafka_error_string(error.get()));
    if (base::Result<void> replaced = replace(); !replaced) return replaced;
    const RdError again(rd_kafka_begin_transaction(client_->rk()));
    if (again) return base::fail(fmt::format("kafka: {}", rd_kafka_error_string(again.get())));
  }
  open_ = true;
  commit_asked_ = false;
  begun_at_ = clock.now();
  return {};
}

rd_kafka_resp_err_t Producer::produce(const OutgoingMessage& message) {
  rd_kafka_topic_t* const topic = client_->topic(message.topic);
  void* const value = const_cast<char*>(message.value.data());
  void* const key = message.key.empty() ? nullptr : const_cast<char*>(message.key.data());
  if (message.headers == nullptr) {
    const int sent =
        rd_kafka_produce(topic, message.partition, RD_KAFKA_MSG_F_COPY, value, message.value.size(),
                         key, message.key.size(), message.delivered);
    return sent == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
  }
  RdHeaders headers(rd_kafka_headers_copy(message.headers));
  std::array<rd_kafka_vu_t, 7> parts{};
  parts[0].vtype = RD_KAFKA_VTYPE_RKT;
  parts[0].u.rkt = topic;
  parts[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  parts[1].u.i32 = message.partition;
  parts[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  parts[2].u.i = RD_KAFKA_MSG_F_COPY;
  parts[3].vtype = RD_KAFKA_VTYPE_VALUE;
  parts[3].u.mem = {.ptr = value, .size = message.value.size()};
  parts[4].vtype = RD_KAFKA_VTYPE_KEY;
  parts[4].u.mem = {.ptr = key, .size = message.key.size()};
  parts[5].vtype = RD_KAFKA_VTYPE_HEADERS;
  parts[5].u.headers = headers.get();
  parts[6].vtype = RD_KAFKA_VTYPE_OPAQUE;
  parts[6].u.ptr = message.delivered;
  const RdError error(rd_kafka_produceva(client_->rk(), parts.data(), parts.size()));
  if (error) return rd_kafka_error_code(error.get());
  std::ignore = headers.release();  // the message's now
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

base::Result<void> Producer::send(const OutgoingMessage& message) {
  for (;;) {
    if (trouble_ != Trouble::kNone) return {};  // commit() will say so
    const rd_kafka_resp_err_t error = produce(message);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++sent_;
      if (std::ranges::find(sent_to_, message.topic) == sent_to_.end()) {
        sent_to_.push_back(message.topic);
      }
      return {};
    }
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      rd_kafka_poll(client_->rk(), 10);
      if (base::Result<void> patient = be_patient(); !patient) return patient;
      continue;
    }
    set_why({}, error, {&message.topic, 1});
    if (awaits_topic()) {
      trouble_ = Trouble::kAbort;
      return {};
    }
    // Too large a message, or a topic that is gone, would come back for ever.
    if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
        error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
        error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
      return base::fail(fmt::format("{}: {}", topic_label(message.topic), cause_.text));
    }
    const bool fatal =
        rd_kafka_fatal_error(client_->rk(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
    trouble_ = fatal ? Trouble::kFatal : Trouble::kAbort;
    return {};
  }
}

base::Result<void> Producer::wait_delivered() {
  while (messages_under_way() > 0 && trouble_ != Trouble::kFatal) {
    rd_kafka_flush(client_->rk(), 100);
    if (base::Result<void> patient = be_patient(); !patient) return patient;
    const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client_->rk(), nullptr, 0);
    if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
      trouble_ = Trouble::kFatal;
      if (refused_by(fatal) != Refused::kNothing) set_why({}, fatal, sent_to_);
    }
  }
  return {};
}

// A coordinator fences the producer of a transaction that took too long, too.
bool Producer::fenced_by_another() const {
  const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client_->rk(), nullptr, 0);
  const bool fenced = fatal == RD_KAFKA_RESP_ERR__FENCED ||
                      fatal == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
                      fatal == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
  return fenced && cluster_.context().clock.now() - begun_at_ < options_.transaction_timeout;
}

base::Result<CommitOutcome> Producer::give_up(CommitOutcome outcome) {
  if (options_.yields_when_fenced && fenced_by_another()) {
    return base::fail(fmt::format("kafka: another process has taken over the transactional id {}",
                                  *options_.transactional_id));
  }
  const Cause cause = cause_;
  if (base::Result<void> replaced = replace(); !replaced) return base::fail(replaced.error());
  cause_ = cause;
  return outcome;
}

// Aborts what can be aborted; nothing of it has been committed.
base::Result<CommitOutcome> Producer::undo() {
  const Cause cause = cause_;
  // librdkafka would take a topic that it has found unknown for unknown for minutes.
  if (trouble_ == Trouble::kFatal || awaits_topic()) return give_up(CommitOutcome::kUndone);
  const base::Result<bool> aborted = attempt("abort_transaction", [this](int timeout_ms) {
    return rd_kafka_abort_transaction(client_->rk(), timeout_ms);
  });
  if (!aborted) return base::fail(aborted.error());
  cause_ = cause;
  if (!*aborted) return give_up(CommitOutcome::kUndone);
  trouble_ = Trouble::kNone;
  open_ = false;
  sent_ = delivered_ = failed_ = 0;
  committed_at_ = cluster_.context().clock.now();
  return CommitOutcome::kUndone;
}

base::Result<void> Producer::add_offsets(const ConsumedOffsets& offsets) {
  if (offsets.next.empty()) return {};
  const RdPartitions list = commit_list(offsets.topic, offsets.next, *options_.transactional_id);
  const base::Result<bool> added = attempt("send_offsets_to_transaction", [&](int timeout_ms) {
    return rd_kafka_send_offsets_to_transaction(client_->rk(), list.get(), offsets.group,
                                                timeout_ms);
  });
  if (added && !*added && refused_by(cause_.error) != Refused::kNothing) {
    cause_.text = refusal(cause_.error, {.right = "Read",
                                         .topic = offsets.topic,
                                         .group = offsets.group_name,
                                         .transactional_id = *options_.transactional_id});
  }
  return added ? base::Result<void>()
               : base::fail(added.error());  // what is wrong is found out by commit()
}

bool Producer::refused_everything() const {
  return refused_by(cause_.error) == Refused::kEverything;
}

base::Result<bool> Producer::is_taken(const std::string& topic) {
  if (!client_->has_leaders(topic)) return false;
  base::Result<void> tried = begin();
  if (tried) tried = send({.topic = topic});
  if (tried) tried = wait_delivered();
  if (!tried) return base::fail(tried.error());
  const bool taken = trouble_ == Trouble::kNone;
  const base::Result<CommitOutcome> undone = undo();
  if (!undone) return base::fail(undone.error());
  return taken;
}

// One that has timed out goes on within librdkafka, and is to be asked for again.
base::Result<bool> Producer::ask_commit() {
  return attempt("commit_transaction", [this](int timeout_ms) {
    return rd_kafka_commit_transaction(client_->rk(), timeout_ms);
  });
}

base::Result<CommitOutcome> Producer::commit() {
  if (base::Result<void> waited = wait_delivered(); !waited) return base::fail(waited.error());
  if (!options_.transactional_id) {
    if (trouble_ == Trouble::kNone) return CommitOutcome::kCommitted;
    cause_.text = fmt::format("{} {} not delivered: {}", failed_,
                              failed_ == 1 ? "message" : "messages", cause_.text);
    return give_up(CommitOutcome::kUnknown);
  }
  if (trouble_ == Trouble::kAbort && was_purged(cause_.error) && failed_ > 0) {
    // The delivery reports of a transaction that has failed say no more than this. librdkafka
    // answers with why it has failed, and never commits one of which messages were dropped.
    const Cause cause = cause_;
    const base::Result<bool> committed = ask_commit();
    if (!committed) return base::fail(committed.error());
    if (*committed) {
      commit_asked_ = true;
      return give_up(CommitOutcome::kUnknown);
    }
    if (refused_by(cause_.error) == Refused::kNothing && !awaits_topic()) cause_ = cause;
  }
  if (trouble_ != Trouble::kNone) return undo();
  commit_asked_ = true;
  const base::Result<bool> committed = ask_commit();
  if (!committed) return base::fail(committed.error());
  if (!*committed) {
    // The broker has refused it while it was still whole: that can be undone. Anything else may
    // have been done and not told.
    return trouble_ == Trouble::kAbort ? undo() : give_up(CommitOutcome::kUnknown);
  }
  open_ = false;
  committed_at_ = cluster_.context().clock.now();
  cluster_.watch().reachable();
  return CommitOutcome::kCommitted;
}

}  // namespace paystats::kafka
