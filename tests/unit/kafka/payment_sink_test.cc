#include "kafka/payment_sink.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

using Aftermath = io::PaymentSink::Aftermath;

record::Batch batch(std::string_view user, std::string_view amount, uint64_t volume) {
  return {.user = user, .amount_text = amount, .amount = {}, .volume = volume};
}

class TopicPaymentSinkTest : public MockClusterTest {
 protected:
  std::unique_ptr<io::PaymentSink> open(const std::string& topic, const TopicSinkOptions& options) {
    mock().create(topic, 1);
    topic_ = topic;
    cluster_ = connect();
    auto sink = open_topic_payment_sink(*cluster_, topic, options);
    EXPECT_TRUE(sink) << (sink ? "" : sink.error().message);
    return sink ? std::move(*sink) : nullptr;
  }
  std::unique_ptr<io::PaymentSink> transactional(const std::string& topic, bool patient = false) {
    return open(topic, {.transactional = true,
                        .transactional_id = "serve." + topic,
                        .transaction_timeout = std::chrono::seconds(5),
                        .patient = patient});
  }
  // "key value" of each message.
  std::vector<std::string> messages() {
    std::vector<std::string> found;
    for (const io::OwnedMessage& message : messages_of(*cluster_, topic_)) {
      found.push_back(message.key + " " + *message.value);
    }
    return found;
  }

  std::unique_ptr<Cluster> cluster_;
  std::string topic_;
};

