// `NAME.torn`, beside a log: what stood at the end of the log and was no whole line, or what an
// undone commit found there of writers that do not lock. Kept for a person to look at; no tool
// reads it.
//
//   TornFile torn(log_path, log_fd);
//   Result<void> kept = torn.keep(begin, end);      // bytes of the log; may be cut off there now
//   if (!cut) torn.take_back();
//
// What is kept is appended as it is, but for a run of NULs (what a power cut leaves of bytes that
// were never written), in whose place stands "[4096 NUL bytes]", and ends in a newline.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace paystats::log {

// Used under the lock of the log.
class TornFile {
 public:
  // `log_path` is where the log itself lies, no symbolic link. `log_fd` is borrowed.
  TornFile(const std::string& log_path, int log_fd)
      : path_(log_path + ".torn"), log_path_(log_path), log_fd_(log_fd) {}

  // Appends, and syncs the file and its folder. An error leaves the file as it was before the first
  // call.
  base::Result<void> keep(std::string_view bytes);
  // The same for bytes [begin, end) of the log, of any length.
  base::Result<void> keep(uint64_t begin, uint64_t end);

  // The bytes stay in the log after all. An error here adds nothing to the one that led to it.
  void take_back();

  const std::string& path() const { return path_; }

 private:
  base::Result<void> open();
  template <class Append>
  base::Result<void> keep_by(Append&& append);
  base::Result<void> append(std::string_view bytes);
  base::Result<void> append_range(uint64_t begin, uint64_t end);
  base::Result<void> finish();
  void show_nuls(std::string& shown);

  const std::string path_;
  const std::string log_path_;
  const int log_fd_;
  base::UniqueFd fd_;
  uint64_t bytes_before_ = 0;
  uint64_t nuls_ = 0;  // of a run that may go on
};

}  // namespace paystats::log
