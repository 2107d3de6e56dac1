// Where partitions begin and end now, asked for all of them at once: for the beginnings, and then
// for the ends, one request goes to each broker that leads some of them, however many those are.
//
//   Result<std::vector<PartitionEnds>> ends = ends_of_partitions(cluster, "payments", partitions);
//   for (const PartitionEnds& each : *ends) behind += each.high - position_of(each.partition);
//
// An end is the high watermark: behind the newest message, of transactions that are still open as
// well. A client that reads committed messages alone is told less, the last stable offset, behind
// which an open transaction hides what has been committed too; so the high watermark is asked for
// by a client of its own, that reads everything. Waits for brokers as the cluster says, and for
// leaders that move. Protocol: ListOffsets, https://kafka.apache.org/protocol
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "kafka/cluster.h"

namespace paystats::kafka {

class Client;

struct PartitionEnds {
  int32_t partition = 0;
  int64_t low = 0;   // the first offset that is there
  int64_t high = 0;  // behind the last
};

// In the order of `partitions`.
base::Result<std::vector<PartitionEnds>> ends_of_partitions(Cluster& cluster,
                                                            const std::string& topic,
                                                            std::span<const int32_t> partitions);

// As `client` reads: where that is read_committed, `high` is the last stable offset.
base::Result<std::vector<PartitionEnds>> ends_of_partitions(Client& client,
                                                            const std::string& topic,
                                                            std::span<const int32_t> partitions);

}  // namespace paystats::kafka
