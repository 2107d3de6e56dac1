// The log's payment sink with idempotency keys: what several writers of one log make of them.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <filesystem>

#include "unit/log/keyed_sink_fixture.h"

namespace paystats::log {
namespace {

using namespace io;  // sources, and what its tests have

TEST_F(KeyedSinkTest, ARequestIsWrittenOnceByWhomeverItComes) {
  const auto one = open();
  const auto two = open();
  EXPECT_EQ(once(*one, "k", 3).kind, Kind::kNew);
  EXPECT_EQ(once(*one, "k", 3).kind, Kind::kPaid);
  const keys::KeyAnswer other = once(*two, "k", 3);
  EXPECT_EQ(other.kind, Kind::kPaid);
  EXPECT_EQ(other.count, 3u);
  EXPECT_EQ(once(*two, "k", 4).kind, Kind::kReused);
  EXPECT_EQ(once(*two, "l").kind, Kind::kNew);
  EXPECT_EQ(once(*one, "l").kind, Kind::kPaid);
  EXPECT_EQ(lines(), 2u);
}

TEST_F(KeyedSinkTest, WithinATurnTheSecondIsUnderWay) {
  const auto sink = open();
  ASSERT_TRUE(sink->begin(-1));
  EXPECT_EQ(sink->keyed()->put_once(request("k"))->kind, Kind::kNew);
  const auto again = sink->keyed()->put_once(request("k"));
  EXPECT_EQ(again->kind, Kind::kPaid);
  EXPECT_TRUE(again->under_way);
  ASSERT_TRUE(sink->flush());
  EXPECT_EQ(lines(), 1u);
}

TEST_F(KeyedSinkTest, AFailedFlushBindsNothing) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "before").kind, Kind::kNew);
  faults().disk_is_memory = false;
  faults().fdatasync_errno = ENOSPC;
  ASSERT_TRUE(sink->begin(-1));
  EXPECT_EQ(sink->keyed()->put_once(request("k"))->kind, Kind::kNew);
  EXPECT_FALSE(sink->flush());
  faults().fdatasync_errno = 0;
  EXPECT_EQ(once(*sink, "k", 9).kind, Kind::kNew);  // other payments, and no reuse
  EXPECT_EQ(once(*sink, "before").kind, Kind::kPaid);
}

TEST_F(KeyedSinkTest, KeysOfBeforeTheStartAreKnown) {
  std::string log = "{\"user\":\"a\",\"paymentAmt\":1}\n";
  for (int i = 0; i < 5000; ++i) {
    log += fmt::format("{{\"user\":\"a\",\"paymentAmt\":1,\"idempotencyKey\":\"k-{}\"}}\n", i);
  }
  write_file(path_, log);
  const auto sink = open();
  EXPECT_EQ(once(*sink, "k-0", 2).kind, Kind::kReused);
  EXPECT_EQ(once(*sink, "k-4999", 2).kind, Kind::kReused);
  EXPECT_EQ(sink->keyed()->figures().keys, 5000u);
  EXPECT_TRUE(sink->keyed()->figures().complete);
  EXPECT_EQ(once(*sink, "k-5000").kind, Kind::kNew);
}

TEST_F(KeyedSinkTest, OfManyKeysTheLastAreKnown) {
  std::string log;
  for (int i = 0; i < 100; ++i) {
    log += fmt::format("{{\"user\":\"a\",\"paymentAmt\":1,\"idempotencyKey\":\"k-{}\"}}\n", i);
  }
  write_file(path_, log);
  const auto sink = open({.limits = {.keys_max = 10}});
  EXPECT_EQ(once(*sink, "k-90", 2).kind, Kind::kReused);
  EXPECT_FALSE(sink->keyed()->figures().complete);
  EXPECT_EQ(once(*sink, "k-89", 2).kind, Kind::kNew);
}

TEST_F(KeyedSinkTest, LongLinesAndManyWindowsAreReadBackwards) {
  std::string log;
  for (int i = 0; i < 12; ++i) {
    log += fmt::format(
        "{{\"user\":\"a\",\"paymentAmt\":1,\"note\":\"{}\",\"idempotencyKey\":\"k-{}\"}}\n",
        std::string(1'000'000 + static_cast<size_t>(i), 'x'), i);
  }
  log += std::string(9 << 20, 'y') + "\n";  // no request
  write_file(path_, log);
  const auto sink = open();
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(once(*sink, fmt::format("k-{}", i), 2).kind, Kind::kReused) << i;
  }
}

TEST_F(KeyedSinkTest, ALineThatIsARejectBindsNoKey) {
  write_file(path_, "{\"user\":\"a\",\"paymentAmt\":\"x\",\"idempotencyKey\":\"k\"}\n");
  const auto sink = open();
  EXPECT_EQ(once(*sink, "k").kind, Kind::kNew);
  EXPECT_EQ(once(*sink, "k").kind, Kind::kPaid);
}

