#include "topics/job.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "kafka/client.h"
#include "kafka/group_offsets.h"
#include "kafka/restore.h"
#include "topics/run.h"
#include "unit/kafka/mock_cluster.h"

namespace paystats::topics {
namespace {

// On librdkafka's own cluster, which knows groups and transactions, but hides nothing that is not
// committed. What a real broker does is in tests/kafka/.
class TopicJobTest : public kafka::MockClusterTest {
 protected:
  void SetUp() override {
    static int number = 0;
    suffix_ = std::to_string(++number);
    options_.topics = {"payments" + suffix_, "stats" + suffix_};
    options_.group = "group" + suffix_;
    options_.instance = "one";
    options_.available_now = true;
    mock().create(options_.topics.payments, 2);
    mock().create(options_.topics.stats, 2);
    cluster_ = connect();
  }

  void pay(int32_t partition, const std::string& value) {
    mock().produce(options_.topics.payments, {.key = {}, .value = value, .at = {partition, 0}});
    mock().flush();
  }

  base::Result<void> run() {
    io::RejectLog log(context().diagnostics, std::make_unique<PendingLines>(pending_), "rejects");
    TopicJob job(options_, {*cluster_, log, pending_, counters_, context_});
    base::Result<void> done = job.open();
    if (done) done = job.run();
    rejected_ = log.count();
    return done;
  }

  // The next answers to ending a transaction. 26 is its number in Kafka's protocol.
  void next_ends(const std::vector<rd_kafka_resp_err_t>& errors) {
    rd_kafka_mock_push_request_errors_array(mock().mock(), 26, errors.size(), errors.data());
  }

  // Of the table that the offset of partition 0 is signed with.
  uint64_t signed_users() {
    const auto client = kafka::Client::open(
        *cluster_, RD_KAFKA_CONSUMER, {.defaults = {}, .musts = {{"group.id", options_.group}}});
    if (!client) return 0;
    const record::SourceOffset any{.partition = 0, .offset = 0};
    const auto found =
        kafka::ask_group_offsets(**client, {options_.group, options_.topics.payments},
                                 *kafka::list_of(options_.topics.payments, {&any, 1}));
    return found && found->at(0).signature ? found->at(0).signature->table.users : 0;
  }

  // All that stands in one partition of a topic, in its order.
  std::vector<std::string> values(const std::string& topic, int32_t partition) {
    std::vector<std::string> values;
    const std::vector<int32_t> partitions{partition};
    const base::Result<void> read = kafka::read_back(
        *cluster_, {topic, partitions},
        [&](const io::MessageBlock& block) {
          for (const io::Message& message : block.messages) {
            if (message.value) values.emplace_back(*message.value);
          }
          return base::Result<void>();
        },
        [](uint64_t, uint64_t) {});
    EXPECT_TRUE(read);
    return values;
  }

