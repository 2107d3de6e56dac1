#include "log/room.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.h"

namespace paystats::log {
namespace {

// What few requests fit into is no room: it would be gone, and told to be there again, all the
// time.
constexpr uint64_t kLeastBytes = 64 << 10;

// fallocate() does not ask (ulimit -f).
bool file_may_be(uint64_t bytes) {
  rlimit limit = {};
  return ::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
         bytes <= limit.rlim_cur;
}

base::Result<bool> count_blocks(int fd, uint64_t bytes, std::string_view name) {
  struct statvfs status = {};
  while (::fstatvfs(fd, &status) != 0) {
    if (errno != EINTR) return base::fail(base::system_error(name, errno));
  }
  return status.f_bavail >= bytes / status.f_frsize + 1;
}

}  // namespace

bool may_pass(int reason) {
  switch (reason) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

base::Result<bool> make_room(int fd, uint64_t size, const Shortage& shortage,
                             std::string_view name) {
  const uint64_t bytes = std::max(shortage.bytes, kLeastBytes);
  if (!file_may_be(size + bytes)) return false;
  int reason = 0;
  do {
    const bool done = ::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(size),
                                  static_cast<off_t>(bytes)) == 0;
    reason = done ? 0 : errno;
  } while (reason == EINTR);
  if (reason == 0) return true;
  if (may_pass(reason)) return false;
  if (reason != EOPNOTSUPP && reason != ENOSYS) {
    return base::fail(base::system_error(name, reason));
  }
  if (shortage.reason == EDQUOT) return false;
  return count_blocks(fd, bytes, name);
}

}  // namespace paystats::log
