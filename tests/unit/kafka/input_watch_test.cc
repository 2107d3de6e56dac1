#include "kafka/input_watch.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <memory>
#include <string>

#include "kafka/client.h"
#include "kafka/range_reader.h"
#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

class InputWatchTest : public MockClusterTest {
 protected:
  void fill(const std::string& topic, int messages) {
    mock().create(topic, 2);
    for (int i = 0; i < messages; ++i) {
      mock().produce(topic, {.key = "k", .value = std::to_string(i), .at = {.partition = 1}});
    }
    mock().flush();
    cluster_ = connect();
  }
  // As the message of partition 1 was read, but for its value.
  void took(InputWatch& watch, const std::string& topic, int64_t offset,
            const std::optional<std::string>& value = {}) {
    const OffsetRange range{.partition = 1, .from = offset, .to = offset + 1};
    const base::Result<void> read =
        read_ranges(*cluster_, topic, {&range, 1}, [&](const io::MessageBlock& block) {
          io::Message message = block.messages.front();
          if (value) message.value = *value;
          watch.took({&message, 1});
          return base::Result<void>();
        });
    EXPECT_TRUE(read) << read.error().message;
  }
  base::Result<std::optional<TopicLoss>> judged(InputWatch& watch, const PartitionGone& gone) {
    const auto client = Client::open_uncommitted(*cluster_);
    return client ? watch.judge(gone, **client) : base::fail(client.error());
  }

  io::Waiter waiter_{stop_, clock_};
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(InputWatchTest, LooksOnlyWhereSomethingHasCome) {
  fill("looks", 3);
  InputWatch watch(*cluster_, "looks", waiter_);
  EXPECT_EQ(watch.next_look(), io::kForever);
  EXPECT_FALSE(watch.look());
  took(watch, "looks", 0);
  EXPECT_LE(watch.next_look(), clock_.now() + InputWatch::kLookInterval);
  took(watch, "looks", 2);
  EXPECT_FALSE(watch.look());
  EXPECT_EQ(watch.next_look(), io::kForever);
}

TEST_F(InputWatchTest, AnotherMessageAtTheSameOffsetIsAnotherTopic) {
  fill("other", 3);
  InputWatch watch(*cluster_, "other", waiter_);
  took(watch, "other", 1, "not this");
  took(watch, "other", 2);  // what came last is as it was
  const std::optional<TopicLoss> loss = watch.look();
  ASSERT_TRUE(loss);
  EXPECT_FALSE(loss->deleted);
  EXPECT_EQ(loss->what,
            "kafka:other: partition 1: another message is at offset 1 than was read there: the "
            "topic has been made anew, or cut");
}

TEST_F(InputWatchTest, WhatWasReadBeforeALookThatFoundNothingIsOfTheSameTopic) {
  fill("held", 3);
  InputWatch watch(*cluster_, "held", waiter_);
  took(watch, "held", 0);
  took(watch, "held", 1, "not this");
  EXPECT_FALSE(watch.look());
  EXPECT_TRUE(watch.look()) << "the newest of before is what the next look goes by";
}

TEST_F(InputWatchTest, AMessageThatIsNotThereIsNoFinding) {
  fill("gap", 3);
  InputWatch watch(*cluster_, "gap", waiter_);
  const std::array messages{
      io::Message{.key = "k", .value = "beyond", .at = {.partition = 1, .offset = 7}}};
  watch.took(messages);
  EXPECT_FALSE(watch.look());
}

TEST_F(InputWatchTest, AnEndThatHasGoneBackIsNamedWithBothOffsets) {
  fill("back", 3);
  InputWatch watch(*cluster_, "back", waiter_);
  const auto loss = judged(watch, {.partition = 1, .next = 9});
  ASSERT_TRUE(loss) << loss.error().message;
  ASSERT_TRUE(*loss);
  EXPECT_EQ((*loss)->what,
            "kafka:back: partition 1: it was read up to offset 9, and ends at offset 3 now: the "
            "topic has been made anew, or cut");
}

TEST_F(InputWatchTest, APartitionThatIsThereAgainIsReadOn) {
  fill("again", 3);
  InputWatch watch(*cluster_, "again", waiter_);
  took(watch, "again", 2);
  const auto loss = judged(watch, {.partition = 1, .next = 3});
  ASSERT_TRUE(loss) << loss.error().message;
  EXPECT_FALSE(*loss);
}

TEST_F(InputWatchTest, APartitionThatStaysAwayIsThatOfAnotherTopic) {
  fill("fewer", 3);
  InputWatch watch(*cluster_, "fewer", waiter_);
  const auto loss = judged(watch, {.partition = 2, .next = 3});
  ASSERT_TRUE(loss) << loss.error().message;
  ASSERT_TRUE(*loss);
  EXPECT_EQ((*loss)->what,
            "kafka:fewer: partition 2 is there no more: the topic has been made anew");
}

TEST_F(InputWatchTest, AStopSignalEndsTheJudgement) {
  fill("stop", 3);
  InputWatch watch(*cluster_, "stop", waiter_);
  stop_.request(SIGTERM);
  const auto loss = judged(watch, {.partition = 2, .next = 3});
  ASSERT_FALSE(loss);
  EXPECT_EQ(loss.error().kind, base::ErrorKind::kInterrupted);
}

}  // namespace
}  // namespace paystats::kafka
