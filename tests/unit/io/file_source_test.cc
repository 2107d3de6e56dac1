#include "io/file_source.h"

#include <gtest/gtest.h>
#include <sys/file.h>

#include "io/fd_io.h"
#include "record/payment.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::io {
namespace {

class FileSourceTest : public ::testing::Test {
 protected:
  std::unique_ptr<Source> open() {
    base::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    const int number = fd.get();
    return file_source(number, std::move(fd), path_, context_.waiter, context_.words.diagnostics);
  }

  const FaultsOff off_;
  const TempFolder folder_;
  const std::string path_ = folder_ / "a.jsonl";
  TestContext context_;
  Block block_;
};

TEST_F(FileSourceTest, GivesTheWholeFileWithItsLineNumbers) {
  std::string bytes;
  for (int i = 0; bytes.size() < 3'000'000; ++i) bytes += std::to_string(i) + '\n';
  bytes += "a last line without its newline";
  write_file(path_, bytes);
  const auto source = open();
  const Everything all = read_everything(*source);
  EXPECT_EQ(all.status, ReadStatus::kEnd);
  EXPECT_EQ(all.bytes, bytes);
  EXPECT_TRUE(all.in_order);
  EXPECT_EQ(source->bytes_read(), bytes.size());
  EXPECT_EQ(source->bytes_all(), bytes.size());
  EXPECT_FALSE(source->cut_short());
  EXPECT_EQ(context_.words.heard(), "");
}

TEST_F(FileSourceTest, AnEmptyFileEndsAtOnce) {
  write_file(path_, "");
  EXPECT_EQ(open()->read(block_, base::Instant{}), ReadStatus::kEnd);
}

TEST_F(FileSourceTest, ALineOverTheLimitIsABlockOfItsOwn) {
  write_file(path_, "one\n" + std::string(record::kLineBytesMax + 1, 'x') + "\ntwo\n");
  const auto source = open();
  const Everything all = read_everything(*source);
  EXPECT_EQ(all.bytes, "one\n" + std::string(record::kRejectRecordBytesMax, 'x') + "two\n");
  EXPECT_EQ(all.long_lines, 1u);
  EXPECT_TRUE(all.in_order);
}

TEST_F(FileSourceTest, NeverWaitsForMoreThanWasThere) {
  write_file(path_, "one\n");
  const auto source = open();
  ASSERT_EQ(source->read(block_, base::Instant{}), ReadStatus::kBlock);
  append_file(path_, "two\n");
  EXPECT_EQ(source->read(block_, kForever), ReadStatus::kEnd);
}

TEST_F(FileSourceTest, AStopSignalEndsItAtOnceAndALineHalfReadIsNoRecord) {
  write_file(path_, std::string(300'000, 'x') + "\n" + std::string(300'000, 'y') + "\n");
  const auto source = open();
  ASSERT_EQ(source->read(block_, base::Instant{}), ReadStatus::kBlock);
  context_.stop.request(SIGTERM);
  EXPECT_EQ(source->read(block_, base::Instant{}), ReadStatus::kEnd);
  EXPECT_TRUE(source->cut_short());
  EXPECT_EQ(source->read(block_, base::Instant{}), ReadStatus::kEnd);
}

TEST_F(FileSourceTest, AFileThatHasBeenReadToItsEndIsNotCutShort) {
  write_file(path_, "one\n");
  const auto source = open();
  ASSERT_EQ(source->read(block_, base::Instant{}), ReadStatus::kBlock);
  context_.stop.request(SIGTERM);
  EXPECT_EQ(source->read(block_, base::Instant{}), ReadStatus::kEnd);
  EXPECT_FALSE(source->cut_short());
}

TEST_F(FileSourceTest, ALastLineWithoutItsNewlineIsALine) {
  write_file(path_, "one\n two \n thr");
  EXPECT_EQ(read_everything(*open()).bytes, "one\n two \n thr");
  EXPECT_EQ(context_.words.heard(), "");
}

TEST_F(FileSourceTest, WhatAWriterDoesUnderTheLockIsSeenWholeOrNotAtAll) {
  write_file(path_, "before\n");
  const base::UniqueFd writer(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  for (const bool undone : {true, false}) {
    ASSERT_EQ(::flock(writer.get(), LOCK_EX), 0);
    append_file(path_, "first\n");
    const auto source = open();
    EXPECT_EQ(source->read(block_, context_.in(5ms)), ReadStatus::kIdle);
    if (undone) {
      ASSERT_EQ(::ftruncate(writer.get(), 7), 0);
    } else {
      append_file(path_, "second\n");
    }
    ASSERT_EQ(::flock(writer.get(), LOCK_UN), 0);
    EXPECT_EQ(read_everything(*source).bytes, undone ? "before\n" : "before\nfirst\nsecond\n");
  }
}

TEST_F(FileSourceTest, TheWaitForALockEndsByAStopSignal) {
  write_file(path_, "one\n");
  const base::UniqueFd other(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  const auto source = open();
  WhenAsleep later([&] { context_.stop.request(SIGTERM); });
  EXPECT_EQ(source->read(block_, kForever), ReadStatus::kEnd);
  later.join();
  EXPECT_TRUE(source->cut_short());
}

TEST_F(FileSourceTest, ALongWaitForALockIsToldOnce) {
  write_file(path_, "one\n");
  const base::UniqueFd other(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  const auto source = open();
  std::string heard;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(source->read(block_, context_.in(200ms)), ReadStatus::kIdle);
    heard += context_.words.heard();
  }
  EXPECT_EQ(heard, "t: " + path_ + ": waiting for another process that holds its lock\n");
}

TEST_F(FileSourceTest, WhereTheFileSystemHasNoLocksItGoesWithout) {
  write_file(path_, "one\n");
  for (const int reason : {ENOLCK, EOPNOTSUPP, ENOSYS, EINVAL}) {
    faults().flock_errno = reason;
    EXPECT_EQ(read_everything(*open()).bytes, "one\n");
  }
}

TEST_F(FileSourceTest, TheLockIsNotHeldWhileItReads) {
  write_file(path_, "one\ntwo\n");
  const auto source = open();
  ASSERT_EQ(source->read(block_, base::Instant{}), ReadStatus::kBlock);
  const base::UniqueFd other(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
}

TEST_F(FileSourceTest, AFileThatShrinksMeanwhileIsAnError) {
  write_file(path_, std::string(600'000, 'x') + "\n");
  const auto source = open();
  FileExtent extent;
  const base::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(measure_file(fd.get(), path_, context_.waiter, base::Instant{},
                         context_.words.diagnostics, extent),
            Wake::kReady);
  EXPECT_EQ(extent.end, 600'001u);

  write_file(path_, std::string(300'000, 'x') + "\n" + std::string(300'000, 'y') + "\n");
  const auto again = open();
  ASSERT_EQ(again->read(block_, base::Instant{}), ReadStatus::kBlock);
  ASSERT_EQ(::truncate(path_.c_str(), 10), 0);
  const base::Result<ReadStatus> status = again->read(block_, base::Instant{});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, path_ + ": shrank while it was read");
}

TEST_F(FileSourceTest, StdinIsReadFromWhereItStands) {
  write_file(path_, "one\ntwo\nthree");
  const base::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::lseek(fd.get(), 4, SEEK_SET), 4);
  const auto source =
      file_source(fd.get(), base::UniqueFd(), "-", context_.waiter, context_.words.diagnostics);
  EXPECT_EQ(read_everything(*source).bytes, "two\nthree");
  EXPECT_EQ(source->bytes_all(), 9u);
}

TEST_F(FileSourceTest, ALockThatTheShellHoldsOnStdinIsNotTouched) {
  write_file(path_, "one\n");
  const base::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(fd.get(), LOCK_SH), 0);
  const auto source =
      file_source(fd.get(), base::UniqueFd(), "-", context_.waiter, context_.words.diagnostics);
  EXPECT_EQ(read_everything(*source).bytes, "one\n");
  const base::UniqueFd other(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_NE(::flock(other.get(), LOCK_EX | LOCK_NB), 0) << "it is still held";
}

// ---- what descriptors give and take

TEST(FdIo, ReadsAtAPlaceUpToTheEnd) {
  const TempFolder folder;
  write_file(folder / "file", "0123456789");
  const base::UniqueFd fd(::open((folder / "file").c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[20];
  EXPECT_EQ(read_at(fd.get(), 4, buffer, 3, "file"), size_t{3});
  EXPECT_EQ(std::string_view(buffer, 3), "456");
  EXPECT_EQ(read_at(fd.get(), 8, buffer, 20, "file"), size_t{2});
  EXPECT_EQ(read_at(fd.get(), 80, buffer, 20, "file"), size_t{0});
  EXPECT_EQ(file_size(fd.get(), "file"), uint64_t{10});
}

TEST(FdIo, WritesToANonBlockingPipeAllTheSame) {
  const Pipe pipe;
  ASSERT_EQ(::fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK), 0);
  const std::string bytes(1 << 20, 'x');
  std::string got;
  std::thread reader([&] {
    std::string part(10'000, '\0');
    while (got.size() < bytes.size()) {
      const ssize_t n = ::read(pipe.read.get(), part.data(), part.size());
      if (n <= 0) break;
      got.append(part, 0, static_cast<size_t>(n));
    }
  });
  EXPECT_TRUE(write_stream(pipe.write.get(), bytes, "pipe"));
  reader.join();
  EXPECT_EQ(got, bytes);
}

}  // namespace
}  // namespace paystats::io
