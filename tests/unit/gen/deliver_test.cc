#include "gen/deliver.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "doubles.h"
#include "unit/support.h"

namespace paystats::gen {
namespace {

// Goes on by a millisecond each time it is looked at, however busy the machine is.
class SteppingClock final : public base::Clock {
 public:
  base::Instant now() const override { return now_ += std::chrono::milliseconds(1); }

 private:
  mutable base::Instant now_{};
};

class DeliverTest : public ::testing::Test {
 protected:
  DeliverTest()
      : silence_(std::move(*base::open_file("/dev/null", O_WRONLY))),
        diagnostics_("paygen", base::Verbosity::kQuiet, silence_.get()),
        rejects_(diagnostics_, std::make_unique<MemorySink>(rejected_), "rejects"),
        progress_(diagnostics_, clock_, false),
        waiter_(stop_, clock_) {}

  Delivery delivery(std::optional<uint64_t> rate = {}) {
    return {sink_, waiter_, Pace(rate, {}, clock_.now()), progress_, &totals_};
  }
  std::string expected() {
    std::string out;
    MemorySink sink(out);
    EXPECT_TRUE(write_expected(totals_.stats(), sink));
    return out.substr(0, out.rfind("<closed>"));
  }
  uint64_t lines_taken() const {
    return static_cast<uint64_t>(std::count(sink_.taken.begin(), sink_.taken.end(), '\n'));
  }

