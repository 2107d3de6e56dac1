#include "stream/publish.h"

#include <gtest/gtest.h>

#include <string>

#include "record/encoder.h"
#include "stream/metrics.h"
#include "totals/rank.h"
#include "unit/io/support.h"

namespace paystats::stream {
namespace {

class Publish : public testing::Test {
 protected:
  void set(std::string_view user, int units, uint64_t count) {
    totals_.set(*totals_.find_or_add(user),
                money::Decimal::from_nanos(money::Int128{units} * 1'000'000'000), count);
  }
  std::unique_ptr<Publisher> open(OutputMode mode) {
    return std::move(*open_publisher({io::Endpoint::Kind::kFile, path_}, mode));
  }

  const TempFolder folder_;
  const std::string path_ = folder_ / "stats.jsonl";
  totals::Totals totals_{1, {.track_changes = true}};
};

const std::string kAnna = "{\"user\":\"anna\",\"sum\":7.00,\"count\":1}\n";
const std::string kBob = "{\"user\":\"bob\",\"sum\":9.00,\"count\":2}\n";

TEST_F(Publish, FinalReplacesTheFileWhenItIsClosed) {
  io::write_file(path_, "old\n");
  set("anna", 7, 1);
  set("bob", 9, 2);
  const auto publisher = open(OutputMode::kFinal);
  ASSERT_TRUE(publisher->publish(totals_));
  ASSERT_TRUE(publisher->flush());
  EXPECT_EQ(io::file_bytes(path_), "old\n");
  ASSERT_TRUE(publisher->close());
  EXPECT_EQ(io::file_bytes(path_), kBob + kAnna);
}

TEST_F(Publish, APublisherThatIsNotClosedLeavesTheFileAsItWas) {
  io::write_file(path_, "old\n");
  set("anna", 7, 1);
  for (const OutputMode mode : {OutputMode::kFinal, OutputMode::kComplete}) {
    const auto publisher = open(mode);
    if (mode == OutputMode::kFinal) {
      ASSERT_TRUE(publisher->publish(totals_));
    }
  }
  EXPECT_EQ(io::file_bytes(path_), "old\n");
  EXPECT_EQ(folder_.entries(), 1U) << "a temporary file was left";
}

TEST_F(Publish, CompleteReplacesTheFileEachTime) {
  io::write_file(path_, "old\n");
  const auto publisher = open(OutputMode::kComplete);
  EXPECT_EQ(io::file_bytes(path_), "old\n");
  set("anna", 7, 1);
  ASSERT_TRUE(publisher->publish(totals_));
  EXPECT_EQ(io::file_bytes(path_), kAnna);
  set("bob", 9, 2);
  ASSERT_TRUE(publisher->publish(totals_));
  EXPECT_EQ(io::file_bytes(path_), kBob + kAnna);
  ASSERT_TRUE(publisher->close());
  EXPECT_EQ(io::file_bytes(path_), kBob + kAnna);
  EXPECT_EQ(folder_.entries(), 1U);
}

TEST_F(Publish, UpdateAppendsWhatChangedSinceTheLastTime) {
  io::write_file(path_, "old\n");
  const auto publisher = open(OutputMode::kUpdate);
  set("anna", 7, 1);
  ASSERT_TRUE(publisher->publish(totals_));
  set("bob", 9, 2);
  ASSERT_TRUE(publisher->publish(totals_));
  ASSERT_TRUE(publisher->publish(totals_));
  ASSERT_TRUE(publisher->close());
  EXPECT_EQ(io::file_bytes(path_), "old\n" + kAnna + kBob);
}

TEST_F(Publish, MoreThanABufferOfUsersArrivesWhole) {
  for (int i = 0; i < 20'000; ++i) set("user" + std::to_string(i), 20'000 - i, 1);
  const auto publisher = open(OutputMode::kFinal);
  ASSERT_TRUE(publisher->publish(totals_));
  ASSERT_TRUE(publisher->close());
  std::string want;
  for (int i = 0; i < 20'000; ++i) {
    want += "{\"user\":\"user" + std::to_string(i) + "\",\"sum\":" + std::to_string(20'000 - i) +
            ".00,\"count\":1}\n";
  }
  EXPECT_TRUE(io::file_bytes(path_) == want);
}

TEST_F(Publish, ATopicIsRefusedByTheRoomThatOpensSinks) {
  EXPECT_FALSE(open_publisher({io::Endpoint::Kind::kTopic, "payment-stats"}, OutputMode::kUpdate));
}

TEST_F(Publish, MetricsTellCountsAndNoMoney) {
  const std::string text = metrics_text({.records_accepted = 5,
                                         .records_rejected = 2,
                                         .bytes_read = 300,
                                         .users = 3,
                                         .triggers = 4,
                                         .caught_up = true});
  EXPECT_NE(text.find("# HELP payagg_records_read_total Records read.\n"
                      "# TYPE payagg_records_read_total counter\n"
                      "payagg_records_read_total 7\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\npayagg_bytes_read_total 300\n"), std::string::npos);
  EXPECT_NE(text.find("\npayagg_caught_up 1\n"), std::string::npos);
  EXPECT_NE(text.find("\npayagg_build_info{version=\""), std::string::npos);
  EXPECT_EQ(text.find("sum"), std::string::npos);
  EXPECT_EQ(text.back(), '\n');
}

TEST_F(Publish, MetricsAreWrittenAtTheStartThenAtMostEachSecondAndAtTheEnd) {
  base::ManualClock clock;
  io::Words words;
  MetricsFile metrics(path_, clock, words.diagnostics);
  ASSERT_TRUE(metrics.start());
  EXPECT_NE(io::file_bytes(path_).find("read_total 0\n"), std::string::npos);
  metrics.update({.records_accepted = 1});
  EXPECT_NE(io::file_bytes(path_).find("read_total 0\n"), std::string::npos);
  EXPECT_EQ(metrics.deadline(), clock.now() + std::chrono::seconds(1));
  clock.advance(std::chrono::seconds(1));
  metrics.update({.records_accepted = 2});
  EXPECT_NE(io::file_bytes(path_).find("read_total 2\n"), std::string::npos);
  EXPECT_EQ(metrics.deadline(), base::Instant::max());
  ASSERT_TRUE(metrics.finish({.records_accepted = 3}));
  EXPECT_NE(io::file_bytes(path_).find("read_total 3\n"), std::string::npos);
}

TEST_F(Publish, MetricsThatCannotBeWrittenInBetweenAreAWarningSaidOnce) {
  base::ManualClock clock;
  io::Words words;
  const std::string path = folder_ / "sub/m.prom";
  std::filesystem::create_directory(folder_ / "sub");
  MetricsFile metrics(path, clock, words.diagnostics);
  ASSERT_TRUE(metrics.start());
  std::filesystem::remove_all(folder_ / "sub");
  for (uint64_t n = 1; n < 4; ++n) {
    clock.advance(std::chrono::seconds(1));
    metrics.update({.records_accepted = n});
  }
  const std::string heard = words.heard();
  EXPECT_EQ(std::count(heard.begin(), heard.end(), '\n'), 1) << heard;
  EXPECT_NE(heard.find("warning: "), std::string::npos) << heard;
  EXPECT_FALSE(metrics.finish({}));
}

TEST(Metrics, ARunFromTopicToTopicTellsItsLagAndWhatItRestored) {
  Counters counters;
  EXPECT_EQ(metrics_text(counters).find("payagg_lag_records"), std::string::npos);
  counters.topics = TopicFigures{.skipped = 1,
                                 .commits_failed = 2,
                                 .partitions = 3,
                                 .lag = 4,
                                 .hidden = 7,
                                 .hidden_s = 8,
                                 .restored = 5,
                                 .to_restore = 6};
  const std::string text = metrics_text(counters);
  for (const char* line :
       {"payagg_records_skipped_total 1", "payagg_commits_failed_total 2", "payagg_partitions 3",
        "payagg_lag_records 4", "payagg_hidden_records 7", "payagg_hidden_seconds 8",
        "payagg_restored_records 5", "payagg_restorable_records 6"}) {
    EXPECT_NE(text.find(std::string("\n") + line + "\n"), std::string::npos) << line;
  }
}

TEST_F(Publish, ManyUsersAreTheSameBytesWhoeverWritesThem) {
  for (int i = 0; i < 60'000; ++i) {
    set(std::to_string(i), i % 5'000, static_cast<uint64_t>(i % 3));
  }
  std::string want;
  for (const uint32_t user : totals::ranked(totals_)) {
    if (totals_.count(user) > 0) record::append_stats(want, totals_.stats(user));
  }
  for (const unsigned threads : {1U, 2U, 5U}) {
    const auto publisher =
        std::move(*open_publisher({io::Endpoint::Kind::kFile, path_}, OutputMode::kFinal, threads));
    ASSERT_TRUE(publisher->publish(totals_));
    ASSERT_TRUE(publisher->close());
    EXPECT_TRUE(io::file_bytes(path_) == want) << threads << " threads";
  }
}

TEST_F(Publish, AWriteThatFailsEndsAllThreads) {
  for (int i = 0; i < 60'000; ++i) set(std::to_string(i), i, 1);
  const auto publisher =
      std::move(*open_publisher({io::Endpoint::Kind::kFile, "/dev/full"}, OutputMode::kFinal, 4));
  const base::Result<void> published = publisher->publish(totals_);
  ASSERT_FALSE(published);
  EXPECT_NE(published.error().message.find("no space left"), std::string::npos)
      << published.error().message;
}

}  // namespace
}  // namespace paystats::stream
