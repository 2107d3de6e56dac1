// A source that follows a durable log as it grows (see payment_log.h), until a stop signal.
#pragma once

#include <memory>
#include <string>

#include "base/diagnostics.h"
#include "io/source.h"
#include "io/wait.h"

namespace paystats::io {

// Waits for `path` if it is missing, saying so once. Reads up to the last unmarked line that it
// sees under a shared lock. inotify tells of changes at once; beside it there is a look each
// second, which is all where inotify is not available or says nothing (network file systems). A
// file that shrinks below what has been read, or whose name comes to mean another file or none, is
// an error: the totals made of it would be wrong.
base::Result<std::unique_ptr<Source>> follow_source(const std::string& path, const Waiter& waiter,
                                                    base::Diagnostics& diagnostics);

}  // namespace paystats::io
