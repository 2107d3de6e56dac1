// Sends messages to a topic, and never waits: what could not be delivered is told afterwards.
//
//   Result<std::unique_ptr<MessageSender>> sender = MessageSender::open(cluster, {.topic = "ask"});
//   if (!(*sender)->send(17, key, value)) ...         // too much is under way: nothing is sent
//   Result<std::vector<Failure>> failed = (*sender)->failures();    // often: it also polls
//
// An idempotent producer without transactions: a message is written once, and those with one key
// stay in order, unless one of them fails. A message that is neither delivered nor refused within
// delivery_timeout fails, and may be written all the same, even after that was told. librdkafka
// then begins a new sequence, so that messages behind it may be written twice: its reader must
// expect both.
//
// A failure leaves the sender as good as it was. Where librdkafka gives its client up (a fatal
// error), failures() makes a new one, and tells of all that was under way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kafka/cluster.h"

namespace paystats::kafka {

class MessageSender {
 public:
  struct Options {
    std::string topic;
    base::Duration delivery_timeout = std::chrono::seconds(9);
  };

  // Connects without waiting: a broker that is away is waited for by the messages. `cluster` is
  // borrowed. REQUIRES: the topic exists (it is never made by sending to it).
  static base::Result<std::unique_ptr<MessageSender>> open(Cluster& cluster, Options options);
  MessageSender(const MessageSender&) = delete;
  MessageSender& operator=(const MessageSender&) = delete;
  ~MessageSender();  // drops what is under way, and tells of none of it

  // Copies the message. `number` is the caller's, for failures(). False: nothing is sent, since
  // librdkafka's queue is full, a new client is about to be made, or the message is too large. For
  // any thread.
  bool send(uint64_t number, std::string_view key, std::string_view value);

  struct Failure {
    uint64_t number = 0;
    bool maybe_written = false;  // false: certainly not, and it will not be
    std::string why;
  };

  // The messages that could not be delivered since the last call. To be called often, since it is
  // also what tells the cluster's watch how the brokers are. One thread.
  //
  // An error: this sender is of no more use, ever (authorization, the topic is gone, the brokers
  // have been away for --broker-timeout). All that was under way has been told of before.
  base::Result<std::vector<Failure>> failures();

  // Whether a broker would take messages now (see Client::has_leaders()), which takes half a second
  // where none answers. The thread that calls failures().
  bool is_answered();

  // What key and value may have together: librdkafka's message.max.bytes less what frames them. The
  // topic's own max.message.bytes may be smaller: a message above that fails.
  size_t message_bytes_max() const;

 private:
  class Impl;
  explicit MessageSender(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace paystats::kafka
