// Batches that are read from an input.
#include "gen/deliver.h"

#include "unit/gen/deliver_support.h"

namespace paystats::gen {
namespace {

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

}  // namespace
}  // namespace paystats::gen
