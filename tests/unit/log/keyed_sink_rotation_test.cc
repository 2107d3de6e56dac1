// Idempotency keys of a log that is rotated, compressed or written anew while its writers run.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <filesystem>
#include <set>

#include "base/fd.h"
#include "unit/log/keyed_sink_fixture.h"

namespace paystats::log {
namespace {

using namespace io;  // sources, and what its tests have

class KeyedSinkRotationTest : public KeyedSinkTest {
 protected:
  static std::string line(std::string_view key) {
    return fmt::format("{{\"user\":\"edgar\",\"paymentAmt\":1,\"idempotencyKey\":\"{}\"}}\n", key);
  }
  void rotate(const std::string& suffix) const { std::filesystem::rename(path_, path_ + suffix); }
  static keys::KeyFigures figures(PaymentSink& sink) { return sink.keyed()->figures(); }
};

TEST_F(KeyedSinkRotationTest, AFileThatWasTheLogBetweenTwoLooksIsRead) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "first").kind, Kind::kNew);
  rotate(".1");
  write_file(path_, line("k"));
  rotate(".2");
  write_file(path_, line("z"));
  EXPECT_EQ(once(*sink, "k").kind, Kind::kPaid);
  EXPECT_EQ(once(*sink, "z").kind, Kind::kPaid);
  EXPECT_EQ(once(*sink, "first").kind, Kind::kPaid);
  EXPECT_TRUE(figures(*sink).complete);
}

// What others have written since the last look is as young as what they append to a log that keeps
// its name, and as little forgotten, however much it is.
TEST_F(KeyedSinkRotationTest, KeysOfFilesThatCameWhileItRanAreYoung) {
  constexpr int kKeysMax = 10;
  const auto lines_of = [](char letter) {
    std::string text;
    for (int i = 0; i < 5 * kKeysMax; ++i) text += line(fmt::format("{}-{}", letter, i));
    return text;
  };
  const auto sink = open({.limits = {.keys_max = kKeysMax}});
  EXPECT_EQ(once(*sink, "first").kind, Kind::kNew);
  rotate(".1");
  write_file(path_, lines_of('a'));
  rotate(".2");
  write_file(path_, lines_of('b'));
  for (const char* const key : {"first", "a-0", "a-49", "b-0", "b-49"}) {
    EXPECT_EQ(once(*sink, key).kind, Kind::kPaid) << key;
  }
  EXPECT_EQ(once(*sink, "new").kind, Kind::kNoRoom);
  EXPECT_EQ(figures(*sink).keys_young, 1 + 2 * 5 * kKeysMax);
  EXPECT_TRUE(figures(*sink).complete);
}

TEST_F(KeyedSinkRotationTest, FilesBetweenAreFoundWhereLogrotateHasMovedThem) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "first").kind, Kind::kNew);
  for (const char* const key : {"a", "b", "c"}) {
    for (int i = 3; i > 0; --i) {
      const std::string from = fmt::format("{}.{}", path_, i);
      if (std::filesystem::exists(from)) {
        std::filesystem::rename(from, fmt::format("{}.{}", path_, i + 1));
      }
    }
    rotate(".1");
    write_file(path_, line(key));
  }
  for (const char* const key : {"first", "a", "b", "c"}) {
    EXPECT_EQ(once(*sink, key).kind, Kind::kPaid) << key;
  }
  EXPECT_TRUE(figures(*sink).complete);
}

TEST_F(KeyedSinkRotationTest, AnIdleWriterFollowsTheName) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "first").kind, Kind::kNew);
  const uint64_t before = figures(*sink).instance;
  rotate(".1");
  ASSERT_TRUE(sink->keyed()->follow());
  EXPECT_FALSE(std::filesystem::exists(path_));  // who looks only does not make it
  write_file(path_, line("k"));
  ASSERT_TRUE(sink->keyed()->follow());
  EXPECT_NE(figures(*sink).instance, before);
  EXPECT_EQ(figures(*sink).keys, 2u);
  EXPECT_TRUE(figures(*sink).complete);
}