  const base::RunContext context_ = context();
  std::string suffix_;
  TopicJobOptions options_;
  std::unique_ptr<kafka::Cluster> cluster_;
  PendingRejects pending_;
  TopicCounters counters_;
  uint64_t rejected_ = 0;
};

TEST_F(TopicJobTest, ARejectLeavesWithTheTransactionOfTheTotals) {
  mock().create("rejects" + suffix_, 1);
  options_.rejects_topic = "rejects" + suffix_;
  pay(0, "nonsense");
  ASSERT_TRUE(run());
  EXPECT_EQ(rejected_, 1U);
  EXPECT_TRUE(pending_.lines.empty()) << "it is still here";
  EXPECT_EQ(counters_.commits, 1U);
}

TEST_F(TopicJobTest, AnotherProgramsStatsAreRefused) {
  mock().produce(
      options_.topics.stats,
      {.key = "edgar", .value = R"({"user":"edgar","sum":1.00,"count":1})", .at = {0, 0}});
  mock().flush();
  const base::Result<void> done = run();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("stats without an offset"), std::string::npos);
}

TEST_F(TopicJobTest, AStopSignalPublishesWhatWasRead) {
  options_.available_now = false;
  options_.publish.trigger.interval = std::chrono::hours(1);
  pay(0, R"({"user":"edgar","paymentAmt":1})");
  std::thread stopper([this] {
    // The first payment is published at once, and the second waits for the signal.
    while (counters_.commits == 0) std::this_thread::yield();
    pay(0, R"({"user":"edgar","paymentAmt":1})");
    while (counters_.accepted < 2) std::this_thread::yield();
    stop_.request(SIGTERM);
  });
  const base::Result<void> done = run();
  stopper.join();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(counters_.commits, 2U);
}

// Nobody knows what became of it, so what it held is published again, with what came meanwhile.
TEST_F(TopicJobTest, APublicationThatDoesNotComeAboutIsMadeAgain) {
  const std::string rejects = "rejects" + suffix_;
  mock().create(rejects, 1);
  options_.rejects_topic = rejects;
  options_.publish.trigger.records_max = 2;
  pay(0, R"({"user":"ada","paymentAmt":1})");
  pay(0, "first");
  pay(0, R"({"user":"ada","paymentAmt":2})");
  pay(0, "second");
  next_ends({RD_KAFKA_RESP_ERR_INVALID_TXN_STATE});
  const base::Result<void> done = run();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(counters_.commits_failed, 1U);
  // The broker of this test hides nothing, so what was not committed is seen as well.
  EXPECT_EQ(values(options_.topics.stats, 0).back(),
            R"({"user":"ada","sum":3.00,"count":2,"partition":0,"offset":2})");
  std::string order;
  for (const std::string& reject : values(rejects, 0)) {
    order += reject.find("first") != std::string::npos ? '1' : '2';
  }
  EXPECT_TRUE(order == "112" || order == "12") << order;
}

// Somebody else writes to the output while it runs: found with the next publication.
TEST_F(TopicJobTest, TotalsOfOtherPaymentsBetweenItsOwnEndIt) {
  options_.available_now = false;
  pay(0, R"({"user":"ada","paymentAmt":1})");
  std::thread other([this] {
    while (counters_.commits == 0) std::this_thread::yield();
    mock().produce(options_.topics.stats,
                   {.key = "ada",
                    .value = R"({"user":"ada","sum":7.00,"count":1,"partition":0,"offset":9})",
                    .at = {0, 0}},
                   R"({"topic":"others","partition":0,"group":"g"})");
    mock().produce(options_.topics.stats, {.key = "bob", .value = {}, .at = {0, 0}});
    mock().flush();
    pay(0, R"({"user":"ada","paymentAmt":1})");
  });
  const base::Result<void> done = run();
  other.join();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, base::ErrorKind::kMustNotGoOn);
  EXPECT_NE(done.error().message.find("made of kafka:others, and not of kafka:payments"),
            std::string::npos)
      << done.error().message;
}

// Its own late records, and a tombstone: ada begins anew, and bob's next total stands behind his.
TEST_F(TopicJobTest, ATombstoneBetweenItsOwnTotalsRemovesTheUser) {
  options_.available_now = false;
  pay(0, R"({"user":"ada","paymentAmt":1})");
  pay(0, R"({"user":"bob","paymentAmt":2})");
  std::vector<std::string> all;
  std::thread other([this, &all] {
    const auto committed = [this](uint64_t users) {
      while (values(options_.topics.stats, 0).size() < users) std::this_thread::yield();
    };
    committed(2);
    for (const char* user : {"ada", "bob"}) {
      mock().produce(options_.topics.stats, {.key = user, .value = {}, .at = {0, 0}});
    }
    mock().flush();
    pay(0, R"({"user":"bob","paymentAmt":1})");
    committed(3);
    pay(0, R"({"user":"ada","paymentAmt":5})");
    committed(4);
    all = values(options_.topics.stats, 0);
    stop_.request(SIGTERM);
  });
  const base::Result<void> done = run();
  other.join();
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[2], R"({"user":"bob","sum":3.00,"count":2,"partition":0,"offset":2})");
  EXPECT_EQ(all[3], R"({"user":"ada","sum":5.00,"count":1,"partition":0,"offset":3})");
}

