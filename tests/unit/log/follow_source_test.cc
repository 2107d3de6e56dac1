#include "log/follow_source.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "io/open_source.h"
#include "record/payment.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"
#include "unit/log/follow_source_fixture.h"

namespace paystats::log {
namespace {

using namespace io;  // sources, and what its tests have

TEST_F(FollowSourceTest, GivesWhatIsThereThenWhatComes) {
  write_file(path_, "[one]\n[two]\n");
  const auto source = open();
  EXPECT_EQ(next(*source), "[one]\n[two]\n");
  EXPECT_EQ(block_.source, path_);
  EXPECT_EQ(source->read(block_, context_.in(1ms)), ReadStatus::kIdle);
  commit("[three]\n");
  EXPECT_EQ(next(*source), "[three]\n");
  EXPECT_FALSE(block_.begins_input);
  EXPECT_EQ(source->bytes_read(), 20u);
}

TEST_F(FollowSourceTest, OfAnEmptyLogItHasCaughtUpBeforeALineComes) {
  write_file(path_, "");
  const auto source = open();
  const base::Result<ReadStatus> status = source->read(block_, base::Instant::max());
  ASSERT_TRUE(status);
  EXPECT_EQ(*status, ReadStatus::kIdle);
  EXPECT_TRUE(source->caught_up());
}

TEST_F(FollowSourceTest, WithoutInotifyThereIsALookEachSecond) {
  faults().inotify_errno = EMFILE;
  write_file(path_, "[one]\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n");
  commit("[two]\n");
  EXPECT_EQ(next(*source), "[two]\n");
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
  write_file(path_, "[one]\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n");
  EXPECT_EQ(now(*source), "idle");
  commit("[more]\n");
  EXPECT_EQ(next(*source), "[more]\n");
}

TEST_F(FollowSourceBetweenLooks, InotifyTellsOfAFileThatIsMade) {
  const auto source = open();
  EXPECT_EQ(now(*source), "idle");
  write_file(folder_ / "new", "[one]\n");
  std::filesystem::rename(folder_ / "new", path_);
  EXPECT_EQ(next(*source), "[one]\n");
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
  commit("[one]\n");
  EXPECT_EQ(next(*source), "[one]\n");
  commit("[two]\n");
  EXPECT_EQ(next(*source), "[two]\n");
  EXPECT_TRUE(source->caught_up());
  EXPECT_EQ(context_.words.heard(), "");
}

TEST_F(FollowSourceTest, AMissingFolderIsWaitedForAsWell) {
  const std::string folder = folder_ / "later";
  auto source = follow_source(folder + "/log", context_.waiter, context_.words.diagnostics);
  ASSERT_TRUE(source);
  EXPECT_EQ(now(**source), "");
  std::filesystem::create_directory(folder);
  write_file(folder + "/log", "[one]\n");
  EXPECT_EQ(next(**source), "[one]\n");
}

TEST_F(FollowSourceTest, IsNotCaughtUpBeforeTheLinesBehindALongOneAreYielded) {
  write_file(path_, std::string((1 << 20) + 1, 'x') + "\n[one]\n");
  const auto source = open();
  next(*source);
  EXPECT_NE(block_.long_line_bytes, 0u);
  EXPECT_FALSE(source->caught_up());
  EXPECT_EQ(next(*source), "[one]\n");
  EXPECT_TRUE(source->caught_up());
}

TEST_F(FollowSourceTest, OfAFileWithoutALineTheFirstBytesAreLookedAt) {
  write_file(path_, "\x1F\x8B\x08x");
  const auto source = open();
  const base::Result<ReadStatus> status = source->read(block_, context_.in(kLimit));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, base::ErrorKind::kFailed);
  EXPECT_TRUE(holds(status.error().message, "is compressed by gzip, so it cannot be followed"));
  EXPECT_TRUE(status.error().message.ends_with(": zcat " + path_ + " | t"));
}

TEST_F(FollowSourceTest, IsCaughtUpOnceWhatWasThereAtTheStartHasBeenRead) {
  std::string bytes;
  while (bytes.size() < 1'000'000) bytes += "[line]\n";
  write_file(path_, bytes);
  const auto source = open();
  EXPECT_FALSE(source->caught_up());
  size_t got = 0;
  while (got < bytes.size()) {
    ASSERT_EQ(source->read(block_, base::Instant{}), ReadStatus::kBlock);
    if (got == 0) commit("[later]\n");
    got += block_.bytes.size();
    EXPECT_EQ(source->caught_up(), got == bytes.size());
  }
  EXPECT_EQ(next(*source), "[later]\n");
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

TEST_F(FollowSourceTest, ALineCountsOnceItHasItsNewline) {
  write_file(path_, "[one]\n[two] \n[thr");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n[two] \n");
  EXPECT_TRUE(source->caught_up()) << "what is unfinished is not waited for";
  append_file(path_, "ee]");
  EXPECT_EQ(now(*source), "");
  append_file(path_, " \n");
  EXPECT_EQ(next(*source), "[three] \n");
}

TEST_F(FollowSourceTest, ARepairThatEndsAtTheSameSizeIsSeen) {
  write_file(path_, "[one]\n{\"a\":[0");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n");
  commit("[seven]\n");  // cut back by seven bytes, then grown by eight
  EXPECT_EQ(next(*source), "[seven]\n");
  EXPECT_EQ(file_bytes(path_), "[one]\n[seven]\n");
}

// What stands where an unfinished line stood has a newline before the place up to which none was.
TEST_F(FollowSourceTest, AnUnfinishedLineMayBeCutOffAndOthersWrittenInItsPlace) {
  write_file(path_, "[one]\n" + std::string(100, '{'));
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n");
  std::filesystem::resize_file(path_, 6);
  append_file(path_, "[two]\n" + std::string(200, '['));
  EXPECT_EQ(next(*source), "[two]\n");
}

TEST_F(FollowSourceTest, AnUnfinishedLineThatWasSeenToGrowMayBeCutOffAndIsNeverRead) {
  write_file(path_, "[one]\n[tw");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n");
  for (const std::string_view more : {"o, ", "and", " so on"}) {
    append_file(path_, more);
    EXPECT_EQ(now(*source), "");
  }
  commit("[three]\n");
  EXPECT_EQ(next(*source), "[three]\n");
}

TEST_F(FollowSourceTest, ALongUnfinishedLineIsNotSearchedAgainAndAgain) {
  const std::string part(1 << 20, 'x');
  write_file(path_, "[one]\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n");
  const uint64_t before = faults().bytes_read_at_places;
  constexpr uint64_t kParts = 16;
  for (uint64_t i = 0; i < kParts; ++i) {
    append_file(path_, part);
    EXPECT_EQ(now(*source), "");
  }
  const uint64_t read = faults().bytes_read_at_places - before;
  EXPECT_GE(read, kParts * part.size()) << "each byte once";
  EXPECT_LT(read, 2 * kParts * part.size());
}

TEST_F(FollowSourceTest, WhatAWriterDoesUnderTheLockIsSeenWholeOrNotAtAll) {
  write_file(path_, "[one]\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n");
  const base::UniqueFd writer(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  for (const bool undone : {true, false}) {
    ASSERT_EQ(::flock(writer.get(), LOCK_EX), 0);
    append_file(path_, "[two]\n");
    EXPECT_EQ(source->read(block_, context_.in(30ms)), ReadStatus::kIdle);
    if (undone) {
      ASSERT_EQ(::ftruncate(writer.get(), 6), 0);
    } else {
      append_file(path_, "[three]\n");
    }
    ASSERT_EQ(::flock(writer.get(), LOCK_UN), 0);
    if (undone) {
      EXPECT_EQ(now(*source), "");
    } else {
      EXPECT_EQ(next(*source), "[two]\n[three]\n");
    }
  }
}

TEST_F(FollowSourceTest, AWriterThatIsKilledInItsCommitHarmsNobody) {
  write_file(path_, "[one]\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n");
  EXPECT_EQ(in_child([&] {
              const int fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
              if (::flock(fd, LOCK_EX) != 0) return 1;
              append_file(path_, "[thr");
              ::raise(SIGKILL);
              return 2;
            }),
            -SIGKILL);
  EXPECT_EQ(now(*source), "");
  commit("[four]\n");
  EXPECT_EQ(next(*source), "[four]\n");
  EXPECT_EQ(file_bytes(path_), "[one]\n[four]\n");
}

TEST_F(FollowSourceTest, FollowsWritersInParallelWithoutLosingAByte) {
  constexpr int kWriters = 3;
  constexpr int kCommits = 100;
  faults().disk_is_memory = true;
  write_file(path_, "");
  const auto source = open();
  EXPECT_EQ(now(*source), "") << "it has caught up";
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kCommits; ++i) {
        commit(fmt::format("[{}]\n[{}]\n", writer, writer));
      }
    });
  }
  std::string got;
  while (got.size() < size_t{kWriters} * kCommits * 8) {
    const std::string more = next(*source);
    ASSERT_NE(more, "idle");
    got += more;
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(got, file_bytes(path_));
}

