// A source that gives what comes when it comes: a pipe, a FIFO, a socket, a terminal, a device.
#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "io/source.h"
#include "io/wait.h"

namespace paystats::io {

// After a stop signal the input counts as cut short however it ends: what wrote to us may have
// ended by the same signal.
enum class OnStop {
  kEndAtOnce,
  // Read on until the end of the input or 500 ms of silence, at most 5 s: Ctrl-C hits the whole
  // pipe, and what was acknowledged to its writers must not be left in it.
  kReadWhatIsUnderWay,
  // Read on until the end of the input, at most 5 s: what writes to us has been told to end.
  kReadToItsEnd,
};

// Reads `fd`, which is borrowed, or owned as well where `owner` holds it.
std::unique_ptr<Source> stream_source(int fd, base::UniqueFd owner, std::string name,
                                      OnStop on_stop, const Waiter& waiter);

}  // namespace paystats::io
