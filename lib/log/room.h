// Whether a file that could not grow can grow again, told without a byte that a reader could see.
//
//   const Shortage shortage{ENOSPC, 4096};                 // as the write that failed was told
//   Result<bool> room = make_room(fd, size, shortage, "payments.jsonl");
//
// The room is reserved behind the end of the file (fallocate(2), FALLOC_FL_KEEP_SIZE): the answer
// holds until the next write, and counts quotas. It stays reserved for what is appended next. To
// give it back takes a truncation, which could cut off what a writer appends that does not lock.
// Where the file system cannot reserve, its free blocks are counted, and of a quota nothing is
// known.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace paystats::log {

// Why a write failed (an errno value; 0: none has) and how much was to be written.
struct Shortage {
  int reason = 0;
  uint64_t bytes = 0;
};

// Whether a write that fails so may go well later, with what is on the disk as it was: no space, no
// quota, a file that may not be larger. Anything else is a disk that fails, or one that the kernel
// has made read-only since it failed.
bool may_pass(int reason);

// Room for at least as much behind `size`, the end of the file.
base::Result<bool> make_room(int fd, uint64_t size, const Shortage& shortage,
                             std::string_view name);

}  // namespace paystats::log