TEST_F(FollowSourceTest, ALineOverTheLimitIsABlockOfItsOwn) {
  write_file(path_, "[one]\n" + std::string(2 * record::kLineBytesMax, 'x') + "\n[two]\n");
  const auto source = open();
  const Everything all = read_everything(*source, 1ms);
  EXPECT_EQ(all.long_lines, 1u);
  EXPECT_TRUE(all.in_order);
  EXPECT_EQ(all.bytes, "[one]\n" + std::string(record::kRejectRecordBytesMax, 'x') + "[two]\n");
}

TEST_F(FollowSourceTest, AStopSignalEndsItAtOnce) {
  write_file(path_, "[one]\n[two]\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n[two]\n");
  WhenAsleep later([&] { context_.stop.request(SIGTERM); });
  EXPECT_EQ(source->read(block_, kForever), ReadStatus::kEnd);
  later.join();
  EXPECT_TRUE(source->cut_short());
}

TEST_F(FollowSourceTest, TheWaitForALockKeepsTheDeadlineAndEndsByAStopSignal) {
  write_file(path_, "[one]\n");
  const base::UniqueFd other(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  const auto source = open();
  EXPECT_EQ(source->read(block_, context_.in(10ms)), ReadStatus::kIdle);
  context_.stop.request(SIGTERM);
  EXPECT_EQ(source->read(block_, kForever), ReadStatus::kEnd);
}

TEST_F(FollowSourceTest, WhereTheFileSystemHasNoLocksItGoesWithout) {
  faults().flock_errno = ENOLCK;
  write_file(path_, "[one]\n");
  EXPECT_EQ(now(*open()), "[one]\n");
}

TEST_F(FollowSourceTest, EarlierInputsAreReadOnceAndTheLastIsFollowed) {
  write_file(folder_ / "a", "[one]");
  write_file(path_, "[two]\n");
  const auto source =
      io::open_source(*io::parse_inputs({folder_ / "a", path_}), {.follow = follow_source},
                      context_.waiter, context_.words.diagnostics);
  ASSERT_TRUE(source);
  EXPECT_EQ(next(**source), "[one]");
  EXPECT_FALSE((*source)->caught_up());
  EXPECT_EQ(next(**source), "[two]\n");
  EXPECT_TRUE((*source)->caught_up());
  append_file(path_, "[three]\n");
  EXPECT_EQ(next(**source), "[three]\n");
  EXPECT_FALSE(block_.begins_input);
  std::filesystem::rename(path_, path_ + ".1");
  write_file(path_, "");
  EXPECT_EQ(next(**source), "end");
  EXPECT_FALSE((*source)->ending());
  EXPECT_TRUE((*source)->caught_up());
}

TEST_F(FollowSourceTest, GrowthOfAnEarlierInputIsTheEndAndSaysWhy) {
  write_file(folder_ / "a", "[one]\n");
  write_file(folder_ / "b", "[two]\n");
  write_file(path_, "[three]\n");
  const auto source =
      io::open_source(*io::parse_inputs({folder_ / "a", folder_ / "b", path_}),
                      {.follow = follow_source}, context_.waiter, context_.words.diagnostics);
  ASSERT_TRUE(source);
  EXPECT_EQ(next(**source), "[one]\n");
  EXPECT_EQ(next(**source), "[two]\n");
  EXPECT_EQ(next(**source), "[three]\n");
  append_file(folder_ / "a", "[late]\n");
  std::filesystem::remove(folder_ / "a");  // its descriptor is kept
  EXPECT_EQ(next(**source), "end");
  EXPECT_EQ(next(**source), "end");
  const base::Result<void> ending = (*source)->ending();
  ASSERT_FALSE(ending);
  EXPECT_EQ(ending.error().kind, base::ErrorKind::kMustNotGoOn);
  EXPECT_EQ(ending.error().message.find(folder_ / "a" + ": grew from 6 to 13 bytes"), 0u)
      << ending.error().message;
  EXPECT_TRUE((*source)->caught_up());
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
  write_file(path_, "[one]\n");
  Pipe output;
  const Waiter waiter(context_.stop, context_.clock, output.write.get());
  auto source = follow_source(path_, waiter, context_.words.diagnostics);
  ASSERT_TRUE(source);
  EXPECT_EQ(now(**source), "[one]\n");
  WhenAsleep later([&] { output.read.reset(); });
  const base::Result<ReadStatus> status = (*source)->read(block_, kForever);
  later.join();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, base::ErrorKind::kClosedOutput);
}

}  // namespace
}  // namespace paystats::log
