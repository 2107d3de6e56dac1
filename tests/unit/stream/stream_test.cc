#include "stream/stream.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "unit/io/support.h"
#include "unit/stream/doubles.h"

namespace paystats::stream {
namespace {

using std::chrono::milliseconds;

std::string payment(const std::string& user, int amount) {
  std::string line = R"({"user":")";
  line.append(user).append(R"(","paymentAmt":)").append(std::to_string(amount)).append("}\n");
  return line;
}

std::string stats(const std::string& user, int sum, int count) {
  std::string line = R"({"user":")";
  line.append(user).append(R"(","sum":)").append(std::to_string(sum)).append(R"(.00,"count":)");
  return line.append(std::to_string(count)).append("}\n");
}

class Stream : public testing::Test {
 protected:
  using Items = std::vector<TimedSource::Item>;

  base::Result<StreamOutcome> run(Items items, int64_t end_ms, StreamOptions options) {
    TimedSource source(clock_, std::move(items), end_ms);
    source.set_caught_up_after(caught_up_after_);
    if (cut_short_) source.set_cut_short();
    auto sink = std::make_unique<RememberingSink>(clock_, memory_);
    if (sink_error_) sink->break_with(*sink_error_);
    const auto publisher = publish_to(std::move(sink), options.mode);
    MetricsFile metrics(metrics_path_, clock_, words_.diagnostics);
    base::Progress progress(words_.diagnostics, clock_, false);
    const StreamContext context{{*publisher, rejects_, metrics}, source, progress, clock_};
    if (merge_) {
      totals::MergedTotals merged(1, {.track_changes = true}, words_.diagnostics);
      return merge_stream(context, options, merged);
    }
    return aggregate_stream(context, options, totals_);
  }
  base::Result<StreamOutcome> update(Items items, int64_t end_ms, TriggerOptions trigger = {}) {
    return run(std::move(items), end_ms, {.mode = OutputMode::kUpdate, .trigger = trigger});
  }

  base::ManualClock clock_;
  Memory memory_;
  io::Words words_;
  io::RejectLog rejects_{words_.diagnostics};
  totals::Totals totals_{1, {.track_changes = true}};
  size_t caught_up_after_ = 0;
  bool cut_short_ = false;
  bool merge_ = false;
  std::optional<base::Error> sink_error_;
  std::optional<std::string> metrics_path_;
};

TEST_F(Stream, FinalPublishesOnceAtTheEndInOrder) {
  ASSERT_TRUE(run({{0, payment("a", 1) + payment("b", 5), {}}, {900, payment("a", 1), {}}}, 1'000,
                  {.mode = OutputMode::kFinal}));
  EXPECT_EQ(memory_, (Memory{"1000: " + stats("b", 5, 1) + stats("a", 2, 2), "1000: close"}));
}

TEST_F(Stream, UpdatePublishesTheFirstChangeAtOnceAndTheNextAfterTheInterval) {
  ASSERT_TRUE(update({{0, payment("a", 1), {}},
                      {10, payment("b", 1), {}},
                      {20, payment("a", 1), {}},
                      {30, payment("b", 1), {}},
                      {500, payment("c", 1), {}}},
                     501));
  EXPECT_EQ(memory_, (Memory{"0: " + stats("a", 1, 1), "0: flush",
                             "100: " + stats("b", 2, 2) + stats("a", 2, 2), "100: flush",
                             "500: " + stats("c", 1, 1), "500: flush", "501: close"}));
}

TEST_F(Stream, WhatChangedLastIsPublishedAtTheEnd) {
  ASSERT_TRUE(update({{0, payment("a", 1), {}}, {10, payment("b", 1), {}}}, 20));
  EXPECT_EQ(memory_,
            (Memory{"0: " + stats("a", 1, 1), "0: flush", "20: " + stats("b", 1, 1), "20: close"}));
}

TEST_F(Stream, CompletePublishesAllUsersEachTime) {
  ASSERT_TRUE(run({{0, payment("a", 1), {}}, {300, payment("b", 5), {}}}, 400,
                  {.mode = OutputMode::kComplete}));
  EXPECT_EQ(memory_,
            (Memory{"0: " + stats("a", 1, 1), "0: flush",
                    "300: " + stats("b", 5, 1) + stats("a", 1, 1), "300: flush", "400: close"}));
}

