#include "base/threads.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/fd.h"

namespace paystats::base {
namespace {

// Only start_thread() makes one that runs.
static_assert(!std::is_constructible_v<Thread, void (*)()>);
static_assert(!std::is_constructible_v<Thread, std::thread>);
static_assert(!std::is_assignable_v<Thread&, std::thread>);
static_assert(!std::is_copy_constructible_v<Thread> &&
              std::is_nothrow_move_constructible_v<Thread>);

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

TEST(Threads, WhatIsStartedRunsInAThreadOfItsOwn) {
  std::thread::id id;
  Result<Thread> thread = start_thread([&] { id = std::this_thread::get_id(); });
  ASSERT_TRUE(thread) << thread.error().message;
  const std::thread::id expected = thread->get_id();
  thread->join();
  EXPECT_EQ(id, expected);
  EXPECT_NE(id, std::this_thread::get_id());
}

// What `work` returns in a process that can start no thread. The limit is one of a user, and root
// is exempt from it.
template <class Work>
std::string where_no_thread_can_be_had(const Work& work) {
  int ends[2];
  if (::pipe(ends) != 0) return "pipe";
  UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    const rlimit one = {1, 1};
    const bool limited = ::setrlimit(RLIMIT_NPROC, &one) == 0 &&
                         (::geteuid() != 0 || ::setresuid(kNobody, kNobody, kNobody) == 0);
    const std::string said = limited ? work() : "not limited";
    const ssize_t n = ::write(out.get(), said.data(), said.size());
    ::_exit(n == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  out.reset();
  std::string said;
  std::array<char, 256> bytes;
  for (ssize_t n = 0; (n = ::read(in.get(), bytes.data(), bytes.size())) > 0;) {
    said.append(bytes.data(), static_cast<size_t>(n));
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status == 0 ? said : "status " + std::to_string(status);
}

TEST(Threads, OneThatCannotBeHadIsAnError) {
  EXPECT_EQ(where_no_thread_can_be_had([] {
              Result<Thread> thread = start_thread([] {});
              if (!thread) return thread.error().message;
              thread->join();
              return std::string("started");
            }),
            "thread: resource temporarily unavailable (see ulimit -u)");
}

TEST(Threads, APartWithoutAThreadIsDoneHereAtTheEnd) {
  EXPECT_EQ(where_no_thread_can_be_had([] {
              std::string parts;
              on_threads(4, [&](unsigned part) { parts += std::to_string(part); });
              return parts;
            }),
            "0123");
}

}  // namespace
}  // namespace paystats::base
