#include "faults.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace paystats::fault {
namespace {

constexpr std::array<const char*, kKinds> kNames = {
    "write", "read",     "sync", "truncate", "open",    "lock",   "rename",  "unlink",
    "poll",  "map",      "stat", "send",     "receive", "accept", "control", "statfs",
    "watch", "sendfile", "seek", "link",     "access",  "mode",   "socket",  "connect",
    "event", "epoll",    "wait", "close",    "random"};

struct Errno {
  const char* name;
  int value;
};
constexpr std::array<Errno, 17> kErrors = {{{"EIO", EIO},
                                            {"ENOSPC", ENOSPC},
                                            {"EINTR", EINTR},
                                            {"EAGAIN", EAGAIN},
                                            {"ENOLCK", ENOLCK},
                                            {"ENOMEM", ENOMEM},
                                            {"EMFILE", EMFILE},
                                            {"EACCES", EACCES},
                                            {"EPIPE", EPIPE},
                                            {"ECONNRESET", ECONNRESET},
                                            {"ECONNABORTED", ECONNABORTED},
                                            {"EDQUOT", EDQUOT},
                                            {"EFBIG", EFBIG},
                                            {"EROFS", EROFS},
                                            {"EPERM", EPERM},
                                            {"ENOBUFS", ENOBUFS},
                                            {"ENOENT", ENOENT}}};

struct Plan {
  Kind kind = kNone;
  uint64_t n = 0;
  bool and_later = false;
  Way way = Way::kPass;
  int error = 0;
};

// What the environment says, once setup() has run; until then nothing matters.
std::array<std::atomic<uint64_t>, kKinds> own_counts;
std::atomic<uint64_t>* counts = own_counts.data();
std::array<char, PATH_MAX> folder;
size_t folder_bytes = 0;
Plan plan;

// The path that `fd` was opened by, or the empty string.
void path_of(int fd, std::array<char, PATH_MAX>& path) {
  const int before = errno;
  std::array<char, 32> link{"/proc/self/fd/"};
  size_t at = std::strlen(link.data());
  std::array<char, 12> digits{};
  size_t n = 0;
  for (int rest = fd; n == 0 || rest > 0; rest /= 10) {
    digits[n++] = static_cast<char>('0' + rest % 10);
  }
  while (n > 0) link[at++] = digits[--n];
  const auto bytes = ::syscall(SYS_readlinkat, AT_FDCWD, link.data(), path.data(), path.size() - 1);
  path[bytes > 0 ? static_cast<size_t>(bytes) : 0] = '\0';
  errno = before;
}

void read_plan(const char* text) {
  const char* const colon = std::strchr(text, ':');
  if (colon == nullptr) return;
  char* end = nullptr;
  plan.n = std::strtoull(colon + 1, &end, 10);
  plan.and_later = *end == '+';
  if (plan.and_later) ++end;
  if (*end != ':') return;
  const char* const way = end + 1;
  for (const Errno& error : kErrors) {
    if (std::strcmp(way, error.name) == 0) {
      plan.way = Way::kError;
      plan.error = error.value;
    }
  }
  if (std::strcmp(way, "short") == 0) plan.way = Way::kShort;
  if (std::strcmp(way, "kill") == 0) plan.way = Way::kKill;
  const auto kind = std::find_if(kNames.begin(), kNames.end(), [&](const char* name) {
    return std::strlen(name) == static_cast<size_t>(colon - text) &&
           std::strncmp(name, text, std::strlen(name)) == 0;
  });
  plan.kind = static_cast<Kind>(kind - kNames.begin());
}

__attribute__((constructor)) void setup() {
  const char* const wanted_folder = std::getenv("PAYSTATS_FAULT_FOLDER");
  if (wanted_folder == nullptr || std::strlen(wanted_folder) >= folder.size()) return;
  if (const char* path = std::getenv("PAYSTATS_FAULT_COUNTS")) {
    const int fd = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC));
    void* const mapped =
        ::mmap(nullptr, sizeof own_counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED) counts = static_cast<std::atomic<uint64_t>*>(mapped);
    if (fd >= 0) ::syscall(SYS_close, fd);
  }
  if (const char* text = std::getenv("PAYSTATS_FAULT")) read_plan(text);
  std::strcpy(folder.data(), wanted_folder);
  folder_bytes = std::strlen(wanted_folder);
}

}  // namespace

bool switched_on() {
  return folder_bytes > 0;
}

bool in_folder(const char* path) {
  return folder_bytes > 0 && std::strncmp(path, folder.data(), folder_bytes) == 0 &&
         (path[folder_bytes] == '\0' || path[folder_bytes] == '/');
}

bool status_of(int fd, struct stat& status) {
  const int before = errno;
  const bool known = ::syscall(SYS_newfstatat, fd, "", &status, AT_EMPTY_PATH) == 0;
  errno = before;
  return known;
}

uint64_t inode_of(int fd) {
  struct stat status = {};
  return status_of(fd, status) ? status.st_ino : 0;
}

bool is_file_of_folder(int fd) {
  struct stat status = {};
  if (folder_bytes == 0 || !status_of(fd, status)) return false;
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return false;
  std::array<char, PATH_MAX> path;
  path_of(fd, path);
  return in_folder(path.data());
}

bool matters(int fd) {
  if (folder_bytes == 0 || fd == STDERR_FILENO) return false;
  struct stat status = {};
  if (!status_of(fd, status)) return false;
  return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || is_file_of_folder(fd);
}

Way count(Kind kind) {
  const uint64_t n = counts[kind].fetch_add(1) + 1;
  const bool meant = kind == plan.kind && (n == plan.n || (plan.and_later && n > plan.n));
  if (meant && plan.way == Way::kError) errno = plan.error;
  return meant ? plan.way : Way::kPass;
}

[[noreturn]] void kill_self() {
  ::syscall(SYS_kill, ::syscall(SYS_getpid), SIGKILL);
  for (;;) ::syscall(SYS_sched_yield);  // until it arrives
}

}  // namespace paystats::fault
