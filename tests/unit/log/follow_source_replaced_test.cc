#include "log/follow_source.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>

#include "unit/io/support.h"
#include "unit/log/follow_source_fixture.h"

namespace paystats::log {
namespace {

using namespace io;  // sources, and what its tests have

TEST_F(FollowSourceTest, AFileThatShrankIsAnError) {
  write_file(path_, "[one]\n[two]\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n[two]\n");
  ASSERT_EQ(::truncate(path_.c_str(), 4), 0);
  expect_must_not_go_on(*source, "shrank from 12 to 4 bytes while it was followed");
}

TEST_F(FollowSourceTest, OneThatWasEmptiedAndHasGrownAgainIsAnError) {
  write_file(path_, "[one]\n[two]\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n[two]\n");
  write_file(path_, "other lines, and more of them\n");
  expect_must_not_go_on(*source, "was written anew while it was followed");
}

// What was read last may be short and look like anything: what came before it counts as well.
TEST_F(FollowSourceTest, ThatShowsAlsoWhereLittleWasReadLast) {
  write_file(path_, "[one]\n[two]\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n[two]\n");
  write_file(path_, "[one]\n[two]\n\n");
  EXPECT_EQ(next(*source), "\n");
  write_file(path_, "[six]\n[ten]\n\n[more]\n");
  expect_must_not_go_on(*source, "was written anew while it was followed");
}

// All that comes up to the end, and why it ended.
struct Ended {
  std::string bytes;
  std::string why;
};
Ended read_to_its_end(Source& source, base::Instant limit) {
  Ended ended;
  Block block;
  for (;;) {
    const base::Result<ReadStatus> status = source.read(block, limit);
    if (!status) return {ended.bytes, status.error().message};
    if (*status == ReadStatus::kIdle) return {ended.bytes, "idle"};
    if (*status == ReadStatus::kBlock) {
      ended.bytes += block.bytes;
      continue;
    }
    const base::Result<void> ending = source.ending();
    if (ending) return ended;
    EXPECT_EQ(ending.error().kind, base::ErrorKind::kMustNotGoOn);
    ended.why = ending.error().message;
    return ended;
  }
}

TEST_F(FollowSourceTest, ARotatedFileIsReadToItsEndAndThatIsAllThatMayBeCounted) {
  write_file(path_, "[one]\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n");
  std::filesystem::rename(path_, path_ + ".1");
  append_file(path_ + ".1", "[two]\n");
  EXPECT_EQ(next(*source), "[two]\n") << "as long as nothing has its name it is the log";
  append_file(path_ + ".1", "[three]\n[fo");
  write_file(path_, "[new]\n");
  const Ended ended = read_to_its_end(*source, context_.in(kLimit));
  EXPECT_EQ(ended.bytes, "[three]\n");
  EXPECT_EQ(ended.why,
            path_ + ": is another file now; the one that was followed is " + path_ +
                ".1, and has been read to its end (its last 3 bytes are no whole line); for the "
                "totals of both (files between them go between them), in the folder " +
                std::filesystem::current_path().string() + ": t " + path_ + ".1 " + path_);
  EXPECT_TRUE(source->caught_up());
}

TEST_F(FollowSourceTest, TheCommandOfTheMessageCanBeRunInAShellAnywhere) {
  const std::string old = folder_ / "it's old";
  const std::string path = folder_ / "a log";
  write_file(path, "[one]\n");
  const auto opened = follow_source(path, context_.waiter, context_.words.diagnostics);
  ASSERT_TRUE(opened);
  EXPECT_EQ(now(**opened), "[one]\n");
  std::filesystem::rename(path, old);
  write_file(path, "");
  const Ended ended = read_to_its_end(**opened, context_.in(kLimit));
  EXPECT_TRUE(ended.why.ends_with(": t '" + (folder_ / "it'\\''s old") + "' '" + path + "'"))
      << ended.why;
}

TEST_F(FollowSourceTest, OfALogThatIsNamedFromHereAllOfTheCommandIs) {
  const std::string path = std::filesystem::proximate(path_).string();
  write_file(path, "[one]\n");
  const auto opened = follow_source(path, context_.waiter, context_.words.diagnostics);
  ASSERT_TRUE(opened);
  EXPECT_EQ(now(**opened), "[one]\n");
  std::filesystem::rename(path, path + ".1");
  write_file(path, "");
  const Ended ended = read_to_its_end(**opened, context_.in(kLimit));
  EXPECT_TRUE(ended.why.ends_with(", in the folder " + std::filesystem::current_path().string() +
                                  ": t " + path + ".1 " + path))
      << ended.why;
}

// Its inode has another name still, but not the one that it was opened by.
TEST_F(FollowSourceTest, AHardLinkIsNotTakenForTheNewName) {
  write_file(path_, "[one]\n");
  std::filesystem::create_hard_link(path_, folder_ / "backup");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n");
  std::filesystem::remove(path_);
  write_file(path_, "[new]\n");
  const Ended ended = read_to_its_end(*source, context_.in(kLimit));
  EXPECT_EQ(ended.why.find("(deleted)"), std::string::npos) << ended.why;
  struct stat status = {};
  ASSERT_EQ(::stat((folder_ / "backup").c_str(), &status), 0);
  EXPECT_NE(ended.why.find("has another name (a hard link), which the system does not tell"),
            std::string::npos)
      << ended.why;
  EXPECT_TRUE(ended.why.ends_with(
      fmt::format("find / -inum {}; for the totals of what is there now, without what is in that "
                  "file, in the folder {}: t {}",
                  status.st_ino, std::filesystem::current_path().string(), path_)))
      << ended.why;
}

TEST_F(FollowSourceTest, AFileThatWasReplacedIsReadToItsEndAsWell) {
  write_file(path_, "[one]\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n");
  append_file(path_, "[two]\n");
  write_file(folder_ / "other", "[one]\n[two]\n[three]\n");
  std::filesystem::rename(folder_ / "other", path_);
  const Ended ended = read_to_its_end(*source, context_.in(kLimit));
  EXPECT_EQ(ended.bytes, "[two]\n");
  EXPECT_NE(ended.why.find("is another file now; the one that was followed was removed"),
            std::string::npos)
      << ended.why;
}

// It must have seen the successor first, and the size under the lock then: a writer that had the
// lock before it saw that the log has a new name has committed to the old one.
TEST_F(FollowSourceTest, WhatIsCommittedToARotatedFileUnderTheLockIsNotLost) {
  write_file(path_, "[one]\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n");
  const base::UniqueFd writer(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  ASSERT_EQ(::flock(writer.get(), LOCK_EX), 0);
  std::filesystem::rename(path_, path_ + ".1");
  write_file(path_, "");
  EXPECT_EQ(source->read(block_, context_.in(30ms)), ReadStatus::kIdle);
  append_file(path_ + ".1", "[two]\n");
  ASSERT_EQ(::flock(writer.get(), LOCK_UN), 0);
  EXPECT_EQ(read_to_its_end(*source, context_.in(kLimit)).bytes, "[two]\n");
}

TEST_F(FollowSourceTest, AFileThatWasRemovedIsReadOnUntilAnotherHasItsName) {
  write_file(path_, "[one]\n");
  const auto source = open();
  EXPECT_EQ(now(*source), "[one]\n");
  std::filesystem::remove(path_);
  EXPECT_EQ(now(*source), "");
  EXPECT_NE(context_.words.heard().find("has lost its name"), std::string::npos);
  write_file(path_, "[new]\n");
  const Ended ended = read_to_its_end(*source, context_.in(kLimit));
  EXPECT_EQ(ended.bytes, "");
  EXPECT_NE(ended.why.find("was removed"), std::string::npos) << ended.why;
}

}  // namespace
}  // namespace paystats::log
