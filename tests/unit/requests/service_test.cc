#include "requests/service.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "unit/kafka/mock_cluster.h"

namespace paystats::requests {
namespace {

using Kind = io::KeyedOutcome::Kind;
constexpr std::chrono::seconds kLimit(30);

// What a service's threads tell.
class Told {
 public:
  io::KeyedRequests::Handlers handlers() {
    return {.on_outcomes =
                [this](const std::vector<io::KeyedOutcome>& outcomes) {
                  const base::MutexLock lock(mutex_);
                  for (const io::KeyedOutcome& outcome : outcomes) told_[outcome.id] = outcome;
                  changed_.notify_all();
                },
            .on_broken =
                [this](const base::Error& error) {
                  const base::MutexLock lock(mutex_);
                  broken_ = error.message;
                  changed_.notify_all();
                }};
  }

  io::KeyedOutcome wait(uint64_t id) {
    base::MutexLock lock(mutex_);
    const auto limit = std::chrono::steady_clock::now() + kLimit;
    while (told_.count(id) == 0 && broken_.empty() && changed_.wait_until(lock, limit)) {
    }
    EXPECT_EQ(broken_, "");
    EXPECT_EQ(told_.count(id), 1u) << id;
    return told_[id];
  }
  std::string wait_broken() {
    base::MutexLock lock(mutex_);
    const auto limit = std::chrono::steady_clock::now() + kLimit;
    while (broken_.empty() && changed_.wait_until(lock, limit)) {
    }
    return broken_;
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  std::map<uint64_t, io::KeyedOutcome> told_ PAYSTATS_GUARDED_BY(mutex_);
  std::string broken_ PAYSTATS_GUARDED_BY(mutex_);
};

// On librdkafka's own cluster, which knows groups and transactions, but hides nothing that is not
// committed. What a real broker does is in tests/kafka/keys.bats.
class RequestServiceTest : public kafka::MockClusterTest {
 protected:
  void SetUp() override {
    static int number = 0;
    const std::string suffix = std::to_string(++number);
    options_.topics = {"payments" + suffix, "requests" + suffix, "answers" + suffix};
    mock().create(options_.topics.payments, 1);
    mock().create(options_.topics.requests, 2);
    mock().create(options_.topics.answers, 2);
    kafka_.brokers = mock().bootstrap();
    cluster_ = connect();
    amount_ = money::Decimal::from_nanos(1'500'000'000);
  }

  std::unique_ptr<io::KeyedRequests> start(const std::string& instance, Told& told) {
    options_.instance = instance;
    base::Result<std::unique_ptr<io::KeyedRequests>> made =
        connect_requests(options_, *cluster_, kafka_);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    if (!made) return nullptr;
    const base::Result<void> started = (*made)->start(told.handlers());
    EXPECT_TRUE(started);
    return std::move(*made);
  }

  std::optional<io::KeyedOutcome> submit(io::KeyedRequests& keyed, uint64_t id,
                                         std::string_view key, uint64_t volume = 1) {
    const record::Batch batch{
        .user = "edgar", .amount_text = "1.5", .amount = amount_, .volume = volume};
    return keyed.submit(id, {.batches = {&batch, 1}, .idempotency_key = key});
  }
  io::KeyedOutcome pay(io::KeyedRequests& keyed, Told& told, uint64_t id, std::string_view key,
                       uint64_t volume = 1) {
    const std::optional<io::KeyedOutcome> now = submit(keyed, id, key, volume);
    return now ? *now : told.wait(id);
  }
  io::KeyedOutcome ask(io::KeyedRequests& keyed, Told& told, uint64_t id, std::string_view key) {
    const std::optional<io::KeyedOutcome> now = keyed.ask(id, key);
    return now ? *now : told.wait(id);
  }

  std::vector<std::string> payments() {
    std::vector<std::string> values;
    for (const io::OwnedMessage& message : messages_of(*cluster_, options_.topics.payments)) {
      values.push_back(message.key + " " + *message.value);
    }
    return values;
  }

  ServiceOptions options_;
  kafka::KafkaOptions kafka_;
  std::unique_ptr<kafka::Cluster> cluster_;
  money::Decimal amount_;
};

TEST_F(RequestServiceTest, ARequestIsPaidOnceAndAnsweredAgain) {
  Told told;
  const auto keyed = start("one", told);
  ASSERT_TRUE(keyed);
  const io::KeyedOutcome first = pay(*keyed, told, 1, "k", 2);
  EXPECT_EQ(first.kind, Kind::kPaid);
  EXPECT_EQ(first.count, 2u);
  const io::KeyedOutcome again = pay(*keyed, told, 2, "k", 2);
  EXPECT_EQ(again.kind, Kind::kRepeated);
  EXPECT_EQ(again.count, 2u);
  EXPECT_EQ(pay(*keyed, told, 3, "k", 3).kind, Kind::kReused);
  EXPECT_EQ(payments(), std::vector<std::string>(2, R"(edgar {"user":"edgar","paymentAmt":1.5})"));

  EXPECT_EQ(ask(*keyed, told, 4, "new").kind, Kind::kKeyUnknown);
  EXPECT_EQ(ask(*keyed, told, 5, "k").kind, Kind::kRepeated);

  for (uint64_t id = 11; id <= 30; ++id) EXPECT_FALSE(submit(*keyed, id, "same"));
  int paid = 0;
  for (uint64_t id = 11; id <= 30 && !HasFailure(); ++id) {
    const Kind kind = told.wait(id).kind;
    EXPECT_TRUE(kind == Kind::kPaid || kind == Kind::kRepeated);
    paid += kind == Kind::kPaid ? 1 : 0;
  }
  EXPECT_EQ(paid, 1);
  EXPECT_EQ(payments().size(), 3u);
  EXPECT_TRUE(keyed->stop());
}

// 24 is the number of AddPartitionsToTxn in Kafka's protocol: nothing of that transaction is
// written. That cluster keeps no place for a static member, so that to join again takes a session.
TEST_F(RequestServiceTest, ATransactionThatDidNotComeAboutIsMadeAgain) {
  Told told;
  const auto keyed = start("one", told);
  ASSERT_TRUE(keyed);
  EXPECT_EQ(pay(*keyed, told, 1, "a").kind, Kind::kPaid);
  rd_kafka_mock_push_request_errors(mock().mock(), 24, 1,
                                    RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  EXPECT_EQ(pay(*keyed, told, 2, "b").kind, Kind::kPaid);
  EXPECT_EQ(payments().size(), 2u);
  EXPECT_TRUE(keyed->stop());
}

TEST_F(RequestServiceTest, ARequestOfAnotherOutputIsNotPaid) {
  mock().produce(
      options_.topics.requests,
      {.key = "k", .value = R"({"user":"a","paymentAmt":1,"output":"elsewhere"})", .at = {0, 0}});
  mock().flush();
  Told told;
  const auto keyed = start("one", told);
  ASSERT_TRUE(keyed);
  EXPECT_NE(told.wait_broken().find("a request for kafka:elsewhere"), std::string::npos);
  EXPECT_TRUE(payments().empty());
  EXPECT_TRUE(keyed->stop());
}

TEST_F(RequestServiceTest, ABadRequestIsAnsweredAndBlocksNothing) {
  mock().produce(options_.topics.requests, {.key = "bad", .value = "nonsense", .at = {0, 0}});
  mock().produce(options_.topics.requests, {.key = "bad", .value = "nonsense", .at = {1, 0}});
  mock().flush();
  Told told;
  const auto keyed = start("one", told);
  ASSERT_TRUE(keyed);
  EXPECT_EQ(pay(*keyed, told, 1, "k").kind, Kind::kPaid);
  EXPECT_EQ(ask(*keyed, told, 2, "bad").kind, Kind::kKeyUnknown);
  EXPECT_TRUE(keyed->stop());
}

}  // namespace
}  // namespace paystats::requests
