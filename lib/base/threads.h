// Threads, and work that can be cut into parts for several of them.
//
//   Result<Thread> reader = start_thread([this] { read_all(); });
//   if (!reader) return fail(reader.error());
//
//   on_threads(threads, [&](unsigned part) { ... });   // part 0 .. threads-1, once each
//
// on_threads() returns when all are done. Part 0 runs in the calling thread; so does, at the end, a
// part for which no thread could be started, so a part must never wait for another one to begin.
//
// A Thread is not to be made in another way, so that no room can start one whose failure is an
// exception. As of a std::thread, one that is joinable has to be joined or detached before it ends.
#pragma once

#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"

namespace paystats::base {

// Of one thread, or, as a member that waits for it, of none yet.
class Thread {
 public:
  Thread() = default;

  bool joinable() const { return thread_.joinable(); }
  std::thread::id get_id() const { return thread_.get_id(); }
  void join() { thread_.join(); }
  void detach() { thread_.detach(); }

 private:
  friend Result<Thread> start_thread(std::function<void()> work);
  explicit Thread(std::thread thread) : thread_(std::move(thread)) {}

  std::thread thread_;
};

// "thread: resource temporarily unavailable (see ulimit -u)" where there can be no more of them.
Result<Thread> start_thread(std::function<void()> work);

// How many threads this machine runs at a time; 0 where it does not say.
unsigned processors();

template <class Work>
void on_threads(unsigned threads, const Work& work) {
  std::vector<Thread> others;
  unsigned started = 1;
  for (; started < threads; ++started) {
    Result<Thread> other = start_thread([&work, part = started] { work(part); });
    if (!other) break;
    others.push_back(std::move(*other));
  }
  work(0U);
  for (unsigned part = started; part < threads; ++part) work(part);
  for (Thread& other : others) other.join();
}

}  // namespace paystats::base
