// Where the owner of a partition of requests begins, and whether it may. Each request has one
// answer, in the same order, so the answers themselves say how far the requests have been dealt
// with. Pure.
//
//   Result<RequestStart> start = choose_start(facts, names);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paystats::requests {

struct TopicNames {
  std::string payments;
  std::string requests;
  std::string answers;
};

// Why requests and answers have as many partitions.
constexpr std::string_view kAnswersGoByNumber =
    "the answers of a partition go to the one of the same number";

// What is known of a partition when it has been assigned and its answers have been read back.
struct PartitionFacts {
  int32_t partition = 0;
  int64_t low = 0;                        // the first request that is there
  int64_t high = 0;                       // behind the last
  std::optional<int64_t> committed = {};  // the group's offset
  std::optional<int64_t> answered = {};   // the last request that has an answer
};

struct RequestStart {
  int64_t offset = 0;
  std::string warning = {};  // where not empty: something that the user should know
};

// kMustNotGoOn where the answers are of other requests than those that are there.
base::Result<RequestStart> choose_start(const PartitionFacts& facts, const TopicNames& names);

// Requests from `wanted` up to `low` have been removed unread.
std::string describe_gap(const TopicNames& names, int32_t partition, int64_t wanted, int64_t low);

}  // namespace paystats::requests
