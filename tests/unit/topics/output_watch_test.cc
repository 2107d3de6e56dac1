#include "topics/output_watch.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "unit/kafka/mock_cluster.h"

namespace paystats::topics {
namespace {

constexpr base::Duration kLimit = std::chrono::seconds(60);

kafka::DeliveredRange range(int32_t partition, int64_t first, int64_t last) {
  return {.partition = partition,
          .first = first,
          .last = last,
          .records = static_cast<uint64_t>(last - first) + 1};
}

// A topic that is deleted is tested on a real broker (tests/kafka/remade.bats): here offsets go
// back.
class OutputWatchTest : public kafka::MockClusterTest {
 protected:
  // Two partitions, of each two users, whose totals were found to end at `end`.
  void begin(int64_t end) {
    static int number = 0;
    topic_ = "watched" + std::to_string(++number);
    mock().create(topic_, 2);
    cluster_ = connect();
    rejects_ = std::make_unique<io::RejectLog>(context_.diagnostics);
    for (const int32_t partition : {0, 1}) {
      TopicPart part{.totals = PartitionTotals(partition, 7, {.track_changes = true}),
                     .output_end = end};
      for (const char* user : {"ada", "bob"}) {
        ASSERT_TRUE(part.totals.restore({.user = user,
                                         .sum = money::Decimal::from_nanos(5),
                                         .count = 1,
                                         .at = record::SourceOffset{partition, 3}}));
      }
      part.totals.restored();
      parts_.emplace(partition, std::move(part));
    }
    watch_ = std::make_unique<OutputWatch>(
        OutputWatchOptions{.topics = {"payments", topic_},
                           .check =
                               [this] {
                                 ++checks_;
                                 return fits_;
                               },
                           .patience = std::chrono::seconds(1)},
        parts_, TopicJobContext{*cluster_, *rejects_, pending_, counters_, context_});
    watch_->assigned();
  }

  void tombstones(int32_t partition, const std::vector<std::string>& users) {
    for (const std::string& user : users) {
      mock().produce(topic_, {.key = user, .value = {}, .at = {partition, 0}});
    }
    mock().flush();
  }

  // Looks until `done`; the sum of what the looks have said.
  template <class Done>
  uint64_t look_until(Done done) {
    uint64_t changed = 0;
    const base::Instant limit = clock_.now() + kLimit;
    while (!done() && clock_.now() < limit) {
      watch_->look_soon();
      const base::Result<uint64_t> looked = watch_->look();
      EXPECT_TRUE(looked) << (looked ? "" : looked.error().message);
      changed += looked.value_or(0);
    }
    EXPECT_LT(clock_.now(), limit);
    return changed;
  }

  bool has(int32_t partition, const std::string& user) {
    return parts_.at(partition).totals.find(user).has_value();
  }

