// Work that can be cut into parts, done by several threads at once.
//
//   on_threads(threads, [&](unsigned part) { ... });   // part 0 .. threads-1, once each
//
// Returns when all are done. Part 0 runs in the calling thread; so does, at the end, a part for
// which no thread could be started, so a part must never wait for another one to begin.
#pragma once

#include <system_error>
#include <thread>
#include <vector>

namespace paystats::base {

template <class Work>
void on_threads(unsigned threads, const Work& work) {
  std::vector<std::thread> others;
  unsigned started = 1;
  for (; started < threads; ++started) {
    try {
      others.emplace_back([&work, part = started] { work(part); });
    } catch (const std::system_error&) {
      break;  // no more threads are to be had
    }
  }
  work(0U);
  for (unsigned part = started; part < threads; ++part) work(part);
  for (std::thread& other : others) other.join();
}

}  // namespace paystats::base
