// The durable log: a file of payment lines that several writers append to and any number follow.
//
// A commit holds flock(LOCK_EX) over repair, write, fdatasync and undo (ftruncate), so what
// holds LOCK_SH sees only whole commits, unless a writer was killed. For that case each line of a
// group but its last is *marked*: it begins and ends in one space, which JSON takes as white space.
// The space at the end tells a whole line of an unfinished group; the one in front tells a torn
// line of one, even where the cut fell just behind its closing brace. Then:
//
//   - repair (by the next writer, before it writes) cuts off a torn last line and the marked lines
//     before it. A torn line that is a payment and no part of a group gets its newline instead;
//   - a follower applies nothing beyond the last unmarked line.
//
// A write or fdatasync that fails is undone, durably as well, and is an error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/diagnostics.h"
#include "base/fd.h"
#include "base/result.h"

namespace paystats::io {

class PaymentLog {
 public:
  // Opens or creates `path`, and again before a commit where the file has lost that name. A path
  // that is not a regular file is an error of kind kFailed.
  static base::Result<PaymentLog> open(const std::string& path, base::Diagnostics& diagnostics);
  // Of a descriptor that is open for appending, such as stdout; `name` is used in messages.
  static base::Result<PaymentLog> adopt(int fd, std::string name, base::Diagnostics& diagnostics);

  // Appends `lines` (whole, groups already marked) durably, or not at all.
  base::Result<void> commit(std::string_view lines);

  // The same in parts, for a group that is larger than memory: begin(), append() any number of
  // times, finish(). Any of them that fails has undone all of it. The lock is held in between.
  base::Result<void> begin();
  base::Result<void> append(std::string_view lines);
  base::Result<void> finish();

  // The disk dropped what it had taken, or a failed commit could not be undone: what the log holds
  // is not certain any more.
  bool broken() const { return broken_; }

 private:
  PaymentLog(base::UniqueFd write_fd, base::UniqueFd read_fd, std::string name,
             base::Diagnostics& diagnostics);
  base::Result<void> lock_current();
  base::Result<void> repair(uint64_t size, uint64_t& repaired_size);
  base::Result<void> undo(base::Error error);
  void release();

  base::UniqueFd write_fd_;
  base::UniqueFd read_fd_;  // where the lock is held
  std::string name_;
  base::Diagnostics* diagnostics_;
  bool has_path_ = false;  // `name_` is the path that it was opened by
  bool begun_ = false;
  bool name_is_synced_ = false;
  bool broken_ = false;
  uint64_t undo_bytes_ = 0;  // the size to go back to
};

// Where a log of `size` bytes stands: what a reader may apply, and how a writer would mend the
// rest.
struct LogTail {
  uint64_t applied_bytes = 0;  // up to here every line is whole and no group is cut
  bool needs_newline = false;  // all that stands from there to the end is whole but for a newline
};
// Reads backwards from `size`, no further than it must. Call under a lock.
base::Result<LogTail> examine_log_tail(int fd, uint64_t size, std::string_view name);

}  // namespace paystats::io
