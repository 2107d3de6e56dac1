#include "kafka/topic_look.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

class TopicLookTest : public MockClusterTest {
 protected:
  std::optional<TopicSight> look(Cluster& cluster, const std::string& topic,
                                 const std::vector<int32_t>& partitions) {
    auto opened = TopicLook::open(cluster, topic);
    EXPECT_TRUE(opened);
    (*opened)->poll();
    std::optional<TopicSight> sight = (*opened)->look(partitions);
    // A broker that was busy, or is not connected yet.
    for (int i = 0; i < 20 && !sight; ++i) sight = (*opened)->look(partitions);
    return sight;
  }
};

TEST_F(TopicLookTest, TellsWherePartitionsEnd) {
  mock().create("look1", 3);
  for (int i = 0; i < 5; ++i) mock().produce("look1", {.key = "k", .value = "v", .at = {2, 0}});
  mock().flush();
  const std::unique_ptr<Cluster> cluster = connect();
  const std::optional<TopicSight> sight = look(*cluster, "look1", {2, 0});
  ASSERT_TRUE(sight);
  ASSERT_EQ(sight->ends.size(), 2U);
  EXPECT_EQ(sight->ends[0].partition, 2);
  EXPECT_EQ(sight->ends[0].offset, 5);
  EXPECT_EQ(sight->ends[1].offset, 0);
}

TEST_F(TopicLookTest, APartitionThatIsNotThereIsToldByTheNumberOfThoseThatAre) {
  mock().create("look2", 2);
  const std::unique_ptr<Cluster> cluster = connect();
  const std::optional<TopicSight> sight = look(*cluster, "look2", {0, 2});
  ASSERT_TRUE(sight);
  EXPECT_TRUE(sight->ends.empty());
  EXPECT_EQ(sight->partitions, 2);
}

// A topic that is not there is tested on a real broker: this one makes each that it is asked for.
TEST_F(TopicLookTest, WhereNoBrokerAnswersThereIsNothingToBeSeen) {
  const std::unique_ptr<Cluster> cluster = connect({.brokers = "127.0.0.1:9"});
  auto opened = TopicLook::open(*cluster, "look3");
  ASSERT_TRUE(opened);
  const base::Instant begun = clock_.now();
  const std::vector<int32_t> partitions{0};
  EXPECT_FALSE((*opened)->look(partitions));
  EXPECT_LT(clock_.now() - begun, 10 * TopicLook::kTimeout) << "it waits for nothing";
}

}  // namespace
}  // namespace paystats::kafka
