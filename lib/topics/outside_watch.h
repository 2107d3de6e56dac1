// What no error of the topics tells while a job runs.
//
// That another member of the group makes other totals: with other options, or for another output.
// At the start it is seen where it has had the partitions before; here, where it runs at the same
// time, and has partitions that nobody else had read. What the others have committed is looked at;
// and only what they have committed since the look before counts, since offsets that nobody owns
// may be those of a time before.
//
// That the payments are others: the topic was made anew, and was longer than what had been read
// before anybody asked. A payment that was read is looked at again (see kafka/input_watch.h).
//
//   OutsideWatch watch(cluster, topics.payments, consumer, waiter);
//   watch.took(block.messages);
//   if (watch.due()) same = watch.look(parts, start_context, publisher);
//
// One thread. Tested through topics/start.h, and in tests/kafka/members.bats and judged.bats.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "io/message_source.h"
#include "io/wait.h"
#include "kafka/cluster.h"
#include "kafka/group_consumer.h"
#include "kafka/input_watch.h"
#include "topics/partition.h"
#include "topics/publisher.h"
#include "topics/start.h"

namespace paystats::topics {

class OutsideWatch {
 public:
  static constexpr base::Duration kMembersInterval = std::chrono::seconds(10);
  // Meanwhile nothing is read, for some 20 ms, and for kPatience at most.
  static constexpr base::Duration kInputInterval = std::chrono::seconds(30);
  static constexpr base::Duration kPatience = std::chrono::seconds(2);

  // All are borrowed.
  OutsideWatch(kafka::Cluster& cluster, std::string payments, kafka::GroupConsumer& consumer,
               const io::Waiter& waiter);

  void took(std::span<const io::Message> messages) { input_.took(messages); }

  bool due() const;

  // Looks at what is due. Where payments of its `own` partitions are others each later start must
  // find that, too: the message that is missing is left in the group's offset. Errors:
  // kMustNotGoOn.
  base::Result<void> look(const TopicParts& own, const StartContext& context,
                          TopicPublisher& publisher);

 private:
  base::Result<void> look_at_members(const StartContext& context);

  const base::Clock& clock_;
  kafka::Cluster& cluster_;
  kafka::GroupConsumer& consumer_;
  kafka::InputWatch input_;
  base::Instant next_look_{};             // at other members
  std::map<int32_t, int64_t> committed_;  // by them, at the last look
};

}  // namespace paystats::topics
