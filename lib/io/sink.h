// Where lines go. Every write is checked, and close() is the proof that all of it arrived: a sink
// destroyed without close() has made no promise (a file to be replaced is then left as it was).
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "io/endpoint.h"

namespace paystats::io {

class Sink {
 public:
  virtual ~Sink() = default;

  // Takes whole lines; they may stay in a buffer until flush() or until the buffer is full.
  virtual base::Result<void> write(std::string_view lines) = 0;
  virtual base::Result<void> flush() = 0;
  virtual base::Result<void> close() = 0;  // flushes; nothing may be written afterwards

  // The descriptor whose reader may go away (see Waiter), or -1.
  virtual int reader_fd() const { return -1; }
};

enum class FileMode {
  kAppend,   // whole lines at the end, in one write(2) a flush: rejects, `update`
  kReplace,  // a temporary file beside it, synced and renamed by close(): `final`, --expect, --top
};

// A path that is not a regular file (/dev/null, a FIFO) is opened and written as it is. stdout is
// never set O_NONBLOCK: it is shared with other processes. A topic is an error here.
base::Result<std::unique_ptr<Sink>> open_sink(const Endpoint& endpoint, FileMode mode);

// Writes `bytes` to `path` by a temporary file and rename(2).
base::Result<void> replace_file(const std::string& path, std::string_view bytes);

}  // namespace paystats::io
