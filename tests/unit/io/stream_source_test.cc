#include "io/stream_source.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/stop_signal.h"
#include "record/payment.h"
#include "unit/io/support.h"

namespace paystats::io {
namespace {

// Each look at it costs 10 ms: what takes seconds is over in an instant.
class HurriedClock final : public base::Clock {
 public:
  base::Instant now() const override { return now_ += 10ms; }

 private:
  mutable base::Instant now_{};
};

class StreamSourceTest : public ::testing::Test {
 protected:
  std::unique_ptr<Source> open(OnStop on_stop = OnStop::kReadWhatIsUnderWay) {
    return stream_source(pipe_.read.get(), base::UniqueFd(), "-", on_stop, context_.waiter);
  }
  // What is there at once.
  std::string now(Source& source) {
    const base::Result<ReadStatus> status = source.read(block_, context_.clock.now());
    if (!status) return status.error().message;
    if (*status == ReadStatus::kIdle) return "idle";
    return *status == ReadStatus::kEnd ? "end" : std::string(block_.bytes);
  }

  TestContext context_;
  Pipe pipe_;
  Block block_;
};

TEST_F(StreamSourceTest, WhenAPipePausesWholeLinesAreYieldedAndThePartIsKept) {
  const auto source = open();
  EXPECT_EQ(now(*source), "idle");
  pipe_.put("one\ntwo\nthr");
  EXPECT_EQ(now(*source), "one\ntwo\n");
  EXPECT_EQ(now(*source), "idle");
  pipe_.put("ee\n");
  EXPECT_EQ(now(*source), "three\n");
  EXPECT_FALSE(block_.begins_input);
  EXPECT_EQ(block_.source, "-");
  EXPECT_EQ(source->bytes_read(), 14u);
}

TEST_F(StreamSourceTest, ALastLineWithoutANewlineIsALine) {
  const auto source = open();
  pipe_.put("one\ntwo");
  pipe_.write.reset();
  EXPECT_EQ(now(*source), "one\n");
  EXPECT_EQ(now(*source), "two");
  EXPECT_EQ(now(*source), "end");
  EXPECT_EQ(now(*source), "end");
  EXPECT_FALSE(source->cut_short());
  EXPECT_TRUE(source->caught_up());
}

TEST_F(StreamSourceTest, NothingAtAllIsNoLine) {
  const auto source = open();
  pipe_.write.reset();
  EXPECT_EQ(now(*source), "end");
}

TEST_F(StreamSourceTest, WaitsUntilTheDeadlineAndNoLonger) {
  const auto source = open();
  const base::Instant deadline = context_.in(20ms);
  EXPECT_EQ(source->read(block_, deadline), ReadStatus::kIdle);
  EXPECT_GE(context_.clock.now(), deadline);
}

TEST_F(StreamSourceTest, WhatComesWhileItWaitsIsYielded) {
  const auto source = open();
  WhenAsleep later([&] { pipe_.put("one\n"); });
  EXPECT_EQ(source->read(block_, kForever), ReadStatus::kBlock);
  later.join();
}

TEST_F(StreamSourceTest, MuchMoreThanABufferComesThroughUnchanged) {
  std::string bytes;
  for (int i = 0; bytes.size() < 5'000'000; ++i) bytes += std::to_string(i) + '\n';
  bytes += "the end";
  const auto source = open();
  std::thread writer([&] {
    pipe_.put(bytes);
    pipe_.write.reset();
  });
  const Everything all = read_everything(*source);
  writer.join();
  EXPECT_EQ(all.bytes, bytes);
  EXPECT_TRUE(all.in_order);
}

TEST_F(StreamSourceTest, ALineOfManyMegabytesIsOneBlockEvenWithoutItsNewline) {
  constexpr size_t kBytes = 20 << 20;
  const auto source = open();
  std::thread writer([&] {
    for (size_t i = 0; i < kBytes; i += 1 << 20) pipe_.put(std::string(1 << 20, 'x'));
    pipe_.write.reset();
  });
  ASSERT_EQ(source->read(block_, kForever), ReadStatus::kBlock);
  writer.join();
  EXPECT_EQ(block_.long_line_bytes, kBytes);
  EXPECT_EQ(block_.bytes, std::string(record::kRejectRecordBytesMax, 'x'));
  EXPECT_EQ(now(*source), "end");
}

TEST_F(StreamSourceTest, APipeIsMadeLargeWhereThatIsAllowed) {
  const int before = ::fcntl(pipe_.read.get(), F_GETPIPE_SZ);
  const auto source = open();
  EXPECT_GT(::fcntl(pipe_.read.get(), F_GETPIPE_SZ), before);
}

// ---- a stop signal

TEST_F(StreamSourceTest, AfterAStopSignalAPipeIsReadOnUntilItsEnd) {
  const auto source = open();
  pipe_.put("one\n");
  context_.stop.request(SIGINT);
  EXPECT_EQ(now(*source), "one\n");
  pipe_.put("two\nthree");
  EXPECT_EQ(now(*source), "two\n");
  pipe_.write.reset();
  EXPECT_EQ(now(*source), "three");
  EXPECT_EQ(now(*source), "end");
  EXPECT_TRUE(source->cut_short()) << "what wrote to us ended by the same signal";
}

TEST_F(StreamSourceTest, AfterAStopSignalHalfASecondOfSilenceIsTheEnd) {
  base::ManualClock clock;
  const Waiter waiter(context_.stop, clock);
  const auto source =
      stream_source(pipe_.read.get(), base::UniqueFd(), "-", OnStop::kReadWhatIsUnderWay, waiter);
  context_.stop.request(SIGINT);
  pipe_.put("one\ntw");
  EXPECT_EQ(source->read(block_, clock.now()), ReadStatus::kBlock);
  EXPECT_EQ(block_.bytes, "one\n");
  clock.advance(499ms);
  EXPECT_EQ(source->read(block_, clock.now()), ReadStatus::kIdle)
      << "the caller's deadline is kept meanwhile";
  clock.advance(1ms);
  EXPECT_EQ(source->read(block_, clock.now()), ReadStatus::kEnd);
  EXPECT_TRUE(source->cut_short());
  EXPECT_EQ(source->read(block_, kForever), ReadStatus::kEnd)
      << "and a line that had only begun is no record";
}

TEST_F(StreamSourceTest, WhatComesAfterASignalPutsOffTheEnd) {
  base::ManualClock clock;
  const Waiter waiter(context_.stop, clock);
  const auto source =
      stream_source(pipe_.read.get(), base::UniqueFd(), "-", OnStop::kReadWhatIsUnderWay, waiter);
  context_.stop.request(SIGINT);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(source->read(block_, clock.now()), ReadStatus::kIdle) << i;
    clock.advance(400ms);
    pipe_.put("line\n");
    EXPECT_EQ(source->read(block_, kForever), ReadStatus::kBlock) << i;
    EXPECT_EQ(block_.bytes, "line\n");
  }
  pipe_.write.reset();
  EXPECT_EQ(source->read(block_, kForever), ReadStatus::kEnd);
}

TEST_F(StreamSourceTest, ButNotLongerThanFiveSeconds) {
  base::StopSignal& stop = context_.stop;
  const HurriedClock clock;
  const Waiter waiter(stop, clock);
  const auto source =
      stream_source(pipe_.read.get(), base::UniqueFd(), "-", OnStop::kReadWhatIsUnderWay, waiter);
  stop.request(SIGINT);
  const base::Instant start = clock.now();
  int blocks = 0;
  base::Result<ReadStatus> status = ReadStatus::kBlock;
  while (status == ReadStatus::kBlock) {
    pipe_.put("more\n");  // it never falls silent
    status = source->read(block_, kForever);
    ++blocks;
  }
  EXPECT_EQ(status, ReadStatus::kEnd);
  EXPECT_GT(blocks, 10);
  EXPECT_GE(clock.now() - start, 5s);
  EXPECT_LT(clock.now() - start, 6s);
  EXPECT_TRUE(source->cut_short());
}

TEST_F(StreamSourceTest, WhereTheWriterHasBeenToldSilenceIsNotTheEndButFiveSecondsAre) {
  base::ManualClock clock;
  const Waiter waiter(context_.stop, clock);
  const auto source =
      stream_source(pipe_.read.get(), base::UniqueFd(), "-", OnStop::kReadToItsEnd, waiter);
  context_.stop.request(SIGINT);
  EXPECT_EQ(source->read(block_, clock.now()), ReadStatus::kIdle);
  clock.advance(4999ms);
  EXPECT_EQ(source->read(block_, clock.now()), ReadStatus::kIdle);
  pipe_.put("last\n");
  EXPECT_EQ(source->read(block_, clock.now()), ReadStatus::kBlock);
  EXPECT_EQ(block_.bytes, "last\n");
  clock.advance(1ms);
  EXPECT_EQ(source->read(block_, kForever), ReadStatus::kEnd);
}

TEST_F(StreamSourceTest, OthersStopAtOnce) {
  const auto source = open(OnStop::kEndAtOnce);
  pipe_.put("one\n");
  context_.stop.request(SIGINT);
  EXPECT_EQ(now(*source), "end");
  EXPECT_TRUE(source->cut_short());
}

// ---- other things than pipes

TEST_F(StreamSourceTest, ADescriptorThatAnotherProcessMadeNonBlockingIsWaitedFor) {
  const auto source = open();
  ASSERT_EQ(::fcntl(pipe_.read.get(), F_SETFL, O_NONBLOCK), 0);
  EXPECT_EQ(now(*source), "idle");
  pipe_.put("one\n");
  EXPECT_EQ(now(*source), "one\n");
}

TEST_F(StreamSourceTest, ATerminalGivesLineAfterLineAndEndsByControlD) {
  const base::UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(master);
  ASSERT_EQ(::grantpt(master.get()), 0);
  ASSERT_EQ(::unlockpt(master.get()), 0);
  base::UniqueFd slave(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_EQ(base::fd_type(slave.get()), base::FdType::kTerminal);
  const int fd = slave.get();
  const auto source = stream_source(fd, std::move(slave), "-", OnStop::kEndAtOnce, context_.waiter);
  EXPECT_EQ(now(*source), "idle");
  ASSERT_TRUE(base::write_all(master.get(), "typed\n", "terminal"));
  ASSERT_EQ(source->read(block_, context_.in(5s)), ReadStatus::kBlock);
  EXPECT_EQ(block_.bytes, "typed\n");
  ASSERT_TRUE(base::write_all(master.get(), "\x04", "terminal"));
  EXPECT_EQ(source->read(block_, context_.in(5s)), ReadStatus::kEnd);
}

TEST_F(StreamSourceTest, ASocketIsReadLikeAPipe) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  base::UniqueFd theirs(fds[1]);
  const auto source = stream_source(fds[0], base::UniqueFd(fds[0]), "-",
                                    OnStop::kReadWhatIsUnderWay, context_.waiter);
  ASSERT_TRUE(base::write_all(theirs.get(), "one\n", "socket"));
  theirs.reset();
  EXPECT_EQ(read_everything(*source).bytes, "one\n");
}

TEST_F(StreamSourceTest, DevNullIsEmpty) {
  base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int fd = null.get();
  const auto source =
      stream_source(fd, std::move(null), "/dev/null", OnStop::kEndAtOnce, context_.waiter);
  EXPECT_EQ(now(*source), "end");
}

TEST_F(StreamSourceTest, AFolderAsStdinIsAClearError) {
  const TempFolder folder;
  base::UniqueFd fd(::open((folder / ".").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const int number = fd.get();
  const auto source =
      stream_source(number, std::move(fd), "-", OnStop::kEndAtOnce, context_.waiter);
  EXPECT_EQ(now(*source), "stdin: is a directory");
}

TEST_F(StreamSourceTest, AClosedOutputEndsTheWaitForInput) {
  Pipe output;
  const Waiter waiter(context_.stop, context_.clock, output.write.get());
  const auto source =
      stream_source(pipe_.read.get(), base::UniqueFd(), "-", OnStop::kReadWhatIsUnderWay, waiter);
  output.read.reset();
  const base::Result<ReadStatus> status = source->read(block_, context_.in(kLimit));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, base::ErrorKind::kClosedOutput);
}

}  // namespace
}  // namespace paystats::io
