#include "kafka/wake_up.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <semaphore>
#include <thread>

#include "base/clock.h"
#include "base/stop_signal.h"

namespace paystats::kafka {
namespace {

using std::chrono::microseconds;

// Rings come when a wait ends by itself, and no queue would ring again: each must be heard.
TEST(WakeUp, HearsARingThatComesWithTheDeadline) {
  const base::StopSignal stop;
  const base::SystemClock clock;
  const io::Waiter waiter(stop, clock);
  WakeUp wake_up;
  ASSERT_TRUE(wake_up.open());
  constexpr int kRounds = 3000;
  std::counting_semaphore<kRounds> turns(0);
  std::thread ringer([&] {
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same each time
    for (int i = 0; i < kRounds; ++i) {
      turns.acquire();
      const base::Instant at = clock.now() + microseconds(random() % 400);
      while (clock.now() < at) {
      }
      wake_up.ring();
    }
  });
  int unheard = 0;
  for (int i = 0; i < kRounds; ++i) {
    turns.release();
    // One that is lost is enough to know, and a ringer that has to wait for its turn is none.
    const auto patience = unheard == 0 ? std::chrono::seconds(60) : std::chrono::seconds(0);
    const base::Instant limit = clock.now() + patience;
    io::Wake wake = io::Wake::kDeadline;
    while (wake == io::Wake::kDeadline && clock.now() < limit) {
      wake = *wake_up.wait(waiter, clock.now() + microseconds(20));
    }
    if (wake == io::Wake::kDeadline) ++unheard;
  }
  ringer.join();
  EXPECT_EQ(unheard, 0);
}

}  // namespace
}  // namespace paystats::kafka
