// Reads some of what a topic holds by offsets: a message again that was read before, or what lies
// between two offsets that are known.
//
//   const std::array ranges{OffsetRange{.partition = 3, .from = 120, .to = 121}};
//   Result<void> done = read_ranges(cluster, "payments", ranges,
//                                   [&](const MessageBlock& block) { return take(block); });
//
// Committed messages alone, without a group. An offset of a range may have no message: it is the
// end of a transaction, was undone or compacted away, lies below what is still there, or behind the
// end of what is committed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/wait.h"
#include "kafka/cluster.h"
#include "kafka/restore.h"

namespace paystats::kafka {

struct OffsetRange {
  int32_t partition = 0;
  int64_t from = 0;
  int64_t to = 0;  // behind the last one
};

// Calls `on_messages` in the order of each partition, and returns when each range has been read to
// its end or to the end of what is committed; messages have their source headers. Waits for brokers
// as the cluster says. Errors: kInterrupted after a stop signal; what `on_messages` returns; a
// partition that is not there. REQUIRES: no two ranges of one partition. Where the end of what is
// committed comes before that of the range, the former is put into `reached`, if that is not null;
// else the latter, or what is behind it. At the deadline it is an error that brokers have not said
// where the ranges lie, and reading ends where it is: `reached` says how far that was.
base::Result<void> read_ranges(Cluster& cluster, const std::string& topic,
                               std::span<const OffsetRange> ranges, const OnRestored& on_messages,
                               std::vector<int64_t>* reached = nullptr,
                               base::Instant deadline = io::kForever);

}  // namespace paystats::kafka