TEST_F(KeyedSinkRotationTest, AnIdleWriterStaysAsLongAsACommitToTheOldFileIsUnderWay) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "first").kind, Kind::kNew);
  base::UniqueFd other(::open(path_.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  rotate(".1");
  write_file(path_, line("z"));
  ASSERT_TRUE(sink->keyed()->follow());
  append_file(path_ + ".1", line("k"));
  ASSERT_EQ(::flock(other.get(), LOCK_UN), 0);
  ASSERT_TRUE(sink->keyed()->follow());
  EXPECT_EQ(figures(*sink).keys, 3u);
}

TEST_F(KeyedSinkRotationTest, AFileBetweenThatIsLockedIsWaitedFor) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "first").kind, Kind::kNew);
  rotate(".1");
  write_file(path_, line("k"));
  base::UniqueFd other(::open(path_.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  rotate(".2");
  write_file(path_, line("z"));
  ASSERT_TRUE(sink->begin(-1));
  EXPECT_EQ(sink->keyed()->put_once(request("k"))->kind, Kind::kNotReadYet);
  EXPECT_EQ(sink->keyed()->put_once(request("z"))->kind, Kind::kPaid);
  EXPECT_FALSE(figures(*sink).complete);
  ASSERT_TRUE(sink->flush());
  append_file(path_ + ".2", line("late"));
  ASSERT_EQ(::flock(other.get(), LOCK_UN), 0);
  EXPECT_EQ(once(*sink, "k").kind, Kind::kPaid);
  EXPECT_EQ(once(*sink, "late").kind, Kind::kPaid);
  EXPECT_TRUE(figures(*sink).complete);
}

TEST_F(KeyedSinkRotationTest, AJobWaitsForAFileBetweenThatIsLockedAndCanGiveUp) {
  const auto sink = open({.limits = {.keys_max = UINT64_MAX}, .prefix = "k-"});
  EXPECT_EQ(once(*sink, "k-1").kind, Kind::kNew);
  rotate(".1");
  write_file(path_, line("k-2"));
  base::UniqueFd other(::open(path_.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  rotate(".2");
  const Pipe cancel;
  cancel.put("x");
  EXPECT_FALSE(sink->begin(cancel.read.get())->mine);
  ASSERT_EQ(::flock(other.get(), LOCK_UN), 0);
  EXPECT_EQ(once(*sink, "k-2").kind, Kind::kPaid);
}

TEST_F(KeyedSinkRotationTest, WhereAFileBetweenIsGoneNothingOfBeforeIsCertain) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "first").kind, Kind::kNew);
  clock_.advance(std::chrono::hours(1));
  rotate(".1");
  write_file(path_, line("k"));
  std::filesystem::remove(path_);
  write_file(path_, line("z"));
  EXPECT_EQ(once(*sink, "z").kind, Kind::kPaid);
  EXPECT_FALSE(figures(*sink).complete);
  EXPECT_EQ(figures(*sink).memory, std::chrono::seconds(0));
  clock_.advance(std::chrono::minutes(5));
  EXPECT_EQ(figures(*sink).memory, std::chrono::minutes(5));
  EXPECT_EQ(once(*sink, "first").kind, Kind::kPaid);
}

TEST_F(KeyedSinkRotationTest, WhereTheNameCannotBeWatchedNothingOfBeforeIsCertain) {
  faults().inotify_errno = EMFILE;
  const auto sink = open();
  EXPECT_EQ(once(*sink, "first").kind, Kind::kNew);
  EXPECT_TRUE(figures(*sink).complete);
  clock_.advance(std::chrono::hours(1));
  rotate(".1");
  EXPECT_EQ(once(*sink, "z").kind, Kind::kNew);
  EXPECT_FALSE(figures(*sink).complete);
  EXPECT_EQ(figures(*sink).memory, std::chrono::seconds(0));
}

TEST_F(KeyedSinkRotationTest, WhatStaysInTheFolderIsNoLog) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "first").kind, Kind::kNew);
  write_file(path_ + ".torn", line("torn"));
  write_file(path_ + ".copy", line("copied"));
  rotate(".1");
  write_file(path_, line("z"));
  EXPECT_EQ(once(*sink, "torn").kind, Kind::kNew);
  EXPECT_EQ(once(*sink, "copied").kind, Kind::kNew);
}

