#include "trace.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace paystats::fault {
namespace {

// A record of the trace: this, the two paths, the bytes.
struct Record {
  uint32_t operation;
  uint32_t path_bytes;
  uint32_t new_path_bytes;
  uint32_t unused;
  uint64_t inode;
  uint64_t offset;  // of kWritten; of kTruncated the new size
  uint64_t bytes;
};

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

// -1: nothing is traced.
int trace_fd() {
  static const int fd = [] {
    const char* const path = std::getenv("PAYSTATS_FAULT_TRACE");
    if (path == nullptr) return -1;
    return static_cast<int>(
        ::syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
  }();
  return fd;
}

}  // namespace

Tracing::Tracing(bool wanted) : on_(wanted && trace_fd() >= 0) {
  if (!on_) return;
  ::pthread_mutex_lock(&mutex);
  while (::syscall(SYS_flock, trace_fd(), LOCK_EX) != 0) {
  }
}

Tracing::~Tracing() {
  if (!on_) return;
  const int before = errno;
  ::syscall(SYS_flock, trace_fd(), LOCK_UN);
  ::pthread_mutex_unlock(&mutex);
  errno = before;
}

void Tracing::record(Operation operation, uint64_t inode, uint64_t offset, const void* bytes,
                     size_t size, const char* path, const char* new_path) const {
  if (!on_) return;
  const int before = errno;
  Record head{operation,
              static_cast<uint32_t>(std::strlen(path)),
              static_cast<uint32_t>(std::strlen(new_path)),
              0,
              inode,
              offset,
              size};
  const std::array<iovec, 4> parts = {{{&head, sizeof head},
                                       {const_cast<char*>(path), head.path_bytes},
                                       {const_cast<char*>(new_path), head.new_path_bytes},
                                       {const_cast<void*>(bytes), size}}};
  ::syscall(SYS_writev, trace_fd(), parts.data(), parts.size());
  errno = before;
}

}  // namespace paystats::fault