TEST_F(KeyedSinkTest, WhoAppendsWithoutTheLockMovesOurLines) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "first").kind, Kind::kNew);
  ASSERT_TRUE(sink->begin(-1));
  EXPECT_EQ(sink->keyed()->put_once(request("k"))->kind, Kind::kNew);
  append_file(path_, "{\"user\":\"other\",\"paymentAmt\":1}\n");
  ASSERT_TRUE(sink->flush());
  EXPECT_EQ(once(*sink, "k").kind, Kind::kPaid);
  EXPECT_EQ(once(*sink, "k", 2).kind, Kind::kReused);
}

TEST_F(KeyedSinkTest, ALogThatWasRenamedKeepsItsKeys) {
  const auto sink = open();
  const auto other = open();
  EXPECT_EQ(once(*sink, "k").kind, Kind::kNew);
  EXPECT_EQ(once(*other, "l").kind, Kind::kNew);  // `sink` has not read it yet
  std::filesystem::rename(path_, path_ + ".1");
  EXPECT_EQ(once(*sink, "k").kind, Kind::kPaid);
  EXPECT_EQ(once(*sink, "l").kind, Kind::kPaid);
  EXPECT_EQ(once(*sink, "m").kind, Kind::kNew);
  EXPECT_EQ(once(*other, "m").kind, Kind::kPaid);
  EXPECT_EQ(lines(), 1u);
}

TEST_F(KeyedSinkTest, AKeyWhoseLineWasCutOffIsNotPaid) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "k").kind, Kind::kNew);
  const uint64_t size = std::filesystem::file_size(path_);
  EXPECT_EQ(once(*sink, "l").kind, Kind::kNew);
  std::filesystem::resize_file(path_, size);
  EXPECT_EQ(once(*sink, "l").kind, Kind::kNew);
  EXPECT_EQ(once(*sink, "k").kind, Kind::kPaid);
}

TEST_F(KeyedSinkTest, AKeyBehindAByteOrderMarkIsKnown) {
  write_file(path_, "\xef\xbb\xbf{\"user\":\"edgar\",\"paymentAmt\":1,\"idempotencyKey\":\"k\"}\n");
  const auto sink = open();
  EXPECT_EQ(once(*sink, "k").kind, Kind::kPaid);
  EXPECT_EQ(once(*sink, "k", 2).kind, Kind::kReused);
}

// What was cut off may have been there for long: as at a start, nobody is to be refused for it.
TEST_F(KeyedSinkTest, WhatIsThereWhenTheLogWasCutMakesItNotFull) {
  const auto sink = open({.limits = {.keys_max = 3}});
  EXPECT_EQ(once(*sink, "k").kind, Kind::kNew);
  std::filesystem::rename(path_, path_ + ".1");
  std::string log;
  for (int i = 0; i < 5; ++i) {
    log += fmt::format("{{\"user\":\"edgar\",\"paymentAmt\":1,\"idempotencyKey\":\"n-{}\"}}\n", i);
  }
  write_file(path_, log);
  EXPECT_EQ(once(*sink, "new").kind, Kind::kNoRoom);
  EXPECT_EQ(once(*sink, "n-4").kind, Kind::kPaid);
  EXPECT_EQ(once(*sink, "k").kind, Kind::kPaid);
  const keys::KeyFigures before = sink->keyed()->figures();
  EXPECT_EQ(before.keys, 6u);
  EXPECT_EQ(before.keys_young, 6u);
  std::filesystem::resize_file(path_, log.size() / 5 * 4);  // the line of "n-4" is cut off
  EXPECT_EQ(once(*sink, "n-4").kind, Kind::kNew);
  EXPECT_EQ(once(*sink, "new").kind, Kind::kNew);
  EXPECT_NE(sink->keyed()->figures().instance, before.instance);
  EXPECT_EQ(once(*sink, "k").kind, Kind::kPaid);
}

TEST_F(KeyedSinkTest, ALogThatWasWrittenAnewAndIsLongerIsReadAnew) {
  const auto sink = open();
  EXPECT_EQ(once(*sink, "k").kind, Kind::kNew);
  const std::string lines = file_bytes(path_);
  write_file(path_, "{\"user\":\"front\",\"paymentAmt\":1}\n" + lines);
  EXPECT_EQ(once(*sink, "k").kind, Kind::kPaid);
}

