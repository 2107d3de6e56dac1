// What the tests of deliveries share: a delivery into a sink in memory, and what it has taken.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/stop_signal.h"
#include "gen/deliver.h"
#include "unit/gen/doubles.h"
#include "unit/support.h"

namespace paystats::gen {

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

inline SinglePlan single(std::string_view amount, std::optional<uint64_t> payments) {
  return {.user = "edgar", .amount = *GivenAmount::parse(amount), .payments = payments};
}

inline RandomPlan random_plan(std::optional<uint64_t> payments) {
  return {.spec = RandomSpec{}, .payments = payments};
}

}  // namespace paystats::gen
