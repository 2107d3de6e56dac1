#include "requests/start.h"

#include <fmt/format.h>

namespace paystats::requests {

std::string describe_gap(const TopicNames& names, int32_t partition, int64_t wanted, int64_t low) {
  return fmt::format(
      "kafka:{}: partition {}: the requests from offset {} up to {} have been removed before they "
      "were paid: their payments are in no total, and their clients were not told that they are",
      names.requests, partition, wanted, low - 1);
}

base::Result<RequestStart> choose_start(const PartitionFacts& facts, const TopicNames& names) {
  const bool too_far = facts.answered ? *facts.answered >= facts.high
                                      : facts.committed && *facts.committed > facts.high;
  if (too_far) {
    return base::fail(
        fmt::format("kafka:{}: partition {} ends at offset {}, but requests up to offset {} have "
                    "been {}: has the topic been made anew? The answers in kafka:{} are of other "
                    "requests: name a new pair of topics (--requests, --answers)",
                    names.requests, facts.partition, facts.high,
                    facts.answered ? *facts.answered : *facts.committed - 1,
                    facts.answered ? "answered" : "read", names.answers),
        base::ErrorKind::kMustNotGoOn);
  }
  RequestStart start{.offset = facts.low};
  if (facts.answered) {
    start.offset = *facts.answered + 1;
  } else if (facts.committed) {
    start.offset = *facts.committed;
    if (*facts.committed > facts.low) {
      start.warning = fmt::format(
          "kafka:{}: partition {} has no answers, though requests up to offset {} have been paid: "
          "one of those that is sent again would be paid again",
          names.answers, facts.partition, *facts.committed - 1);
    }
  }
  if (start.offset < facts.low) {
    start.warning = describe_gap(names, facts.partition, start.offset, facts.low);
    start.offset = facts.low;
  }
  return start;
}

}  // namespace paystats::requests