TEST_F(KeyedSinkRotationTest, KeysOfALogThatWasCompressedOrRemovedAreKept) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "k").kind, Kind::kNew);
  rotate(".1");
  EXPECT_EQ(once(*sink, "l").kind, Kind::kNew);
  std::filesystem::remove(path_ + ".1");  // as gzip does
  EXPECT_EQ(once(*sink, "k").kind, Kind::kPaid);
  std::filesystem::remove(path_);
  EXPECT_EQ(once(*sink, "l").kind, Kind::kPaid);
  EXPECT_EQ(once(*sink, "k", 2).kind, Kind::kReused);
  EXPECT_EQ(lines(), 0u);
}

TEST_F(KeyedSinkRotationTest, ALogThatWasWrittenAnewAndIsAsLongIsReadAnew) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "k").kind, Kind::kNew);
  std::string bytes = file_bytes(path_);
  bytes.replace(bytes.find("\"k\""), 3, "\"l\"");
  write_file(path_, bytes);
  EXPECT_EQ(once(*sink, "l").kind, Kind::kPaid);
  EXPECT_EQ(once(*sink, "k").kind, Kind::kNew);
}

TEST_F(KeyedSinkRotationTest, ALogOfBeforeTheStartThatIsWrittenAnewAndIsAsLongIsReadAnew) {
  write_file(path_, line("k"));
  const auto sink = open();
  EXPECT_EQ(once(*sink, "k").kind, Kind::kPaid);
  write_file(path_, line("l"));
  EXPECT_EQ(once(*sink, "l").kind, Kind::kPaid);
}

TEST_F(KeyedSinkRotationTest, ALogThatIsWrittenAnewAndThenRenamedIsReadAnew) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "k").kind, Kind::kNew);
  write_file(path_, line("a") + line("b") + line("c"));
  rotate(".1");
  for (const char* const key : {"a", "b", "c"}) {
    EXPECT_EQ(once(*sink, key).kind, Kind::kPaid) << key;
  }
  EXPECT_FALSE(figures(*sink).complete);
}

TEST_F(KeyedSinkRotationTest, EachTruncationIsAnotherInstanceAndCutsWhatIsCertain) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "k").kind, Kind::kNew);
  clock_.advance(std::chrono::hours(1));
  std::set<uint64_t> instances = {figures(*sink).instance};
  for (int i = 0; i < 3; ++i) {
    std::filesystem::resize_file(path_, 0);
    ASSERT_TRUE(sink->keyed()->follow());
    EXPECT_FALSE(figures(*sink).complete);
    EXPECT_EQ(figures(*sink).memory, std::chrono::seconds(0));
    EXPECT_TRUE(instances.insert(figures(*sink).instance).second);
    EXPECT_EQ(once(*sink, "k").kind, Kind::kNew);
  }
}

TEST_F(KeyedSinkRotationTest, ATruncationForgetsNoKeysOfFilesOfBefore) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "k").kind, Kind::kNew);
  rotate(".1");
  EXPECT_EQ(once(*sink, "l").kind, Kind::kNew);
  std::filesystem::resize_file(path_, 0);
  EXPECT_EQ(once(*sink, "l").kind, Kind::kNew);
  EXPECT_EQ(once(*sink, "k").kind, Kind::kPaid);
}

TEST_F(KeyedSinkRotationTest, OfManyFilesTheLastAreOpenAndTheRestIsNotCertain) {
  const auto sink = open();
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(once(*sink, fmt::format("k-{}", i)).kind, Kind::kNew);
    EXPECT_EQ(figures(*sink).complete, i <= 32) << i;
    clock_.advance(std::chrono::minutes(1));
    rotate(fmt::format(".{}", i));
  }
  // The last look was at the file of k-39, a minute ago; the one before 32 others was left at 7
  // min.
  EXPECT_EQ(figures(*sink).memory, std::chrono::minutes(40 - 7));
  EXPECT_EQ(once(*sink, "k-8").kind, Kind::kPaid);
  EXPECT_EQ(once(*sink, "k-7").kind, Kind::kNew);
}

}  // namespace
}  // namespace paystats::log
