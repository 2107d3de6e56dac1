// File descriptors: an owner, and the system calls that everything else is built from, each with
// EINTR handled and errno turned into an Error.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace paystats::base {

// Owns one descriptor and closes it. Move-only.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC. The error names `path`.
Result<UniqueFd> open_file(const std::string& path, int flags, unsigned mode = 0666);

// Writes all of `bytes`, however many calls it takes. `name` is what the error calls the output.
Result<void> write_all(int fd, std::string_view bytes, std::string_view name);

// One read(2) of at most `size` bytes: 0 is the end of the file. Restarted after a signal.
Result<size_t> read_some(int fd, char* buffer, size_t size, std::string_view name);

enum class FdType { kRegular, kPipe, kTerminal, kOther, kClosed };  // kPipe: FIFO or socket
FdType fd_type(int fd);

// A daemon or cron may start a program with 0, 1 or 2 closed; the next file opened would then get
// that number and be written to by mistake. Opens /dev/null in each empty place: for stdin as an
// input that fails (EBADF on read; it is not an empty one), for stdout as an output that fails, for
// stderr to write. Call first in main.
void secure_standard_fds();

}  // namespace paystats::base
