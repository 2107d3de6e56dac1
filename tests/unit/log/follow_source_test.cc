#include "io/follow_source.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "io/payment_log.h"
#include "record/payment.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::io {
namespace {

class FollowSourceTest : public ::testing::Test {
 protected:
  std::unique_ptr<Source> open() {
    auto source = follow_source(path_, context_.waiter, context_.words.diagnostics);
    EXPECT_TRUE(source) << source.error().message;
    return source ? std::move(*source) : nullptr;
  }
  // All that comes until nothing comes for a moment.
  std::string now(Source& source) {
    const Everything all = read_everything(source, 1ms);
    EXPECT_TRUE(all.in_order || all.bytes.empty());
    return all.error.empty() ? all.bytes : all.error;
  }
  // Waits for the next block, or the error.
  std::string next(Source& source) {
    const base::Result<ReadStatus> status = source.read(block_, context_.in(kLimit));
    if (!status) return status.error().message;
    if (*status == ReadStatus::kIdle) return "idle";
    return *status == ReadStatus::kEnd ? "end" : std::string(block_.bytes);
  }
  void commit(std::string_view lines) {
    base::Result<PaymentLog> log = PaymentLog::open(path_, context_.words.diagnostics);
    ASSERT_TRUE(log);
    ASSERT_TRUE(log->commit(lines));
  }

  const FaultsOff off_;
  const TempFolder folder_;
  const std::string path_ = folder_ / "payments.jsonl";
  TestContext context_;
  Block block_;
};

TEST_F(FollowSourceTest, GivesWhatIsThereThenWhatComes) {
  write_file(path_, "one\ntwo\n");
  const auto source = open();
  EXPECT_EQ(next(*source), "one\ntwo\n");
  EXPECT_EQ(block_.source, path_);
  EXPECT_EQ(source->read(block_, context_.in(1ms)), ReadStatus::kIdle);
  commit("three\n");
  EXPECT_EQ(next(*source), "three\n");
  EXPECT_FALSE(block_.begins_input);
  EXPECT_EQ(source->bytes_read(), 14u);
}

TEST_F(FollowSourceTest, WithoutInotifyThereIsALookEachSecond) {
  faults().inotify_errno = EMFILE;
  write_file(path_, "one\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\n");
  commit("two\n");
  EXPECT_EQ(next(*source), "two\n");
}

// Of a source whose clock stands still, so that the look of each second never comes.
class FollowSourceBetweenLooks : public FollowSourceTest {
 protected:
  std::unique_ptr<Source> open() {
    auto source = follow_source(path_, waiter_, context_.words.diagnostics);
    EXPECT_TRUE(source) << source.error().message;
    return source ? std::move(*source) : nullptr;
  }
  std::string now(Source& source) { return read(source, clock_.now()); }
  std::string next(Source& source) {
    std::string got;
    eventually([&] { return (got = read(source, clock_.now() + 100ms)) != "idle"; });
    return got;
  }

 private:
  std::string read(Source& source, base::Instant deadline) {
    const base::Result<ReadStatus> status = source.read(block_, deadline);
    if (!status) return status.error().message;
    return *status == ReadStatus::kBlock ? std::string(block_.bytes) : "idle";
  }

