#include "kafka/client.h"

#include <chrono>
#include <memory>
#include <string>

#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

class ClientTest : public MockClusterTest {
 protected:
  static void SetUpTestSuite() {}
  static void TearDownTestSuite() {}
};

TEST_F(ClientTest, ALeaderThatHasMovedIsAskedForByTheNextTry) {
  MockCluster three(3);
  three.create("moved", 1);
  KafkaOptions options;
  options.brokers = three.bootstrap();
  // librdkafka itself looks for leaders each five minutes.
  options.broker_timeout = std::chrono::seconds(30);
  const std::unique_ptr<Cluster> cluster = connect(options);
  const base::Result<std::unique_ptr<Client>> client = Client::open(
      *cluster, RD_KAFKA_CONSUMER, {.defaults = {}, .musts = {{"group.id", "members"}}});
  ASSERT_TRUE(client) << client.error().message;
  for (const int32_t leader : {1, 2, 3}) {
    ASSERT_EQ(rd_kafka_mock_partition_set_leader(three.mock(), "moved", 0, leader),
              RD_KAFKA_RESP_ERR_NO_ERROR);
    PartitionEnds ends;
    const base::Result<void> asked = (*client)->request("kafka:moved", [&](int timeout_ms) {
      return query_ends((*client)->rk(), "moved", {&ends, 1}, timeout_ms);
    });
    EXPECT_TRUE(asked) << asked.error().message;
    EXPECT_FALSE(cluster->watch().away());
  }
}

}  // namespace
}  // namespace paystats::kafka
