// The fault machine's hand inside a tool: LD_PRELOAD puts this library in front of libc's system
// calls, counts them by kind, lets one of them fail, and records what is done to files.
//
//   LD_PRELOAD=libfault_preload.so PAYSTATS_FAULT_FOLDER=/tmp/x PAYSTATS_FAULT=write:3:ENOSPC
//     paygen --user edgar --amount 1 -o /tmp/x/log
//
// Only what a tool does with files of that folder, with pipes and with sockets is counted: stderr,
// shared libraries, /proc and the descriptors of event loops are not. From the environment:
//
//   PAYSTATS_FAULT_FOLDER  an absolute path; without it the library does nothing
//   PAYSTATS_FAULT_COUNTS  a file of one 64-bit number for each Kind, in that order, counted up
//   PAYSTATS_FAULT         KIND:N:WAY: the N-th call of this kind (N+: and all later ones) does not
//   do
//                          what it was called for. WAY is the name of an errno; `short`: half of
//                          the bytes; `kill`: half of the bytes, or nothing, and then SIGKILL
//   PAYSTATS_FAULT_TRACE   a file to which every change of a file or name in the folder is
//   appended,
//                          in the order in which they happened, also those of several processes:
//                          one call and its record are done under a lock of that file
//
// Here are the calls for files and their names; preload_sockets.cc and preload_events.cc have
// others. System calls are made by syscall(): the allocator of a tool calls mmap() before dlsym()
// works.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdarg>
#include <string_view>

#include "calls.h"
#include "trace.h"

namespace {

using namespace paystats::fault;

// Of a write that has just been done at the position of `fd`.
void record_write(const Tracing& tracing, int fd, const void* bytes, ssize_t written) {
  if (written <= 0) return;
  const auto end = static_cast<uint64_t>(::syscall(SYS_lseek, fd, 0, SEEK_CUR));
  const auto size = static_cast<size_t>(written);
  tracing.record(kWritten, inode_of(fd), end - size, bytes, size);
}

ssize_t write_part(int fd, const void* bytes, size_t size, bool traced) {
  const Tracing tracing(traced);
  const ssize_t written = ::syscall(SYS_write, fd, bytes, size);
  record_write(tracing, fd, bytes, written);
  return written;
}

int open_at(int folder_fd, const char* path, int flags, mode_t mode) {
  if (!in_folder(path)) {
    return static_cast<int>(::syscall(SYS_openat, folder_fd, path, flags, mode));
  }
  const Way way = count(kOpen);
  if (way == Way::kKill) kill_self();
  if (way == Way::kError) return -1;
  const Tracing tracing((flags & (O_CREAT | O_TRUNC)) != 0);
  struct stat status = {};
  const int before = errno;
  const bool existed = ::syscall(SYS_newfstatat, folder_fd, path, &status, 0) == 0;
  errno = before;
  const int fd = static_cast<int>(::syscall(SYS_openat, folder_fd, path, flags, mode));
  if (fd < 0) return fd;
  if (!existed) tracing.record(kCreated, inode_of(fd), 0, "", 0, path);
  if (existed && (flags & O_TRUNC) != 0) tracing.record(kTruncated, inode_of(fd), 0, "", 0);
  return fd;
}

int sync_file(int fd, long number) {
  if (matters(fd)) {
    const Way way = count(kSync);
    if (way == Way::kKill) kill_self();
    if (way == Way::kError) return -1;
  }
  const Tracing tracing(is_file_of_folder(fd));
  const int result = static_cast<int>(::syscall(number, fd));
  if (result == 0) tracing.record(kSynced, inode_of(fd), 0, "", 0);
  return result;
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t size) {
  const bool traced = is_file_of_folder(fd);
  if (!matters(fd)) return ::syscall(SYS_write, fd, bytes, size);
  const Way way = count(kWrite);
  if (way == Way::kError) return -1;
  const ssize_t written = write_part(fd, bytes, way == Way::kPass ? size : half(size), traced);
  if (way == Way::kKill) kill_self();
  return written;
}

// As a write() of the first part that is not empty: no tool relies on more.
ssize_t writev(int fd, const iovec* parts, int n) {
  if (!matters(fd)) return ::syscall(SYS_writev, fd, parts, n);
  for (int i = 0; i < n; ++i) {
    if (parts[i].iov_len > 0) return write(fd, parts[i].iov_base, parts[i].iov_len);
  }
  return 0;
}

ssize_t read(int fd, void* buffer, size_t size) {
  return input(fd, kRead, size, [&](size_t n) { return ::syscall(SYS_read, fd, buffer, n); });
}

ssize_t pread(int fd, void* buffer, size_t size, off_t offset) {
  return input(fd, kRead, size,
               [&](size_t n) { return ::syscall(SYS_pread64, fd, buffer, n, offset); });
}

int fsync(int fd) {
  return sync_file(fd, SYS_fsync);
}

int fdatasync(int fd) {
  return sync_file(fd, SYS_fdatasync);
}

int ftruncate(int fd, off_t size) noexcept {
  const bool ours = is_file_of_folder(fd);
  return whole(ours, kTruncate, [&] {
    const Tracing tracing(ours);
    const long result = ::syscall(SYS_ftruncate, fd, size);
    if (result == 0) {
      tracing.record(kTruncated, inode_of(fd), static_cast<uint64_t>(size), "", 0);
    }
    return result;
  });
}

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int folder_fd, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_at(folder_fd, path, flags, mode);
}

