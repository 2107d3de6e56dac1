// What makes changes of a file survive a power cut, beyond its data (io::sync_data()).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace paystats::log {

// Stores the name of an open file: a file that is on the disk without its name is lost. Where its
// folder may not be read, a full fsync of the file is the next best: common file systems store the
// name of a new file with it. A caller tells of that.
enum class NameSync { kFolder, kFileOnly };
base::Result<NameSync> sync_name(int fd, std::string_view name);

// ftruncate(2), begun anew where a signal comes between. Not synced.
base::Result<void> truncate_to(int fd, uint64_t size, std::string_view name);
// The same, and on the disk before it returns.
base::Result<void> truncate_durably(int fd, uint64_t size, std::string_view name);

}  // namespace paystats::log
