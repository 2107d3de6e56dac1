#include "kafka/group_entry.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "kafka/client.h"
#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

using std::chrono::milliseconds;

class GroupEntryTest : public MockClusterTest {
 protected:
  void SetUp() override {
    static int number = 0;
    topic_ = "entered" + std::to_string(++number);
    mock().create(topic_, 1);
    cluster_ = connect();
    open_client();
  }
  void TearDown() override { end_client(); }

  void open_client() {
    base::Result<std::unique_ptr<Client>> client =
        Client::open(*cluster_, RD_KAFKA_CONSUMER,
                     {.defaults = {},
                      .musts = {{"group.id", topic_},
                                {"group.instance.id", "one"},
                                {"partition.assignment.strategy", "range"}}},
                     {.on_rebalance = [](rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t*) {},
                      .on_delivery = {}});
    ASSERT_TRUE(client) << client.error().message;
    client_ = std::move(*client);
    rd_kafka_poll_set_consumer(client_->rk());
  }
  void end_client() {
    // librdkafka forgets to free a subscription that it has put off.
    rd_kafka_unsubscribe(client_->rk());
    client_->abandon();
  }

  // The group's first answer takes the mock three seconds, as members do that finish their work.
  bool is_admitted() {
    const RdMessage message(rd_kafka_consumer_poll(client_->rk(), 1));
    EXPECT_FALSE(message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR);
    char* const id = rd_kafka_memberid(client_->rk());
    const bool admitted = id != nullptr && *id != '\0';
    rd_kafka_mem_free(client_->rk(), id);
    return admitted;
  }

  // Admitted, without partitions: the second request fails. Now is when `entry` asked, and the
  // first look after this one sees the admission.
  void admit_only(GroupEntry& entry, base::Instant now) {
    constexpr int16_t kSyncGroup = 14;  // of Kafka's protocol
    rd_kafka_mock_push_request_errors(mock().mock(), kSyncGroup, 1,
                                      RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
    ASSERT_TRUE(entry.find_coordinator());
    ASSERT_TRUE(entry.subscribe());
    ASSERT_LT(entry.look(now), base::Instant::max());
    const base::Instant limit = clock_.now() + std::chrono::seconds(120);
    while (!is_admitted()) ASSERT_LT(clock_.now(), limit);
  }

  std::string topic_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<Client> client_;
};

TEST_F(GroupEntryTest, AGroupThatMayNotBeReadIsSaidToBeThat) {
  // A client looks for its coordinator as soon as it is there.
  end_client();
  client_.reset();
  next_errors(kFindCoordinator,
              std::vector<rd_kafka_resp_err_t>(100, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED));
  open_client();
  GroupEntry entry(*client_, topic_, topic_);
  const base::Result<void> found = entry.find_coordinator();
  rd_kafka_mock_clear_request_errors(mock().mock(), kFindCoordinator);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message,
            "kafka: group " + topic_ + ": not authorized: Read on group " + topic_);
}

TEST_F(GroupEntryTest, WhoIsAdmittedAndLeftWaitingJoinsAgain) {
  GroupEntry entry(*client_, topic_, topic_);
  const base::Instant asked{};
  admit_only(entry, asked);
  EXPECT_EQ(entry.look(asked + milliseconds(10)), asked + milliseconds(35));
  EXPECT_EQ(entry.look(asked + milliseconds(390)), asked + milliseconds(415));
  EXPECT_EQ(entry.look(asked + milliseconds(420)), base::Instant::max());
  // Once: it is librdkafka's from now on.
  EXPECT_EQ(entry.look(asked + milliseconds(900)), base::Instant::max());
}

TEST_F(GroupEntryTest, ALateAdmissionIsLeftToLibrdkafka) {
  GroupEntry entry(*client_, topic_, topic_);
  const base::Instant asked{};
  admit_only(entry, asked);
  EXPECT_EQ(entry.look(asked + milliseconds(700)), asked + milliseconds(725));
  EXPECT_EQ(entry.look(asked + milliseconds(1110)), asked + milliseconds(1135));
  EXPECT_EQ(entry.look(asked + milliseconds(5000)), asked + milliseconds(6000));
  entry.done();
  EXPECT_EQ(entry.look(asked + milliseconds(6000)), base::Instant::max());
}

TEST_F(GroupEntryTest, WhoIsNotAdmittedYetOnlyWaits) {
  GroupEntry entry(*client_, topic_, topic_);
  EXPECT_EQ(entry.look(clock_.now()), base::Instant::max());  // nothing is asked for yet
  ASSERT_TRUE(entry.find_coordinator());
  ASSERT_TRUE(entry.subscribe());
  const base::Instant now = clock_.now();
  EXPECT_LT(entry.look(now), base::Instant::max());
  EXPECT_LT(entry.look(now + milliseconds(500)), base::Instant::max());
  entry.done();
  EXPECT_EQ(entry.look(now + milliseconds(600)), base::Instant::max());
}

}  // namespace
}  // namespace paystats::kafka
