#include "io/fd_io.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

namespace paystats::io {
namespace {

// A commit takes as long as the disk needs to sync; a writer that commits again and again leaves
// the lock free for moments only. So the first tries come soon after one another.
constexpr base::Duration kFirstPause = std::chrono::microseconds(100);
constexpr base::Duration kPauseMax = std::chrono::milliseconds(2);

constexpr base::Duration kPatience = std::chrono::seconds(1);  // until a wait is told

std::string waiting_for_lock(std::string_view name) {
  return fmt::format("{}: waiting for another process that holds its lock", name);
}

// What an unprivileged process may ask for (see pipe(7)).
int pipe_bytes_max() {
  constexpr int kUsual = 1 << 20;
  const base::Result<base::UniqueFd> file = base::open_file("/proc/sys/fs/pipe-max-size", O_RDONLY);
  char text[16] = {};
  const ssize_t n = file ? ::read(file->get(), text, sizeof text) : 0;
  int bytes = 0;
  const bool parsed = n > 0 && std::from_chars(text, text + n, bytes).ec == std::errc();
  return parsed ? bytes : kUsual;
}

bool would_block(int errno_value) {
  return errno_value == EAGAIN || errno_value == EWOULDBLOCK;
}

}  // namespace

base::Result<std::optional<size_t>> read_available(int fd, char* buffer, size_t size,
                                                   std::string_view name) {
  for (;;) {
    const ssize_t n = ::read(fd, buffer, size);
    if (n >= 0) return std::optional<size_t>(static_cast<size_t>(n));
    if (would_block(errno)) return std::optional<size_t>();
    if (errno != EINTR) return base::fail(base::system_error(name, errno));
  }
}

base::Result<size_t> read_at(int fd, uint64_t offset, char* buffer, size_t size,
                             std::string_view name) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = ::pread(fd, buffer + done, size - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail(base::system_error(name, errno));
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

base::Result<void> write_stream(int fd, std::string_view bytes, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    if (!would_block(errno)) return base::fail(base::system_error(name, errno));
    pollfd polled{fd, POLLOUT, 0};
    if (::poll(&polled, 1, -1) < 0 && errno != EINTR)
      return base::fail(base::system_error(name, errno));
  }
  return {};
}

void widen_pipe(int fd) {
  const int now = ::fcntl(fd, F_GETPIPE_SZ);
  if (now <= 0) return;
  // All pipes of a user share a limit as well (EPERM): then half as much, and so on.
  for (int bytes = pipe_bytes_max(); bytes > now; bytes /= 2) {
    if (::fcntl(fd, F_SETPIPE_SZ, bytes) > 0) return;
  }
}

int sync_data(int fd) {
  while (::fdatasync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int sync_all(int fd) {
  while (::fsync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

bool has_another_size(int fd) {
  char byte = 0;
  const off_t at = std::max<off_t>(::lseek(fd, 0, SEEK_CUR), 0);
  struct stat status = {};
  struct stat before = {};
  if (::fstat(fd, &before) != 0) return false;
  const off_t looked = before.st_size == 0 ? at : before.st_size - 1;
  const ssize_t n = ::pread(fd, &byte, 1, looked);
  // Twice the same: else a writer has cut off a tail meanwhile, or appended.
  if (::fstat(fd, &status) != 0 || status.st_size != before.st_size) return false;
  return n == (before.st_size == 0 ? 1 : 0);
}

base::Result<uint64_t> file_size(int fd, std::string_view name) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return base::fail(base::system_error(name, errno));
  return static_cast<uint64_t>(status.st_size);
}

base::Result<base::UniqueFd> reopen_for_reading(int fd, std::string_view name) {
  base::Result<base::UniqueFd> opened =
      base::open_file(fmt::format("/proc/self/fd/{}", fd), O_RDONLY);
  if (!opened)
    return base::fail(fmt::format("{}: cannot be read back ({})", name, opened.error().message));
  return opened;
}

base::Result<Wake> SharedLock::acquire(int fd, const Waiter& waiter, base::Instant deadline) {
  for (base::Duration pause = kFirstPause;; pause = std::min(pause * 2, kPauseMax)) {
    if (::flock(fd, LOCK_SH | LOCK_NB) == 0) {
      fd_ = fd;
      waiting_since_.reset();
      return Wake::kReady;
    }
    if (errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) {
      return Wake::kReady;
    }
    if (!would_block(errno) && errno != EINTR) return base::fail(base::system_error(name_, errno));
    const base::Instant now = waiter.clock().now();
    if (!waiting_since_) waiting_since_ = now;
    if (!told_ && now - *waiting_since_ >= kPatience) {
      told_ = true;
      diagnostics_.note(waiting_for_lock(name_));
    }
    if (now >= deadline) return Wake::kDeadline;
    base::Result<Wake> wake = waiter.wait_readable(-1, std::min(deadline, now + pause));
    if (!wake || *wake == Wake::kStop) return wake;
  }
}

void SharedLock::release() {
  if (fd_ >= 0) ::flock(fd_, LOCK_UN);
  fd_ = -1;
}

base::Result<bool> lock_exclusively(int fd, std::string_view name, int cancel_fd, bool& told,
                                    base::Diagnostics& diagnostics) {
  const base::SystemClock clock;
  const base::Instant start = clock.now();
  for (base::Duration pause = kFirstPause; ::flock(fd, LOCK_EX | LOCK_NB) != 0;
       pause = std::min(pause * 2, kPauseMax)) {
    if (!would_block(errno) && errno != EINTR) {
      base::Error error = base::system_error(name, errno);
      error.message += " (a log must be locked while it is written)";
      return base::fail(std::move(error));
    }
    pollfd cancel = {cancel_fd, POLLIN, 0};
    const timespec time = {0, pause.count()};
    if (::ppoll(&cancel, 1, &time, nullptr) > 0) return false;
    if (told || clock.now() - start < kPatience) continue;
    told = true;
    diagnostics.note(waiting_for_lock(name));
  }
  told = false;
  return true;
}

}  // namespace paystats::io
