#include "kafka/topic_source.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

class TopicSourceTest : public MockClusterTest {
 protected:
  void fill(const std::string& topic, int partitions, int messages) {
    mock().create(topic, partitions);
    add(topic, partitions, messages);
  }
  void add(const std::string& topic, int partitions, int messages) {
    for (int i = 0; i < messages; ++i) {
      mock().produce(topic,
                     {.key = "k", .value = std::to_string(i), .at = {.partition = i % partitions}});
    }
    mock().flush();
  }
  std::unique_ptr<io::MessageSource> open(const std::string& topic, bool until_end) {
    if (!cluster_) cluster_ = connect();
    auto source = open_topic_source(*cluster_, topic, {.until_end = until_end}, waiter_);
    EXPECT_TRUE(source) << source.error().message;
    return source ? std::move(*source) : nullptr;
  }
  base::Instant soon() { return clock_.now() + std::chrono::seconds(120); }

  io::Waiter waiter_{stop_, clock_};
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(TopicSourceTest, UntilEndReadsAllPartitionsAndEnds) {
  fill("ends", 3, 3000);
  const auto source = open("ends", true);
  EXPECT_EQ(source->messages_at_start(), 3000U);
  std::vector<uint64_t> by_partition(3);
  io::MessageBlock block;
  base::Result<io::ReadStatus> status = source->read(block, soon());
  for (; status && *status == io::ReadStatus::kBlock; status = source->read(block, soon())) {
    EXPECT_EQ(block.source, "ends");
    for (const io::Message& message : block.messages) {
      EXPECT_EQ(message.at.offset,
                static_cast<int64_t>(by_partition[static_cast<size_t>(message.at.partition)]++));
    }
  }
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(*status, io::ReadStatus::kEnd);
  EXPECT_EQ(by_partition, (std::vector<uint64_t>{1000, 1000, 1000}));
  EXPECT_FALSE(source->cut_short());
  EXPECT_EQ(source->messages_read(), 3000U);
}

TEST_F(TopicSourceTest, UntilEndLeavesOutWhatCameLater) {
  fill("later", 1, 10);
  const auto source = open("later", true);
  add("later", 1, 10);
  uint64_t count = 0;
  io::MessageBlock block;
  while (source->read(block, soon()).value_or(io::ReadStatus::kEnd) == io::ReadStatus::kBlock) {
    count += block.messages.size();
  }
  EXPECT_EQ(count, 10U);
}

TEST_F(TopicSourceTest, AnEmptyTopicEndsAtOnce) {
  fill("empty", 2, 0);
  const auto source = open("empty", true);
  EXPECT_TRUE(source->caught_up());
  io::MessageBlock block;
  EXPECT_EQ(source->read(block, clock_.now()).value_or(io::ReadStatus::kBlock),
            io::ReadStatus::kEnd);
}

TEST_F(TopicSourceTest, WithoutAnEndItWaitsForMore) {
  fill("more", 1, 5);
  const auto source = open("more", false);
  EXPECT_FALSE(source->caught_up());
  io::MessageBlock block;
  // The five may come in several blocks.
  const base::Instant limit = soon();
  while (!source->caught_up() && clock_.now() < limit) {
    ASSERT_NE(source->read(block, limit).value_or(io::ReadStatus::kEnd), io::ReadStatus::kEnd);
  }
  EXPECT_TRUE(source->caught_up());
  while (source->read(block, clock_.now()).value_or(io::ReadStatus::kEnd) ==
         io::ReadStatus::kBlock) {
  }
  EXPECT_EQ(source->read(block, clock_.now() + std::chrono::milliseconds(5))
                .value_or(io::ReadStatus::kEnd),
            io::ReadStatus::kIdle);
  add("more", 1, 1);
  EXPECT_EQ(source->read(block, soon()).value_or(io::ReadStatus::kEnd), io::ReadStatus::kBlock);
}

TEST_F(TopicSourceTest, AStopSignalEndsIt) {
  fill("stops", 1, 5);
  const auto source = open("stops", false);
  stop_.request(SIGTERM);
  io::MessageBlock block;
  EXPECT_EQ(source->read(block, io::kForever).value_or(io::ReadStatus::kBlock),
            io::ReadStatus::kEnd);
  EXPECT_TRUE(source->cut_short());
}

TEST_F(TopicSourceTest, ATopicThatDoesNotExistIsAnError) {
  cluster_ = connect();
  rd_kafka_mock_topic_set_error(mock().mock(), "nowhere", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  const auto source = open_topic_source(*cluster_, "nowhere", {}, waiter_);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().message,
            "kafka:nowhere: there is no such topic; --create-topics makes it");
}

TEST_F(TopicSourceTest, ABrokerThatIsAwayIsWaitedForAsLongAsToldTo) {
  cluster_ = connect({.brokers = "127.0.0.1:1",
                      .properties = {},
                      .property_file = {},
                      .broker_timeout = std::chrono::milliseconds(200)});
  const auto source = open_topic_source(*cluster_, "any", {}, waiter_);
  ASSERT_FALSE(source);
  EXPECT_NE(source.error().message.find("no broker at 127.0.0.1:1 answered within 200 ms"),
            std::string::npos)
      << source.error().message;
}

}  // namespace
}  // namespace paystats::kafka
