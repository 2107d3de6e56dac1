#include "kafka/hidden_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace paystats::kafka {

HiddenMessages::HiddenMessages(std::string topic, std::string tool_options,
                               base::Diagnostics& diagnostics)
    : topic_(std::move(topic)), tool_options_(std::move(tool_options)), diagnostics_(diagnostics) {}

void HiddenMessages::look(std::span<const GroupConsumer::Position> positions, base::Instant now) {
  const bool looked_lately = looked_ && now - *looked_ <= kLookMax;
  looked_ = now;
  messages_ = 0;
  age_ = {};
  std::map<int32_t, Hidden> still;
  for (const GroupConsumer::Position& position : positions) {
    const bool hides = position.at_end && position.high > position.next;
    Hidden here{.from = position.next, .since = now};
    const auto before = hidden_.find(position.partition);
    if (before != hidden_.end()) {
      const bool same = hides && before->second.from == position.next;
      if (same && (looked_lately || before->second.told)) here = before->second;
      if (!same && before->second.told) {
        diagnostics_.note(fmt::format(
            "kafka:{}: partition {}: the transaction that hid messages for {} s has ended", topic_,
            position.partition, base::whole_seconds(now - before->second.since)));
      }
    }
    if (!hides) continue;
    if (!here.told && now - here.since >= kLong) {
      tell(position, here, now);
      here.told = true;
    }
    messages_ += static_cast<uint64_t>(position.high - position.next);
    age_ = std::max(age_, now - here.since);
    still.emplace(position.partition, here);
  }
  hidden_ = std::move(still);
}

void HiddenMessages::tell(const GroupConsumer::Position& position, const Hidden& hidden,
                          base::Instant now) {
  diagnostics_.warning(fmt::format(
      "kafka:{}: partition {}: an open transaction hides {} messages for {} s; "
      "kafka-transactions.sh {} describe-producers --topic {} --partition {} "
      "tells whose it is, and abort ends one that hangs",
      topic_, position.partition, position.high - position.next,
      base::whole_seconds(now - hidden.since), tool_options_, topic_, position.partition));
}

}  // namespace paystats::kafka