  base::ManualClock clock_;
  Waiter waiter_{context_.stop, clock_};
};

TEST_F(FollowSourceBetweenLooks, InotifyTellsOfACommit) {
  write_file(path_, "one\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\n");
  EXPECT_EQ(now(*source), "idle");
  commit("more\n");
  EXPECT_EQ(next(*source), "more\n");
}

TEST_F(FollowSourceBetweenLooks, InotifyTellsOfAFileThatIsMade) {
  const auto source = open();
  EXPECT_EQ(now(*source), "idle");
  write_file(folder_ / "new", "one\n");
  std::filesystem::rename(folder_ / "new", path_);
  EXPECT_EQ(next(*source), "one\n");
}

TEST_F(FollowSourceTest, AMissingFileIsWaitedForAndThatIsSaidOnce) {
  base::ManualClock clock;
  const Waiter waiter(context_.stop, clock);
  auto opened = follow_source(path_, waiter, context_.words.diagnostics);
  ASSERT_TRUE(opened);
  const std::unique_ptr<Source> source = std::move(*opened);
  EXPECT_TRUE(source->caught_up()) << "there is nothing to wait for before publishing";
  for (int looks = 0; looks < 3; ++looks) {
    EXPECT_EQ(source->read(block_, clock.now()), ReadStatus::kIdle);
    clock.advance(1s);
  }
  EXPECT_EQ(context_.words.heard(), "t: " + path_ + ": waiting for it to be made\n");
  commit("one\n");
  EXPECT_EQ(next(*source), "one\n");
  commit("two\n");
  EXPECT_EQ(next(*source), "two\n");
  EXPECT_TRUE(source->caught_up());
  EXPECT_EQ(context_.words.heard(), "");
}

TEST_F(FollowSourceTest, AMissingFolderIsWaitedForAsWell) {
  const std::string folder = folder_ / "later";
  auto source = follow_source(folder + "/log", context_.waiter, context_.words.diagnostics);
  ASSERT_TRUE(source);
  EXPECT_EQ(now(**source), "");
  std::filesystem::create_directory(folder);
  write_file(folder + "/log", "one\n");
  EXPECT_EQ(next(**source), "one\n");
}

TEST_F(FollowSourceTest, IsCaughtUpOnceWhatWasThereAtTheStartHasBeenRead) {
  std::string bytes;
  while (bytes.size() < 1'000'000) bytes += "a line\n";
  write_file(path_, bytes);
  const auto source = open();
  EXPECT_FALSE(source->caught_up());
  size_t got = 0;
  while (got < bytes.size()) {
    ASSERT_EQ(source->read(block_, base::Instant{}), ReadStatus::kBlock);
    if (got == 0) commit("later\n");
    got += block_.bytes.size();
    EXPECT_EQ(source->caught_up(), got == bytes.size());
  }
  EXPECT_EQ(next(*source), "later\n");
  commit(bytes);
  ASSERT_EQ(source->read(block_, context_.in(kLimit)), ReadStatus::kBlock);
  EXPECT_LT(block_.bytes.size(), bytes.size());
  EXPECT_TRUE(source->caught_up()) << "once is for ever";
}

TEST_F(FollowSourceTest, AnEmptyFileIsCaughtUpWithAtOnce) {
  write_file(path_, "");
  const auto source = open();
  EXPECT_EQ(source->read(block_, base::Instant{}), ReadStatus::kIdle);
  EXPECT_TRUE(source->caught_up());
}

TEST_F(FollowSourceTest, NothingBeyondTheLastUnmarkedLineIsApplied) {
  write_file(path_, "one\n two \n thr");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\n");
  EXPECT_TRUE(source->caught_up()) << "what is unfinished is not waited for";
  append_file(path_, "ee \n");
  EXPECT_EQ(now(*source), "");
  append_file(path_, "four\n");
  EXPECT_EQ(next(*source), " two \n three \nfour\n");
}

TEST_F(FollowSourceTest, ALineMarkedAtItsEndAloneIsMarked) {
  write_file(path_, "one\ntwo \n");
  EXPECT_EQ(now(*open()), "one\n");
}

TEST_F(FollowSourceTest, ARepairThatEndsAtTheSameSizeIsSeen) {
  write_file(path_, "one\n two \n");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\n");
  commit("seven\n");  // cut back by six bytes, then grown by six
  ASSERT_EQ(std::filesystem::file_size(path_), 10u);
  EXPECT_EQ(next(*source), "seven\n");
}

TEST_F(FollowSourceTest, ACommitIsSeenOnlyWhenItIsDone) {
  write_file(path_, "one\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\n");
  base::Result<PaymentLog> log = PaymentLog::open(path_, context_.words.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->begin());
  ASSERT_TRUE(log->append("two\n"));
  EXPECT_EQ(source->read(block_, context_.in(30ms)), ReadStatus::kIdle);
  ASSERT_TRUE(log->append("three\n"));
  ASSERT_TRUE(log->finish());
  EXPECT_EQ(next(*source), "two\nthree\n");
}

TEST_F(FollowSourceTest, ACommitThatIsUndoneIsNeverSeenAndNoError) {
  write_file(path_, "one\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\n");
  base::Result<PaymentLog> log = PaymentLog::open(path_, context_.words.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->begin());
  ASSERT_TRUE(log->append("never\n"));
  EXPECT_EQ(source->read(block_, context_.in(30ms)), ReadStatus::kIdle);
  faults().fdatasync_errno = EIO;
  ASSERT_FALSE(log->finish());
  faults().fdatasync_errno = 0;
  EXPECT_EQ(now(*source), "");
  commit("two\n");
  EXPECT_EQ(next(*source), "two\n");
}

TEST_F(FollowSourceTest, AWriterThatIsKilledInItsCommitHarmsNobody) {
  write_file(path_, "one\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\n");
  EXPECT_EQ(in_child([&] {
              base::Result<PaymentLog> log = PaymentLog::open(path_, context_.words.diagnostics);
              if (!log || !log->begin() || !log->append(" two \n") || !log->append(" thr"))
                return 1;
              ::raise(SIGKILL);
              return 2;
            }),
            -SIGKILL);
  EXPECT_EQ(now(*source), "");
  commit("four\n");
  EXPECT_EQ(next(*source), "four\n");
  EXPECT_EQ(file_bytes(path_), "one\nfour\n");
}

TEST_F(FollowSourceTest, FollowsWritersInParallelWithoutLosingAByte) {
  constexpr int kWriters = 3;
  constexpr int kCommits = 100;
  faults().disk_is_memory = true;
  write_file(path_, "");
  const auto source = open();
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kCommits; ++i) {
        commit(fmt::format(" {} \n{}\n", writer, writer));
      }
    });
  }
  std::string got;
  while (got.size() < size_t{kWriters} * kCommits * 6) {
    const std::string more = next(*source);
    ASSERT_NE(more, "idle");
    got += more;
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(got, file_bytes(path_));
}

