// `NAME.torn`, beside a log: what stood at the end of the log and was no whole line, or what an
// undone commit found there of writers that do not lock. Kept for a person to look at; no tool
// reads it.
//
// What is kept is appended as it is, but for a run of NULs (what a power cut leaves of bytes that
// were never written), in whose place stands "[4096 NUL bytes]", and ends in a newline.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paystats::log {

inline std::string torn_path(const std::string& log_path) {
  return log_path + ".torn";
}

// Appends, and syncs the file and its folder: what is kept here may then be cut off there. An error
// leaves the file as it was. Call under the lock of the log.
base::Result<void> keep_torn(const std::string& log_path, std::string_view bytes);
// The same for bytes [begin, end) of `fd`, of any length.
base::Result<void> keep_torn(const std::string& log_path, int fd, uint64_t begin, uint64_t end);

}  // namespace paystats::log