  const base::RunContext context_ = context();
  std::string topic_;
  std::unique_ptr<kafka::Cluster> cluster_;
  std::unique_ptr<io::RejectLog> rejects_;
  PendingRejects pending_;
  TopicCounters counters_;
  TopicParts parts_;
  base::Result<bool> fits_ = true;
  int checks_ = 0;
  std::unique_ptr<OutputWatch> watch_;
};

// Of a total, its marker, and a publication that is undone nothing is left to see: the next one
// lies where it would have lain in the topic of before.
TEST_F(OutputWatchTest, WhatAnUndonePublicationHasWrittenShowsATopicMadeAnew) {
  begin(1);
  const std::array undone{range(0, 0, 0)};
  EXPECT_EQ(watch_->undone(undone), 4U) << "all users";
  EXPECT_EQ(parts_.at(1).totals.totals().changed().size(), 2U);
  const std::array next{range(0, 2, 3)};
  EXPECT_EQ(watch_->published(next), 0U);
  EXPECT_EQ(checks_, 1);
}

TEST_F(OutputWatchTest, AnUndonePublicationBehindTheOthersIsNoAlarm) {
  begin(1);
  EXPECT_EQ(watch_->undone(std::array{range(0, 1, 1), range(1, 7, 9)}), 0U);
  kafka::DeliveredRange unknown = range(0, 0, 0);
  unknown.offsets_known = false;
  EXPECT_EQ(watch_->undone(std::array{unknown}), 0U);
  EXPECT_EQ(checks_, 0);
  EXPECT_TRUE(watch_->is_settled());
}

TEST_F(OutputWatchTest, ATopicThatIsDeletedOnceMoreIsFilledWhenItIsThereAgain) {
  begin(5);
  fits_ = false;
  EXPECT_EQ(watch_->published(std::array{range(0, 0, 0)}), 0U);
  EXPECT_FALSE(watch_->is_settled());
  // Such a one is not all that fills it.
  EXPECT_EQ(watch_->published(std::array{range(0, 2, 2)}), 0U);
  EXPECT_EQ(checks_, 1) << "the next look asks";
  fits_ = true;
  EXPECT_EQ(look_until([this] { return watch_->is_settled(); }), 4U);
  EXPECT_EQ(parts_.at(0).totals.totals().changed().size(), 2U);
}

TEST_F(OutputWatchTest, WhatATopicMadeAnewLacksIsAnError) {
  begin(5);
  fits_ = base::fail("it is not compacted");
  const base::Result<uint64_t> again = watch_->published(std::array{range(0, 0, 0)});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, "it is not compacted");
}

// Its end is near, and a topic that does not fit is found by the next start.
TEST_F(OutputWatchTest, ATopicThatASignalLeavesUncheckedIsFilledAllTheSame) {
  begin(5);
  fits_ = base::fail("a signal came", base::ErrorKind::kInterrupted);
  EXPECT_EQ(watch_->published(std::array{range(0, 0, 0)}), 4U);
  EXPECT_TRUE(watch_->is_settled());
}

TEST_F(OutputWatchTest, AnEndThatHasGoneBackCountsWhereItIsSeenTwice) {
  begin(5);
  EXPECT_EQ(look_until([this] { return !watch_->is_settled(); }), 0U);
  EXPECT_EQ(checks_, 0);
  EXPECT_EQ(look_until([this] { return watch_->is_settled(); }), 4U);
}

TEST_F(OutputWatchTest, APartitionThatHasGoneBackDoesNotHideWhatIsInAnother) {
  begin(0);
  tombstones(1, {"ada", "ada"});
  EXPECT_EQ(watch_->published(std::array{range(0, 0, 4)}), 0U);
  EXPECT_EQ(watch_->published(std::array{range(0, 0, 0), range(1, 2, 2)}), 3U) << "not ada";
  EXPECT_TRUE(has(0, "ada"));
  EXPECT_FALSE(has(1, "ada"));
}

TEST_F(OutputWatchTest, APartitionWithoutALeaderIsNoTopicThatIsGone) {
  begin(0);
  rd_kafka_mock_partition_set_leader(mock().mock(), topic_.c_str(), 1, -1);
  watch_->cannot_publish();
  ASSERT_TRUE(watch_->is_gone());
  look_until([this] { return !watch_->is_gone(); });
}

// The group takes a member for dead that waits for minutes.
TEST_F(OutputWatchTest, AGapWhosePartitionHasNoLeaderIsReadLater) {
  begin(0);
  tombstones(1, {"ada", "ada"});
  rd_kafka_mock_partition_set_leader(mock().mock(), topic_.c_str(), 1, -1);
  std::atomic<bool> waits = true;
  std::thread elected([&] {
    const base::Instant limit = clock_.now() + kLimit;
    while (waits && clock_.now() < limit)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    rd_kafka_mock_partition_set_leader(mock().mock(), topic_.c_str(), 1, 1);
  });
  const base::Instant begun = clock_.now();
  EXPECT_EQ(watch_->published(std::array{range(1, 2, 2)}), 0U);
  EXPECT_LT(clock_.now() - begun, kLimit);
  EXPECT_TRUE(has(1, "ada"));
  waits = false;
  elected.join();
  tombstones(1, {"nobody"});  // our own
  look_until([this] { return !has(1, "ada"); });
  EXPECT_TRUE(has(0, "ada"));
}

}  // namespace
}  // namespace paystats::topics
