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
// System calls are made by syscall(): the allocator of a tool calls mmap() before dlsym() works.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

enum Kind : uint8_t {
  kWrite,
  kRead,
  kSync,
  kTruncate,
  kOpen,
  kLock,
  kRename,
  kUnlink,
  kPoll,
  kMap,  //
  kStat,
  kSend,
  kReceive,
  kAccept,
  kKinds,
  kNone
};
constexpr std::array<const char*, kKinds> kNames = {
    "write",  "read", "sync", "truncate", "open", "lock",    "rename",
    "unlink", "poll", "map",  "stat",     "send", "receive", "accept"};

struct Errno {
  const char* name;
  int value;
};
constexpr std::array<Errno, 14> kErrors = {{{"EIO", EIO},
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
                                            {"EROFS", EROFS}}};

enum class Way : uint8_t { kPass, kError, kShort, kKill };

struct Plan {
  Kind kind = kNone;
  uint64_t n = 0;
  bool and_later = false;
  Way way = Way::kPass;
  int error = 0;
};

// A record of the trace: this, the two paths, the bytes.
enum Operation : uint32_t { kCreated = 1, kWritten, kTruncated, kSynced, kRenamed, kUnlinked };
struct Record {
  uint32_t operation;
  uint32_t path_bytes;
  uint32_t new_path_bytes;
  uint32_t unused;
  uint64_t inode;
  uint64_t offset;  // of kWritten; of kTruncated the new size
  uint64_t bytes;
};

// What the environment says, once setup() has run; until then nothing is counted.
std::array<std::atomic<uint64_t>, kKinds> own_counts;
std::atomic<uint64_t>* counts = own_counts.data();
std::array<char, PATH_MAX> folder;
size_t folder_bytes = 0;
Plan plan;
int trace_fd = -1;
pthread_mutex_t trace_mutex = PTHREAD_MUTEX_INITIALIZER;

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

// Counts a call of this kind, and says what is to become of it.
Way count(Kind kind) {
  const uint64_t n = counts[kind].fetch_add(1) + 1;
  const bool meant = kind == plan.kind && (n == plan.n || (plan.and_later && n > plan.n));
  if (meant && plan.way == Way::kError) errno = plan.error;
  return meant ? plan.way : Way::kPass;
}

size_t half(size_t bytes) {
  return (bytes + 1) / 2;
}

[[noreturn]] void kill_self() {
  ::syscall(SYS_kill, ::syscall(SYS_getpid), SIGKILL);
  for (;;) ::syscall(SYS_sched_yield);  // until it arrives
}

// A call and its record are one step for all processes that write to this trace.
class Tracing {
 public:
  explicit Tracing(bool wanted) : on_(wanted && trace_fd >= 0) {
    if (!on_) return;
    ::pthread_mutex_lock(&trace_mutex);
    while (::syscall(SYS_flock, trace_fd, LOCK_EX) != 0) {
    }
  }
  ~Tracing() {
    if (!on_) return;
    const int before = errno;
    ::syscall(SYS_flock, trace_fd, LOCK_UN);
    ::pthread_mutex_unlock(&trace_mutex);
    errno = before;
  }
  Tracing(const Tracing&) = delete;
  Tracing& operator=(const Tracing&) = delete;

  void record(Operation operation, uint64_t inode, uint64_t offset, const void* bytes, size_t size,
              const char* path = "", const char* new_path = "") const {
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
    ::syscall(SYS_writev, trace_fd, parts.data(), parts.size());
    errno = before;
  }

 private:
  bool on_;
};

uint64_t inode_of(int fd) {
  struct stat status = {};
  return status_of(fd, status) ? status.st_ino : 0;
}

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

// read() and its like: `size` bytes are asked for, or fewer.
template <class Call>
ssize_t input(int fd, Kind kind, size_t size, Call call) {
  if (!matters(fd)) return call(size);
  const Way way = count(kind);
  if (way == Way::kKill) kill_self();
  if (way == Way::kError) return -1;
  return call(way == Way::kShort ? half(size) : size);
}

