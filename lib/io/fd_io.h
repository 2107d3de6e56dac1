// What the sources and sinks of this room do with descriptors beyond base/fd.h: descriptors that
// another process has made non-blocking, locks that are waited for without missing a stop signal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/diagnostics.h"
#include "base/fd.h"
#include "io/wait.h"

namespace paystats::io {

// One read(2), restarted after a signal; nothing when the descriptor is non-blocking and has
// nothing to give.
base::Result<std::optional<size_t>> read_available(int fd, char* buffer, size_t size,
                                                   std::string_view name);

// pread(2) of up to `size` bytes, fewer only at the end of the file.
base::Result<size_t> read_at(int fd, uint64_t offset, char* buffer, size_t size,
                             std::string_view name);

// write_all(), and where another process has made the descriptor non-blocking it waits for room.
base::Result<void> write_stream(int fd, std::string_view bytes, std::string_view name);

// Makes a pipe as large as the system lets us: fewer switches between writer and reader.
// Where it may not grow, or is no pipe, it stays as it is. Never smaller than it was.
void widen_pipe(int fd);

// fdatasync(2) and fsync(2), begun anew where a signal comes between. 0, or what failed, as an
// errno.
int sync_data(int fd);
int sync_all(int fd);

base::Result<uint64_t> file_size(int fd, std::string_view name);

// Of a regular file of /proc, which says 0, or of /sys, which says a page: not what a reader gets.
// (Of an ordinary file the size has grown before there is a byte to be read.)
bool has_another_size(int fd);

// The same file by an open file description of its own: locks and offsets are not shared.
base::Result<base::UniqueFd> reopen_for_reading(int fd, std::string_view name);

// flock(LOCK_SH), taken by trying again and again, since flock(2) itself cannot be waited for
// together with other things. Where the file system knows no such locks, it goes without.
class SharedLock {
 public:
  // `name` is what messages call the file. A wait of over a second is told once.
  SharedLock(std::string name, base::Diagnostics& diagnostics)
      : name_(std::move(name)), diagnostics_(diagnostics) {}
  SharedLock(const SharedLock&) = delete;
  SharedLock& operator=(const SharedLock&) = delete;

  // kReady: the lock is held until release(), or until `fd` is closed.
  base::Result<Wake> acquire(int fd, const Waiter& waiter, base::Instant deadline);
  void release();

 private:
  const std::string name_;
  base::Diagnostics& diagnostics_;
  int fd_ = -1;
  std::optional<base::Instant> waiting_since_;
  bool told_ = false;
};

// flock(LOCK_EX), taken by trying again and again, so that the wait can be given up: false where
// `cancel_fd` (-1: none) can be read and the lock was not to be had. A wait of over a second is
// told once, of which `told` keeps a note.
base::Result<bool> lock_exclusively(int fd, std::string_view name, int cancel_fd, bool& told,
                                    base::Diagnostics& diagnostics);

}  // namespace paystats::io
