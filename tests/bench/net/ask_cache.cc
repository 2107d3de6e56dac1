// ask_cache PATH REQUEST SECONDS REST_US: asks a cache the same again and again, one question at a
// time, with a rest behind each answer. Prints "QUESTIONS P50 P99 MAX", the times in microseconds.
#include <algorithm>
#include <array>
#include <iostream>
#include <thread>
#include <vector>

#include "sockets.h"

int main(int argc, char** argv) {
  using namespace paystats::bench;
  if (argc != 5) {
    std::fputs("usage: ask_cache PATH REQUEST SECONDS REST_US\n", stderr);
    return 2;
  }
  const int fd = connect_unix(argv[1]);
  const std::string request = std::string(argv[2]) + "\n";
  const auto rest = std::chrono::microseconds(std::atoi(argv[4]));
  const auto end = SteadyClock::now() + std::chrono::seconds(std::atoi(argv[3]));
  std::vector<int64_t> times;
  std::array<char, 65536> buffer;
  for (auto due = SteadyClock::now(); due < end; due += rest) {
    std::this_thread::sleep_until(due);
    const auto asked = SteadyClock::now();
    write_all(fd, request);
    ssize_t n = 0;
    do {
      n = ::read(fd, buffer.data(), buffer.size());
      if (n <= 0) die("read");
    } while (buffer[static_cast<size_t>(n) - 1] != '\n');
    due = SteadyClock::now();
    times.push_back(microseconds(due - asked));
  }
  std::sort(times.begin(), times.end());
  std::cout << times.size() << ' ' << times[times.size() / 2] << ' '
            << times[times.size() * 99 / 100] << ' ' << times.back() << '\n';
}
