// A source that reads a regular file once, up to the size that it has under a shared lock, so that
// a commit that is under way (see log/payment_log.h) is seen whole or not at all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/diagnostics.h"
#include "base/fd.h"
#include "io/source.h"
#include "io/wait.h"

namespace paystats::io {

// What is to be read of a regular file: from where its descriptor stands up to the size that it
// has under a shared lock.
struct FileExtent {
  uint64_t begin = 0;
  uint64_t end = 0;  // may lie before `begin`: then there is nothing to read
};
// kReady: `out` is set; else the lock could not be had before the deadline or a stop signal. `name`
// is what messages call the file.
base::Result<Wake> measure_file(int fd, std::string_view name, const Waiter& waiter,
                                base::Instant deadline, base::Diagnostics& diagnostics,
                                FileExtent& out);

// Reads `fd` from where it stands; borrowed, or owned as well where `owner` holds it. A stop signal
// ends it at once.
std::unique_ptr<Source> file_source(int fd, base::UniqueFd owner, std::string name,
                                    const Waiter& waiter, base::Diagnostics& diagnostics);

}  // namespace paystats::io
