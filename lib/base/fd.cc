#include "base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace paystats::base {

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<UniqueFd> open_file(const std::string& path, int flags, unsigned mode) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return fail(system_error(path, errno));
  return UniqueFd(fd);
}

Result<void> write_all(int fd, std::string_view bytes, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error(name, errno));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<size_t> read_some(int fd, char* buffer, size_t size, std::string_view name) {
  for (;;) {
    const ssize_t n = ::read(fd, buffer, size);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno != EINTR) return fail(system_error(name, errno));
  }
}

FdType fd_type(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return FdType::kClosed;
  if (S_ISREG(status.st_mode)) return FdType::kRegular;
  if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)) return FdType::kPipe;
  return ::isatty(fd) != 0 ? FdType::kTerminal : FdType::kOther;
}

void secure_standard_fds() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) != -1) continue;
    // open() takes the lowest free number, which is `fd`: those below it are open by now.
    const int opened = ::open("/dev/null", fd == 1 ? O_RDONLY : O_WRONLY);
    if (opened > 2) ::close(opened);
  }
}

}  // namespace paystats::base
