#include "kafka/open.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "kafka/topic_sink.h"
#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

io::Endpoint endpoint(std::string_view text) {
  return *io::Endpoint::parse(text);
}

class EndpointOpenerTest : public MockClusterTest {
 protected:
  KafkaOptions options() {
    KafkaOptions options;
    options.brokers = mock().bootstrap();
    return options;
  }
};

TEST_F(EndpointOpenerTest, WhoNamesNoTopicNeedsNoBroker) {
  EndpointOpener opener({}, context());
  EXPECT_TRUE(opener.payment_sink(endpoint("/dev/null")));
  EXPECT_TRUE(opener.sink(endpoint("/dev/null"), io::FileMode::kAppend));
  EXPECT_TRUE(opener.reject_log({}));
  EXPECT_FALSE(opener.payment_sink(endpoint("kafka:payments")));
  EXPECT_FALSE(opener.cluster());
}

TEST_F(EndpointOpenerTest, AllThatIsOpenedSharesOneCluster) {
  mock().create("shared", 1);
  EndpointOpener opener(options(), context());
  const base::Result<Cluster*> first = opener.cluster();
  ASSERT_TRUE(first);
  EXPECT_TRUE(opener.payment_sink(endpoint("kafka:shared")));
  EXPECT_EQ(*opener.cluster(), *first);
}

TEST_F(EndpointOpenerTest, TwoTransactionalSinksHaveNamesOfTheirOwn) {
  mock().create("twice", 1);
  EndpointOpener opener(options(), context());
  const auto one = opener.payment_sink(endpoint("kafka:twice"), {.topic = {.transactional = true}});
  const auto two = opener.payment_sink(endpoint("kafka:twice"), {.topic = {.transactional = true}});
  ASSERT_TRUE(one && two);
  const record::Batch batch{.user = "a", .amount_text = "1", .amount = {}, .volume = 1};
  for (const auto* sink : {&one, &two}) {
    ASSERT_TRUE((**sink)->put({{&batch, 1}}));
    EXPECT_TRUE((**sink)->flush());
  }
}

TEST_F(EndpointOpenerTest, RejectsGoToATopicLineByLine) {
  mock().create("rejects", 1);
  EndpointOpener opener(options(), context());
  auto log = opener.reject_log(endpoint("kafka:rejects"));
  ASSERT_TRUE(log) << log.error().message;
  for (const uint64_t line : {17U, 18U}) {
    ASSERT_TRUE((*log)->add({.source = "-",
                             .line = line,
                             .at = {},
                             .error = "not valid JSON",
                             .record = "x",
                             .record_bytes = 1}));
  }
  ASSERT_TRUE((*log)->finish());
  io::Waiter waiter(stop_, clock_);
  const auto cluster = connect();
  auto source = open_topic_source(*cluster, "rejects", {.until_end = true}, waiter);
  ASSERT_TRUE(source);
  io::MessageBlock block;
  std::vector<std::string> values;
  for (;;) {
    const auto status = (*source)->read(block, clock_.now() + std::chrono::seconds(120));
    if (!status || *status != io::ReadStatus::kBlock) break;
    for (const io::Message& message : block.messages) values.emplace_back(*message.value);
  }
  ASSERT_EQ(values.size(), 2U);
  EXPECT_EQ(values[0], R"({"source":"-","line":17,"error":"not valid JSON","record":"x"})");
}

}  // namespace
}  // namespace paystats::kafka
