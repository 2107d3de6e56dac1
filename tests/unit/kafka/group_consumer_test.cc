#include "kafka/group_consumer.h"

#include <csignal>
#include <string>
#include <vector>

#include "kafka/client.h"
#include "kafka/group_offsets.h"
#include "kafka/partition_reader.h"
#include "kafka/stats_writer.h"
#include "unit/kafka/mock_cluster.h"

namespace paystats::kafka {
namespace {

// Begins each partition where the test says, and notes what it is told.
class RecordingOwner final : public PartitionOwner {
 public:
  base::Result<std::vector<SignedOffset>> on_assigned(
      std::span<const PartitionOffsets> partitions) override {
    assigned.assign(partitions.begin(), partitions.end());
    std::vector<SignedOffset> starts;
    for (const PartitionOffsets& each : partitions) {
      starts.push_back({each.partition, each.committed.value_or(first)});
    }
    return starts;
  }
  base::Result<void> on_revoked(bool lost) override {
    revoked.push_back(lost);
    return {};
  }
  base::Result<bool> on_gone(int64_t wanted, const PartitionEnds& ends) override {
    if (goes_on) return true;
    return base::fail(std::to_string(wanted) + " is gone, " + std::to_string(ends.low) +
                      " is the first");
  }

  int64_t first = 0;
  bool goes_on = false;
  std::vector<PartitionOffsets> assigned;
  std::vector<bool> revoked;
};

class GroupConsumerTest : public MockClusterTest {
 protected:
  void SetUp() override {
    static int number = 0;
    const std::string suffix = std::to_string(++number);
    topic_ = "payments" + suffix;
    group_ = "group" + suffix;
    mock().create(topic_, 1);
    for (int i = 0; i < 10; ++i) {
      mock().produce(topic_, {.key = "k", .value = std::to_string(i), .at = {0, 0}});
    }
    mock().flush();
    cluster_ = connect();
  }

  std::unique_ptr<GroupConsumer> join() {
    base::Result<std::unique_ptr<GroupConsumer>> consumer = GroupConsumer::open(
        *cluster_, {.topic = topic_, .group = group_, .instance = "one", .block_messages = 4},
        owner_, waiter_);
    EXPECT_TRUE(consumer) << (consumer ? "" : consumer.error().message);
    EXPECT_TRUE((*consumer)->join());
    return std::move(*consumer);
  }

  // The values up to the end of the partition; what ended it otherwise.
  std::string read_to_end(GroupConsumer& consumer) {
    std::string values;
    const base::Instant limit = clock_.now() + std::chrono::seconds(120);
    while (clock_.now() < limit) {
      io::MessageBlock block;
      const base::Result<io::ReadStatus> status =
          consumer.read(block, clock_.now() + std::chrono::milliseconds(100));
      if (!status) return status.error().message;
      if (*status == io::ReadStatus::kEnd) return values + " stopped";
      for (const io::Message& message : block.messages) values += *message.value;
      if (consumer.assigned() && consumer.positions()[0].at_end) return values;
    }
    return values + " and no end";
  }

  std::unique_ptr<StatsWriter> open_writer(std::optional<std::string> transactional_id) {
    mock().create(topic_ + "-stats", 1);
    base::Result<std::unique_ptr<StatsWriter>> writer =
        StatsWriter::open(*cluster_, {.source = {.topic = topic_},
                                      .topic = topic_ + "-stats",
                                      .rejects_topic = {},
                                      .transactional_id = std::move(transactional_id)});
    EXPECT_TRUE(writer) << (writer ? "" : writer.error().message);
    return std::move(*writer);
  }

  // One total, with an offset.
  base::Result<bool> publish(StatsWriter& writer, GroupConsumer& consumer,
                             const SignedOffset& next) {
    writer.begin({&next, 1}, consumer);
    writer.stats(0, "edgar", "{}\n");
    writer.commit();
    return writer.wait();
  }

