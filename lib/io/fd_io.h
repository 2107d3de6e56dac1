// What the sources and sinks of this room do with descriptors beyond base/fd.h: descriptors that
// another process has made non-blocking, locks that are waited for without missing a stop signal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "io/wait.h"

namespace paystats {

// One read(2), restarted after a signal; nothing when the descriptor is non-blocking and has
// nothing to give.
Result<std::optional<size_t>> read_available(int fd, char* buffer, size_t size,
                                             std::string_view name);

// pread(2) of up to `size` bytes, fewer only at the end of the file.
Result<size_t> read_at(int fd, uint64_t offset, char* buffer, size_t size, std::string_view name);

// write_all(), and where another process has made the descriptor non-blocking it waits for room.
Result<void> write_stream(int fd, std::string_view bytes, std::string_view name);

Result<uint64_t> file_size(int fd, std::string_view name);

// The same file by an open file description of its own: locks and offsets are not shared.
Result<UniqueFd> reopen_for_reading(int fd, std::string_view name);

// flock(LOCK_SH), taken by trying again and again, since flock(2) itself cannot be waited for
// together with other things. Where the file system knows no such locks, it goes without.
class SharedLock {
 public:
  SharedLock() = default;
  SharedLock(const SharedLock&) = delete;
  SharedLock& operator=(const SharedLock&) = delete;
  ~SharedLock() { release(); }

  // kReady: the lock is held until release(). `fd` is borrowed until then.
  Result<Wake> acquire(int fd, const Waiter& waiter, Instant deadline, std::string_view name);
  void release();

 private:
  int fd_ = -1;
};

}  // namespace paystats
