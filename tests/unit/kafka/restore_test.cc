#include "kafka/restore.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <string>
#include <vector>

#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

class Restore : public MockClusterTest {};

struct Seen {
  std::map<int32_t, std::vector<std::string>> values;  // "-" for none
  uint64_t progress_done = 0;
  uint64_t progress_all = 0;

  OnRestored take() {
    return [this](const io::MessageBlock& block) {
      for (const io::Message& message : block.messages) {
        values[message.at.partition].push_back(std::string(message.value.value_or("-")));
      }
      return base::Result<void>();
    };
  }
  OnRestoreProgress progress() {
    return [this](uint64_t done, uint64_t all) {
      progress_done = done;
      progress_all = all;
    };
  }
};

TEST_F(Restore, ReadsTheWantedPartitionsToTheirEnd) {
  mock().create("stats1", 3);
  for (int i = 0; i < 3000; ++i) {
    mock().produce("stats1", {.key = "k", .value = std::to_string(i), .at = {.partition = i % 3}});
  }
  mock().flush();
  const std::unique_ptr<Cluster> cluster = connect();
  Seen seen;
  std::vector<record::SourceOffset> ends;
  const std::vector<int32_t> partitions{0, 2};
  const base::Result<void> done =
      read_back(*cluster, {"stats1", partitions}, seen.take(), seen.progress(), &ends);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(seen.values[0].size(), 1000U);
  EXPECT_EQ(seen.values[0].front(), "0");
  EXPECT_EQ(seen.values[0].back(), "2997");
  EXPECT_FALSE(seen.values.contains(1));
  EXPECT_EQ(seen.values[2].size(), 1000U);
  EXPECT_EQ(seen.progress_done, 2000U);
  EXPECT_EQ(seen.progress_all, 2000U);
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_EQ(ends[1].partition, 2);
  EXPECT_EQ(ends[1].offset, 1000);
}

TEST_F(Restore, AnEmptyPartitionIsReadAtOnce) {
  mock().create("stats2", 1);
  const std::unique_ptr<Cluster> cluster = connect();
  Seen seen;
  const std::vector<int32_t> partitions{0};
  const base::Result<void> done = read_back(*cluster, {"stats2", partitions}, seen.take());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(seen.values.empty());
}

TEST_F(Restore, AMessageWithoutAValueIsHandedOnAsSuch) {
  mock().create("stats3", 1);
  mock().produce("stats3", {.key = "anna", .value = {}, .at = {.partition = 0}});
  mock().flush();
  const std::unique_ptr<Cluster> cluster = connect();
  Seen seen;
  const std::vector<int32_t> partitions{0};
  ASSERT_TRUE(read_back(*cluster, {"stats3", partitions}, seen.take()));
  EXPECT_EQ(seen.values[0], std::vector<std::string>{"-"});
}

TEST_F(Restore, AnErrorOfTheReaderEndsIt) {
  mock().create("stats4", 1);
  mock().produce("stats4", {.key = "anna", .value = "1", .at = {.partition = 0}});
  mock().flush();
  const std::unique_ptr<Cluster> cluster = connect();
  const std::vector<int32_t> partitions{0};
  const base::Result<void> done = read_back(*cluster, {"stats4", partitions},
                                            [](const io::MessageBlock&) -> base::Result<void> {
                                              return base::fail("another engine's stats");
                                            });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "another engine's stats");
}

TEST_F(Restore, AStopSignalInterruptsIt) {
  mock().create("stats5", 1);
  for (int i = 0; i < 5000; ++i) {
    mock().produce("stats5", {.key = "anna", .value = "1", .at = {.partition = 0}});
  }
  mock().flush();
  const std::unique_ptr<Cluster> cluster = connect();
  const std::vector<int32_t> partitions{0};
  const base::Result<void> done = read_back(*cluster, {"stats5", partitions},
                                            [&](const io::MessageBlock&) -> base::Result<void> {
                                              stop_.request(SIGTERM);
                                              return {};
                                            });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, base::ErrorKind::kInterrupted);
}

TEST_F(Restore, ATopicThatIsNotThereIsAnError) {
  mock().create("stats6", 1);
  const std::unique_ptr<Cluster> cluster = connect();
  Seen seen;
  const std::vector<int32_t> partitions{7};
  const base::Result<void> done = read_back(*cluster, {"stats6", partitions}, seen.take());
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("kafka:stats6: partition 7"), std::string::npos)
      << done.error().message;
}

}  // namespace
}  // namespace paystats::kafka