  // All that a partition holds.
  std::vector<std::string> values_of(const std::string& topic, int32_t partition) {
    auto reader = PartitionReader::open(*cluster_, topic, {.fetch_wait_ms = 10});
    EXPECT_TRUE(reader && (*reader)->begin({&partition, 1}));
    std::vector<std::string> values;
    const base::Instant limit = clock_.now() + std::chrono::seconds(120);
    while (!(*reader)->partitions()[0].reached_high() && clock_.now() < limit) {
      const base::Result<size_t> seen = (*reader)->take();
      EXPECT_TRUE(seen);
      for (const io::Message& message : (*reader)->messages()) values.emplace_back(*message.value);
      if (seen && *seen == 0) {
        EXPECT_TRUE((*reader)->wait(waiter_, limit));
      }
    }
    return values;
  }

  std::string topic_;
  std::string group_;
  RecordingOwner owner_;
  std::unique_ptr<Cluster> cluster_;
  const io::Waiter waiter_{stop_, clock_};
};

TEST_F(GroupConsumerTest, ReadsFromWhereItsOwnerSaysAndCommitsWithTheStats) {
  owner_.first = 3;
  std::unique_ptr<GroupConsumer> consumer = join();
  EXPECT_EQ(read_to_end(*consumer), "3456789");
  ASSERT_EQ(owner_.assigned.size(), 1U);
  EXPECT_FALSE(owner_.assigned[0].committed);
  EXPECT_EQ(owner_.assigned[0].high, 10);
  EXPECT_EQ(consumer->positions()[0].next, 10);

  // Stats and offsets leave together. (That they arrive is tested on a real broker: this one keeps
  // no offsets of a transaction.)
  const std::unique_ptr<StatsWriter> writer = open_writer(group_);
  const base::Result<bool> committed = publish(*writer, *consumer, {.partition = 0, .offset = 7});
  ASSERT_TRUE(committed && *committed) << writer->why();
}

TEST_F(GroupConsumerTest, AnOffsetThatIsNotThereIsItsOwnersToJudge) {
  owner_.first = 100;
  EXPECT_EQ(read_to_end(*join()), "100 is gone, 0 is the first");
}

// What was said to be gone is there after all.
TEST_F(GroupConsumerTest, BehindAGapThatIsNoneItGoesOnWhereItWas) {
  constexpr int16_t kFetch = 1;  // of Kafka's protocol
  owner_.first = 3;
  owner_.goes_on = true;
  next_errors(kFetch, {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE});
  EXPECT_EQ(read_to_end(*join()), "3456789");
}

TEST_F(GroupConsumerTest, ABrokerThatDoesNotYetKnowItsPartitionsIsAskedAgain) {
  constexpr int16_t kListOffsets = 2;  // of Kafka's protocol
  rd_kafka_mock_push_request_errors(mock().mock(), kListOffsets, 2,
                                    RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                                    RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  EXPECT_EQ(read_to_end(*join()), "0123456789");
}

TEST_F(GroupConsumerTest, AStopSignalIsTheEnd) {
  const std::unique_ptr<GroupConsumer> consumer = join();
  stop_.request(SIGTERM);
  EXPECT_EQ(read_to_end(*consumer), " stopped");
}

TEST_F(GroupConsumerTest, WithoutATransactionOffsetsAreCommittedByTheConsumer) {
  const std::unique_ptr<GroupConsumer> consumer = join();
  EXPECT_EQ(read_to_end(*consumer), "0123456789");
  const std::unique_ptr<StatsWriter> writer = open_writer(std::nullopt);
  const OffsetSignature signature{
      .table = {.users = 1, .count = 10, .sum = money::Decimal::from_nanos(5)},
      .last = MessageMark{.offset = 9, .timestamp_ms = 8, .hash = 7},
      .cluster = "mock",
      .options = 6};
  const base::Result<bool> committed =
      publish(*writer, *consumer, {.partition = 0, .offset = 10, .signature = signature});
  EXPECT_TRUE(committed && *committed);
  // What is committed is what the next owner finds, signature and all.
  base::Result<std::unique_ptr<Client>> client =
      Client::open(*cluster_, RD_KAFKA_CONSUMER, {.defaults = {}, .musts = {{"group.id", group_}}});
  ASSERT_TRUE(client);
  const record::SourceOffset any{.partition = 0, .offset = 0};
  const base::Result<std::vector<PartitionOffsets>> found =
      ask_group_offsets(**client, {group_, topic_}, *list_of(topic_, {&any, 1}));
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ((*found)[0].committed, 10);
  EXPECT_EQ((*found)[0].signature, signature);
}

TEST_F(GroupConsumerTest, MetadataThatBrokersFindTooLargeIsAnErrorThatNamesTheSetting) {
  constexpr int16_t kOffsetCommit = 8;  // of Kafka's protocol
  const std::unique_ptr<GroupConsumer> consumer = join();
  EXPECT_EQ(read_to_end(*consumer), "0123456789");
  const std::unique_ptr<StatsWriter> writer = open_writer(std::nullopt);
  next_errors(kOffsetCommit, {RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE});
  const base::Result<bool> committed = publish(*writer, *consumer, {.partition = 0, .offset = 10});
  ASSERT_FALSE(committed);
  EXPECT_NE(committed.error().message.find("offset.metadata.max.bytes"), std::string::npos)
      << committed.error().message;
}

TEST_F(GroupConsumerTest, AMessageHasTheTimeOfItsSender) {
  const std::unique_ptr<GroupConsumer> consumer = join();
  io::MessageBlock block;
  const base::Instant limit = clock_.now() + std::chrono::seconds(120);
  while (block.messages.empty() && clock_.now() < limit) {
    ASSERT_TRUE(consumer->read(block, clock_.now() + std::chrono::milliseconds(100)));
  }
  ASSERT_FALSE(block.messages.empty());
  EXPECT_GT(block.messages[0].timestamp_ms, 1'600'000'000'000);
}

TEST_F(GroupConsumerTest, APublicationOfManyRequestsArrivesWholeAndInOrder) {
  const std::unique_ptr<GroupConsumer> consumer = join();
  const std::string stats = topic_ + "-stats";
  mock().create(stats, 2);
  base::Result<std::unique_ptr<StatsWriter>> writer =
      StatsWriter::open(*cluster_, {.source = {.topic = topic_},
                                    .topic = stats,
                                    .rejects_topic = stats + "-rejects",
                                    .transactional_id = group_});
  ASSERT_TRUE(writer) << writer.error().message;
  mock().create(stats + "-rejects", 1);
  // More than a round takes of a partition, by number and by size, and of one more than of the
  // other.
  std::vector<std::vector<std::string>> sent(2);
  const SignedOffset next{.partition = 0, .offset = 0};
  (*writer)->begin({&next, 1}, *consumer);
  for (int i = 0; i < 30'000; ++i) {
    const int32_t partition = i % 3 == 0 ? 1 : 0;
    std::string line = std::to_string(i);
    if (i % 100 == 0) line.append(10'000, 'x');
    (*writer)->stats(partition, "user" + std::to_string(i), line + "\n");
    sent[static_cast<size_t>(partition)].push_back(std::move(line));
  }
  (*writer)->reject("bad");
  (*writer)->commit();
  const base::Result<bool> committed = (*writer)->wait();
  ASSERT_TRUE(committed && *committed) << (*writer)->why();
  EXPECT_EQ(values_of(stats, 0), sent[0]);
  EXPECT_EQ(values_of(stats, 1), sent[1]);
  EXPECT_EQ(values_of(stats + "-rejects", 0), std::vector<std::string>{"bad"});
}

}  // namespace
}  // namespace paystats::kafka
