#include "kafka/range_reader.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <string>
#include <vector>

#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

// What of it is hidden by transactions, removed or compacted is tested on a real broker.
class RangeReader : public MockClusterTest {
 protected:
  // A topic of three partitions with ten messages each, of the values "0" to "9".
  void fill(const std::string& topic) {
    mock().create(topic, 3);
    for (int i = 0; i < 30; ++i) {
      mock().produce(topic,
                     {.key = "k", .value = std::to_string(i / 3), .at = {.partition = i % 3}},
                     i % 3 == 2 ? std::optional<std::string>("of it") : std::nullopt);
    }
    mock().flush();
    cluster_ = connect();
  }

  base::Result<void> read(const std::string& topic, const std::vector<OffsetRange>& ranges) {
    return read_ranges(
        *cluster_, topic, ranges,
        [this](const io::MessageBlock& block) {
          for (const io::Message& message : block.messages) {
            values_[message.at.partition] += *message.value;
            headers_[message.at.partition] = message.source_header;
          }
          return base::Result<void>();
        },
        &reached_);
  }

  std::unique_ptr<Cluster> cluster_;
  std::map<int32_t, std::string> values_;
  std::map<int32_t, std::string> headers_;
  std::vector<int64_t> reached_;
};

TEST_F(RangeReader, ReadsWhatLiesInTheRangesAndNothingElse) {
  fill("ranges1");
  const base::Result<void> done = read(
      "ranges1", {{.partition = 2, .from = 3, .to = 6}, {.partition = 0, .from = 9, .to = 10}});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(values_, (std::map<int32_t, std::string>{{0, "9"}, {2, "345"}}));
  EXPECT_EQ(headers_, (std::map<int32_t, std::string>{{0, ""}, {2, "of it"}}));
}

TEST_F(RangeReader, ARangeEndsWhereThePartitionEnds) {
  fill("ranges2");
  const base::Result<void> done = read("ranges2", {{.partition = 0, .from = 8, .to = 100},
                                                   {.partition = 1, .from = 50, .to = 60},
                                                   {.partition = 2, .from = 4, .to = 4}});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(values_, (std::map<int32_t, std::string>{{0, "89"}}));
  ASSERT_EQ(reached_.size(), 3U);
  EXPECT_EQ(reached_[0], 10);
  EXPECT_EQ(reached_[1], 10);
  EXPECT_GE(reached_[2], 4) << "all of it";
}

TEST_F(RangeReader, NothingAskedIsNothingRead) {
  fill("ranges3");
  ASSERT_TRUE(read("no such topic", {}));
  EXPECT_TRUE(values_.empty());
}

TEST_F(RangeReader, AStopSignalInterruptsIt) {
  fill("ranges4");
  stop_.request(SIGTERM);
  const base::Result<void> done = read("ranges4", {{.partition = 0, .from = 0, .to = 5}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, base::ErrorKind::kInterrupted);
}

// Its leader is away, before it is asked where it ends or after that.
TEST_F(RangeReader, AtTheDeadlineItGivesUp) {
  fill("ranges6");
  rd_kafka_mock_partition_set_leader(mock().mock(), "ranges6", 0, -1);
  const std::vector<OffsetRange> ranges{{.partition = 0, .from = 0, .to = 5}};
  const base::Instant begun = clock_.now();
  std::vector<int64_t> reached;
  const base::Result<void> done = read_ranges(
      *cluster_, "ranges6", ranges, [](const io::MessageBlock&) { return base::Result<void>(); },
      &reached, begun + std::chrono::seconds(1));
  EXPECT_TRUE(!done || reached.at(0) < 5);
  EXPECT_LT(clock_.now() - begun, std::chrono::seconds(60));
  rd_kafka_mock_partition_set_leader(mock().mock(), "ranges6", 0, 1);
}

TEST_F(RangeReader, AnErrorOfTheCallerEndsIt) {
  fill("ranges5");
  const std::vector<OffsetRange> ranges{{.partition = 0, .from = 0, .to = 5}};
  const base::Result<void> done =
      read_ranges(*cluster_, "ranges5", ranges,
                  [](const io::MessageBlock&) -> base::Result<void> { return base::fail("no"); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "no");
}

}  // namespace
}  // namespace paystats::kafka
