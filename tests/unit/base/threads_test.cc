#include "base/threads.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <vector>

#include "base/fd.h"

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
