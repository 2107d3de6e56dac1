// The trace: every change of a file or a name in the folder, in the order in which they happened,
// also those of several processes. preload.py reads it.
//
//   const Tracing tracing(is_file_of_folder(fd));
//   if (::syscall(SYS_ftruncate, fd, size) == 0) tracing.record(kTruncated, inode_of(fd), size, "",
//   0);
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace paystats::fault {

enum Operation : uint32_t { kCreated = 1, kWritten, kTruncated, kSynced, kRenamed, kUnlinked };

// A call and its record are one step for all processes that write to this trace.
class Tracing {
 public:
  explicit Tracing(bool wanted);
  ~Tracing();
  Tracing(const Tracing&) = delete;
  Tracing& operator=(const Tracing&) = delete;

  void record(Operation operation, uint64_t inode, uint64_t offset, const void* bytes, size_t size,
              const char* path = "", const char* new_path = "") const;

 private:
  bool on_;
};

}  // namespace paystats::fault
