#include "kafka/partition_reader.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <thread>
#include <vector>

#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

class PartitionReaderTest : public MockClusterTest {
 protected:
  // A reader of partition 0 of a topic with one message in it.
  std::unique_ptr<PartitionReader> read_one(const std::string& topic) {
    mock().create(topic, 2);
    mock().produce(topic, {.key = "k", .value = "first", .at = {.partition = 0}});
    mock().flush();
    cluster_ = connect();
    auto reader = PartitionReader::open(*cluster_, topic, {.fetch_wait_ms = 10});
    EXPECT_TRUE(reader) << reader.error().message;
    const std::vector<int32_t> partitions{0};
    const base::Result<void> begun = (*reader)->begin(partitions);
    EXPECT_TRUE(begun) << begun.error().message;
    return std::move(*reader);
  }
  // Takes until messages came, and returns their values.
  std::vector<std::string> next(PartitionReader& reader) {
    std::vector<std::string> values;
    const base::Instant limit = clock_.now() + std::chrono::seconds(120);
    while (values.empty() && clock_.now() < limit) {
      const base::Result<size_t> seen = reader.take();
      if (!seen) return {seen.error().message};
      for (const io::Message& message : reader.messages()) values.emplace_back(*message.value);
      if (*seen > 0) continue;
      EXPECT_TRUE(reader.wait(waiter_, limit));
    }
    return values;
  }
  void wait_for_end(PartitionReader& reader) {
    const base::Instant limit = clock_.now() + std::chrono::seconds(120);
    while (!reader.partitions()[0].at_end && clock_.now() < limit) {
      ASSERT_TRUE(reader.take());
      if (reader.partitions()[0].at_end) return;
      ASSERT_TRUE(reader.wait(waiter_, limit));
    }
  }

  io::Waiter waiter_{stop_, clock_};
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(PartitionReaderTest, KnowsWhereItStands) {
  const auto reader = read_one("stands");
  EXPECT_EQ(reader->partitions()[0].low, 0);
  EXPECT_EQ(reader->partitions()[0].high, 1);
  EXPECT_FALSE(reader->partitions()[0].reached_high());
  EXPECT_EQ(next(*reader), std::vector<std::string>{"first"});
  EXPECT_TRUE(reader->partitions()[0].reached_high());
  wait_for_end(*reader);
  EXPECT_EQ(reader->partitions()[0].next, 1);
  EXPECT_EQ(reader->known_high(0), 1);
  EXPECT_EQ(reader->count_partitions(), 2);
}

TEST_F(PartitionReaderTest, AMessageEndsTheWait) {
  const auto reader = read_one("wakes");
  wait_for_end(*reader);
  std::thread writer([this] {
    mock().produce("wakes", {.key = "k", .value = "second", .at = {.partition = 0}});
    mock().flush();
  });
  EXPECT_EQ(next(*reader), std::vector<std::string>{"second"});
  writer.join();
  EXPECT_FALSE(reader->partitions()[0].at_end);
}

TEST_F(PartitionReaderTest, ADeadlineAndASignalEndTheWait) {
  const auto reader = read_one("ends");
  wait_for_end(*reader);
  const base::Result<io::Wake> deadline =
      reader->wait(waiter_, clock_.now() + std::chrono::milliseconds(1));
  ASSERT_TRUE(deadline);
  EXPECT_EQ(*deadline, io::Wake::kDeadline);
  stop_.request(SIGTERM);
  const base::Result<io::Wake> stop = reader->wait(waiter_, io::kForever);
  ASSERT_TRUE(stop);
  EXPECT_EQ(*stop, io::Wake::kStop);
}

TEST_F(PartitionReaderTest, WhatIsStoppedGivesNothingMore) {
  const auto reader = read_one("stopped");
  reader->stop(0);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(reader->take());
    EXPECT_TRUE(reader->messages().empty());
    ASSERT_TRUE(reader->wait(waiter_, clock_.now() + std::chrono::milliseconds(1)));
  }
  EXPECT_EQ(reader->partitions()[0].next, 0);
}

}  // namespace
}  // namespace paystats::kafka
