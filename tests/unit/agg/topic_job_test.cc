#include "agg/topic_job.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agg/topic_run.h"
#include "unit/kafka/mock_cluster.h"

namespace paystats {
namespace {

// On librdkafka's own cluster, which knows groups and transactions, but hides nothing that is not
// committed. What a real broker does is in tests/kafka/.
class TopicJobTest : public MockClusterTest {
 protected:
  void SetUp() override {
    static int number = 0;
    suffix_ = std::to_string(++number);
    options_.names = {"payments" + suffix_, "stats" + suffix_};
    options_.group = "group" + suffix_;
    options_.instance = "one";
    options_.available_now = true;
    mock().create(options_.names.payments, 2);
    mock().create(options_.names.stats, 2);
    cluster_ = connect();
  }

  void pay(int32_t partition, const std::string& value) {
    mock().produce(options_.names.payments, {.key = {}, .value = value, .at = {partition, 0}});
    mock().flush();
  }

  Result<void> run() {
    RejectLog log(context().diagnostics, std::make_unique<PendingLines>(pending_), "rejects");
    TopicJob job(options_, {*cluster_, log, pending_, counters_, context_});
    Result<void> done = job.run();
    rejected_ = log.count();
    return done;
  }

  const RunContext context_ = context();
  std::string suffix_;
  TopicJobOptions options_;
  std::unique_ptr<Cluster> cluster_;
  std::vector<std::string> pending_;
  TopicCounters counters_;
  uint64_t rejected_ = 0;
};

TEST_F(TopicJobTest, ARejectLeavesWithTheTransactionOfTheTotals) {
  mock().create("rejects" + suffix_, 1);
  options_.rejects_topic = "rejects" + suffix_;
  pay(0, "nonsense");
  ASSERT_TRUE(run());
  EXPECT_EQ(rejected_, 1U);
  EXPECT_TRUE(pending_.empty()) << "it is still here";
  EXPECT_EQ(counters_.commits, 1U);
}

TEST_F(TopicJobTest, AnotherProgramsStatsAreRefused) {
  mock().produce(
      options_.names.stats,
      {.key = "edgar", .value = R"({"user":"edgar","sum":1.00,"count":1})", .at = {0, 0}});
  mock().flush();
  const Result<void> done = run();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("stats without an offset"), std::string::npos);
}

TEST_F(TopicJobTest, AStopSignalPublishesWhatWasRead) {
  options_.available_now = false;
  options_.trigger.interval = std::chrono::hours(1);
  pay(0, R"({"user":"edgar","paymentAmt":1})");
  std::thread stopper([this] {
    // The first payment is published at once, and the second waits for the signal.
    while (counters_.commits == 0) std::this_thread::yield();
    pay(0, R"({"user":"edgar","paymentAmt":1})");
    while (counters_.accepted < 2) std::this_thread::yield();
    stop_.request(SIGTERM);
  });
  const Result<void> done = run();
  stopper.join();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(counters_.commits, 2U);
}

TEST_F(TopicJobTest, TopicsThatDoNotMatchAreRefusedBeforeAnythingIsRead) {
  mock().create("wide" + suffix_, 3);
  AggregateRequest request;
  request.inputs = {"kafka:" + options_.names.payments};
  request.output = "kafka:wide" + suffix_;
  const Result<AggregateEnd> end = aggregate_topics(*make_plan(request), *cluster_, context_);
  ASSERT_FALSE(end);
  EXPECT_NE(end.error().message.find("they must be as many"), std::string::npos);
}

}  // namespace
}  // namespace paystats