TEST_F(KeyedSinkTest, TheHorizonIsNoOlderThanWhatWasReadBack) {
  std::string log;
  for (int i = 0; i < 10; ++i) {
    log += fmt::format("{{\"user\":\"a\",\"paymentAmt\":1,\"idempotencyKey\":\"k-{}\"}}\n", i);
  }
  write_file(path_, log);
  const auto sink = open({.limits = {.keys_max = 3}});
  EXPECT_EQ(once(*sink, "new").kind, Kind::kNew);
  EXPECT_EQ(sink->keyed()->figures().memory, std::chrono::seconds(0));
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(sink->keyed()->figures().memory, std::chrono::hours(1));
  clock_.advance(std::chrono::hours(100));
  EXPECT_EQ(sink->keyed()->figures().memory, std::chrono::hours(24));
}

TEST_F(KeyedSinkTest, AKeyThatIsFoundTwiceInALineIsOne) {
  write_file(path_, "{\"idempotencyKey\":\"k\",\"user\":\"J\\u00f6\",\"paymentAmt\":1}\n");
  const auto sink = open();
  EXPECT_EQ(once(*sink, "k", 2).kind, Kind::kReused);
  EXPECT_EQ(sink->keyed()->figures().keys, 1u);
}

TEST_F(KeyedSinkTest, WhatIsAbandonedIsNeverWrittenAndTheLockIsFree) {
  const auto sink = open();
  ASSERT_TRUE(sink->begin(-1));
  EXPECT_EQ(sink->keyed()->put_once(request("k"))->kind, Kind::kNew);
  sink->abandon();
  const base::UniqueFd other(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
  ASSERT_EQ(::flock(other.get(), LOCK_UN), 0);
  EXPECT_EQ(once(*sink, "l").kind, Kind::kNew);
  EXPECT_EQ(lines(), 1u);
  EXPECT_EQ(once(*sink, "k").kind, Kind::kNew);
}

TEST_F(KeyedSinkTest, AWaitForTheLockCanBeGivenUp) {
  const auto sink = open();
  const base::UniqueFd other(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  const Pipe cancel;
  cancel.put("x");
  const auto turn = sink->begin(cancel.read.get());
  ASSERT_TRUE(turn);
  EXPECT_FALSE(turn->mine);
  ASSERT_EQ(::flock(other.get(), LOCK_UN), 0);
  EXPECT_TRUE(sink->begin(cancel.read.get())->mine);  // what is free need not be waited for
  ASSERT_TRUE(sink->flush());
}

TEST_F(KeyedSinkTest, OnlyKeysOfAPrefixAndAllOfThem) {
  std::string log;
  for (int i = 0; i < 100; ++i) {
    log += fmt::format("{{\"user\":\"a\",\"paymentAmt\":1,\"idempotencyKey\":\"k-{}\"}}\n", i);
    log += fmt::format("{{\"user\":\"a\",\"paymentAmt\":1,\"idempotencyKey\":\"x-{}\"}}\n", i);
  }
  write_file(path_, log);
  const auto sink = open({.limits = {.keys_max = UINT64_MAX}, .prefix = "k-"});
  const keys::KeyAnswer answer = once(*sink, "k-1", 2);
  EXPECT_EQ(answer.kind, Kind::kReused);
  EXPECT_EQ(sink->keyed()->figures().keys, 100u);
  EXPECT_EQ(sink->keyed()->describe(answer),
            path_ + ":3: {\"user\":\"a\",\"paymentAmt\":1,\"idempotencyKey\":\"k-1\"}");
}

TEST_F(KeyedSinkTest, AStreamRemembersWhatThisProcessHasWritten) {
  const Pipe pipe;
  const Redirected redirected(STDOUT_FILENO, pipe.write.get());
  auto sink =
      open_payment_sink(*Endpoint::parse("-"), LogKeysOptions(), clock_, words_.diagnostics);
  ASSERT_TRUE(sink);
  EXPECT_EQ(once(**sink, "k", 2).kind, Kind::kNew);
  EXPECT_EQ(once(**sink, "k", 2).kind, Kind::kPaid);
  EXPECT_EQ(once(**sink, "k", 3).kind, Kind::kReused);
  EXPECT_EQ((*sink)->keyed()->figures().kept, keys::KeyFigures::Kept::kProcess);
}

TEST_F(KeyedSinkTest, AFullPipeIsWaitedForUntilItIsGivenUp) {
  const Pipe pipe;
  const Redirected redirected(STDOUT_FILENO, pipe.write.get());
  auto sink = open_payment_sink(*Endpoint::parse("-"), {}, clock_, words_.diagnostics);
  ASSERT_TRUE(sink);
  const int room = ::fcntl(pipe.write.get(), F_GETPIPE_SZ);
  EXPECT_EQ((*sink)->begin(-1)->room_bytes, static_cast<uint64_t>(room));
  pipe.put(std::string(static_cast<size_t>(room), 'x'));
  const Pipe cancel;
  cancel.put("x");
  EXPECT_FALSE((*sink)->begin(cancel.read.get())->mine);
}

}  // namespace
}  // namespace paystats::log
