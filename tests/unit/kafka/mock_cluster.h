// A cluster within the process, librdkafka's own, for tests that need topics but no real broker. It
// knows no transactions that hide messages: what read_committed hides is tested on a real one.
//
//   class Restore : public MockClusterTest {};
//   mock().create("stats", 2);
//   mock().produce("stats", {.key = "anna", .value = "...", .at = {.partition = 1}});
//   const std::unique_ptr<Cluster> cluster = connect();
//
// It takes a second to end, so the tests of a suite share one, and name their topics apart.
#pragma once

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/fd.h"
#include "base/run_context.h"
#include "base/stop_signal.h"
#include "io/message_source.h"
#include "io/wait.h"
#include "kafka/cluster.h"
#include "kafka/topic_source.h"

namespace paystats::kafka {

// Kinds of requests, https://kafka.apache.org/protocol
constexpr int16_t kProduce = 0;
constexpr int16_t kFindCoordinator = 10;
constexpr int16_t kInitProducerId = 22;
constexpr int16_t kAddPartitions = 24;
constexpr int16_t kAddOffsets = 25;
constexpr int16_t kEndTransaction = 26;

class MockCluster {
 public:
  explicit MockCluster(int brokers = 1) {
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "partitioner", "consistent", nullptr, 0);
    rd_kafka_conf_set_dr_msg_cb(
        conf, [](rd_kafka_t* /*rk*/, const rd_kafka_message_t* message, void* /*opaque*/) {
          EXPECT_EQ(message->err, RD_KAFKA_RESP_ERR_NO_ERROR);
        });
    rd_kafka_conf_set_log_cb(conf, nullptr);
    // The handle that the mock lives on does not know it by itself.
    rd_kafka_conf_t* const silent = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(silent, nullptr);
    helper_ = rd_kafka_new(RD_KAFKA_PRODUCER, silent, nullptr, 0);
    mock_ = rd_kafka_mock_cluster_new(helper_, brokers);
    rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap().c_str(), nullptr, 0);
    producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
  }
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;
  ~MockCluster() {
    rd_kafka_destroy(producer_);
    rd_kafka_mock_cluster_destroy(mock_);
    rd_kafka_destroy(helper_);
  }

  std::string bootstrap() const { return rd_kafka_mock_cluster_bootstraps(mock_); }
  rd_kafka_mock_cluster_t* mock() { return mock_; }

  void create(const std::string& topic, int partitions) {
    ASSERT_EQ(rd_kafka_mock_topic_create(mock_, topic.c_str(), partitions, 1),
              RD_KAFKA_RESP_ERR_NO_ERROR);
  }

  // To the partition of `message.at`; call flush() after the last one. `source`: its header `src`.
  void produce(const std::string& topic, const io::OwnedMessage& message,
               const std::optional<std::string>& source = {}) {
    const bool is_null = !message.value;
    const std::string value = message.value.value_or("");
    rd_kafka_headers_t* const headers = rd_kafka_headers_new(1);
    if (source) {
      rd_kafka_header_add(headers, "src", -1, source->data(), static_cast<ssize_t>(source->size()));
    }
    const rd_kafka_resp_err_t sent = rd_kafka_producev(
        producer_, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(message.at.partition),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_KEY(message.key.data(), message.key.size()),
        RD_KAFKA_V_VALUE(const_cast<char*>(is_null ? nullptr : value.data()), value.size()),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    ASSERT_EQ(sent, RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  void flush() { ASSERT_EQ(rd_kafka_flush(producer_, 10'000), RD_KAFKA_RESP_ERR_NO_ERROR); }

 private:
  rd_kafka_t* helper_ = nullptr;
  rd_kafka_t* producer_ = nullptr;
  rd_kafka_mock_cluster_t* mock_ = nullptr;
};

class MockClusterTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { shared() = std::make_unique<MockCluster>(); }
  static void TearDownTestSuite() { shared().reset(); }
  static MockCluster& mock() { return *shared(); }

  // A connection as a tool makes it. Messages are kept out of the test's output.
  std::unique_ptr<Cluster> connect(KafkaOptions options = {}) {
    if (!options.brokers) options.brokers = mock().bootstrap();
    base::Result<std::unique_ptr<Cluster>> cluster = Cluster::make(options, context());
    EXPECT_TRUE(cluster) << (cluster ? "" : cluster.error().message);
    return cluster ? std::move(*cluster) : nullptr;
  }

  // How the next requests of a kind are answered, whoever sends them.
  void next_errors(int16_t kind, const std::vector<rd_kafka_resp_err_t>& errors) {
    rd_kafka_mock_push_request_errors_array(mock().mock(), kind, errors.size(), errors.data());
  }

  // All that is in a topic now. The mock shows messages of undone transactions as well.
  std::vector<io::OwnedMessage> messages_of(Cluster& cluster, const std::string& topic) {
    const io::Waiter waiter(stop_, clock_);
    auto source = open_topic_source(cluster, topic, {.until_end = true}, waiter);
    EXPECT_TRUE(source) << (source ? "" : source.error().message);
    std::vector<io::OwnedMessage> found;
    io::MessageBlock block;
    while (source) {
      const auto status = (*source)->read(block, clock_.now() + std::chrono::seconds(120));
      if (!status || *status != io::ReadStatus::kBlock) break;
      for (const io::Message& message : block.messages) {
        found.push_back(
            {std::string(message.key), std::string(message.value.value_or("")), message.at});
      }
    }
    return found;
  }

  base::RunContext context() { return {diagnostics_, stop_, clock_}; }

  base::StopSignal stop_;
  base::SystemClock clock_;

 private:
  static std::unique_ptr<MockCluster>& shared() {
    static std::unique_ptr<MockCluster> cluster;
    return cluster;
  }

  base::UniqueFd nowhere_ = std::move(*base::open_file("/dev/null", 1));
  base::Diagnostics diagnostics_{"test", base::Verbosity::kQuiet, nowhere_.get()};
};

}  // namespace paystats::kafka
