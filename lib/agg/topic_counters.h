// What a job from topic to topic tells while it runs. Each is written by the job and read by
// anyone.
#pragma once

#include <atomic>
#include <cstdint>

namespace paystats {

struct TopicCounters {
  std::atomic<uint64_t> accepted = 0;
  std::atomic<uint64_t> skipped = 0;  // read again, and included already
  std::atomic<uint64_t> bytes = 0;
  std::atomic<uint64_t> users = 0;
  std::atomic<uint64_t> commits = 0;
  std::atomic<uint64_t> commits_failed = 0;
  std::atomic<uint64_t> partitions = 0;
  std::atomic<uint64_t> lag = 0;  // payments that the client knows of and has not read
  std::atomic<uint64_t> restored = 0;
  std::atomic<uint64_t> to_restore = 0;  // of those, when the last restore began
  std::atomic<bool> caught_up = false;
};

}  // namespace paystats
