#include "cache/feed_command.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "unit/io/support.h"

namespace paystats::cache {
namespace {

class FeedCommandTest : public ::testing::Test {
 protected:
  FeedCommand shell(const std::string& script) {
    base::Result<FeedCommand> feed = FeedCommand::make({"sh", "-c", script}, context_.clock);
    EXPECT_TRUE(feed) << feed.error().message;
    return std::move(*feed);
  }
  base::RunContext run_context() {
    return {context_.words.diagnostics, context_.stop, context_.clock};
  }
  // Reads to the end.
  std::string all_of(io::Source& source) {
    std::string lines;
    for (io::Block block;;) {
      const base::Result<io::ReadStatus> status = source.read(block, io::kForever);
      if (!status || *status == io::ReadStatus::kEnd) return lines;
      EXPECT_EQ(block.source, "sh");
      lines += block.bytes;
    }
  }
  int status_of(const std::string& script) {
    FeedCommand feed = shell(script);
    const auto source = feed.source(context_.waiter);
    EXPECT_TRUE(feed.start());
    EXPECT_EQ(all_of(*source), "");
    return static_cast<int>(feed.finish(run_context()));
  }

  io::TestContext context_;
};

TEST_F(FeedCommandTest, WhatItWritesIsTheInputAndItsStatusThatOfTheTool) {
  FeedCommand feed = shell("printf 'one\\ntwo'; exit 3");
  const auto source = feed.source(context_.waiter);
  ASSERT_TRUE(feed.start());
  EXPECT_EQ(all_of(*source), "one\ntwo");
  EXPECT_EQ(feed.finish(run_context()), base::ExitStatus::kMustNotGoOn);
  EXPECT_TRUE(holds(context_.words.heard(), "error: sh ended with status 3"));
}

TEST_F(FeedCommandTest, ZeroAndOneAreNoErrors) {
  EXPECT_EQ(status_of("exit 0"), 0);
  EXPECT_EQ(status_of("exit 1"), 1);
  EXPECT_EQ(context_.words.heard(), "");
}

TEST_F(FeedCommandTest, ASignalThatKillsItIsNamed) {
  EXPECT_EQ(status_of("kill -KILL $$"), 137);
  EXPECT_TRUE(holds(context_.words.heard(), "error: sh was killed by SIGKILL"));
}

TEST_F(FeedCommandTest, AStopSignalIsPassedOnAndAnEndByItIsNoFailure) {
  FeedCommand feed = shell("exec sleep 1000");
  ASSERT_TRUE(feed.start());
  context_.stop.request(SIGTERM);
  EXPECT_EQ(feed.finish(run_context()), base::ExitStatus::kDone);
  EXPECT_EQ(context_.words.heard(), "");
}

TEST_F(FeedCommandTest, AStopSignalThatComesWhileItWaitsIsPassedOnAsItIs) {
  FeedCommand feed = shell("trap 'exit 7' INT; echo ready; while :; do sleep 0.01; done");
  const auto source = feed.source(context_.waiter);
  ASSERT_TRUE(feed.start());
  io::Block block;
  ASSERT_EQ(source->read(block, io::kForever), io::ReadStatus::kBlock);
  io::WhenAsleep later([&] { context_.stop.request(SIGINT); });
  EXPECT_EQ(static_cast<int>(feed.finish(run_context())), 7);
  later.join();
}

TEST_F(FeedCommandTest, WhatIgnoresTheSignalIsKilledInTheEnd) {
  base::ManualClock clock;
  base::Result<FeedCommand> feed =
      FeedCommand::make({"sh", "-c", "trap '' TERM; echo ready; exec sleep 1000"}, clock);
  ASSERT_TRUE(feed);
  const auto source = feed->source(context_.waiter);
  ASSERT_TRUE(feed->start());
  io::Block block;
  ASSERT_EQ(source->read(block, io::kForever), io::ReadStatus::kBlock);
  feed->tell(SIGTERM);
  clock.advance(FeedCommand::kEndMax);
  EXPECT_EQ(feed->finish({context_.words.diagnostics, context_.stop, clock}),
            base::ExitStatus::kDone);
  EXPECT_TRUE(holds(context_.words.heard(), "sh has not ended within 5 s of the signal: killed"));
}

TEST_F(FeedCommandTest, WhatCannotBeStartedIsNamed) {
  base::Result<FeedCommand> feed = FeedCommand::make({"/no/such/command"}, context_.clock);
  ASSERT_TRUE(feed);
  const base::Result<void> started = feed->start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "--run: /no/such/command: no such file or directory");
}

}  // namespace
}  // namespace paystats::cache
