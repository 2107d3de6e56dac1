#include "kafka/ends.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "kafka/client.h"
#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

class EndsTest : public MockClusterTest {
 protected:
  static void SetUpTestSuite() {}
  static void TearDownTestSuite() {}

  std::unique_ptr<Cluster> impatient() {
    KafkaOptions options;
    options.brokers = three_.bootstrap();
    options.broker_timeout = std::chrono::seconds(1);
    return connect(options);
  }

  MockCluster three_{3};
};

TEST_F(EndsTest, OfPartitionsOnSeveralBrokersAreToldInTheOrderAskedFor) {
  three_.create("ends", 12);
  for (int32_t partition = 0; partition < 12; ++partition) {
    for (int32_t i = 0; i < partition; ++i) {
      three_.produce("ends", {.key = "k", .value = "v", .at = {.partition = partition}});
    }
  }
  three_.flush();
  const std::unique_ptr<Cluster> cluster = impatient();
  const std::vector<int32_t> wanted{7, 0, 11, 3, 4};
  const base::Result<std::vector<PartitionEnds>> ends =
      ends_of_partitions(*cluster, "ends", wanted);
  ASSERT_TRUE(ends) << ends.error().message;
  ASSERT_EQ(ends->size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ((*ends)[i].partition, wanted[i]);
    EXPECT_EQ((*ends)[i].low, 0);
    EXPECT_EQ((*ends)[i].high, wanted[i]);
  }
}

TEST_F(EndsTest, OfNoPartitionsAreNone) {
  const std::unique_ptr<Cluster> cluster = impatient();
  const base::Result<std::vector<PartitionEnds>> ends = ends_of_partitions(*cluster, "ends", {});
  ASSERT_TRUE(ends) << ends.error().message;
  EXPECT_TRUE(ends->empty());
}

// librdkafka leaves such a partition out of its requests, and calls the others' answer a success.
TEST_F(EndsTest, APartitionWithoutALeaderIsWaitedForAndNotTakenForAnEmptyOne) {
  three_.create("leaderless", 3);
  ASSERT_EQ(rd_kafka_mock_partition_set_leader(three_.mock(), "leaderless", 1, -1),
            RD_KAFKA_RESP_ERR_NO_ERROR);
  const std::unique_ptr<Cluster> cluster = impatient();
  for (const std::vector<int32_t>& wanted : {std::vector<int32_t>{0, 1, 2}, {1}}) {
    const base::Result<std::vector<PartitionEnds>> ends =
        ends_of_partitions(*cluster, "leaderless", wanted);
    ASSERT_FALSE(ends) << "with " << wanted.size();
    EXPECT_NE(ends.error().message.find("its leader has moved, or is unknown"), std::string::npos)
        << ends.error().message;
  }
  ASSERT_EQ(rd_kafka_mock_partition_set_leader(three_.mock(), "leaderless", 1, 2),
            RD_KAFKA_RESP_ERR_NO_ERROR);
  const std::vector<int32_t> wanted{0, 1, 2};
  EXPECT_TRUE(ends_of_partitions(*cluster, "leaderless", wanted));
}

TEST_F(EndsTest, ABrokerThatDoesNotAnswerIsNoEnd) {
  three_.create("slow", 6);
  // Who leads is chance otherwise.
  ASSERT_EQ(rd_kafka_mock_partition_set_leader(three_.mock(), "slow", 0, 2),
            RD_KAFKA_RESP_ERR_NO_ERROR);
  const std::unique_ptr<Cluster> cluster = impatient();
  const base::Result<std::unique_ptr<Client>> client =
      Client::open(*cluster, RD_KAFKA_CONSUMER, {});
  ASSERT_TRUE(client) << client.error().message;
  std::vector<PartitionEnds> ends;
  for (int32_t partition = 0; partition < 6; ++partition) ends.push_back({.partition = partition});
  ASSERT_EQ(query_ends((*client)->rk(), "slow", ends, 10'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_mock_broker_set_rtt(three_.mock(), 2, 5'000);
  EXPECT_EQ(query_ends((*client)->rk(), "slow", ends, 200), RD_KAFKA_RESP_ERR__TIMED_OUT);
  rd_kafka_mock_broker_set_rtt(three_.mock(), 2, 0);
}

}  // namespace
}  // namespace paystats::kafka
