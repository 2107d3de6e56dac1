// Reading back what a topic holds of some partitions: the state that earlier runs left there.
//
//   Result<void> done = read_back(cluster, {"payment-stats", assigned},
//                                 [&](const MessageBlock& block) { return take(block); },
//                                 [&](uint64_t done, uint64_t all) { progress.update(done); });
//
// Committed messages only, and all of them: a transaction that is still open hides what is behind
// it, so the end of what is committed is no end until it meets the end of the partition. A caller
// that wants a state without further writes must have fenced the writers before.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/message_source.h"
#include "kafka/cluster.h"
#include "record/payment.h"

namespace paystats::kafka {

struct RestoreWish {
  std::string topic;
  std::span<const int32_t> partitions;
  bool source_headers = false;  // whether messages have them
};

using OnRestored = std::function<base::Result<void>(const io::MessageBlock&)>;
using OnRestoreProgress = std::function<void(uint64_t done, uint64_t all)>;  // in messages

// Calls `on_messages` in the order of each partition, and `on_progress` (which may be empty) after
// each block. Where each partition was found to end is put into `ends`, if that is not null. Fails
// with kInterrupted after a stop signal: what was read is then a part.
base::Result<void> read_back(Cluster& cluster, const RestoreWish& wish,
                             const OnRestored& on_messages,
                             const OnRestoreProgress& on_progress = {},
                             std::vector<record::SourceOffset>* ends = nullptr);

}  // namespace paystats::kafka
