#include "kafka/topics.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

class TopicsTest : public MockClusterTest {};

TEST_F(TopicsTest, ATopicIsKnownByItsPartitions) {
  mock().create("five", 5);
  const auto cluster = connect();
  const base::Result<int32_t> partitions = require_topic(*cluster, {.name = "five"});
  ASSERT_TRUE(partitions) << partitions.error().message;
  EXPECT_EQ(*partitions, 5);
}

TEST_F(TopicsTest, ATopicThatIsLookedForIsFoundOrIsNotThere) {
  mock().create("three", 3);
  const auto cluster = connect({.create_topics = true});
  const base::Result<std::optional<int32_t>> there = find_topic(*cluster, "three");
  ASSERT_TRUE(there) << there.error().message;
  EXPECT_EQ(*there, 3);

  rd_kafka_mock_topic_set_error(mock().mock(), "gone", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  const base::Result<std::optional<int32_t>> gone = find_topic(*cluster, "gone");
  ASSERT_TRUE(gone) << gone.error().message;
  EXPECT_EQ(*gone, std::nullopt);
}

TEST_F(TopicsTest, AClusterHasAnIdThatStays) {
  const auto cluster = connect();
  const base::Result<std::string> id = cluster_id(*cluster);
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_NE(*id, "");
  EXPECT_EQ(*cluster_id(*cluster), *id);
}

TEST_F(TopicsTest, WithoutABrokerTheTimeoutEndsTheWait) {
  const auto cluster =
      connect({.brokers = "127.0.0.1:9", .broker_timeout = std::chrono::milliseconds(100)});
  const base::Result<int32_t> partitions = require_topic(*cluster, {.name = "any"});
  ASSERT_FALSE(partitions);
  EXPECT_NE(partitions.error().message.find("see --broker-timeout"), std::string::npos);
}

TEST_F(TopicsTest, AStopSignalEndsTheWait) {
  stop_.request(SIGTERM);
  const auto cluster = connect({.brokers = "127.0.0.1:9"});
  const base::Result<int32_t> partitions = require_topic(*cluster, {.name = "any"});
  ASSERT_FALSE(partitions);
  EXPECT_EQ(partitions.error().kind, base::ErrorKind::kInterrupted);
}

}  // namespace
}  // namespace paystats::kafka
