// What the test clients of this room share: the next bytes of a socket, within a time.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <string>

namespace paystats::loop {

enum class Received { kSome, kNothing, kEnd };  // kNothing: none came in time

inline Received receive_some(int fd, std::string& into, std::chrono::milliseconds limit) {
  pollfd polled{fd, POLLIN, 0};
  if (::poll(&polled, 1, static_cast<int>(limit.count())) != 1) return Received::kNothing;
  char buffer[65536];
  const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
  if (n <= 0) return Received::kEnd;
  into.append(buffer, static_cast<size_t>(n));
  return Received::kSome;
}

}  // namespace paystats::loop
