// Where to begin in a partition, and whether one may: each of these findings would otherwise be a
// silent loss. Pure.
//
//   Result<TopicStart> start = choose_start(facts, topics, OnDataLoss::kStop);
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "topics/options.h"

namespace paystats::topics {

// What is known of a partition when it has been assigned and its totals have been read back.
struct PartitionFacts {
  int32_t partition = 0;
  int64_t low = 0;                        // the first payment that is there
  int64_t high = 0;                       // behind the last
  std::optional<int64_t> committed = {};  // the group's offset: what is to be read next
  bool has_totals = false;                // the output topic says something of this partition
  int64_t newest_total = -1;              // the highest offset that those include
};

struct TopicStart {
  int64_t offset = 0;
  std::string warning = {};  // where not empty: something that the user should know
};

base::Result<TopicStart> choose_start(const PartitionFacts& facts, const TopicNames& topics,
                                      OnDataLoss on_data_loss);

// Payments from `wanted` up to `low` are gone, found at the start or while reading.
std::string describe_gap(const TopicNames& topics, int32_t partition, int64_t wanted, int64_t low);

}  // namespace paystats::topics
