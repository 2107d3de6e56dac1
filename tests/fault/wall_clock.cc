// A clock that jumps, inside a tool: LD_PRELOAD puts this library in front of libc's clocks of the
// time of day, and adds what a file says.
//
//   LD_PRELOAD=libwall_clock.so PAYSTATS_WALL_CLOCK=/tmp/x/clock paystats-serve ...
//
// The file holds one 64-bit number, seconds, in the byte order of the machine, and may be written
// at any time. Without the file the clock is right. Clocks that no one sets (CLOCK_MONOTONIC,
// CLOCK_BOOTTIME) are left as they are.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

using Offset = std::atomic<int64_t>;

const Offset* map_offset() {
  const char* const path = std::getenv("PAYSTATS_WALL_CLOCK");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* const mapped = ::mmap(nullptr, sizeof(Offset), PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  return mapped == MAP_FAILED ? nullptr : static_cast<const Offset*>(mapped);
}

time_t offset_s() {
  static const Offset* const offset = map_offset();
  return offset == nullptr ? 0 : offset->load();
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int result = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  const bool of_day = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (result == 0 && of_day) time->tv_sec += offset_s();
  return result;
}

time_t time(time_t* into) noexcept {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  if (into != nullptr) *into = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(timeval* time, void*) noexcept {
  timespec now = {};
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  *time = {now.tv_sec, now.tv_nsec / 1000};
  return result;
}
}
