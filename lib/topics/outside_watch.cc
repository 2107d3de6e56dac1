#include "topics/outside_watch.h"

#include <optional>
#include <utility>
#include <vector>

namespace paystats::topics {

OutsideWatch::OutsideWatch(kafka::Cluster& cluster, std::string payments,
                           kafka::GroupConsumer& consumer, const io::Waiter& waiter)
    : clock_(waiter.clock()),
      cluster_(cluster),
      consumer_(consumer),
      input_(cluster, std::move(payments), waiter, kInputInterval, kPatience) {}

bool OutsideWatch::due() const {
  const base::Instant now = clock_.now();
  return (now >= next_look_ || now >= input_.next_look()) && !cluster_.watch().away();
}

base::Result<void> OutsideWatch::look(const TopicParts& own, const StartContext& context,
                                      TopicPublisher& publisher) {
  const base::Instant now = clock_.now();
  if (now >= next_look_) {
    next_look_ = now + kMembersInterval;
    if (base::Result<void> same = look_at_members(context); !same) return same;
  }
  if (now < input_.next_look()) return {};
  const std::optional<kafka::TopicLoss> loss = input_.look();
  if (!loss) return {};
  base::Error found = describe_other_topic(*loss, context);
  if (loss->mark && own.contains(loss->partition)) {
    const base::Result<bool> left = publisher.leave_mark(loss->partition, *loss->mark);
    if (!left || !*left) {
      found.message +=
          "; this could not be left in the group's offset, so the next start may not see it";
    }
  }
  return base::fail(std::move(found));
}

base::Result<void> OutsideWatch::look_at_members(const StartContext& context) {
  const std::vector<kafka::SignedOffset> found = consumer_.look_at_others();
  if (found.empty()) return {};  // or nobody has answered
  std::map<int32_t, int64_t> committed;
  for (const kafka::SignedOffset& offset : found) {
    const auto before = committed_.find(offset.partition);
    const bool moved = before != committed_.end() && before->second != offset.offset;
    committed.emplace(offset.partition, offset.offset);
    if (!moved) continue;
    if (base::Result<void> same = judge_companion(offset, context); !same) return same;
  }
  committed_ = std::move(committed);
  return {};
}

}  // namespace paystats::topics
