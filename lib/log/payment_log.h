// The durable log, as paystats-log(5) has it: a file of lines that several writers append to and
// any number follow. One request is one line, so a line is what is whole, and what has no newline
// yet is nothing.
//
//   Result<PaymentLog> log = PaymentLog::open("payments.jsonl", diagnostics);
//   Result<void> taken = log->commit("{\"user\":\"edgar\",\"paymentAmt\":1.0}\n");
//
// A commit holds flock(LOCK_EX) over repair, write, fdatasync and undo (ftruncate), so what holds
// LOCK_SH sees only whole commits, unless a writer was killed. Then the next commit repairs, before
// it writes: a last line that lacks nothing but its newline gets it; any other tail is kept in
// NAME.torn (see torn_file.h) and cut off. A line that has its
// newline is never changed or removed, whichever program wrote it.
//
// A write or fdatasync that fails is undone, durably as well, and is an error. Of a writer that
// does not lock, what came in between is kept in NAME.torn where an undo or a repair cuts it off;
// where it is the beginning of a line, the commit fails.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/diagnostics.h"
#include "base/fd.h"
#include "base/result.h"
#include "log/append.h"
#include "log/room.h"

namespace paystats::log {

class TornFile;

// What changes whenever somebody else has written to a file.
struct FileState {
  int64_t size = 0;
  int64_t modified_seconds = 0;
  int64_t modified_nanoseconds = 0;

  friend bool operator==(const FileState&, const FileState&) = default;
};

class PaymentLog {
 public:
  // Opens or creates `path`, and again before a commit where the file has lost that name. A path
  // that is not a regular file, one that is no log (its first byte, a byte-order mark and white
  // space aside, is none of `{`, `[` and NUL), or one on a file system whose locks do not hold
  // between machines, is an error of kind kFailed, and nothing is written.
  static base::Result<PaymentLog> open(const std::string& path, base::Diagnostics& diagnostics);
  // Of a descriptor that is open for appending, such as stdout; `name` is used in messages.
  static base::Result<PaymentLog> adopt(int fd, std::string name, base::Diagnostics& diagnostics);

  // Appends `lines` (whole) durably, or none of them: the three below in one.
  base::Result<void> commit(std::string_view lines);

  // Takes the lock and repairs what a killed writer has left: what the log holds then is on the
  // disk. False: `cancel_fd` (-1: none) can be read, and the lock was not to be had.
  base::Result<bool> begin(int cancel_fd);
  // REQUIRES: begun. Once for each begin().
  base::Result<void> write(std::string_view lines);
  // REQUIRES: begun. Whether there is room again for the last commit that failed (see room.h).
  base::Result<bool> probe();
  void end();  // gives the lock back

  // REQUIRES: begun. The size of the log in front of a write(), all of it whole lines.
  uint64_t size() const { return undo_bytes_; }
  // Since begin() nobody has appended but write().
  bool wrote_alone() const { return last_commit_.has_value(); }
  // The folder as well knows of the log. Before what others have written is acknowledged.
  base::Result<void> sync_name();

  // Goes on with the file that has the log's name now, where there is another one, and no commit to
  // the old one is under way. Not between begin() and end().
  base::Result<void> follow_name();

  int read_fd() const { return read_fd_.get(); }
  // Another number: another file has taken the log's name since, and is the log now.
  uint64_t file_number() const { return file_number_; }

  // The disk fails (anything but a want of room), or a failed commit could not be undone: what the
  // log holds is not certain any more.
  bool broken() const { return broken_; }

 private:
  PaymentLog(base::UniqueFd write_fd, base::UniqueFd read_fd, std::string path, std::string name,
             base::Diagnostics& diagnostics);
  static base::Result<PaymentLog> open_with(const std::string& path, int flags,
                                            base::Diagnostics& diagnostics);
  base::Result<bool> lock_current(int cancel_fd);
  void go_on_with(PaymentLog current);
  base::Result<void> prepare();
  base::Result<void> repair();
  base::Result<void> cut_tail(uint64_t whole_bytes, TornFile& torn);
  base::Error somebody_appends() const;
  base::Result<void> sync_contents();
  base::Result<void> sync();
  base::Result<void> check_place(std::string_view lines);
  bool grown_only_by(size_t bytes, const FileState& state) const;
  base::Result<std::string> read_from(uint64_t begin) const;
  base::Result<void> undo(std::string_view lines, Appended ours);
  base::Error undone(base::Error error, std::string_view lines, Appended ours);
  void note_failure(int reason);

  base::UniqueFd write_fd_;
  base::UniqueFd read_fd_;  // where the lock is held
  std::string place_;       // where the file lies that is open
  std::string path_;        // whose file is the log
  std::string name_;        // in messages
  base::Diagnostics* diagnostics_;
  bool name_is_synced_ = false;
  bool told_waiting_ = false;
  bool told_folder_ = false;
  uint64_t file_number_ = 1;
  bool broken_ = false;
  Shortage shortage_;                     // of the last commit that failed
  uint64_t undo_bytes_ = 0;               // the size to go back to
  std::optional<FileState> last_commit_;  // as our last commit has left the file
};

// Whether locks of this kind of file system (statfs(2), f_type) hold between all who write: not of
// one that machines share, such as NFS.
bool locks_hold(uint64_t file_system_type);

}  // namespace paystats::log
