#include "io/stream_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "io/fd_io.h"

namespace paystats {

StreamSink::StreamSink(UniqueFd fd, std::string name)
    : fd_(std::move(fd)),
      name_(std::move(name)),
      has_reader_(fd_type(fd_.get()) != FdType::kRegular) {
  buffer_.reserve(kBufferBytes);
}

Result<void> StreamSink::write(std::string_view lines) {
  if (buffer_.size() + lines.size() > kBufferBytes) {
    Result<void> flushed = flush();
    if (!flushed) return flushed;
    if (lines.size() > kBufferBytes) return write_stream(fd_.get(), lines, name_);
  }
  buffer_.append(lines);
  return {};
}

Result<void> StreamSink::flush() {
  if (buffer_.empty()) return {};
  Result<void> written = write_stream(fd_.get(), buffer_, name_);
  // After an error as well: nothing may be written twice by who goes on all the same.
  buffer_.clear();
  return written;
}

Result<void> StreamSink::close() {
  Result<void> flushed = flush();
  if (!flushed) return flushed;
  return close_checked(std::move(fd_), name_);
}

int StreamSink::reader_fd() const {
  return has_reader_ ? fd_.get() : -1;
}

Result<std::unique_ptr<StreamSink>> open_stdout() {
  UniqueFd fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!fd) return fail(system_error("stdout", errno));
  return std::make_unique<StreamSink>(std::move(fd), "stdout");
}

Result<std::unique_ptr<StreamSink>> open_stream(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd && errno == EINTR) {
    return fail(path + ": interrupted while waiting for its reader", ErrorKind::kInterrupted);
  }
  if (!fd) return fail(system_error(path, errno));
  return std::make_unique<StreamSink>(std::move(fd), path);
}

Result<void> close_checked(UniqueFd fd, std::string_view name) {
  if (!fd) return {};
  // The descriptor is gone whatever close(2) says, EINTR included.
  if (::close(fd.release()) != 0 && errno != EINTR) return fail(system_error(name, errno));
  return {};
}

Result<bool> is_special_file(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return false;  // opening it will tell why
  if (S_ISDIR(status.st_mode)) return fail(system_error(path, EISDIR));
  return !S_ISREG(status.st_mode);
}

}  // namespace paystats