// Nothing is paid, so nothing is published; but a table of other users would look like missing
// totals.
TEST_F(TopicJobTest, ATableThatATombstoneHasChangedIsSignedAgain) {
  options_.available_now = false;
  options_.guarantee = Guarantee::kAtLeastOnce;  // whose offsets the broker of this test keeps
  pay(0, R"({"user":"ada","paymentAmt":1})");
  pay(0, R"({"user":"bob","paymentAmt":2})");
  uint64_t users = 0;
  std::thread other([this, &users] {
    const base::Instant limit = clock_.now() + std::chrono::seconds(120);
    const auto wait_for = [&](uint64_t wanted) {
      while ((users = signed_users()) != wanted && clock_.now() < limit) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    };
    wait_for(2);
    mock().produce(options_.topics.stats, {.key = "ada", .value = {}, .at = {0, 0}});
    mock().flush();
    // With this one it is found, and the offset behind it is signed already.
    pay(0, R"({"user":"bob","paymentAmt":2})");
    wait_for(1);
    stop_.request(SIGTERM);
  });
  const base::Result<void> done = run();
  other.join();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(users, 1U);
}

TEST_F(TopicJobTest, LargeRejectsLeaveBeforeTheirTime) {
  mock().create("rejects" + suffix_, 1);
  options_.rejects_topic = "rejects" + suffix_;
  options_.publish.trigger.interval = std::chrono::hours(1);
  options_.publish.reject_bytes_max = 2000;
  options_.available_now = false;
  pay(0, "first");  // is published at once, and begins the hour
  std::thread stopper([this] {
    const base::Instant limit = clock_.now() + std::chrono::seconds(120);
    while (counters_.commits == 0 && clock_.now() < limit) std::this_thread::yield();
    pay(0, std::string(3000, 'x'));
    while (counters_.commits < 2 && clock_.now() < limit) std::this_thread::yield();
    stop_.request(SIGTERM);
    EXPECT_LT(clock_.now(), limit) << "they wait";
  });
  const base::Result<void> done = run();
  stopper.join();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(rejected_, 2U);
}

TEST_F(TopicJobTest, MoreTotalsThanATransactionTakesArePublishedInParts) {
  constexpr size_t kUsers = 25;
  options_.publish.totals_per_transaction = 10;
  options_.publish.trigger.interval = std::chrono::hours(1);
  for (size_t user = 0; user < kUsers; ++user) {
    mock().produce(options_.topics.payments,
                   {.key = {},
                    .value = R"({"user":"u)" + std::to_string(user) + R"(","paymentAmt":1})",
                    .at = {static_cast<int32_t>(user % 2), 0}});
  }
  mock().flush();
  const base::Result<void> done = run();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(values(options_.topics.stats, 0).size(), kUsers / 2 + 1);
  EXPECT_EQ(values(options_.topics.stats, 1).size(), kUsers / 2);
}

TEST_F(TopicJobTest, TopicsThatDoNotMatchAreRefusedBeforeAnythingIsRead) {
  mock().create("wide" + suffix_, 3);
  const TopicRunOptions options{.topics = {options_.topics.payments, "wide" + suffix_},
                                .group = options_.group};
  const base::Result<base::ExitStatus> end = run_topics(options, *cluster_, context_);
  ASSERT_FALSE(end);
  EXPECT_NE(end.error().message.find("they must be as many"), std::string::npos);
  const std::string grow = "grow kafka:" + options_.topics.payments +
                           " by kafka-topics.sh --bootstrap-server " + mock().bootstrap() +
                           " --alter --topic " + options_.topics.payments + " --partitions 3";
  EXPECT_TRUE(end.error().message.ends_with(grow)) << end.error().message;
}

TEST_F(TopicJobTest, PartitionsThatTotalsDoNotHaveEndItBeforeAnythingIsRead) {
  mock().create("narrow" + suffix_, 1);
  options_.topics.stats = "narrow" + suffix_;
  options_.partitions = 1;  // so many there were when it began
  pay(1, R"({"user":"ada","paymentAmt":1})");
  const base::Instant begun = clock_.now();
  const base::Result<void> done = run();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("; grow kafka:narrow" + suffix_ + " by "), std::string::npos)
      << done.error().message;
  EXPECT_LT(clock_.now() - begun, std::chrono::seconds(60));
}

}  // namespace
}  // namespace paystats::topics
