// A source that follows a durable log as it grows (see payment_log.h), until a stop signal.
//
// It yields whole lines, as far as the size that it sees under a shared lock: what has no newline
// yet is nothing, and a repair may cut it off. inotify tells of changes at once; beside it there is
// a look each second, which is all where inotify is not available or says nothing.
//
// What it has read must stay. A log that shrinks below that, or whose last bytes before it change,
// is an error of kind kMustNotGoOn: the totals made of it would be wrong. A log that is renamed is
// read on until another file has its name, and then to the size that it has under the lock; so is
// one that is replaced. Then the source ends, and ending() is such an error: a start from here
// would not know the payments of the file before.
#pragma once

#include <memory>
#include <string>

#include "base/diagnostics.h"
#include "io/source.h"
#include "io/wait.h"

namespace paystats::log {

// Waits for `path` if it is missing, saying so once.
base::Result<std::unique_ptr<io::Source>> follow_source(const std::string& path,
                                                        const io::Waiter& waiter,
                                                        base::Diagnostics& diagnostics);

}  // namespace paystats::log
