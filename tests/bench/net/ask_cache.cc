// ask_cache PATH REQUEST SECONDS: asks a cache the same again and again, one question at a time.
// Prints "QUESTIONS P50 P99 MAX", the times in microseconds.
#include <algorithm>
#include <array>
#include <iostream>
#include <vector>

#include "sockets.h"

int main(int argc, char** argv) {
  using namespace paystats::bench;
  if (argc != 4) {
    std::fputs("usage: ask_cache PATH REQUEST SECONDS\n", stderr);
    return 2;
  }
  const int fd = connect_unix(argv[1]);
  const std::string request = std::string(argv[2]) + "\n";
  const auto end = SteadyClock::now() + std::chrono::seconds(std::atoi(argv[3]));
  std::vector<int64_t> times;
  std::array<char, 65536> buffer;
  for (auto now = SteadyClock::now(); now < end;) {
    write_all(fd, request);
    ssize_t n = 0;
    do {
      n = ::read(fd, buffer.data(), buffer.size());
      if (n <= 0) die("read");
    } while (buffer[static_cast<size_t>(n) - 1] != '\n');
    const auto then = SteadyClock::now();
    times.push_back(microseconds(then - now));
    now = then;
  }
  std::sort(times.begin(), times.end());
  std::cout << times.size() << ' ' << times[times.size() / 2] << ' '
            << times[times.size() * 99 / 100] << ' ' << times.back() << '\n';
}
