#include "topics/companions.h"

#include <utility>
#include <vector>

namespace paystats::topics {

base::Result<void> Companions::look(const TopicParts& own, int32_t partitions,
                                    const StartContext& context) {
  next_look_ = clock_.now() + kLookInterval;
  std::vector<int32_t> others;
  for (int32_t partition = 0; partition < partitions; ++partition) {
    if (!own.contains(partition)) others.push_back(partition);
  }
  std::map<int32_t, int64_t> committed;
  for (const kafka::SignedOffset& offset : consumer_.look_at_offsets(others)) {
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
