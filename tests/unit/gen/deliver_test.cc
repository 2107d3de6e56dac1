// A payment given once, and random ones: how many, how long, and what ends them.
#include "gen/deliver.h"

#include "unit/gen/deliver_support.h"

namespace paystats::gen {
namespace {

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

}  // namespace
}  // namespace paystats::gen