TEST_F(FollowSourceTest, ALineOverTheLimitIsABlockOfItsOwn) {
  write_file(path_, "one\n" + std::string(2 * record::kLineBytesMax, 'x') + "\ntwo\n");
  const auto source = open();
  const Everything all = read_everything(*source, 1ms);
  EXPECT_EQ(all.long_lines, 1u);
  EXPECT_TRUE(all.in_order);
  EXPECT_EQ(all.bytes, "one\n" + std::string(record::kRejectRecordBytesMax, 'x') + "two\n");
}

TEST_F(FollowSourceTest, AStopSignalEndsItAtOnce) {
  write_file(path_, "one\ntwo\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\ntwo\n");
  WhenAsleep later([&] { context_.stop.request(SIGTERM); });
  EXPECT_EQ(source->read(block_, kForever), ReadStatus::kEnd);
  later.join();
  EXPECT_TRUE(source->cut_short());
}

TEST_F(FollowSourceTest, TheWaitForALockKeepsTheDeadlineAndEndsByAStopSignal) {
  write_file(path_, "one\n");
  const base::UniqueFd other(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  const auto source = open();
  EXPECT_EQ(source->read(block_, context_.in(10ms)), ReadStatus::kIdle);
  context_.stop.request(SIGTERM);
  EXPECT_EQ(source->read(block_, kForever), ReadStatus::kEnd);
}

TEST_F(FollowSourceTest, WhereTheFileSystemHasNoLocksItGoesWithout) {
  faults().flock_errno = ENOLCK;
  write_file(path_, "one\n");
  EXPECT_EQ(now(*open()), "one\n");
}

// ---- a file that is not what it was

TEST_F(FollowSourceTest, AFileThatShrankIsAnError) {
  write_file(path_, "one\ntwo\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\ntwo\n");
  ASSERT_EQ(::truncate(path_.c_str(), 4), 0);
  EXPECT_EQ(next(*source), path_ + ": shrank from 8 to 4 bytes while it was followed");
}

TEST_F(FollowSourceTest, OneThatWasEmptiedAndHasGrownAgainIsAnError) {
  write_file(path_, "one\ntwo\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\ntwo\n");
  write_file(path_, "other lines, and more of them\n");
  EXPECT_EQ(next(*source), path_ + ": was written anew while it was followed");
}

// What was read last may be short and look like anything: what came before it counts as well.
TEST_F(FollowSourceTest, ThatShowsAlsoWhereLittleWasReadLast) {
  write_file(path_, "one\ntwo\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\ntwo\n");
  write_file(path_, "one\ntwo\n\n");
  EXPECT_EQ(next(*source), "\n");
  write_file(path_, "six\nten\n\nmore\n");
  EXPECT_EQ(next(*source), path_ + ": was written anew while it was followed");
}

TEST_F(FollowSourceTest, AFileThatWasReplacedIsAnError) {
  write_file(path_, "one\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\n");
  write_file(folder_ / "other", "one\ntwo\n");
  std::filesystem::rename(folder_ / "other", path_);
  EXPECT_EQ(next(*source), path_ + ": was replaced by another file while it was followed");
}

TEST_F(FollowSourceTest, AFileThatWasRotatedIsAnError) {
  write_file(path_, "one\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\n");
  std::filesystem::rename(path_, path_ + ".1");
  EXPECT_EQ(next(*source), path_ + ": was removed or renamed while it was followed");
}

TEST_F(FollowSourceTest, AFileThatWasRemovedIsAnError) {
  write_file(path_, "one\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "one\n");
  std::filesystem::remove(path_);
  EXPECT_EQ(next(*source), path_ + ": was removed or renamed while it was followed");
}

TEST_F(FollowSourceTest, WhatIsNotARegularFileCannotBeFollowed) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  for (const std::string& path : {path_, std::string("/dev/null"), folder_ / "."}) {
    const auto source = follow_source(path, context_.waiter, context_.words.diagnostics);
    ASSERT_FALSE(source) << path;
    EXPECT_NE(source.error().message.find("not a regular file"), std::string::npos);
  }
}

TEST_F(FollowSourceTest, AClosedOutputIsNoticedWhileIdle) {
  write_file(path_, "one\n");
  Pipe output;
  const Waiter waiter(context_.stop, context_.clock, output.write.get());
  auto source = follow_source(path_, waiter, context_.words.diagnostics);
  ASSERT_TRUE(source);
  EXPECT_EQ(now(**source), "one\n");
  WhenAsleep later([&] { output.read.reset(); });
  const base::Result<ReadStatus> status = (*source)->read(block_, kForever);
  later.join();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, base::ErrorKind::kClosedOutput);
}

}  // namespace
}  // namespace paystats::io