// What fails as a whole or not at all.
template <class Call>
int whole(bool of_interest, Kind kind, Call call) {
  const Way way = of_interest ? count(kind) : Way::kPass;
  if (way == Way::kKill) kill_self();
  return way == Way::kError ? -1 : static_cast<int>(call());
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
    const long mapped =
        ::syscall(SYS_mmap, nullptr, sizeof own_counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0 && mapped > 0) counts = reinterpret_cast<std::atomic<uint64_t>*>(mapped);
    if (fd >= 0) ::syscall(SYS_close, fd);
  }
  if (const char* path = std::getenv("PAYSTATS_FAULT_TRACE")) {
    trace_fd = static_cast<int>(
        ::syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
  }
  if (const char* text = std::getenv("PAYSTATS_FAULT")) read_plan(text);
  std::strcpy(folder.data(), wanted_folder);
  folder_bytes = std::strlen(wanted_folder);
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t size) {
  const bool traced = trace_fd >= 0 && is_file_of_folder(fd);
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

ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  return input(fd, kReceive, size, [&](size_t n) {
    return ::syscall(SYS_recvfrom, fd, buffer, n, flags, nullptr, nullptr);
  });
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  msghdr less = *message;
  less.msg_iovlen = std::min<size_t>(less.msg_iovlen, 1);
  return input(fd, kReceive, 2, [&](size_t n) {
    return ::syscall(SYS_recvmsg, fd, n < 2 ? &less : message, flags);
  });
}

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  return input(fd, kSend, size,
               [&](size_t n) { return ::syscall(SYS_sendto, fd, bytes, n, flags, nullptr, 0); });
}

// Short: half of the first part.
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  const bool some = message->msg_iovlen > 0 && message->msg_iov[0].iov_len > 0;
  const size_t first = some ? message->msg_iov[0].iov_len : 0;
  return input(fd, kSend, first, [&](size_t n) -> ssize_t {
    if (n == first) return ::syscall(SYS_sendmsg, fd, message, flags);
    return ::syscall(SYS_sendto, fd, message->msg_iov[0].iov_base, n, flags, nullptr, 0);
  });
}

// ECONNABORTED: the client has gone, and the connection with it.
int accept(int fd, sockaddr* address, socklen_t* size) {
  const auto taken = [&] { return static_cast<int>(::syscall(SYS_accept4, fd, address, size, 0)); };
  if (!matters(fd)) return taken();
  const Way way = count(kAccept);
  if (way == Way::kKill) kill_self();
  if (way == Way::kPass) return taken();
  if (plan.error == ECONNABORTED) ::syscall(SYS_close, taken());
  errno = plan.error;
  return -1;
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

int poll(pollfd* polled, nfds_t n, int timeout_ms) {
  return whole(folder_bytes > 0, kPoll, [&] {
    timespec timeout{timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
    return ::syscall(SYS_ppoll, polled, n, timeout_ms < 0 ? nullptr : &timeout, nullptr, 0);
  });
}

int ppoll(pollfd* polled, nfds_t n, const timespec* timeout, const sigset_t* mask) {
  return whole(folder_bytes > 0, kPoll, [&] {
    timespec left = timeout != nullptr ? *timeout : timespec{};
    return ::syscall(SYS_ppoll, polled, n, timeout != nullptr ? &left : nullptr, mask, _NSIG / 8);
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

// Memory that a tool asks for itself; libc's malloc() does not come by here.
void* mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) noexcept {
  if (folder_bytes > 0 && (flags & MAP_ANONYMOUS) != 0) {
    const Way way = count(kMap);
    if (way == Way::kKill) kill_self();
    if (way == Way::kError) return MAP_FAILED;
  }
  return reinterpret_cast<void*>(::syscall(SYS_mmap, at, size, protection, flags, fd, offset));
}

// The same under the names that large-file builds call them by.
[[gnu::alias("pread")]] ssize_t pread64(int fd, void* buffer, size_t size, off64_t offset);
[[gnu::alias("ftruncate")]] int ftruncate64(int fd, off64_t size) noexcept;
[[gnu::alias("open")]] int open64(const char* path, int flags, ...);
[[gnu::alias("openat")]] int openat64(int folder_fd, const char* path, int flags, ...);
[[gnu::alias("mmap")]] void* mmap64(void* at, size_t size, int protection, int flags, int fd,
                                    off64_t offset) noexcept;

}  // extern "C"