  base::UniqueFd silence_;
  base::Diagnostics diagnostics_;
  std::string rejected_;
  io::RejectLog rejects_;
  base::StopSignal stop_;
  base::SystemClock clock_;
  base::Progress progress_;
  io::Waiter waiter_;
  MemoryPaymentSink sink_;
  BatchTotals totals_;
};

SinglePlan single(std::string_view amount, std::optional<uint64_t> payments) {
  return {.user = "edgar", .amount = *GivenAmount::parse(amount), .payments = payments};
}

RandomPlan random_plan(std::optional<uint64_t> payments) {
  return {.spec = RandomSpec{}, .payments = payments};
}

TEST_F(DeliverTest, ASingleBatchIsOnePut) {
  Delivery to = delivery();
  EXPECT_EQ(*deliver_single(single("1.0", 3), to), Ending::kComplete);
  EXPECT_EQ(sink_.volumes, std::vector<uint64_t>{3});
  EXPECT_EQ(sink_.taken,
            "{\"user\":\"edgar\",\"paymentAmt\":1.0}\n{\"user\":\"edgar\",\"paymentAmt\":1.0}\n"
            "{\"user\":\"edgar\",\"paymentAmt\":1.0}\n");
  EXPECT_EQ(expected(), "{\"user\":\"edgar\",\"sum\":3.00,\"count\":3}\n");
}

TEST_F(DeliverTest, ARateAndADurationMakeExactlySoMany) {
  const SteppingClock clock;
  const io::Waiter waiter(stop_, clock);
  Delivery to(sink_, waiter, Pace(500, std::chrono::milliseconds(100), clock.now()), progress_,
              &totals_);
  EXPECT_EQ(*deliver_single(single("1", {}), to), Ending::kComplete);
  EXPECT_EQ(lines_taken(), 50u);
  EXPECT_GT(sink_.flushes, 5u) << "each slice is flushed before the wait for the next";
}

TEST_F(DeliverTest, ADurationEndsAWorkloadWithoutEnd) {
  const SteppingClock clock;
  const io::Waiter waiter(stop_, clock);
  Delivery to(sink_, waiter, Pace({}, std::chrono::milliseconds(20), clock.now()), progress_,
              &totals_);
  RandomPayments payments{RandomSpec{}};
  EXPECT_EQ(*deliver_random(random_plan({}), to, payments, nullptr), Ending::kComplete);
  EXPECT_GT(lines_taken(), 0u);
}

TEST_F(DeliverTest, RandomPaymentsAreAsManyAsAskedForAndExpected) {
  Delivery to = delivery();
  const RandomPlan plan = random_plan(200'001);
  RandomPayments payments(plan.spec);
  RandomTotals totals(plan.spec, payments.users());
  EXPECT_EQ(*deliver_random(plan, to, payments, &totals), Ending::kComplete);
  EXPECT_EQ(lines_taken(), 200'001u);
  RandomTotals independent(plan.spec, payments.users());
  independent.advance(200'001);
  std::vector<std::string> names;
  std::vector<std::string> independent_names;
  const std::vector<record::Stats> stats = totals.stats(names);
  const std::vector<record::Stats> independent_stats = independent.stats(independent_names);
  ASSERT_EQ(stats.size(), independent_stats.size());
  for (size_t i = 0; i < stats.size(); ++i) {
    EXPECT_TRUE(stats[i].sum == independent_stats[i].sum &&
                stats[i].count == independent_stats[i].count);
  }
}

TEST_F(DeliverTest, AfterAnErrorTheTotalsAreOfWhatTheOutputHasTaken) {
  sink_.flushes_left = 2;
  Delivery to = delivery();
  const RandomPlan plan = random_plan(1'000'000);
  RandomPayments payments(plan.spec);
  RandomTotals totals(plan.spec, payments.users());
  const base::Result<Ending> ending = deliver_random(plan, to, payments, &totals);
  ASSERT_FALSE(ending);
  EXPECT_EQ(ending.error().message, "the disk is full");
  std::vector<std::string> names;
  uint64_t counted = 0;
  for (const record::Stats& each : totals.stats(names)) counted += each.count;
  EXPECT_EQ(counted, lines_taken());
  EXPECT_GT(counted, 0u);
}

TEST_F(DeliverTest, AfterAnErrorTheTotalsOfBatchesAreOfWhatTheOutputHasTaken) {
  sink_.flushes_left = 2;
  Delivery to = delivery();
  std::string lines;
  for (int i = 0; i < 1000; ++i) {
    lines += "{\"user\":\"u" + std::to_string(i % 3) + "\",\"paymentAmt\":1,\"volume\":100}\n";
  }
  const std::unique_ptr<io::Source> source = io::memory_source(lines, 4096);
  const base::Result<Ending> ending = deliver_lines(LinesPlan{}, to, *source, rejects_);
  ASSERT_FALSE(ending);
  uint64_t counted = 0;
  for (const record::Stats& each : totals_.stats()) counted += each.count;
  EXPECT_EQ(counted, lines_taken());
  EXPECT_GT(counted, 0u);
  EXPECT_LT(counted, 100'000u);
}

TEST_F(DeliverTest, AStopSignalEndsAWorkloadAtAPaymentBorder) {
  sink_.on_flush = [&] {
    if (lines_taken() > 0) stop_.request(SIGTERM);
  };
  Delivery to = delivery();
  RandomPayments payments{RandomSpec{}};
  EXPECT_EQ(*deliver_random(random_plan({}), to, payments, nullptr), Ending::kInterrupted);
  EXPECT_EQ(sink_.taken.back(), '\n');
  EXPECT_EQ(lines_taken(), to.payments());
}

TEST_F(DeliverTest, AStopSignalEndsTheWaitOfASlowRateAtOnce) {
  sink_.on_flush = [&] { stop_.request(SIGINT); };
  const base::Instant start = clock_.now();
  // One goes at once, and the next is due in two of the longest waits.
  Delivery to(sink_, waiter_, Pace(1, {}, start + 2 * kLimit), progress_, &totals_);
  EXPECT_EQ(*deliver_single(single("1", {}), to), Ending::kInterrupted);
  EXPECT_LT(clock_.now() - start, kLimit);
  EXPECT_EQ(lines_taken(), 1u);
}

// Has nothing to give for long, and time goes on.
class IdleSource final : public io::Source {
 public:
  base::Result<io::ReadStatus> read(io::Block&, base::Instant) override {
    return --reads_left_ > 0 ? io::ReadStatus::kIdle : io::ReadStatus::kEnd;
  }
  int reads_left() const { return reads_left_; }

 private:
  int reads_left_ = 10'000;
};

TEST_F(DeliverTest, ADurationEndsAlsoWhereFewerBatchesCameThanTheRateAllows) {
  const SteppingClock clock;
  const io::Waiter waiter(stop_, clock);
  Delivery to(sink_, waiter, Pace(500, std::chrono::milliseconds(100), clock.now()), progress_,
              &totals_);
  IdleSource source;
  EXPECT_EQ(*deliver_lines(LinesPlan{}, to, source, rejects_), Ending::kComplete);
  EXPECT_GT(source.reads_left(), 9'000);
}

TEST_F(DeliverTest, BatchLinesBecomePaymentsAndEachIsOnePut) {
  const std::unique_ptr<io::Source> source = io::memory_source(
      "{\"user\":\"a\",\"paymentAmt\":1.0,\"volume\":2}\n\n{\"paymentAmt\":\"1e2\",\"user\":\"b\"}",
      1 << 16);
  Delivery to = delivery();
  EXPECT_EQ(*deliver_lines(LinesPlan{}, to, *source, rejects_), Ending::kComplete);
  EXPECT_EQ(sink_.volumes, (std::vector<uint64_t>{2, 1}));
  EXPECT_EQ(sink_.taken,
            "{\"user\":\"a\",\"paymentAmt\":1.0}\n{\"user\":\"a\",\"paymentAmt\":1.0}\n"
            "{\"user\":\"b\",\"paymentAmt\":100}\n");
  EXPECT_EQ(expected(),
            "{\"user\":\"b\",\"sum\":100.00,\"count\":1}\n"
            "{\"user\":\"a\",\"sum\":2.00,\"count\":2}\n");
}

TEST_F(DeliverTest, AmountsAreWrittenPlainWithTheirFractionAsGiven) {
  const std::pair<const char*, const char*> cases[] = {{"1.0", "1.0"},
                                                       {"1e2", "100"},
                                                       {"1.50E+1", "15.0"},
                                                       {"0.123456789", "0.123456789"},
                                                       {"0.1000000000", "0.100000000"},
                                                       {"123456789012345", "123456789012345"},
                                                       {"\"2.50\"", "2.50"}};
  std::string lines;
  std::string want;
  for (const auto& [given, plain] : cases) {
    lines += std::string("{\"user\":\"a\",\"paymentAmt\":") + given + "}\n";
    want += std::string("{\"user\":\"a\",\"paymentAmt\":") + plain + "}\n";
  }
  const std::unique_ptr<io::Source> source = io::memory_source(lines, 1 << 16);
  Delivery to = delivery();
  EXPECT_EQ(*deliver_lines(LinesPlan{}, to, *source, rejects_), Ending::kComplete);
  EXPECT_EQ(sink_.taken, want);
}

TEST_F(DeliverTest, ABadLineIsPutAsideAndTheStreamGoesOn) {
  const std::unique_ptr<io::Source> source = io::memory_source(
      "{\"user\":\"a\",\"paymentAmt\":1}\nnonsense\n{\"user\":\"a\",\"paymentAmt\":-1}\n"
      "{\"user\":\"a\",\"paymentAmt\":0.0}\n{\"user\":\"a\",\"paymentAmt\":2}\n",
      1 << 16);
  Delivery to = delivery();
  EXPECT_EQ(*deliver_lines(LinesPlan{}, to, *source, rejects_), Ending::kComplete);
  EXPECT_EQ(expected(), "{\"user\":\"a\",\"sum\":3.00,\"count\":2}\n");
  EXPECT_EQ(rejects_.count(), 3u);
  EXPECT_NE(rejected_.find("\"line\":2,"), std::string::npos);
  EXPECT_NE(rejected_.find("\"line\":3,"), std::string::npos);
  EXPECT_NE(rejected_.find("\"line\":4,"), std::string::npos);
}

TEST_F(DeliverTest, NegativeAmountsPassWhereAllowed) {
  const std::unique_ptr<io::Source> source =
      io::memory_source("{\"user\":\"a\",\"paymentAmt\":-1.50}\n", 1 << 16);
  Delivery to = delivery();
  EXPECT_EQ(*deliver_lines(LinesPlan{.allow_negative = true}, to, *source, rejects_),
            Ending::kComplete);
  EXPECT_EQ(sink_.taken, "{\"user\":\"a\",\"paymentAmt\":-1.50}\n");
}

TEST_F(DeliverTest, ABatchAtARateGoesPaymentByPayment) {
  const std::unique_ptr<io::Source> source =
      io::memory_source("{\"user\":\"a\",\"paymentAmt\":1,\"volume\":30}\n", 1 << 16);
  const SteppingClock clock;
  const io::Waiter waiter(stop_, clock);
  Delivery to(sink_, waiter, Pace(1000, {}, clock.now()), progress_, &totals_);
  EXPECT_EQ(*deliver_lines(LinesPlan{}, to, *source, rejects_), Ending::kComplete);
  EXPECT_EQ(lines_taken(), 30u);
  EXPECT_GT(sink_.volumes.size(), 3u);
}

TEST_F(DeliverTest, WhatWasReadBeforeASignalIsMadeWithoutItsPace) {
  const std::unique_ptr<io::Source> source =
      io::memory_source("{\"user\":\"a\",\"paymentAmt\":1,\"volume\":30}\n", 1 << 16);
  sink_.on_flush = [&] { stop_.request(SIGTERM); };
  const SteppingClock clock;
  const io::Waiter waiter(stop_, clock);
  Delivery to(sink_, waiter, Pace(1, {}, clock.now()), progress_, &totals_);
  const base::Instant start = clock.now();
  EXPECT_TRUE(deliver_lines(LinesPlan{}, to, *source, rejects_));
  EXPECT_LT(clock.now() - start, std::chrono::seconds(1)) << "at its pace it takes 29";
  EXPECT_EQ(lines_taken(), 30u);
}

TEST_F(DeliverTest, ABatchLargerThanAWholeIsMadeInPartsAndASignalEndsItBetweenThem) {
  const std::unique_ptr<io::Source> source = io::memory_source(
      "{\"user\":\"a\",\"paymentAmt\":1,\"volume\":18446744073709551615}\n"
      "{\"user\":\"never\",\"paymentAmt\":1}\n",
      1 << 16);
  sink_.on_flush = [&] { stop_.request(SIGTERM); };
  Delivery to = delivery();
  EXPECT_EQ(*deliver_lines(LinesPlan{}, to, *source, rejects_), Ending::kInterrupted);
  EXPECT_EQ(sink_.volumes.size(), 1u);
  EXPECT_LE(sink_.taken.size(), size_t{64} << 20);
  EXPECT_EQ(lines_taken(), to.payments());
}

// A sink of which a request is one line, as a log is.
class LineSink final : public io::PaymentSink {
 public:
  base::Result<void> put(const record::Request& request) override {
    for (const record::Batch& batch : request.batches) volumes.push_back(batch.volume);
    return {};
  }
  base::Result<void> commit_lines(std::string_view more) override {
    lines += more;
    return {};
  }
  base::Result<void> flush() override {
    ++flushes;
    return {};
  }
  base::Result<void> close() override { return {}; }
  bool request_is_line() const override { return true; }

  std::vector<uint64_t> volumes;
  std::string lines;
  uint64_t flushes = 0;
};

TEST_F(DeliverTest, WhereARequestIsALineAVolumeOfAnySizeIsOnePut) {
  LineSink log;
  Delivery to(log, waiter_, Pace({}, {}, clock_.now()), progress_, &totals_);
  ASSERT_EQ(deliver_single(single("1", 3'000'000'000), to), Ending::kComplete);
  EXPECT_EQ(log.volumes, std::vector<uint64_t>{3'000'000'000});
}

TEST_F(DeliverTest, WhereARequestIsALineManyOfThemShareAFlush) {
  std::string batches;
  for (int i = 0; i < 1000; ++i)
    batches += "{\"user\":\"a\",\"paymentAmt\":1,\"volume\":1000000}\n";
  const std::unique_ptr<io::Source> source = io::memory_source(batches, 1 << 16);
  LineSink log;
  Delivery to(log, waiter_, Pace({}, {}, clock_.now()), progress_, &totals_);
  ASSERT_EQ(*deliver_lines(LinesPlan{}, to, *source, rejects_), Ending::kComplete);
  EXPECT_EQ(log.volumes.size(), 1000U);
  EXPECT_LE(log.flushes, 2U);
}

TEST_F(DeliverTest, WhereARequestIsALineRandomPaymentsHaveTheirTime) {
  LineSink log;
  base::ManualClock clock;
  clock.set_time_of_day(base::TimeOfDay(std::chrono::milliseconds(1'795'938'742'123)));
  const io::Waiter waiter(stop_, clock);
  RandomPlan plan;
  plan.payments = 100;
  RandomPayments payments(plan.spec);
  Delivery to(log, waiter, Pace({}, {}, clock.now()), progress_, nullptr);
  ASSERT_EQ(*deliver_random(plan, to, payments, nullptr), Ending::kComplete);

  RandomPayments plain(plan.spec);
  std::string expected;
  for (const char c : std::string(plain.make(100))) {
    expected +=
        c == '}' ? std::string(R"(,"time":"2026-11-29T07:52:22.123Z"})") : std::string(1, c);
  }
  EXPECT_EQ(log.lines, expected);
}

// A sink whose lines are long on their way, as those of a topic are.
class LateSink final : public io::PaymentSink {
 public:
  base::Result<void> put(const record::Request& request) override {
    for (const record::Batch& batch : request.batches) unflushed += batch.volume;
    ++puts;
    return {};
  }
  base::Result<void> commit_lines(std::string_view lines) override {
    unflushed += static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    return {};
  }
  base::Result<void> flush() override {
    if (flushes_left == 0) return base::fail("no broker");
    --flushes_left;
    if (unflushed > 0) wholes.push_back(unflushed);
    unflushed = 0;
    return {};
  }
  base::Result<void> close() override { return flush(); }
  bool lines_await_flush() const override { return true; }

  uint64_t unflushed = 0;
  uint64_t puts = 0;
  uint64_t flushes_left = UINT64_MAX;
  std::vector<uint64_t> wholes;  // payments of each flush
};

class AtomicDeliverTest : public DeliverTest {
 protected:
  Delivery delivery(bool atomic, std::optional<uint64_t> rate = {}) {
    return {late_, waiter_, Pace(rate, {}, clock_.now()), progress_, &totals_, atomic};
  }
  LateSink late_;
};

TEST_F(AtomicDeliverTest, AVolumeIsOnePutHoweverLargeAndAtAnyPace) {
  for (const std::optional<uint64_t> rate : {std::optional<uint64_t>(), {10'000'000}}) {
    late_ = {};
    Delivery to = delivery(true, rate);
    ASSERT_EQ(deliver_single(single("1", 5'000'000), to), Ending::kComplete);
    EXPECT_EQ(late_.puts, 1U);
    EXPECT_EQ(late_.wholes, std::vector<uint64_t>{5'000'000});
  }
}

TEST_F(AtomicDeliverTest, ABatchOfTheInputIsOnePut) {
  Delivery to = delivery(true, 100'000);
  const auto source =
      io::memory_source("{\"user\":\"a\",\"paymentAmt\":1,\"volume\":20000}\n", 1 << 16);
  ASSERT_EQ(deliver_lines({}, to, *source, rejects_), Ending::kComplete);
  EXPECT_EQ(late_.puts, 1U);
}

TEST_F(AtomicDeliverTest, MoreThanATransactionTakesIsRefused) {
  Delivery to = delivery(true);
  const base::Result<Ending> refused =
      deliver_single(single("1", Delivery::kAtomicPaymentsMax + 1), to);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "--atomic: a transaction takes 10000000 payments at most");
  EXPECT_EQ(late_.puts, 0U);
}

TEST_F(AtomicDeliverTest, AWorkloadIsOneWholeWhoseTotalsCountOnceItIsThere) {
  for (const uint64_t flushes : {1U, 0U}) {
    late_ = {};
    late_.flushes_left = flushes;
    RandomPlan plan;
    plan.payments = 200'000;
    RandomPayments payments(plan.spec);
    RandomTotals totals(plan.spec, payments.users());
    Delivery to = delivery(true);
    EXPECT_EQ(deliver_random(plan, to, payments, &totals).has_value(), flushes == 1);
    std::vector<std::string> names;
    uint64_t counted = 0;
    for (const record::Stats& stats : totals.stats(names)) counted += stats.count;
    EXPECT_EQ(counted, flushes * 200'000);
    EXPECT_EQ(late_.wholes,
              flushes == 1 ? std::vector<uint64_t>{200'000} : std::vector<uint64_t>());
  }
}

TEST_F(AtomicDeliverTest, WithoutItTotalsOfAWorkloadCountWhatAFlushHasShownToBeThere) {
  RandomPlan plan;
  plan.payments = 3'000'000;
  RandomPayments payments(plan.spec);
  RandomTotals totals(plan.spec, payments.users());
  Delivery to = delivery(false);
  late_.flushes_left = 1;
  ASSERT_FALSE(deliver_random(plan, to, payments, &totals));
  std::vector<std::string> names;
  uint64_t counted = 0;
  for (const record::Stats& stats : totals.stats(names)) counted += stats.count;
  ASSERT_EQ(late_.wholes.size(), 1U);
  EXPECT_EQ(counted, late_.wholes[0]);
  EXPECT_LT(counted, 3'000'000U);
}

}  // namespace
}  // namespace paystats::gen
