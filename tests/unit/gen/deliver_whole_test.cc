// What is one whole: of a log one line, and of a topic a transaction.
#include "gen/deliver.h"

#include "unit/gen/deliver_support.h"

namespace paystats::gen {
namespace {

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
