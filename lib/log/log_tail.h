// The end of a log: up to where its lines are whole, and what stands behind that. Both read
// backwards, no further than they must. Call under a lock; positions are of the file.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace paystats::log {

// The place behind the last newline of [from, size), or `from` where it holds none.
base::Result<uint64_t> whole_lines_end(int fd, uint64_t from, uint64_t size, std::string_view name);

struct LogTail {
  uint64_t whole_bytes = 0;    // up to here there are lines, each with its newline
  bool lacks_newline = false;  // what follows is a JSON object or array, and all of it
};
// A tail over kLineBytesMax lacks more than a newline, whatever it is.
base::Result<LogTail> examine_log_tail(int fd, uint64_t size, std::string_view name);

}  // namespace paystats::log
