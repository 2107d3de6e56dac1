#include "base/threads.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

namespace paystats::base {
namespace {

TEST(Threads, EachPartIsDoneOnceAndAllAreDoneAtTheEnd) {
  for (const unsigned threads : {1U, 2U, 9U}) {
    std::vector<std::atomic<int>> done(threads);
    on_threads(threads, [&](unsigned part) { ++done[part]; });
    for (const auto& times : done) EXPECT_EQ(times, 1);
  }
}

TEST(Threads, TheFirstPartIsDoneHere) {
  std::thread::id first;
  on_threads(3, [&](unsigned part) {
    if (part == 0) first = std::this_thread::get_id();
  });
  EXPECT_EQ(first, std::this_thread::get_id());
}

// While it lives there is address space for the stacks of so many more threads. (A limit on threads
// themselves does not hold for root.)
class RoomForThreads {
 public:
  explicit RoomForThreads(size_t stacks) {
    ::getrlimit(RLIMIT_AS, &before_);
    pthread_attr_t attributes;
    ::pthread_getattr_default_np(&attributes);
    ::pthread_attr_getstacksize(&attributes, &stack_before_);
    set_stack(kStack);  // larger than any that was used before and is kept
    size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit limit = before_;
    limit.rlim_cur =
        pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE)) + stacks * kStack + kStack / 2;
    ::setrlimit(RLIMIT_AS, &limit);
  }
  RoomForThreads(const RoomForThreads&) = delete;
  RoomForThreads& operator=(const RoomForThreads&) = delete;
  ~RoomForThreads() {
    ::setrlimit(RLIMIT_AS, &before_);
    set_stack(stack_before_);
  }

 private:
  static constexpr size_t kStack = 512 << 20;

  static void set_stack(size_t bytes) {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, bytes);
    ::pthread_setattr_default_np(&attributes);
    ::pthread_attr_destroy(&attributes);
  }

  rlimit before_{};
  size_t stack_before_ = 0;
};

TEST(Threads, APartForWhichThereIsNoThreadIsDoneHere) {
  for (const size_t room : {0U, 2U}) {
    constexpr unsigned kThreads = 9;
    std::vector<std::atomic<int>> done(kThreads);
    std::atomic<unsigned> here{0};
    std::atomic<bool> all_started{false};
    {
      const RoomForThreads limit(room);
      on_threads(kThreads, [&, caller = std::this_thread::get_id()](unsigned part) {
        ++done[part];
        if (std::this_thread::get_id() == caller) ++here;
        if (part == 0) all_started = true;               // as many as will be
        while (!all_started) std::this_thread::yield();  // each keeps its stack until then
      });
    }
    for (const auto& times : done) EXPECT_EQ(times, 1);
    EXPECT_EQ(here, kThreads - room);
  }
}

}  // namespace
}  // namespace paystats::base
