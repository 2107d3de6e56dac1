#include "topics/last_message.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "kafka/restore.h"
#include "unit/kafka/mock_cluster.h"

namespace paystats::topics {
namespace {

constexpr int16_t kFetch = 1;  // of Kafka's protocol

class LastMessageTest : public kafka::MockClusterTest {
 protected:
  // A topic of two partitions with ten messages each.
  void fill(const std::string& topic) {
    topic_ = topic;
    mock().create(topic, 2);
    for (int i = 0; i < 20; ++i) {
      mock().produce(topic, {.key = "k", .value = std::to_string(i / 2), .at = {i % 2, 0}});
    }
    mock().flush();
    cluster_ = connect();
    const std::vector<int32_t> partitions{0, 1};
    ASSERT_TRUE(
        kafka::read_back(*cluster_, {topic, partitions}, [&](const io::MessageBlock& block) {
          for (const io::Message& message : block.messages) {
            if (message.at.offset != 9) continue;
            marks_.push_back({.mark = kafka::mark_of(message), .partition = message.at.partition});
          }
          return base::Result<void>();
        }));
    ASSERT_EQ(marks_.size(), 2U);
  }

  // The broker of this test removes the oldest messages of a partition that is larger than 5 MB.
  void remove(int32_t partition) {
    for (int i = 0; i < 120; ++i) {
      mock().produce(topic_, {.key = "k", .value = std::string(50'000, 'x'), .at = {partition, 0}});
      mock().flush();
    }
  }

  LastMessage at(const kafka::MessageMark& mark, int32_t partition) {
    const std::vector<LastRead> marks{{.mark = mark, .partition = partition}};
    const base::Result<LastMessages> found = look_again(*cluster_, topic_, marks);
    EXPECT_TRUE(found) << (found ? "" : found.error().message);
    return found ? found->at(partition) : LastMessage::kUnchecked;
  }

  std::string topic_;
  std::unique_ptr<kafka::Cluster> cluster_;
  std::vector<LastRead> marks_;
};

TEST_F(LastMessageTest, AreTheSameOrOthersOrNotThere) {
  fill("last1");
  EXPECT_EQ(at(marks_[0].mark, marks_[0].partition), LastMessage::kSame);
  kafka::MessageMark other = marks_[0].mark;
  other.offset = 8;
  EXPECT_EQ(at(other, 0), LastMessage::kOther);
  other.offset = 10;
  EXPECT_EQ(at(other, 0), LastMessage::kOther) << "behind the end";
}

TEST_F(LastMessageTest, OneThatHasBeenRemovedIsNotChecked) {
  fill("last2");
  remove(0);
  const base::Result<LastMessages> found = look_again(*cluster_, topic_, marks_);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->at(0), LastMessage::kUnchecked);
  EXPECT_EQ(found->at(1), LastMessage::kSame);
}

// Between the question where its partition begins and the one for itself.
TEST_F(LastMessageTest, OneThatIsRemovedAtThisMomentIsNotChecked) {
  fill("last3");
  remove(0);
  next_errors(kFetch, {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE});
  const base::Result<LastMessages> found = look_again(*cluster_, topic_, marks_);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->at(0), LastMessage::kUnchecked);
  EXPECT_EQ(found->at(1), LastMessage::kSame);
}

}  // namespace
}  // namespace paystats::topics