int flock(int fd, int operation) noexcept {
  const bool ours = is_file_of_folder(fd) && (operation & LOCK_UN) == 0;
  return whole(ours, kLock, [&] { return ::syscall(SYS_flock, fd, operation); });
}

int rename(const char* path, const char* new_path) noexcept {
  return whole(in_folder(path), kRename, [&] {
    const Tracing tracing(in_folder(path));
    const long result = ::syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, new_path, 0);
    if (result == 0) tracing.record(kRenamed, 0, 0, "", 0, path, new_path);
    return result;
  });
}

int unlink(const char* path) noexcept {
  return whole(in_folder(path), kUnlink, [&] {
    const Tracing tracing(in_folder(path));
    const long result = ::syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (result == 0) tracing.record(kUnlinked, 0, 0, "", 0, path);
    return result;
  });
}

int stat(const char* path, struct stat* status) noexcept {
  return whole(in_folder(path), kStat,
               [&] { return ::syscall(SYS_newfstatat, AT_FDCWD, path, status, 0); });
}

int fstat(int fd, struct stat* status) noexcept {
  return whole(is_file_of_folder(fd), kStat,
               [&] { return ::syscall(SYS_newfstatat, fd, "", status, AT_EMPTY_PATH); });
}

int lstat(const char* path, struct stat* status) noexcept {
  return whole(in_folder(path), kStat, [&] {
    return ::syscall(SYS_newfstatat, AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
  });
}

int fstatfs(int fd, struct statfs* status) noexcept {
  return whole(is_file_of_folder(fd), kStatFs, [&] { return ::syscall(SYS_fstatfs, fd, status); });
}

int access(const char* path, int mode) noexcept {
  return whole(in_folder(path), kAccess,
               [&] { return ::syscall(SYS_faccessat, AT_FDCWD, path, mode); });
}

// Also of the name of an open file.
ssize_t readlink(const char* path, char* buffer, size_t size) noexcept {
  const bool of_descriptor = std::string_view(path).starts_with("/proc/self/fd/");
  return whole(in_folder(path) || (switched_on() && of_descriptor), kLink,
               [&] { return ::syscall(SYS_readlinkat, AT_FDCWD, path, buffer, size); });
}

int chmod(const char* path, mode_t mode) noexcept {
  return whole(in_folder(path), kMode,
               [&] { return ::syscall(SYS_fchmodat, AT_FDCWD, path, mode); });
}

int fchmod(int fd, mode_t mode) noexcept {
  return whole(is_file_of_folder(fd), kMode, [&] { return ::syscall(SYS_fchmod, fd, mode); });
}

off_t lseek(int fd, off_t offset, int whence) noexcept {
  if (matters(fd)) {
    const Way way = count(kSeek);
    if (way == Way::kKill) kill_self();
    if (way == Way::kError) return -1;
  }
  return ::syscall(SYS_lseek, fd, offset, whence);
}

// The descriptor is gone whatever is said of it.
int close(int fd) {
  const Way way = matters(fd) ? count(kClose) : Way::kPass;
  if (way == Way::kKill) kill_self();
  const int error = errno;
  const auto result = static_cast<int>(::syscall(SYS_close, fd));
  if (way != Way::kError) return result;
  errno = error;
  return -1;
}

ssize_t getrandom(void* buffer, size_t size, unsigned flags) {
  return whole(switched_on(), kRandom,
               [&] { return ::syscall(SYS_getrandom, buffer, size, flags); });
}

// Memory that a tool asks for itself; libc's malloc() does not come by here.
void* mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) noexcept {
  if (switched_on() && (flags & MAP_ANONYMOUS) != 0) {
    const Way way = count(kMap);
    if (way == Way::kKill) kill_self();
    if (way == Way::kError) return MAP_FAILED;
  }
  return std::bit_cast<void*>(::syscall(SYS_mmap, at, size, protection, flags, fd, offset));
}

// The same under the names that large-file builds call them by.
[[gnu::alias("pread")]] ssize_t pread64(int fd, void* buffer, size_t size, off64_t offset);
[[gnu::alias("ftruncate")]] int ftruncate64(int fd, off64_t size) noexcept;
[[gnu::alias("lseek")]] off64_t lseek64(int fd, off64_t offset, int whence) noexcept;
[[gnu::alias("open")]] int open64(const char* path, int flags, ...);
[[gnu::alias("openat")]] int openat64(int folder_fd, const char* path, int flags, ...);
[[gnu::alias("mmap")]] void* mmap64(void* at, size_t size, int protection, int flags, int fd,
                                    off64_t offset) noexcept;

}  // extern "C"
