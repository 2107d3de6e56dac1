#include "io/payment_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <filesystem>

#include "io/fd_io.h"

namespace paystats::io {
namespace {

base::Result<void> check_regular(int fd, std::string_view name) {
  if (base::fd_type(fd) == base::FdType::kRegular) return {};
  return base::fail(fmt::format("{}: not a regular file, so it cannot be a durable log", name));
}

bool has_its_name(int fd, const std::string& name) {
  struct stat ours = {};
  struct stat named = {};
  return ::fstat(fd, &ours) == 0 && ::stat(name.c_str(), &named) == 0 &&
         ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

base::Result<void> truncate_to(int fd, uint64_t size, std::string_view name) {
  while (::ftruncate(fd, static_cast<off_t>(size)) != 0) {
    if (errno != EINTR) return base::fail(base::system_error(name, errno));
  }
  return {};
}

// A file that is on the disk without its name is lost. Where the folder may not be read, a full
// fsync of the file is the next best: common file systems store the name of a new file with it.
base::Result<void> sync_name(int fd, std::string_view name) {
  std::error_code error;
  const std::filesystem::path path =
      std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd), error);
  const base::Result<base::UniqueFd> folder =
      base::open_file(path.parent_path(), O_RDONLY | O_DIRECTORY);
  const int reason = sync_all(folder && !error ? folder->get() : fd);
  return reason == 0 ? base::Result<void>() : base::fail(base::system_error(name, reason));
}

}  // namespace

PaymentLog::PaymentLog(base::UniqueFd write_fd, base::UniqueFd read_fd, std::string name,
                       base::Diagnostics& diagnostics)
    : write_fd_(std::move(write_fd)),
      read_fd_(std::move(read_fd)),
      name_(std::move(name)),
      diagnostics_(&diagnostics) {}

base::Result<PaymentLog> PaymentLog::open(const std::string& path, base::Diagnostics& diagnostics) {
  // O_NONBLOCK for the case that it is a FIFO: that is to be an error, not a wait for its reader.
  base::Result<base::UniqueFd> opened =
      base::open_file(path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK);
  if (!opened) return base::fail(opened.error());
  const base::Result<void> regular = check_regular(opened->get(), path);
  if (!regular) return base::fail(regular.error());
  base::UniqueFd read_fd(::fcntl(opened->get(), F_DUPFD_CLOEXEC, 0));
  if (!read_fd) return base::fail(base::system_error(path, errno));
  PaymentLog log(std::move(*opened), std::move(read_fd), path, diagnostics);
  log.has_path_ = true;
  return log;
}

base::Result<PaymentLog> PaymentLog::adopt(int fd, std::string name,
                                           base::Diagnostics& diagnostics) {
  const base::Result<void> regular = check_regular(fd, name);
  if (!regular) return base::fail(regular.error());
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_APPEND) == 0) {
    return base::fail(fmt::format("{}: not open for appending", name));
  }
  // Processes of one shell line share the file description that we were given, and its lock as
  // well, so the lock is taken on one of our own.
  base::Result<base::UniqueFd> read_fd = reopen_for_reading(fd, name);
  if (!read_fd) return base::fail(read_fd.error());
  base::UniqueFd write_fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!write_fd) return base::fail(base::system_error(name, errno));
  return PaymentLog(std::move(write_fd), std::move(*read_fd), std::move(name), diagnostics);
}

base::Result<void> PaymentLog::commit(std::string_view lines) {
  if (lines.empty()) return {};
  base::Result<void> result = begin();
  if (result) result = append(lines);
  if (result) result = finish();
  return result;
}

base::Result<void> PaymentLog::begin() {
  assert(!begun_);
  base::Result<void> result = lock_current();
  if (!result) return result;
  begun_ = true;
  const base::Result<uint64_t> size = file_size(read_fd_.get(), name_);
  result = size ? repair(*size, undo_bytes_) : base::fail(size.error());
  if (!result) release();
  return result;
}

// The log is the file of that name: what other writers append to, and followers read. Where ours
// has been moved away or removed since (by a rotation of logs, say), what would be committed to it
// would be seen by nobody.
base::Result<void> PaymentLog::lock_current() {
  for (;;) {
    base::Result<void> locked = lock_exclusively(read_fd_.get(), name_, *diagnostics_);
    if (!locked || !has_path_ || has_its_name(read_fd_.get(), name_)) return locked;
    base::Result<PaymentLog> current = open(name_, *diagnostics_);
    release();
    if (!current) return base::fail(current.error());
    diagnostics_->warning(name_ +
                          ": has been moved or removed: going on with what has its name now");
    write_fd_ = std::move(current->write_fd_);
    read_fd_ = std::move(current->read_fd_);
    name_is_synced_ = false;
  }
}

base::Result<void> PaymentLog::append(std::string_view lines) {
  assert(begun_);
  const base::Result<void> written = write_stream(write_fd_.get(), lines, name_);
  return written ? written : undo(written.error());
}

base::Result<void> PaymentLog::finish() {
  assert(begun_);
  if (const int reason = sync_data(write_fd_.get()); reason != 0) {
    // A full disk may show only here, and is over once there is room. Anything else is a disk that
    // drops what it has taken, and says so once.
    broken_ = broken_ || (reason != ENOSPC && reason != EDQUOT);
    return undo(base::system_error(name_, reason));
  }
  if (!name_is_synced_) {
    const base::Result<void> synced = sync_name(write_fd_.get(), name_);
    broken_ = broken_ || !synced;
    if (!synced) return undo(synced.error());
    name_is_synced_ = true;
  }
  release();
  return {};
}

base::Result<void> PaymentLog::undo(base::Error error) {
  base::Result<void> undone = truncate_to(write_fd_.get(), undo_bytes_, name_);
  if (undone) {
    // Else all of it could be there again once the power has failed.
    const int reason = sync_data(write_fd_.get());
    if (reason != 0) undone = base::fail(base::system_error(name_, reason));
  }
  if (!undone) {
    error.message += fmt::format("; and what was written of it could not be taken back ({})",
                                 undone.error().message);
    broken_ = true;
  }
  release();
  return base::fail(std::move(error));
}

void PaymentLog::release() {
  begun_ = false;
  ::flock(read_fd_.get(), LOCK_UN);
}

base::Result<void> PaymentLog::repair(uint64_t size, uint64_t& repaired_size) {
  repaired_size = size;
  if (size == 0) return {};
  const base::Result<LogTail> tail = examine_log_tail(read_fd_.get(), size, name_);
  if (!tail) return base::fail(tail.error());
  if (tail->needs_newline) {
    base::Result<void> written = write_stream(write_fd_.get(), "\n", name_);
    if (!written) return written;
    repaired_size = size + 1;
    return {};
  }
  if (tail->applied_bytes == size) return {};
  base::Result<void> cut = truncate_to(write_fd_.get(), tail->applied_bytes, name_);
  if (!cut) return cut;
  repaired_size = tail->applied_bytes;
  diagnostics_->warning(
      fmt::format("{}: cut off the last {} bytes, left by a writer that was "
                  "stopped in the middle",
                  name_, size - tail->applied_bytes));
  return {};
}

}  // namespace paystats::io
