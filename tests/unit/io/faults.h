// System calls that fail on demand, so that a test can see what follows. faults_test.cc defines
// fdatasync(), fsync(), flock(), write(), fallocate(), inotify_init1(), fstatfs() and getrandom()
// for the whole test program.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace paystats::io {

struct Faults {
  int fdatasync_errno = 0;      // 0: works
  int fdatasync_after = 0;      // the first calls work all the same
  int fdatasync_failures = -1;  // so many calls fail, then it works; -1: all
  bool disk_is_memory = false;  // syncing does nothing: for tests that commit thousands of times
  int write_errno = 0;          // of regular files
  int fallocate_errno = 0;
  int flock_errno = 0;
  int inotify_errno = 0;
  int interrupts = 0;  // so many calls of fstatfs and getrandom are interrupted by a signal
  int64_t disk_bytes_left = -1;        // regular files take no more than this; -1: any amount
  std::function<void()> on_write;      // once, before the next write to a regular file
  std::function<void()> on_fdatasync;  // once, before the next call that fails
  uint64_t bytes_read_at_places = 0;   // by pread
  int data_syncs = 0;                  // calls of fdatasync so far
  std::vector<ino_t> fsynced;          // what fsync has been called for
};

// The faults of this process, all off at first.
Faults& faults();

// Puts all back at the end of a test.
struct FaultsOff {
  FaultsOff() { faults() = Faults(); }
  FaultsOff(const FaultsOff&) = delete;
  FaultsOff& operator=(const FaultsOff&) = delete;
  ~FaultsOff() { faults() = Faults(); }
};

}  // namespace paystats::io