TEST_F(Stream, NothingIsPublishedBeforeTheSourceHasCaughtUpThenAllInOneBurst) {
  caught_up_after_ = 3;
  ASSERT_TRUE(update({{0, payment("a", 1), {}},
                      {300, payment("b", 1), {}},
                      {600, payment("a", 1), {}},
                      {601, payment("c", 1), {}}},
                     1'000, {.records_max = 1}));
  EXPECT_EQ(memory_, (Memory{"600: " + stats("a", 2, 2) + stats("b", 1, 1), "600: flush",
                             "601: " + stats("c", 1, 1), "601: flush", "1000: close"}));
}

TEST_F(Stream, AnEmptyLineFollowsWhatWasThereAtTheStart) {
  caught_up_after_ = 3;
  ASSERT_TRUE(run({{0, payment("a", 1), {}},
                   {300, payment("b", 1), {}},
                   {600, payment("a", 1), {}},
                   {900, payment("c", 1), {}}},
                  1'000, {.mode = OutputMode::kUpdate, .ready_line = true}));
  EXPECT_EQ(memory_, (Memory{"600: " + stats("a", 2, 2) + stats("b", 1, 1), "600: \n", "600: flush",
                             "900: " + stats("c", 1, 1), "900: flush", "1000: close"}));
}

TEST_F(Stream, AnEmptyLineComesAtOnceWhereNothingWasThere) {
  ASSERT_TRUE(
      run({{300, payment("a", 1), {}}}, 1'000, {.mode = OutputMode::kUpdate, .ready_line = true}));
  EXPECT_EQ(memory_,
            (Memory{"0: \n", "0: flush", "300: " + stats("a", 1, 1), "300: flush", "1000: close"}));
}

TEST_F(Stream, StoppedBeforeItCaughtUpItPublishesNothing) {
  caught_up_after_ = 9;
  cut_short_ = true;
  const base::Result<StreamOutcome> end = update({{0, payment("a", 1), {}}}, 10);
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->cut_short);
  EXPECT_EQ(memory_, (Memory{"10: close"}));
}

TEST_F(Stream, ZeroPublishesAtEachPause) {
  ASSERT_TRUE(update({{0, payment("a", 1), {}}, {1, payment("b", 1), {}}, {2, payment("a", 1), {}}},
                     3, {.interval = base::Duration::zero()}));
  EXPECT_EQ(memory_, (Memory{"0: " + stats("a", 1, 1), "0: flush", "1: " + stats("b", 1, 1),
                             "1: flush", "2: " + stats("a", 2, 2), "2: flush", "3: close"}));
}

TEST_F(Stream, RecordsMaxPublishesWithinABlock) {
  const std::string block =
      payment("a", 1) + payment("b", 1) + payment("a", 1) + payment("c", 1) + payment("d", 1);
  ASSERT_TRUE(update({{0, block, {}}}, 1, {.records_max = 2}));
  EXPECT_EQ(memory_, (Memory{"0: " + stats("a", 1, 1) + stats("b", 1, 1),
                             "0: " + stats("a", 2, 2) + stats("c", 1, 1), "0: flush",
                             "1: " + stats("d", 1, 1), "1: close"}));
}

TEST_F(Stream, InputThatNeverPausesIsFlushedEachInterval) {
  // Each block takes 60 ms of the clock, but is there as soon as it is asked for.
  Items items;
  for (int i = 0; i < 4; ++i) {
    items.push_back({0, payment("a", 1), [this] { clock_.advance(milliseconds(60)); }});
  }
  ASSERT_TRUE(update(std::move(items), 0, {.records_max = 1}));
  EXPECT_EQ(memory_, (Memory{"60: " + stats("a", 1, 1), "120: " + stats("a", 2, 2), "120: flush",
                             "180: " + stats("a", 3, 3), "240: " + stats("a", 4, 4), "240: flush",
                             "240: close"}));
}

TEST_F(Stream, APaymentThatWouldOverflowIsARejectWithItsLine) {
  totals_.set(*totals_.find_or_add("a"),
              money::Decimal::from_nanos(static_cast<money::Int128>(~money::Uint128{0} >> 1U)), 1);
  totals_.clear_changed();
  ASSERT_TRUE(update({{0, payment("b", 1) + "\n" + payment("a", 1) + "x\n", {}}}, 1));
  EXPECT_EQ(rejects_.count(), 2U);
  const std::string heard = words_.heard();
  EXPECT_NE(heard.find("-:3: "), std::string::npos) << heard;
  EXPECT_NE(heard.find("-:4: "), std::string::npos) << heard;
  EXPECT_EQ(memory_, (Memory{"0: " + stats("b", 1, 1), "0: flush", "1: close"}));
}

TEST_F(Stream, RejectsAreInTheOrderOfLinesWhoeverRejectsThem) {
  totals_.set(*totals_.find_or_add("a"),
              money::Decimal::from_nanos(static_cast<money::Int128>(~money::Uint128{0} >> 1U)), 1);
  totals_.clear_changed();
  const std::string block = "x\n" + payment("a", 1) + "x\n" + payment("b", 1) + payment("a", 1);
  ASSERT_TRUE(update({{0, block + "x\n", {}}}, 1, {.records_max = 1}));
  const std::string heard = words_.heard();
  size_t at = 0;
  for (const char* line : {"-:1: ", "-:2: ", "-:3: ", "-:5: ", "-:6: "}) {
    at = heard.find(line, at);
    ASSERT_NE(at, std::string::npos) << line << " in " << heard;
  }
}

TEST_F(Stream, AGroupIsOneRecordOfThoseThatRecordsMaxCounts) {
  const auto group = [](const std::string& first, const std::string& second) {
    return R"([{"user":")" + first + R"(","paymentAmt":1},{"user":")" + second +
           "\",\"paymentAmt\":1}]\n";
  };
  const std::string block =
      group("a", "b") + payment("a", 1) + group("c", "c") + group("a", "d") + payment("b", 1);
  ASSERT_TRUE(update({{0, block, {}}}, 1, {.records_max = 2}));
  EXPECT_EQ(memory_, (Memory{"0: " + stats("a", 2, 2) + stats("b", 1, 1),
                             "0: " + stats("c", 2, 2) + stats("a", 3, 3) + stats("d", 1, 1),
                             "0: flush", "1: " + stats("b", 2, 2), "1: close"}));
}

TEST_F(Stream, AGroupThatDoesNotFitPublishesNobodyAgain) {
  const std::string full = R"({"user":"full","paymentAmt":0,"volume":18446744073709551615})";
  const std::string group = R"([{"user":"a","paymentAmt":1},{"user":"full","paymentAmt":1}])";
  ASSERT_TRUE(update(
      {{0, payment("a", 1) + full + "\n", {}}, {500, group + "\n" + payment("b", 1), {}}}, 1'000));
  EXPECT_EQ(memory_,
            (Memory{"0: " + stats("a", 1, 1) +
                        "{\"user\":\"full\",\"sum\":0.00,\"count\":18446744073709551615}\n",
                    "0: flush", "500: " + stats("b", 1, 1), "500: flush", "1000: close"}));
}

TEST_F(Stream, RejectsAloneAreNoChange) {
  ASSERT_TRUE(update({{0, "x\n", {}}, {500, "x\n", {}}}, 1'000));
  EXPECT_EQ(memory_, (Memory{"1000: close"}));
}

TEST_F(Stream, AReaderThatWentAwayEndsIt) {
  sink_error_ = base::Error{"stdout: broken pipe", base::ErrorKind::kClosedOutput};
  const base::Result<StreamOutcome> end = update({{0, payment("a", 1), {}}}, 1'000'000);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().kind, base::ErrorKind::kClosedOutput);
  EXPECT_EQ(ms_of(clock_), 0);
}

TEST_F(Stream, TooManyUsersEndIt) {
  totals::Totals small(1, {.users_max = 1, .track_changes = true});
  TimedSource source(clock_, {{0, payment("a", 1) + payment("b", 1), {}}}, 1);
  const auto publisher =
      publish_to(std::make_unique<RememberingSink>(clock_, memory_), OutputMode::kFinal);
  MetricsFile metrics({}, clock_, words_.diagnostics);
  base::Progress progress(words_.diagnostics, clock_, false);
  const StreamContext context{{*publisher, rejects_, metrics}, source, progress, clock_};
  EXPECT_FALSE(aggregate_stream(context, {}, small));
  EXPECT_TRUE(memory_.empty());
}

TEST_F(Stream, MergeAddsInputsUpAndPublishesChanges) {
  merge_ = true;
  ASSERT_TRUE(
      update({{0, stats("a", 1, 1) + stats("b", 2, 1), {}}, {200, stats("a", 5, 4), {}}}, 300));
  EXPECT_EQ(memory_, (Memory{"0: " + stats("a", 1, 1) + stats("b", 2, 1), "0: flush",
                             "200: " + stats("a", 5, 4), "200: flush", "300: close"}));
}

TEST_F(Stream, MetricsThatWereHeldBackAreWrittenWhileItWaits) {
  const TempFolder folder;
  metrics_path_ = folder / "m.prom";
  std::string early;
  std::string later;
  ASSERT_TRUE(update({{10, payment("a", 1) + "x\n", {}},
                      {500, {}, [&] { early = io::file_bytes(*metrics_path_); }},
                      {1'500, {}, [&] { later = io::file_bytes(*metrics_path_); }}},
                     2'000));
  EXPECT_NE(early.find("payagg_records_read_total 0\n"), std::string::npos) << early;
  EXPECT_NE(later.find("payagg_records_read_total 2\n"), std::string::npos) << later;
  EXPECT_NE(later.find("payagg_records_accepted_total 1\n"), std::string::npos) << later;
  EXPECT_NE(later.find("payagg_records_rejected_total 1\n"), std::string::npos) << later;
  EXPECT_NE(later.find("payagg_users 1\n"), std::string::npos) << later;
  EXPECT_NE(later.find("payagg_triggers_total 1\n"), std::string::npos) << later;
  EXPECT_NE(later.find("payagg_caught_up 1\n"), std::string::npos) << later;
}

// ---- Messages of a topic

class MessageStream : public Stream {
 protected:
  base::Result<StreamOutcome> run_messages(std::vector<io::OwnedMessage> messages,
                                           OutputMode mode) {
    const auto source = io::memory_message_source(std::move(messages), 2, "payments");
    const auto publisher = publish_to(std::make_unique<RememberingSink>(clock_, memory_), mode);
    MetricsFile metrics(metrics_path_, clock_, words_.diagnostics);
    base::Progress progress(words_.diagnostics, clock_, false);
    const MessageStreamContext context{{*publisher, rejects_, metrics}, *source, progress, clock_};
    const StreamOptions options{.mode = mode};
    if (merge_) {
      totals::MergedTotals merged(1, {.track_changes = true}, words_.diagnostics);
      return merge_stream(context, options, merged);
    }
    return aggregate_stream(context, options, totals_);
  }
  static io::OwnedMessage message(std::optional<std::string> value, int32_t partition,
                                  int64_t offset, std::string key = {}) {
    return {.key = std::move(key), .value = std::move(value), .at = {partition, offset}};
  }
};

TEST_F(MessageStream, PaymentsOfAllPartitionsAreSummed) {
  ASSERT_TRUE(run_messages({message(payment("anna", 1), 0, 0), message(payment("bob", 2), 1, 0),
                            message(payment("anna", 3), 1, 1)},
                           OutputMode::kFinal));
  EXPECT_EQ(memory_, (Memory{"0: " + stats("anna", 4, 2) + stats("bob", 2, 1), "0: close"}));
}

// The end of a topic may be told after its last message, and so with the end of the source.
class LateSource final : public io::MessageSource {
 public:
  base::Result<io::ReadStatus> read(io::MessageBlock& out, base::Instant /*deadline*/) override {
    if (reads_++ > 0) return io::ReadStatus::kEnd;
    out = {.messages = {&message_, 1}, .source = "payments"};
    return io::ReadStatus::kBlock;
  }
  bool caught_up() const override { return reads_ > 1; }

 private:
  const std::string value_ = payment("anna", 1);
  const io::Message message_{.key = {}, .value = value_, .at = {0, 0}};
  int reads_ = 0;
};

TEST_F(MessageStream, WhatCatchesUpOnlyWithItsEndIsPublished) {
  LateSource source;
  const auto publisher =
      publish_to(std::make_unique<RememberingSink>(clock_, memory_), OutputMode::kFinal);
  MetricsFile metrics(metrics_path_, clock_, words_.diagnostics);
  base::Progress progress(words_.diagnostics, clock_, false);
  const MessageStreamContext context{{*publisher, rejects_, metrics}, source, progress, clock_};
  ASSERT_TRUE(aggregate_stream(context, {.mode = OutputMode::kFinal}, totals_));
  EXPECT_EQ(memory_, (Memory{"0: " + stats("anna", 1, 1), "0: close"}));
}

TEST_F(MessageStream, ANullPaymentIsARejectWithItsPlace) {
  ASSERT_TRUE(run_messages({message(std::nullopt, 3, 41, "anna")}, OutputMode::kFinal));
  EXPECT_EQ(rejects_.count(), 1U);
  const std::string told = words_.heard();
  EXPECT_NE(told.find("payments: partition 3, offset 41"), std::string::npos) << told;
}

TEST_F(MessageStream, PartialsAreAddedUpAndRemovalsTakeThemBack) {
  const auto part = [](const std::string& user, int sum, int partition, int offset) {
    std::string line = stats(user, sum, 1);
    line.resize(line.size() - 2);
    return line + ",\"partition\":" + std::to_string(partition) +
           ",\"offset\":" + std::to_string(offset) + "}";
  };
  merge_ = true;
  ASSERT_TRUE(
      run_messages({message(part("anna", 1, 0, 7), 0, 0), message(part("anna", 2, 1, 5), 1, 0),
                    message(part("bob", 9, 1, 6), 1, 1), message(std::nullopt, 1, 2, "bob")},
                   OutputMode::kFinal));
  EXPECT_EQ(memory_, (Memory{"0: " + stats("anna", 3, 2), "0: close"}));
}

}  // namespace
}  // namespace paystats::stream
