// How a call that the library stands in front of is counted, and what becomes of it.
//
//   int listen(int fd, int backlog) noexcept {
//     return whole(matters(fd), kSocket, [&] { return ::syscall(SYS_listen, fd, backlog); });
//   }
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "faults.h"

namespace paystats::fault {

inline size_t half(size_t bytes) {
  return (bytes + 1) / 2;
}

// What fails as a whole or not at all.
template <class Call>
int whole(bool of_interest, Kind kind, Call call) {
  const Way way = of_interest ? count(kind) : Way::kPass;
  if (way == Way::kKill) kill_self();
  return way == Way::kError ? -1 : static_cast<int>(call());
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

}  // namespace paystats::fault
