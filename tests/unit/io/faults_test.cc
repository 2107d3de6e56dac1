#include "unit/io/faults.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "unit/io/support.h"

namespace paystats::io {

Faults& faults() {
  static Faults instance;
  return instance;
}

namespace {

void once(std::function<void()>& hook) {
  if (hook) std::exchange(hook, nullptr)();
}

int failing(int errno_value) {
  errno = errno_value;
  return -1;
}

bool interrupted() {
  int& left = faults().interrupts;
  if (left == 0) return false;
  --left;
  errno = EINTR;
  return true;
}

}  // namespace
}  // namespace paystats::io

extern "C" {

int fdatasync(int fd) {
  ++paystats::io::faults().data_syncs;
  const int wanted = paystats::io::faults().fdatasync_errno;
  int& failures = paystats::io::faults().fdatasync_failures;
  int& after = paystats::io::faults().fdatasync_after;
  if (paystats::io::faults().disk_is_memory) return 0;
  if (wanted == 0 || failures == 0 || after > 0) {
    if (after > 0) --after;
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
  }
  if (failures > 0) --failures;
  paystats::io::once(paystats::io::faults().on_fdatasync);
  return paystats::io::failing(wanted);
}

int fsync(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) == 0) paystats::io::faults().fsynced.push_back(status.st_ino);
  if (paystats::io::faults().disk_is_memory) return 0;
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

int flock(int fd, int how) {
  const int wanted = paystats::io::faults().flock_errno;
  return wanted != 0 ? paystats::io::failing(wanted)
                     : static_cast<int>(::syscall(SYS_flock, fd, how));
}

int fallocate(int fd, int mode, off_t offset, off_t bytes) {
  const int64_t left = paystats::io::faults().disk_bytes_left;
  const int wanted = paystats::io::faults().fallocate_errno;
  if (wanted != 0) return paystats::io::failing(wanted);
  if (left >= 0 && bytes > left) return paystats::io::failing(ENOSPC);
  return static_cast<int>(::syscall(SYS_fallocate, fd, mode, offset, bytes));
}

int inotify_init1(int flags) {
  const int wanted = paystats::io::faults().inotify_errno;
  return wanted != 0 ? paystats::io::failing(wanted)
                     : static_cast<int>(::syscall(SYS_inotify_init1, flags));
}

int fstatfs(int fd, struct statfs* status) {
  if (paystats::io::interrupted()) return -1;
  return static_cast<int>(::syscall(SYS_fstatfs, fd, status));
}

ssize_t getrandom(void* bytes, size_t size, unsigned flags) {
  if (paystats::io::interrupted()) return -1;
  return ::syscall(SYS_getrandom, bytes, size, flags);
}

ssize_t pread(int fd, void* bytes, size_t size, off_t offset) {
  const ssize_t n = ::syscall(SYS_pread64, fd, bytes, size, offset);
  if (n > 0) paystats::io::faults().bytes_read_at_places += static_cast<uint64_t>(n);
  return n;
}

ssize_t write(int fd, const void* bytes, size_t size) {
  int64_t& left = paystats::io::faults().disk_bytes_left;
  struct stat status = {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    return ::syscall(SYS_write, fd, bytes, size);
  }
  paystats::io::once(paystats::io::faults().on_write);
  if (const int wanted = paystats::io::faults().write_errno; wanted != 0) {
    return paystats::io::failing(wanted);
  }
  if (left < 0) return ::syscall(SYS_write, fd, bytes, size);
  if (left == 0) return paystats::io::failing(ENOSPC);
  const ssize_t n = ::syscall(SYS_write, fd, bytes, std::min(size, static_cast<size_t>(left)));
  if (n > 0) left -= n;
  return n;
}

}  // extern "C"

namespace paystats::io {
namespace {

// Were these not the functions that the room calls, the tests of failures would prove nothing.
TEST(Faults, ReachTheCodeUnderTest) {
  const FaultsOff off;
  const TempFolder folder;
  write_file(folder / "file", "");
  const base::UniqueFd fd(::open((folder / "file").c_str(), O_WRONLY | O_CLOEXEC));
  faults().disk_bytes_left = 3;
  const base::Result<void> written = base::write_all(fd.get(), "abcdef", "file");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message, "file: no space left on device");
  EXPECT_EQ(file_bytes(folder / "file"), "abc");
}

}  // namespace
}  // namespace paystats::io
