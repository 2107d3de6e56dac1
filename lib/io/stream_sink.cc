#include "io/stream_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "io/fd_io.h"

namespace paystats::io {
namespace {

// Where that cannot be seen it may: an empty line is nothing, and two lines in one are lost.
bool may_end_inside_a_line(int fd) {
  const base::Result<uint64_t> size = file_size(fd, "");
  if (size && *size == 0) return false;
  const base::Result<base::UniqueFd> opened = reopen_for_reading(fd, "");
  if (!size || !opened) return true;
  char last = '\0';
  const base::Result<size_t> n = read_at(opened->get(), *size - 1, &last, 1, "");
  return !n || *n != 1 || last != '\n';
}

}  // namespace

StreamSink::StreamSink(base::UniqueFd fd, std::string name, Start start)
    : fd_(std::move(fd)),
      name_(std::move(name)),
      has_reader_(base::fd_type(fd_.get()) != base::FdType::kRegular),
      needs_newline_(start == Start::kOnNewLine && may_end_inside_a_line(fd_.get())) {
  buffer_.reserve(kBufferBytes);
  widen_pipe(fd_.get());
}

base::Result<void> StreamSink::write(std::string_view lines) {
  if (needs_newline_) buffer_ += '\n';
  needs_newline_ = false;
  if (buffer_.size() + lines.size() > kBufferBytes) {
    base::Result<void> flushed = flush();
    if (!flushed) return flushed;
    if (lines.size() > kBufferBytes) return put_out(lines);
  }
  buffer_.append(lines);
  return {};
}

base::Result<void> StreamSink::write_through(std::string_view lines) {
  base::Result<void> flushed = flush();
  return flushed ? put_out(lines) : flushed;
}

base::Result<void> StreamSink::flush() {
  base::Result<void> written = put_out(buffer_);
  buffer_.clear();
  return written;
}

base::Result<void> StreamSink::put_out(std::string_view bytes) {
  if (error_) return base::fail(*error_);
  base::Result<void> written = write_stream(fd_.get(), bytes, name_);
  if (!written) error_ = written.error();
  return written;
}

base::Result<void> StreamSink::close() {
  base::Result<void> flushed = flush();
  if (!flushed) return flushed;
  return close_checked(std::move(fd_), name_);
}

int StreamSink::reader_fd() const {
  return has_reader_ ? fd_.get() : -1;
}

// A pipe that has room for a page says so, and how much is in it.
base::Result<Turn> StreamSink::wait_for_room(int cancel_fd) const {
  std::array<pollfd, 2> polled{{{fd_.get(), POLLOUT, 0}, {cancel_fd, POLLIN, 0}}};
  while (::poll(polled.data(), polled.size(), -1) < 0) {
    if (errno != EINTR) return base::fail(base::system_error(name_, errno));
  }
  if (polled[0].revents == 0) return Turn{.mine = false};
  const int pipe_bytes = ::fcntl(fd_.get(), F_GETPIPE_SZ);
  int held = 0;
  if (pipe_bytes <= 0 || ::ioctl(fd_.get(), FIONREAD, &held) != 0) return Turn();
  return Turn{.mine = true, .room_bytes = static_cast<uint64_t>(std::max(0, pipe_bytes - held))};
}

base::Result<std::unique_ptr<StreamSink>> open_stdout() {
  // What stands in place of a closed stdout cannot be written: see base::secure_standard_fds().
  const int flags = ::fcntl(STDOUT_FILENO, F_GETFL);
  if (flags >= 0 && (flags & O_ACCMODE) == O_RDONLY) {
    return base::fail(base::system_error("stdout", EBADF));
  }
  base::UniqueFd fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!fd) return base::fail(base::system_error("stdout", errno));
  return std::make_unique<StreamSink>(std::move(fd), "stdout");
}

base::Result<std::unique_ptr<StreamSink>> open_stream(const std::string& path) {
  base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd && errno == EINTR) {
    return base::fail(path + ": interrupted while waiting for its reader",
                      base::ErrorKind::kInterrupted);
  }
  if (!fd) return base::fail(base::system_error(path, errno));
  return std::make_unique<StreamSink>(std::move(fd), path);
}

base::Result<void> close_checked(base::UniqueFd fd, std::string_view name) {
  if (!fd) return {};
  // The descriptor is gone whatever close(2) says, EINTR included.
  if (::close(fd.release()) != 0 && errno != EINTR)
    return base::fail(base::system_error(name, errno));
  return {};
}

base::Result<bool> is_special_file(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return false;  // opening it will tell why
  if (S_ISDIR(status.st_mode)) return base::fail(base::system_error(path, EISDIR));
  return !S_ISREG(status.st_mode);
}

}  // namespace paystats::io
