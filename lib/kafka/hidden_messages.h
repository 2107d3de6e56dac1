// What open transactions hide of a topic. A consumer of committed messages cannot read beyond the
// first one of a transaction that is still open, so one whose producer hangs, or whose end was lost
// by an unclean election, stops what is read of its partition while brokers and payagg are well: a
// monitor, or a person, is to see that.
//
//   HiddenMessages hidden("payments", cluster.tool_options(), diagnostics);
//   hidden.look(consumer.positions(), clock.now());    // several times a second
//   lag_behind = hidden.messages();
//
// A transaction is known by the offset that cannot be passed, and is as old as that has been seen
// here. Most last for milliseconds. One that lasts for kLong is told of by a warning, and its end
// by a note.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "kafka/group_consumer.h"

namespace paystats::kafka {

class HiddenMessages {
 public:
  static constexpr base::Duration kLong = std::chrono::seconds(60);
  // Where nobody has looked for so long, what is seen now is no longer what was seen then.
  static constexpr base::Duration kLookMax = std::chrono::seconds(5);

  // `topic` and `tool_options` are for the warning. `diagnostics` is borrowed.
  HiddenMessages(std::string topic, std::string tool_options, base::Diagnostics& diagnostics);

  // At all partitions that are assigned. What is known of others is forgotten.
  void look(std::span<const GroupConsumer::Position> positions, base::Instant now);

  // At the last look: how much is hidden, markers of transactions among it; and for how long the
  // oldest of what hides it has done so.
  uint64_t messages() const { return messages_; }
  base::Duration age() const { return age_; }

 private:
  struct Hidden {
    int64_t from = 0;
    base::Instant since{};
    bool told = false;
  };

  void tell(const GroupConsumer::Position& position, const Hidden& hidden, base::Instant now);

  const std::string topic_;
  const std::string tool_options_;
  base::Diagnostics& diagnostics_;
  std::map<int32_t, Hidden> hidden_;  // by partition
  std::optional<base::Instant> looked_;
  uint64_t messages_ = 0;
  base::Duration age_{};
};

}  // namespace paystats::kafka
