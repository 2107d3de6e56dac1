// Whether the other members of the group make the same totals. A member that runs with other
// options, or for another output, is seen at the start where it has had the partitions before; this
// sees one that runs at the same time, and has partitions that nobody else had read.
//
//   Companions companions(job_context, consumer);
//   if (companions.due()) same = companions.look(parts, partitions, start_context);
//
// Each kLookInterval what the others have committed is looked at. Only what they have committed
// since the look before counts: offsets that nobody owns may be those of a time before. One thread.
// Tested through topics/start.h, and in tests/kafka/members.bats.
#pragma once

#include <cstdint>
#include <map>

#include "base/clock.h"
#include "base/result.h"
#include "kafka/group_consumer.h"
#include "topics/partition.h"
#include "topics/start.h"

namespace paystats::topics {

class Companions {
 public:
  static constexpr base::Duration kLookInterval = std::chrono::seconds(10);

  Companions(const base::Clock& clock, kafka::GroupConsumer& consumer)
      : clock_(clock), consumer_(consumer) {}

  bool due() const { return clock_.now() >= next_look_; }

  // Looks at those of the `partitions` of the topic that are not in `own`. Does not wait for
  // brokers that are away. Errors: kMustNotGoOn.
  base::Result<void> look(const TopicParts& own, int32_t partitions, const StartContext& context);

 private:
  const base::Clock& clock_;
  kafka::GroupConsumer& consumer_;
  base::Instant next_look_{};
  std::map<int32_t, int64_t> committed_;  // at the last look
};

}  // namespace paystats::topics
