// A producer whose messages are committed together: as one transaction, or, without a transactional
// id, by waiting until each has been delivered. Only for the files of this room.
// Tested through kafka/payment_sink.h.
//
//   producer.begin();
//   producer.add_offsets(offsets);                                        // where there are any
//   producer.send({.topic = "payments", .key = user, .value = line});     // any number of times
//   Result<CommitOutcome> outcome = producer.commit();
//
// What goes wrong on the way is found out by commit(): it aborts what can be aborted, and where the
// handle is of no more use (a fatal error, an unknown outcome) it makes a new one, whose
// init_transactions() settles what the old one left open. So after any outcome the next begin() may
// go well. A Result that failed means that there is no going on: patience has ended, or the broker
// will never take our messages (authorization).
//
// A producer that is fenced is made anew like any other, since a coordinator that timed out a
// transaction fences its producer as well. A member that must not go on because another has taken
// its place learns that from its consumer group. Order of calls: KIP-98, KIP-447. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kafka/client.h"
#include "kafka/cluster.h"
#include "kafka/delivered_ranges.h"
#include "kafka/offset_signature.h"
#include "kafka/rd.h"

namespace paystats::kafka {

struct ProducerOptions {
  std::optional<std::string> transactional_id = {};
  KafkaSettings defaults = {};  // the user may change these
  base::Duration transaction_timeout = std::chrono::seconds(10);
  base::Duration stop_grace =
      std::chrono::seconds(5);  // after a stop signal, for what is under way
  // Fenced by another process of its id, it does not take that one's place: a Result that failed.
  bool yields_when_fenced = false;
  std::string awaited_topic = {};  // undone where no broker knows it; of others this is an error
};

struct OutgoingMessage {
  const std::string& topic;
  int32_t partition = RD_KAFKA_PARTITION_UA;  // by the key's hash
  std::string_view key = {};                  // empty: none
  std::string_view value = {};
  const rd_kafka_headers_t* headers = nullptr;  // copied as well
  DeliveredRanges* delivered = nullptr;  // hears where it is; borrowed for as long as the producer
};

enum class CommitOutcome {
  kCommitted,
  kUndone,   // none of it counts
  kUnknown,  // all of it counts or none; without a transactional id: some of it may
};

// Offsets that are committed with a transaction.
struct ConsumedOffsets {
  std::string topic;
  std::span<const SignedOffset> next;
  const rd_kafka_consumer_group_metadata_t* group = nullptr;
  std::string_view group_name = {};
};

class Producer {
 public:
  // Waits for the broker. `cluster` is borrowed.
  static base::Result<std::unique_ptr<Producer>> open(Cluster& cluster, ProducerOptions options);

  base::Result<void> begin();
  // Offsets that are committed with this transaction, if it is. REQUIRES: a transactional id. To be
  // called before the first send(): a coordinator that is still busy with the transaction before is
  // asked again each millisecond for this, and each twentieth for a partition that is sent to.
  base::Result<void> add_offsets(const ConsumedOffsets& offsets);

  // Copies the message; waits where librdkafka's queue is full.
  base::Result<void> send(const OutgoingMessage& message);

  // Waits until all that was sent is delivered, or has failed.
  base::Result<void> wait_delivered();
  base::Result<CommitOutcome> commit();

  // Between transactions: as that of the client.
  bool has_leaders(const std::string& topic) { return client_->has_leaders(topic); }

  // Why the last outcome was not kCommitted.
  const std::string& why() const { return cause_.text; }
  rd_kafka_resp_err_t error() const { return cause_.error; }
  bool awaits_topic() const { return cause_.about_awaited_topic; }  // or a partition of it
  // It would be the same with anything else that is sent (kafka/refusals.h).
  bool refused_everything() const;

  // Between transactions: whether the broker takes messages to `topic` now. One is sent in a
  // transaction that is undone. REQUIRES: a transactional id.
  base::Result<bool> is_taken(const std::string& topic);

  // commit() has asked the broker to commit since begin(): before that nothing can count.
  bool commit_asked() const { return commit_asked_; }
  uint64_t messages_under_way() const { return sent_ - delivered_ - failed_; }

 private:
  Producer(Cluster& cluster, ProducerOptions options);

  base::Result<void> connect();
  struct Cause {
    std::string text;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;  // that the text tells of
    bool about_awaited_topic = false;
  };
  base::Result<void> replace();
  base::Result<CommitOutcome> undo();
  base::Result<CommitOutcome> give_up(CommitOutcome outcome);
  base::Result<void> begin_transaction();
  base::Result<bool> ask_commit();
  base::Result<bool> attempt(const char* what, const std::function<rd_kafka_error_t*(int)>& call);
  base::Result<void> be_patient();
  rd_kafka_resp_err_t produce(const OutgoingMessage& message);
  void on_delivery(const rd_kafka_message_t& message);
  void set_why(std::string text, rd_kafka_resp_err_t error, std::span<const std::string> topics);
  base::Duration grace() const { return connected_ ? options_.stop_grace : base::Duration{}; }
  bool fenced_by_another() const;

  enum class Trouble { kNone, kAbort, kFatal };

  Cluster& cluster_;
  const ProducerOptions options_;
  std::unique_ptr<Client> client_;
  bool connected_ = false;            // once: before that a stop signal interrupts nothing
  bool open_ = false;                 // a transaction
  Trouble trouble_ = Trouble::kNone;  // found since begin()
  Cause cause_;
  std::vector<std::string> sent_to_;  // topics, since begin()
  bool commit_asked_ = false;
  base::Instant begun_at_{};
  uint64_t sent_ = 0;  // since the handle was made
  uint64_t delivered_ = 0;
  uint64_t failed_ = 0;
  base::Instant committed_at_{};
  base::Instant looked_at_{};  // when the brokers were last asked after
};

}  // namespace paystats::kafka
