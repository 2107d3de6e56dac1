#include "gen/pace.h"

#include <gtest/gtest.h>

namespace paystats::gen {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const base::Instant kStart = base::Instant(seconds(100));

// Takes all that it gets until the pace is over or `limit` has passed; time jumps to each wake().
struct Walk {
  uint64_t payments = 0;
  uint64_t largest = 0;
  int turns = 0;
  base::Instant now = kStart;
};
Walk walk(Pace pace, base::Duration limit) {
  Walk walk;
  while (!pace.over(walk.now) && walk.now < kStart + limit) {
    const uint64_t taken = pace.take(UINT64_MAX, walk.now);
    walk.payments += taken;
    walk.largest = std::max(walk.largest, taken);
    ++walk.turns;
    if (taken == 0) {
      EXPECT_GT(pace.wake(), walk.now);
      walk.now = pace.wake();
    }
  }
  return walk;
}

TEST(Pace, WithoutARateEverythingGoesAtOnce) {
  Pace pace({}, {}, kStart);
  EXPECT_EQ(pace.take(1'000'000, kStart), 1'000'000u);
  EXPECT_FALSE(pace.over(kStart + std::chrono::hours(1000)));
}

TEST(Pace, TheFirstPaymentGoesAtOnceAndTheNextAtItsInstant) {
  Pace pace(10, {}, kStart);
  EXPECT_EQ(pace.take(5, kStart), 1u);
  EXPECT_EQ(pace.take(5, kStart), 0u);
  EXPECT_EQ(pace.wake(), kStart + milliseconds(100));
  EXPECT_EQ(pace.take(5, kStart + milliseconds(99)), 0u);
  EXPECT_EQ(pace.take(5, kStart + milliseconds(100)), 1u);
}

TEST(Pace, ATimeHoldsExactlyRateTimesTime) {
  for (const uint64_t rate : {1u, 3u, 7u, 100u, 999u, 250'000u, 33'333'333u}) {
    EXPECT_EQ(walk(Pace(rate, seconds(2), kStart), seconds(10)).payments, 2 * rate) << rate;
  }
  EXPECT_EQ(walk(Pace(3, milliseconds(1001), kStart), seconds(10)).payments, 4u);
  EXPECT_EQ(walk(Pace(1, milliseconds(1), kStart), seconds(10)).payments, 1u);
}

TEST(Pace, AFastRateIsCutInSlicesOfAFewMilliseconds) {
  const Walk fast = walk(Pace(1'000'000, seconds(1), kStart), seconds(10));
  EXPECT_EQ(fast.payments, 1'000'000u);
  EXPECT_LE(fast.largest, 5'000u);
  EXPECT_LE(fast.turns, 600);
}

TEST(Pace, EndsWithItsDuration) {
  Pace pace(100, milliseconds(50), kStart);
  EXPECT_FALSE(pace.over(kStart));
  EXPECT_FALSE(pace.over(kStart + milliseconds(50))) << "five payments are still due";
  EXPECT_EQ(pace.take(99, kStart + milliseconds(50)), 5u);
  EXPECT_TRUE(pace.over(kStart + milliseconds(50)));

  Pace unpaced({}, milliseconds(50), kStart);
  EXPECT_EQ(unpaced.take(99, kStart + milliseconds(49)), 99u);
  EXPECT_TRUE(unpaced.over(kStart + milliseconds(50)));
}

TEST(Pace, AfterAHoldUpAtMostASecondIsMadeUpFor) {
  Pace pace(100, {}, kStart);
  EXPECT_EQ(pace.take(1, kStart), 1u);
  const base::Instant late = kStart + seconds(60);
  EXPECT_EQ(pace.take(UINT64_MAX, late), 100u);
  EXPECT_EQ(pace.take(UINT64_MAX, late), 0u);
  EXPECT_EQ(pace.wake(), late + milliseconds(10));
}

TEST(Pace, ALessHungryTakerFindsTheRestStillDue) {
  Pace pace(100, {}, kStart);
  const base::Instant later = kStart + milliseconds(95);
  EXPECT_EQ(pace.take(4, later), 4u);
  EXPECT_EQ(pace.take(4, later), 4u);
  EXPECT_EQ(pace.take(4, later), 2u);
}

TEST(Pace, OfTheLargestRateAndDurationDoesNotOverflow) {
  Pace pace(kRateMax, base::Duration::max(), kStart);
  EXPECT_EQ(pace.end(), io::kForever);
  EXPECT_EQ(pace.take(UINT64_MAX, kStart + std::chrono::hours(24 * 365 * 100)), kRateMax);
  EXPECT_FALSE(pace.over(kStart + std::chrono::hours(24 * 365 * 100)));
}

}  // namespace
}  // namespace paystats::gen