TEST_F(TopicPaymentSinkTest, SendsEachPaymentOfABatchUnderItsUser) {
  const auto sink = open("batches", {});
  const record::Batch batches[] = {batch("edgar", "1.0", 2), batch("zo\"e", "2", 1)};
  ASSERT_TRUE(sink->put({batches}));
  ASSERT_TRUE(sink->flush());
  EXPECT_EQ(messages(), (std::vector<std::string>{R"(edgar {"user":"edgar","paymentAmt":1.0})",
                                                  R"(edgar {"user":"edgar","paymentAmt":1.0})",
                                                  R"(zo"e {"user":"zo\"e","paymentAmt":2})"}));
}

TEST_F(TopicPaymentSinkTest, SendsLinesUnderTheUserThatTheyName) {
  const auto sink = open("lines", {});
  EXPECT_TRUE(sink->lines_await_flush());
  ASSERT_TRUE(
      sink->commit_lines("{\"user\":\"a\\\\b\",\"paymentAmt\":1}\n"
                         "{\"user\":\"c\",\"paymentAmt\":2}\n"));
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(messages(), (std::vector<std::string>{R"(a\b {"user":"a\\b","paymentAmt":1})",
                                                  R"(c {"user":"c","paymentAmt":2})"}));
}

TEST_F(TopicPaymentSinkTest, TakesMoreThanTheQueueHolds) {
  KafkaOptions options;
  options.properties = {"queue.buffering.max.messages=100"};
  mock().create("full", 1);
  topic_ = "full";
  cluster_ = connect(options);
  auto sink = open_topic_payment_sink(*cluster_, "full");
  ASSERT_TRUE(sink) << sink.error().message;
  const record::Batch many = batch("edgar", "1", 5'000);
  ASSERT_TRUE((*sink)->put({{&many, 1}}));
  ASSERT_TRUE((*sink)->flush());
  EXPECT_EQ(messages().size(), 5'000U);
}

TEST_F(TopicPaymentSinkTest, SaysHowManyWereNotDelivered) {
  const auto sink = open("refused", {});
  next_errors(kProduce, {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED});
  const record::Batch one = batch("edgar", "1", 1);
  ASSERT_TRUE(sink->put({{&one, 1}}));
  const base::Result<void> flushed = sink->flush();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().message.substr(0, 38), "kafka:refused: 1 message not delivered");
  EXPECT_EQ(flushed.error().kind, base::ErrorKind::kFailed);
  EXPECT_EQ(sink->aftermath(), Aftermath::kBroken);
}

TEST_F(TopicPaymentSinkTest, ATransactionHasWhatWasPutSinceTheLastFlush) {
  const auto sink = transactional("together");
  const record::Batch one = batch("edgar", "1", 3);
  ASSERT_TRUE(sink->put({{&one, 1}}));
  EXPECT_TRUE(messages().empty());  // held until the flush
  ASSERT_TRUE(sink->flush());
  EXPECT_EQ(messages().size(), 3U);
  ASSERT_TRUE(sink->flush());  // nothing to do
  ASSERT_TRUE(sink->commit_lines("{\"user\":\"a\",\"paymentAmt\":1}\n"));
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(messages().size(), 4U);
}

TEST_F(TopicPaymentSinkTest, ATopicThatMayNotBeWrittenIsNamedAndNotWellUntilItMay) {
  const auto sink = transactional("closed");
  next_errors(kAddPartitions, {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                               RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED});
  const record::Batch one = batch("edgar", "1", 3);
  ASSERT_TRUE(sink->put({{&one, 1}}));
  const base::Result<void> flushed = sink->flush();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().message,
            "kafka:closed: the transaction was undone: not authorized: Write on topic closed");
  EXPECT_EQ(sink->aftermath(), Aftermath::kUndone);
  const base::Result<bool> refused = sink->probe();
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_FALSE(*refused);
  // librdkafka 2.0.2 may purge what is sent right after a transaction that it aborted.
  base::Result<bool> taken = false;
  for (int tries = 0; tries < 5 && taken && !*taken; ++tries) taken = sink->probe();
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_TRUE(*taken);
  ASSERT_TRUE(sink->put({{&one, 1}}));
  EXPECT_TRUE(sink->flush());
}

TEST_F(TopicPaymentSinkTest, ACommitThatMeetsABusyCoordinatorIsTriedAgain) {
  const auto sink = transactional("busy");
  next_errors(kEndTransaction, {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
                                RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS});
  const record::Batch one = batch("edgar", "1", 1);
  ASSERT_TRUE(sink->put({{&one, 1}}));
  const base::Result<void> flushed = sink->flush();
  EXPECT_TRUE(flushed) << flushed.error().message;
}

TEST_F(TopicPaymentSinkTest, AMessageThatIsRefusedUndoesTheTransactionAndTheNextGoesWell) {
  const auto sink = transactional("undone");
  next_errors(kProduce, {RD_KAFKA_RESP_ERR_INVALID_RECORD});
  const record::Batch one = batch("edgar", "1", 1);
  ASSERT_TRUE(sink->put({{&one, 1}}));
  const base::Result<void> flushed = sink->flush();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().message.substr(0, 41), "kafka:undone: the transaction was undone:");
  EXPECT_EQ(sink->aftermath(), Aftermath::kUndone);
  const record::Batch two = batch("ada", "2", 1);
  ASSERT_TRUE(sink->put({{&two, 1}}));
  const base::Result<void> again = sink->flush();
  EXPECT_TRUE(again) << again.error().message;
  EXPECT_EQ(messages(), (std::vector<std::string>{R"(ada {"user":"ada","paymentAmt":2})"}));
}

TEST_F(TopicPaymentSinkTest, ACommitWhoseOutcomeNobodyKnowsSaysSoAndTheNextGoesWell) {
  const auto sink = transactional("unknown");
  next_errors(kEndTransaction, {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE});
  const record::Batch one = batch("edgar", "1", 1);
  ASSERT_TRUE(sink->put({{&one, 1}}));
  const base::Result<void> flushed = sink->flush();
  ASSERT_FALSE(flushed);
  EXPECT_NE(flushed.error().message.find("nobody knows whether"), std::string::npos);
  EXPECT_EQ(sink->aftermath(), Aftermath::kUnknown);
  ASSERT_TRUE(sink->put({{&one, 1}}));
  const base::Result<void> again = sink->flush();
  EXPECT_TRUE(again) << again.error().message;
}

TEST_F(TopicPaymentSinkTest, WhoIsFencedYieldsToTheOther) {
  const auto sink = transactional("fenced");
  next_errors(kEndTransaction, {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH});
  const record::Batch one = batch("edgar", "1", 1);
  ASSERT_TRUE(sink->put({{&one, 1}}));
  const base::Result<void> flushed = sink->flush();
  ASSERT_FALSE(flushed);
  EXPECT_NE(flushed.error().message.find(
                "another process has taken over the transactional id serve.fenced"),
            std::string::npos)
      << flushed.error().message;
  EXPECT_EQ(sink->aftermath(), Aftermath::kBroken);
}

// A connection that stands says nothing: the partition must have a leader.
TEST_F(TopicPaymentSinkTest, AProbeSaysWhetherBrokersWouldTakePayments) {
  const auto sink = transactional("probed");
  const auto probes = [&](bool want) {
    for (int tries = 0; tries < 100; ++tries) {
      const base::Result<bool> well = sink->probe();
      if (well && *well == want) return true;
    }
    return false;
  };
  EXPECT_TRUE(probes(true));
  rd_kafka_mock_partition_set_leader(mock().mock(), "probed", 0, -1);
  EXPECT_TRUE(probes(false));
  rd_kafka_mock_partition_set_leader(mock().mock(), "probed", 0, 1);
  EXPECT_TRUE(probes(true));
  rd_kafka_mock_broker_set_down(mock().mock(), 1);
  EXPECT_TRUE(probes(false));
  rd_kafka_mock_broker_set_up(mock().mock(), 1);
  EXPECT_TRUE(probes(true));
  EXPECT_EQ(messages(), std::vector<std::string>());
}

TEST_F(TopicPaymentSinkTest, OpensOnceTheCoordinatorIsReady) {
  next_errors(kInitProducerId, {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
                                RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS});
  EXPECT_NE(transactional("loading"), nullptr);
}

}  // namespace
}  // namespace paystats::kafka
