#include "kafka/ends.h"

#include <fmt/format.h>

#include <memory>

#include "kafka/client.h"

namespace paystats::kafka {

base::Result<std::vector<PartitionEnds>> ends_of_partitions(Cluster& cluster,
                                                            const std::string& topic,
                                                            std::span<const int32_t> partitions) {
  if (partitions.empty()) return std::vector<PartitionEnds>();
  const base::Result<std::unique_ptr<Client>> client = Client::open_uncommitted(cluster);
  if (!client) return base::fail(client.error());
  return ends_of_partitions(**client, topic, partitions);
}

base::Result<std::vector<PartitionEnds>> ends_of_partitions(Client& client,
                                                            const std::string& topic,
                                                            std::span<const int32_t> partitions) {
  std::vector<PartitionEnds> ends;
  ends.reserve(partitions.size());
  for (const int32_t partition : partitions) ends.push_back({.partition = partition});
  if (ends.empty()) return ends;
  const std::string which = ends.size() == 1 ? fmt::format("partition {}", partitions.front())
                                             : fmt::format("ends of {} partitions", ends.size());
  base::Result<void> asked = client.request(
      fmt::format("{}: {}", topic_label(topic), which),
      [&](int timeout_ms) { return query_ends(client.rk(), topic, ends, timeout_ms); });
  if (!asked) return base::fail(asked.error());
  return ends;
}

}  // namespace paystats::kafka
