// Sees whether a topic that is read is still the one that reading began with: what was counted of
// another topic stays counted.
//
//   InputWatch watch(cluster, "payments", waiter);
//   watch.took(reader.messages());
//   if (now >= watch.next_look()) loss = watch.look();
//   if (!reader.take()) judged = watch.judge(*reader.gone(), reader.client());
//
// A broker says with each fetch that an offset is not there any more, and the number of partitions,
// which is asked for in any case, that there is no topic; judge() finds out what that means.
// Neither tells that the topic was made anew and is longer by now than what was read of the one
// before. So a message that was read is read again, one for the whole topic, and only where more
// has been read since the last time. One thread. Tested in tests/kafka/followed.bats, too.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "io/message_source.h"
#include "io/wait.h"
#include "kafka/cluster.h"
#include "kafka/offset_signature.h"
#include "kafka/partition_reader.h"

namespace paystats::kafka {

// What was read, or was to be read next, is not in the topic any more.
struct TopicLoss {
  std::string what;      // in words
  bool deleted = false;  // there is no such topic
  // The message that was read and is not there any more, where it is one.
  int32_t partition = 0;
  std::optional<MessageMark> mark = {};
};

class InputWatch {
 public:
  static constexpr base::Duration kLookInterval = std::chrono::seconds(10);
  // A leader that has just been elected may be behind for a moment.
  static constexpr base::Duration kLookAgain = std::chrono::seconds(1);
  // A broker that has just started may not know its topics for a moment.
  static constexpr base::Duration kUnknownGrace = std::chrono::seconds(3);

  // All are borrowed. A look takes some 20 ms. With a `patience` it waits no longer for brokers,
  // and is made again later; without one as long as the cluster says.
  InputWatch(Cluster& cluster, std::string topic, const io::Waiter& waiter,
             base::Duration interval = kLookInterval,
             std::optional<base::Duration> patience = std::nullopt);

  void took(std::span<const io::Message> messages);

  // When to look: kForever where nothing has come since the last look.
  base::Instant next_look() const { return next_look_; }

  // Nothing: it is the same topic, or nobody can tell.
  std::optional<TopicLoss> look();

  // The same where a partition cannot be read any more. Nothing: it can be again. Errors:
  // kInterrupted after a stop signal. `client`: of the reader.
  base::Result<std::optional<TopicLoss>> judge(const PartitionGone& gone, Client& client);

 private:
  struct Place {
    int32_t partition = 0;
    MessageMark mark;
  };

  base::Result<int32_t> count_partitions(int32_t wanted, Client& client);

  Cluster& cluster_;
  const std::string topic_;
  const io::Waiter& waiter_;
  const base::Duration interval_;
  const std::optional<base::Duration> patience_;
  std::optional<Place> held_;  // is read again in the next look: all before was the same topic
  std::optional<Place> last_;  // the newest one
  base::Instant next_look_ = io::kForever;
};

}  // namespace paystats::kafka
