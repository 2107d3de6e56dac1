#include "kafka/request_writer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

// Reads each partition from its beginning.
class Owner final : public PartitionOwner {
 public:
  base::Result<std::vector<SignedOffset>> on_assigned(
      std::span<const PartitionOffsets> partitions) override {
    std::vector<SignedOffset> starts;
    for (const PartitionOffsets& each : partitions) starts.push_back({each.partition, each.low});
    return starts;
  }
  base::Result<void> on_revoked(bool /*lost*/) override { return {}; }
  base::Result<bool> on_gone(int64_t /*wanted*/, const PartitionEnds& /*ends*/) override {
    return true;
  }
};

class RequestWriterTest : public MockClusterTest {
 protected:
  // A member that has two partitions of requests, and its writer.
  void begin(const std::string& name) {
    names_ = {.requests_topic = name + "-requests",
              .payments_topic = name + "-payments",
              .answers_topic = name + "-answers",
              .transactional_id = name};
    mock().create(names_.requests_topic, 2);
    mock().create(names_.payments_topic, 1);
    mock().create(names_.answers_topic, 2);
    cluster_ = connect();
    auto consumer = GroupConsumer::open(
        *cluster_, {.topic = names_.requests_topic, .group = name, .instance = "one"}, owner_,
        waiter_);
    ASSERT_TRUE(consumer) << consumer.error().message;
    consumer_ = std::move(*consumer);
    auto writer = RequestWriter::open(*cluster_, names_);
    ASSERT_TRUE(writer) << writer.error().message;
    writer_ = std::move(*writer);
  }
  // A request of each partition, with its answer. What commit() says.
  base::Result<bool> write(const std::string& suffix) {
    const record::SourceOffset next[] = {{0, 5}, {1, 9}};
    const record::Batch edgars{.user = "edgar", .amount_text = "1.0", .amount = {}, .volume = 2};
    const record::Batch adas{.user = "ada", .amount_text = "2", .amount = {}, .volume = 1};
    base::Result<void> done = writer_->begin(next, *consumer_);
    if (done) done = writer_->pay(edgars);
    if (done) done = writer_->pay(adas);
    if (done) done = writer_->answer(1, "k1", "one" + suffix);
    if (done) done = writer_->answer(0, "k0", "zero" + suffix);
    if (done) done = writer_->answer(1, "k2", "two" + suffix);
    if (!done) return base::fail(done.error());
    return writer_->commit();
  }
  std::vector<std::string> payments() {
    std::vector<std::string> found;
    for (const io::OwnedMessage& message : messages_of(*cluster_, names_.payments_topic)) {
      found.push_back(message.key + " " + *message.value);
    }
    return found;
  }
  std::vector<std::string> answers(int32_t partition) {
    std::vector<std::string> found;
    for (const io::OwnedMessage& message : messages_of(*cluster_, names_.answers_topic)) {
      if (message.at.partition == partition) found.push_back(message.key + " " + *message.value);
    }
    return found;
  }

  RequestWriterOptions names_;
  Owner owner_;
  const io::Waiter waiter_{stop_, clock_};
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<GroupConsumer> consumer_;
  std::unique_ptr<RequestWriter> writer_;
};

TEST_F(RequestWriterTest, PaymentsGoByUserAndAnswersByPartition) {
  begin("written");
  const base::Result<bool> committed = write("");
  ASSERT_TRUE(committed) << committed.error().message;
  EXPECT_TRUE(*committed) << writer_->why();
  EXPECT_EQ(payments(), (std::vector<std::string>{R"(edgar {"user":"edgar","paymentAmt":1.0})",
                                                  R"(edgar {"user":"edgar","paymentAmt":1.0})",
                                                  R"(ada {"user":"ada","paymentAmt":2})"}));
  EXPECT_EQ(answers(0), std::vector<std::string>{"k0 zero"});
  EXPECT_EQ(answers(1), (std::vector<std::string>{"k1 one", "k2 two"}));
}

TEST_F(RequestWriterTest, ATransactionMayConsistOfOffsetsAlone) {
  begin("offsets");
  const record::SourceOffset next{0, 5};
  ASSERT_TRUE(writer_->begin({&next, 1}, *consumer_));
  const base::Result<bool> committed = writer_->commit();
  ASSERT_TRUE(committed) << committed.error().message;
  EXPECT_TRUE(*committed) << writer_->why();
}

TEST_F(RequestWriterTest, WithoutItsOffsetsNothingIsCommittedAndTheNextTimeGoesWell) {
  begin("undone");
  next_errors(kAddOffsets, {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED});
  const base::Result<bool> undone = write(" undone");
  ASSERT_TRUE(undone) << undone.error().message;
  EXPECT_FALSE(*undone);
  EXPECT_FALSE(writer_->why().empty());
  EXPECT_TRUE(payments().empty());
  EXPECT_TRUE(answers(0).empty());
  const base::Result<bool> again = write("");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(*again) << writer_->why();
  EXPECT_EQ(payments().size(), 3U);
  EXPECT_EQ(answers(0), std::vector<std::string>{"k0 zero"});
}

TEST_F(RequestWriterTest, AMessageThatIsRefusedUndoesAllAndALaterTimeGoesWell) {
  begin("refused");
  next_errors(kProduce, {RD_KAFKA_RESP_ERR_INVALID_RECORD});
  base::Result<bool> committed = write(" undone");
  ASSERT_TRUE(committed) << committed.error().message;
  EXPECT_FALSE(*committed);
  // librdkafka 2.0.2 may purge what is sent right after a transaction that it aborted.
  for (int tries = 0; tries < 5 && !*committed; ++tries) {
    committed = write("");
    ASSERT_TRUE(committed) << committed.error().message;
  }
  EXPECT_TRUE(*committed) << writer_->why();
}

TEST_F(RequestWriterTest, ACommitOfUnknownOutcomeIsNoSuccessAndTheNextTimeGoesWell) {
  begin("unknown");
  next_errors(kEndTransaction, {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE});
  const base::Result<bool> unknown = write(" maybe");
  ASSERT_TRUE(unknown) << unknown.error().message;
  EXPECT_FALSE(*unknown);
  EXPECT_FALSE(writer_->why().empty());
  const base::Result<bool> again = write("");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(*again) << writer_->why();
}

}  // namespace
}  // namespace paystats::kafka
