#include "kafka/message_sender.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "unit/kafka/mock_cluster.h"
#include "unit/support.h"

namespace paystats::kafka {
namespace {

using Failure = MessageSender::Failure;

constexpr int kBroker = 1;
constexpr base::Duration kLimit = std::chrono::seconds(120);

class MessageSenderTest : public MockClusterTest {
 protected:
  void TearDown() override {
    rd_kafka_mock_clear_request_errors(mock().mock(), kProduce);
    rd_kafka_mock_clear_request_errors(mock().mock(), kInitProducerId);
    rd_kafka_mock_broker_set_rtt(mock().mock(), kBroker, 0);
    rd_kafka_mock_broker_set_up(mock().mock(), kBroker);
  }

  std::unique_ptr<MessageSender> open(const std::string& topic, base::Duration delivery_timeout,
                                      const KafkaOptions& options = {}) {
    topic_ = topic;
    if (!options.brokers) mock().create(topic, 1);
    cluster_ = connect(options);
    auto sender =
        MessageSender::open(*cluster_, {.topic = topic, .delivery_timeout = delivery_timeout});
    EXPECT_TRUE(sender) << (sender ? "" : sender.error().message);
    return sender ? std::move(*sender) : nullptr;
  }

  // Asks for failures until there have been so many.
  std::vector<Failure> failures(MessageSender& sender, size_t count) {
    std::vector<Failure> found;
    for (const base::Instant limit = clock_.now() + kLimit; found.size() < count;) {
      base::Result<std::vector<Failure>> more = sender.failures();
      EXPECT_TRUE(more) << (more ? "" : more.error().message);
      if (!more || clock_.now() >= limit) break;
      found.insert(found.end(), more->begin(), more->end());
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    EXPECT_EQ(found.size(), count);
    found.resize(count);
    return found;
  }

  // Sends it until it has arrived: a client that is not yet well again may fail a few times.
  bool arrives(MessageSender& sender, const std::string& value) {
    for (const base::Instant limit = clock_.now() + kLimit; clock_.now() < limit;) {
      (void)sender.send(0, "k", value);
      const base::Result<std::vector<Failure>> failed = sender.failures();
      if (!failed) return false;
      for (const io::OwnedMessage& message : messages_of(*cluster_, topic_)) {
        if (message.value == value) return true;
      }
    }
    return false;
  }

  // "key value" of each message, once there are so many. Nothing may fail meanwhile.
  std::vector<std::string> delivered(MessageSender& sender, size_t count) {
    std::vector<std::string> found;
    for (const base::Instant limit = clock_.now() + kLimit; clock_.now() < limit;) {
      const base::Result<std::vector<Failure>> failed = sender.failures();
      EXPECT_TRUE(failed && failed->empty());
      if (!failed || !failed->empty()) break;
      found.clear();
      for (const io::OwnedMessage& message : messages_of(*cluster_, topic_)) {
        found.push_back(message.key + " " + message.value->substr(0, 20));
      }
      if (found.size() >= count) break;
    }
    return found;
  }

  std::unique_ptr<Cluster> cluster_;
  std::string topic_;
};

TEST_F(MessageSenderTest, WhatIsSentArrivesUnderItsKey) {
  const auto sender = open("sent", std::chrono::seconds(60));
  EXPECT_TRUE(sender->send(1, "k1", "one"));
  EXPECT_TRUE(sender->send(2, "", "two"));
  EXPECT_EQ(delivered(*sender, 2), (std::vector<std::string>{"k1 one", " two"}));
}

TEST_F(MessageSenderTest,
       AMessageOfTheLargestSizeArrivesAndALargerOneThanLibrdkafkaTakesIsRefused) {
  const auto sender = open("large", std::chrono::seconds(60));
  const size_t most = sender->message_bytes_max();
  EXPECT_GT(most, 900'000U);
  EXPECT_TRUE(sender->send(1, "k", std::string(most - 1, 'x')));
  EXPECT_EQ(delivered(*sender, 1), std::vector<std::string>{"k " + std::string(20, 'x')});
  EXPECT_FALSE(sender->send(2, "k", std::string(most + 1'000, 'x')));
}

// Whoever sends must choose alike, so the user's choice for other topics is not this one's.
TEST_F(MessageSenderTest, AKeyHasOnePartitionWhateverPartitionerTheUserWants) {
  mock().create("key-partitions", 8);
  KafkaOptions options;
  options.brokers = mock().bootstrap();
  options.properties = {"partitioner=random"};
  const auto sender = open("key-partitions", kLimit, options);
  ASSERT_TRUE(sender);
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(sender->send(0, "k", "same"));
  EXPECT_TRUE(arrives(*sender, "last"));
  std::set<int32_t> partitions;
  for (const io::OwnedMessage& message : messages_of(*cluster_, topic_)) {
    partitions.insert(message.at.partition);
  }
  EXPECT_EQ(partitions.size(), 1u);
}

TEST_F(MessageSenderTest, WithoutABrokerTheQueueFillsUpAndEmptiesAgain) {
  const auto sender =
      open("away", std::chrono::milliseconds(200),
           {.brokers = "127.0.0.1:9", .properties = {"queue.buffering.max.messages=2"}});
  EXPECT_TRUE(sender->send(7, "k", "a"));
  EXPECT_TRUE(sender->send(8, "k", "b"));
  EXPECT_FALSE(sender->send(9, "k", "c"));
  const std::vector<Failure> failed = failures(*sender, 2);
  EXPECT_EQ(failed[0].number, 7U);
  EXPECT_EQ(failed[1].number, 8U);
  for (const Failure& failure : failed) {
    EXPECT_FALSE(failure.maybe_written);
    EXPECT_FALSE(failure.why.empty());
  }
  EXPECT_TRUE(sender->send(9, "k", "c"));
}

TEST_F(MessageSenderTest, BrokersThatAreAwayForTooLongAreTheEnd) {
  const auto sender =
      open("patience", std::chrono::seconds(60),
           {.brokers = "127.0.0.1:9", .broker_timeout = std::chrono::milliseconds(100)});
  EXPECT_TRUE(sender->send(7, "k", "a"));
  // What was under way is told first.
  const std::vector<Failure> failed = failures(*sender, 1);
  EXPECT_EQ(failed[0].number, 7U);
  EXPECT_FALSE(failed[0].maybe_written);
  const base::Result<std::vector<Failure>> end = sender->failures();
  ASSERT_FALSE(end);
  EXPECT_NE(end.error().message.find("see --broker-timeout"), std::string::npos);
  EXPECT_FALSE(sender->send(8, "k", "b"));
}

TEST_F(MessageSenderTest, ARefusedMessageIsCertainlyNotWrittenAndTheNextArrives) {
  const auto sender = open("refused", std::chrono::seconds(60));
  next_errors(kProduce, {RD_KAFKA_RESP_ERR_INVALID_RECORD});
  EXPECT_TRUE(sender->send(1, "k", "bad"));
  const std::vector<Failure> failed = failures(*sender, 1);
  EXPECT_EQ(failed[0].number, 1U);
  EXPECT_FALSE(failed[0].maybe_written);
  EXPECT_TRUE(sender->send(2, "k", "good"));
  EXPECT_EQ(delivered(*sender, 1), std::vector<std::string>{"k good"});
}

TEST_F(MessageSenderTest, AMessageThatIsNotAnsweredInTimeMayBeWrittenAndTheNextArrives) {
  const auto sender = open("late", std::chrono::milliseconds(800));
  EXPECT_TRUE(sender->send(1, "k", "first"));
  EXPECT_EQ(delivered(*sender, 1).size(), 1U);
  rd_kafka_mock_broker_set_rtt(mock().mock(), kBroker, 5'000);
  EXPECT_TRUE(sender->send(2, "k", "late"));
  const std::vector<Failure> failed = failures(*sender, 1);
  EXPECT_EQ(failed[0].number, 2U);
  EXPECT_TRUE(failed[0].maybe_written);
  rd_kafka_mock_broker_set_rtt(mock().mock(), kBroker, 0);
  EXPECT_TRUE(arrives(*sender, "after"));
}

TEST_F(MessageSenderTest, ASequenceThatTheBrokerDoesNotKnowIsBegunAnew) {
  const auto sender = open("sequence", std::chrono::seconds(60));
  EXPECT_TRUE(sender->send(1, "k", "first"));
  EXPECT_EQ(delivered(*sender, 1).size(), 1U);
  next_errors(kProduce, {RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER});
  EXPECT_TRUE(sender->send(2, "k", "lost"));
  const std::vector<Failure> failed = failures(*sender, 1);
  EXPECT_EQ(failed[0].number, 2U);
  EXPECT_TRUE(failed[0].maybe_written);
  EXPECT_TRUE(arrives(*sender, "next"));
}

TEST_F(MessageSenderTest, AClientThatLibrdkafkaGivesUpIsReplacedAndAllThatWasUnderWayIsUnknown) {
  next_errors(kInitProducerId, {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH});
  // Both are sent before it can be given up.
  rd_kafka_mock_broker_set_down(mock().mock(), kBroker);
  const auto sender = open("fatal", std::chrono::seconds(60));
  EXPECT_TRUE(sender->send(1, "k", "a"));
  EXPECT_TRUE(sender->send(2, "k", "b"));
  rd_kafka_mock_broker_set_up(mock().mock(), kBroker);
  for (const Failure& failure : failures(*sender, 2)) {
    EXPECT_TRUE(failure.maybe_written);
  }
  EXPECT_TRUE(arrives(*sender, "next"));
}

// A broker that is slow, and comes and goes.
TEST_F(MessageSenderTest, NoMessageIsForgottenAndNoneIsWrittenThatCertainlyWasNot) {
  const auto sender = open("storm", std::chrono::milliseconds(400));
  std::set<uint64_t> sent;
  std::map<uint64_t, bool> failed;  // by number: maybe written
  const auto look = [&] {
    const base::Result<std::vector<Failure>> failures = sender->failures();
    ASSERT_TRUE(failures) << failures.error().message;
    for (const Failure& failure : *failures) {
      EXPECT_TRUE(failed.emplace(failure.number, failure.maybe_written).second) << failure.number;
    }
  };
  const auto send_for = [&](std::chrono::milliseconds time) {
    for (const base::Instant end = clock_.now() + time; clock_.now() < end;) {
      const uint64_t number = sent.size() + 1;
      ASSERT_TRUE(sender->send(number, "k", std::to_string(number)));
      sent.insert(number);
      look();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  for (int round = 0; round < 3; ++round) {
    send_for(std::chrono::milliseconds(100));
    rd_kafka_mock_broker_set_rtt(mock().mock(), kBroker, 100 + 150 * round);
    send_for(std::chrono::milliseconds(200));
    rd_kafka_mock_broker_set_down(mock().mock(), kBroker);
    send_for(std::chrono::milliseconds(100 + 200 * round));
    rd_kafka_mock_broker_set_rtt(mock().mock(), kBroker, 0);
    rd_kafka_mock_broker_set_up(mock().mock(), kBroker);
  }
  std::set<uint64_t> written;
  const auto settled = [&](uint64_t number) {
    return written.contains(number) || failed.contains(number);
  };
  for (const base::Instant limit = clock_.now() + kLimit; clock_.now() < limit;) {
    look();
    for (const io::OwnedMessage& message : messages_of(*cluster_, topic_)) {
      written.insert(std::stoull(*message.value));
    }
    if (std::all_of(sent.begin(), sent.end(), settled)) break;
  }
  EXPECT_TRUE(std::all_of(sent.begin(), sent.end(), settled));
  for (const auto& [number, maybe_written] : failed) {
    EXPECT_TRUE(maybe_written || !written.contains(number)) << number;
  }
}

TEST_F(MessageSenderTest, WhetherABrokerAnswersIsToldWithoutAMessage) {
  const auto sender = open("asked", std::chrono::seconds(5));
  const auto becomes = [&](bool want) {
    for (int tries = 0; tries < 100; ++tries) {
      if (sender->is_answered() == want) return true;
    }
    return false;
  };
  EXPECT_TRUE(becomes(true));
  rd_kafka_mock_broker_set_down(mock().mock(), kBroker);
  EXPECT_TRUE(becomes(false));
  rd_kafka_mock_broker_set_up(mock().mock(), kBroker);
  EXPECT_TRUE(becomes(true));
}

TEST_F(MessageSenderTest, ATopicThatIsUnknownForAMomentIsThereAgainAndOneThatStaysSoIsTheEnd) {
  const KafkaOptions options{.brokers = mock().bootstrap(),
                             .properties = {"topic.metadata.refresh.interval.ms=20",
                                            "topic.metadata.propagation.max.ms=1000"}};
  mock().create("gone", 1);
  const auto sender = open("gone", std::chrono::milliseconds(500), options);
  EXPECT_TRUE(arrives(*sender, "first"));
  const auto set_error = [](rd_kafka_resp_err_t error) {
    rd_kafka_mock_topic_set_error(mock().mock(), "gone", error);
  };
  set_error(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  const base::Instant limit = clock_.now() + kLimit;
  while (sender->send(1, "k", "lost") && clock_.now() < limit) EXPECT_TRUE(sender->failures());
  set_error(RD_KAFKA_RESP_ERR_NO_ERROR);
  EXPECT_TRUE(arrives(*sender, "second"));

  set_error(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  base::Result<std::vector<Failure>> failed;
  while (failed && clock_.now() < limit) {
    (void)sender->send(2, "k", "lost");
    failed = sender->failures();
  }
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "kafka:gone: there is no such topic");
  set_error(RD_KAFKA_RESP_ERR_NO_ERROR);
  EXPECT_FALSE(sender->send(3, "k", "lost"));
}

TEST_F(MessageSenderTest, WhoMayNotWriteToTheTopicHearsOfItAfterTheFailures) {
  const auto sender = open("forbidden", std::chrono::seconds(60));
  next_errors(kProduce, {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED});
  EXPECT_TRUE(sender->send(1, "k", "v"));
  const std::vector<Failure> failed = failures(*sender, 1);
  EXPECT_EQ(failed[0].number, 1U);
  EXPECT_FALSE(failed[0].maybe_written);
  const base::Result<std::vector<Failure>> end = sender->failures();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().message.substr(0, 17), "kafka:forbidden: ");
  EXPECT_FALSE(sender->send(2, "k", "v"));
}

TEST_F(MessageSenderTest, WhoMayNotWriteAtAllHearsOfIt) {
  next_errors(kInitProducerId, {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED});
  const auto sender = open("closed", std::chrono::seconds(60));
  // The refusal may have come before.
  const bool sent = sender->send(1, "k", "v");
  std::vector<Failure> found;
  EXPECT_TRUE(eventually([&] {
    const base::Result<std::vector<Failure>> more = sender->failures();
    if (more) found.insert(found.end(), more->begin(), more->end());
    return !more;
  }));
  EXPECT_EQ(found.size(), sent ? 1U : 0U);
}

}  // namespace
}  // namespace paystats::kafka
