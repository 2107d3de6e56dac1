// A source that reads a regular file once, up to the size that it has under a shared lock, so that
// a commit that is under way (see payment_log.h) is seen whole or not at all.
#pragma once

#include <memory>
#include <string>

#include "base/diagnostics.h"
#include "base/fd.h"
#include "io/source.h"
#include "io/wait.h"

namespace paystats {

// Reads `fd` from where it stands; borrowed, or owned as well where `owner` holds it. An unfinished
// group at the end is left out with a warning. A stop signal ends it at once.
std::unique_ptr<Source> file_source(int fd, UniqueFd owner, std::string name, const Waiter& waiter,
                                    Diagnostics& diagnostics);

}  // namespace paystats
