#include "io/wait.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/stop_signal.h"
#include "unit/io/support.h"

namespace paystats::io {
namespace {

TEST(Waiter, WhatIsThereIsReadyAtOnce) {
  const TestContext context;
  const Pipe pipe;
  pipe.put("x");
  EXPECT_EQ(context.waiter.wait_readable(pipe.read.get(), kForever), Wake::kReady);
  EXPECT_EQ(context.waiter.wait_readable(pipe.read.get(), base::Instant{}), Wake::kReady);
}

TEST(Waiter, TheEndOfAPipeIsReady) {
  const TestContext context;
  Pipe pipe;
  pipe.write.reset();
  EXPECT_EQ(context.waiter.wait_readable(pipe.read.get(), kForever), Wake::kReady);
}

TEST(Waiter, ADeadlineInThePastDoesNotWait) {
  const TestContext context;
  const Pipe pipe;
  EXPECT_EQ(context.waiter.wait_readable(pipe.read.get(), context.clock.now()), Wake::kDeadline);
  EXPECT_EQ(context.waiter.wait_readable(pipe.read.get(), base::Instant::min()), Wake::kDeadline);
}

TEST(Waiter, ADeadlineIsKept) {
  const TestContext context;
  const Pipe pipe;
  const base::Instant deadline = context.in(30ms);
  EXPECT_EQ(context.waiter.wait_readable(pipe.read.get(), deadline), Wake::kDeadline);
  EXPECT_GE(context.clock.now(), deadline);
}

TEST(Waiter, AClockThatStandsStillCannotHangIt) {
  const base::StopSignal stop;
  const base::ManualClock clock;
  const Waiter waiter(stop, clock);
  EXPECT_EQ(waiter.wait_readable(-1, clock.now() + 5ms), Wake::kDeadline);
}

TEST(Waiter, WhatComesLaterEndsTheWait) {
  const TestContext context;
  const Pipe pipe;
  WhenAsleep later([&] { pipe.put("x"); });
  EXPECT_EQ(context.waiter.wait_readable(pipe.read.get(), context.in(kLimit)), Wake::kReady);
  later.join();
}

TEST(Waiter, AStopSignalEndsTheWaitEvenWhereInputIsReady) {
  TestContext context;
  const Pipe pipe;
  context.stop.request(SIGTERM);
  EXPECT_EQ(context.waiter.wait_readable(pipe.read.get(), kForever), Wake::kStop);
  EXPECT_EQ(context.waiter.wait_readable(-1, kForever), Wake::kStop);
  pipe.put("x");
  EXPECT_EQ(context.waiter.wait_readable(pipe.read.get(), kForever), Wake::kStop);
}

TEST(Waiter, ARealSignalEndsTheWait) {
  TestContext context;
  WhenAsleep later([] { ::kill(::getpid(), SIGINT); });
  EXPECT_EQ(context.waiter.wait_readable(-1, context.in(kLimit)), Wake::kStop);
  later.join();
}

TEST(Waiter, DespiteStopAStopSignalChangesNothing) {
  TestContext context;
  const Pipe pipe;
  context.stop.request(SIGTERM);
  EXPECT_EQ(context.waiter.wait_readable_despite_stop(pipe.read.get(), context.in(5ms)),
            Wake::kDeadline);
  pipe.put("x");
  EXPECT_EQ(context.waiter.wait_readable_despite_stop(pipe.read.get(), kForever), Wake::kReady);
}

TEST(Waiter, AnOutputWhoseReaderGoesAwayIsNoticedWhileIdle) {
  const base::StopSignal stop;
  const base::SystemClock clock;
  Pipe output;
  const Pipe input;
  const Waiter waiter(stop, clock, output.write.get());
  EXPECT_EQ(waiter.wait_readable(input.read.get(), clock.now()), Wake::kDeadline);
  WhenAsleep later([&] { output.read.reset(); });
  const base::Result<Wake> wake = waiter.wait_readable(input.read.get(), clock.now() + kLimit);
  later.join();
  ASSERT_FALSE(wake);
  EXPECT_EQ(wake.error().kind, base::ErrorKind::kClosedOutput);
  EXPECT_FALSE(waiter.wait_readable_despite_stop(input.read.get(), clock.now() + kLimit));
}

TEST(Waiter, ASocketAsOutputIsWatchedAsWell) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  const base::UniqueFd ours(fds[0]);
  base::UniqueFd theirs(fds[1]);
  const base::StopSignal stop;
  const base::SystemClock clock;
  const Waiter waiter(stop, clock, ours.get());
  // A reader that will never say a word has not gone.
  ASSERT_EQ(::shutdown(theirs.get(), SHUT_WR), 0);
  EXPECT_EQ(waiter.wait_readable(-1, clock.now() + 5ms), Wake::kDeadline);
  theirs.reset();
  const base::Result<Wake> wake = waiter.wait_readable(-1, clock.now() + kLimit);
  ASSERT_FALSE(wake);
  EXPECT_EQ(wake.error().kind, base::ErrorKind::kClosedOutput);
}

TEST(Waiter, AnOutputThatHasNoReaderOfItsOwnDisturbsNobody) {
  const TempFolder folder;
  write_file(folder / "file", "");
  const base::StopSignal stop;
  const base::SystemClock clock;
  for (const std::string& path : {std::string("/dev/null"), folder / "file"}) {
    const base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    const Waiter waiter(stop, clock, fd.get());
    EXPECT_EQ(waiter.wait_readable(-1, clock.now() + 2ms), Wake::kDeadline) << path;
  }
}

TEST(Waiter, ADescriptorThatIsNotOpenIsAnErrorAndNoEndlessLoop) {
  const TestContext context;
  EXPECT_FALSE(context.waiter.wait_readable(12345, context.in(kLimit)));
  const Waiter waiter(context.stop, context.clock, 12345);
  EXPECT_FALSE(waiter.wait_readable(-1, context.in(kLimit)));
}

}  // namespace
}  // namespace paystats::io
