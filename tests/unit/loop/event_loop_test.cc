#include "loop/event_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "unit/sanitized.h"
#include "unit/support.h"

namespace paystats::loop {
namespace {

TEST(EventLoop, EndsWhenNothingIsLeftToWaitFor) {
  EventLoop loop;
  int calls = 0;
  loop.post([&] { ++calls; });
  EXPECT_TRUE(loop.run());
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, RunsTasksOfAnotherThreadInOrderWhileThereIsWork) {
  EventLoop loop;
  EventLoop::Work work = loop.work();
  std::vector<int> seen;
  std::thread poster([&] {
    for (int i = 0; i < 1000; ++i) loop.post([&seen, i] { seen.push_back(i); });
    loop.post([&work] { work.release(); });
  });
  EXPECT_TRUE(loop.run());
  poster.join();
  ASSERT_EQ(seen.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

constexpr auto kWhySkipped = "UBSan's check of vtables needs descriptors of its own (a pipe)";

// While it lives no further descriptor is to be had.
class NoFreeDescriptor {
 public:
  NoFreeDescriptor() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    rlimit none = before_;
    none.rlim_cur = 0;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoFreeDescriptor() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }

 private:
  rlimit before_ = {};
};

TEST(EventLoop, SaysThatItFoundNoDescriptorToWaitWith) {
  if (kSanitized) GTEST_SKIP() << kWhySkipped;
  EventLoop loop;
  {
    const NoFreeDescriptor limit;
    const base::Result<void> opened = loop.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().message, "event loop: too many open files");
  }
  EXPECT_TRUE(loop.open());
}

TEST(EventLoop, TurnsAnExceptionIntoAnError) {
  EventLoop loop;
  loop.post([] { throw std::runtime_error("no memory"); });
  const base::Result<void> done = loop.run();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "event loop: no memory");
}

TEST(ReadableWatch, CallsOnceWhatCanBeReadAndLeavesTheDescriptorAsItWas) {
  const base::UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
  EventLoop loop;
  int calls = 0;
  ReadableWatch watch(loop, fd.get(), [&] { ++calls; });
  loop.post([&] {
    const uint64_t one = 1;
    EXPECT_EQ(::write(fd.get(), &one, sizeof one), 8);
  });
  EXPECT_TRUE(loop.run());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(::fcntl(fd.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(ReadableWatch, SeesWhatCouldBeReadBefore) {
  const base::UniqueFd fd(::eventfd(1, EFD_CLOEXEC));
  EventLoop loop;
  int calls = 0;
  ReadableWatch watch(loop, fd.get(), [&] { ++calls; });
  EXPECT_TRUE(loop.run());
  EXPECT_EQ(calls, 1);
}

TEST(ReadableWatch, LooksNowAndThenWhereNoDescriptorIsLeftToWaitWith) {
  if (kSanitized) GTEST_SKIP() << kWhySkipped;
  const base::UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
  EventLoop loop;
  ASSERT_TRUE(loop.open());
  int calls = 0;
  std::unique_ptr<ReadableWatch> watch;
  {
    const NoFreeDescriptor limit;
    watch = std::make_unique<ReadableWatch>(loop, fd.get(), [&] {
      ++calls;
      watch.reset();
    });
  }
  loop.post([&] {
    const uint64_t one = 1;
    EXPECT_EQ(::write(fd.get(), &one, sizeof one), 8);
  });
  EXPECT_TRUE(loop.run());
  EXPECT_EQ(calls, 1);
}

TEST(ReadableWatch, NoLongerKeepsTheLoopOnceDestroyed) {
  const base::UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
  EventLoop loop;
  auto watch = std::make_unique<ReadableWatch>(loop, fd.get(), [] { FAIL(); });
  loop.post([&] { watch.reset(); });
  EXPECT_TRUE(loop.run());
}

TEST(Ticker, CallsUntilItIsDestroyedEvenByItsOwnTask) {
  EventLoop loop;
  int calls = 0;
  std::unique_ptr<Ticker> ticker;
  ticker = std::make_unique<Ticker>(loop, 1ms, [&] {
    if (++calls == 3) ticker.reset();
  });
  EXPECT_TRUE(loop.run());
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace paystats::loop
