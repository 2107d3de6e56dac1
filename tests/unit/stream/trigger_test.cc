#include "stream/trigger.h"

#include <gtest/gtest.h>

namespace paystats::stream {
namespace {

using std::chrono::milliseconds;

TEST(Trigger, NothingChangedIsNeverDue) {
  base::ManualClock clock;
  Trigger trigger({}, clock);
  EXPECT_FALSE(trigger.due(true));
  EXPECT_EQ(trigger.deadline(), base::Instant::max());
  clock.advance(std::chrono::hours(1));
  EXPECT_FALSE(trigger.due(true));
}

TEST(Trigger, TheFirstChangeIsDueAtOnce) {
  base::ManualClock clock;
  Trigger trigger({}, clock);
  trigger.added(1);
  EXPECT_TRUE(trigger.due(false));
  EXPECT_LE(trigger.deadline(), clock.now());
}

TEST(Trigger, TheNextChangeWaitsForTheInterval) {
  base::ManualClock clock;
  Trigger trigger({.interval = milliseconds(100)}, clock);
  trigger.added(1);
  trigger.fired();
  clock.advance(milliseconds(30));
  trigger.added(1);
  EXPECT_FALSE(trigger.due(true));
  EXPECT_EQ(trigger.deadline(), clock.now() + milliseconds(70));
  clock.advance(milliseconds(69));
  EXPECT_FALSE(trigger.due(true));
  clock.advance(milliseconds(1));
  EXPECT_TRUE(trigger.due(false));
}

TEST(Trigger, AChangeAfterAQuietTimeIsDueAtOnce) {
  base::ManualClock clock;
  Trigger trigger({.interval = milliseconds(100)}, clock);
  trigger.added(1);
  trigger.fired();
  EXPECT_FALSE(trigger.due(true));
  clock.advance(std::chrono::seconds(5));
  EXPECT_FALSE(trigger.due(true));
  trigger.added(1);
  EXPECT_TRUE(trigger.due(false));
}

TEST(Trigger, ZeroFiresAtEachPauseAndAtLeastEachHundredMilliseconds) {
  base::ManualClock clock;
  Trigger trigger({.interval = base::Duration::zero()}, clock);
  trigger.added(1);
  trigger.fired();
  trigger.added(1);
  EXPECT_FALSE(trigger.due(false));
  EXPECT_TRUE(trigger.due(true));
  clock.advance(milliseconds(99));
  EXPECT_FALSE(trigger.due(false));
  clock.advance(milliseconds(1));
  EXPECT_TRUE(trigger.due(false));
}

TEST(Trigger, RecordsMaxFiresInBetween) {
  base::ManualClock clock;
  Trigger trigger({.interval = milliseconds(100), .records_max = 10}, clock);
  trigger.added(1);
  trigger.fired();
  EXPECT_EQ(trigger.records_left(), 10U);
  trigger.added(9);
  EXPECT_EQ(trigger.records_left(), 1U);
  EXPECT_FALSE(trigger.due(true));
  trigger.added(1);
  EXPECT_TRUE(trigger.records_reached());
  EXPECT_TRUE(trigger.due(false));
  trigger.fired();
  EXPECT_FALSE(trigger.records_reached());
}

TEST(Trigger, WithoutRecordsMaxTheNumberOfRecordsDoesNotMatter) {
  base::ManualClock clock;
  Trigger trigger({}, clock);
  trigger.added(1);
  trigger.fired();
  trigger.added(1'000'000'000);
  EXPECT_FALSE(trigger.due(true));
  EXPECT_GT(trigger.records_left(), uint64_t{1} << 60U);
}

TEST(Trigger, TimeSpentOnPublishingIsNotTakenFromTheInterval) {
  base::ManualClock clock;
  Trigger trigger({.interval = milliseconds(100)}, clock);
  trigger.added(1);
  clock.advance(milliseconds(250));  // publishing
  trigger.fired();
  trigger.added(1);
  EXPECT_EQ(trigger.deadline(), clock.now() + milliseconds(100));
}

TEST(Trigger, AnIntervalOfAnyLengthDoesNotOverflow) {
  base::ManualClock clock;
  Trigger trigger({.interval = base::Duration::max()}, clock);
  trigger.added(1);
  trigger.fired();
  trigger.added(1);
  EXPECT_GT(trigger.deadline(), clock.now() + std::chrono::hours(24 * 365));
  EXPECT_FALSE(trigger.due(true));
}

TEST(Trigger, CountsHowOftenItFired) {
  base::ManualClock clock;
  Trigger trigger({}, clock);
  for (int i = 0; i < 3; ++i) {
    trigger.added(1);
    trigger.fired();
  }
  EXPECT_EQ(trigger.times_fired(), 3U);
}

TEST(Trigger, WhoTakesLongToPublishReadsForLongerBeforeTheNextTime) {
  base::ManualClock clock;
  Trigger trigger({.interval = milliseconds(100)}, clock);
  trigger.added(1);
  trigger.fired(milliseconds(60));
  trigger.added(1);
  clock.advance(milliseconds(60) * Trigger::kRestFactor - milliseconds(1));
  EXPECT_FALSE(trigger.due(false));
  clock.advance(milliseconds(1));
  EXPECT_TRUE(trigger.due(false));
}

TEST(Trigger, WhereTheInputPausesThereIsNoRest) {
  base::ManualClock clock;
  Trigger trigger({.interval = milliseconds(100)}, clock);
  trigger.added(1);
  trigger.fired(milliseconds(60));
  trigger.added(1);
  clock.advance(milliseconds(100));
  EXPECT_FALSE(trigger.due(false));
  EXPECT_TRUE(trigger.due(true));
}

TEST(Trigger, ARestHasALimit) {
  base::ManualClock clock;
  Trigger trigger({.interval = milliseconds(100)}, clock);
  trigger.added(1);
  trigger.fired(std::chrono::hours(1));
  trigger.added(1);
  clock.advance(Trigger::kRestMax);
  EXPECT_TRUE(trigger.due(false));
}

TEST(Trigger, WhatIsAddedWhileAPublicationIsUnderWayIsOfTheNextOne) {
  base::ManualClock clock;
  Trigger trigger({.interval = milliseconds(100)}, clock);
  trigger.added(5);
  EXPECT_EQ(trigger.taken(), 5U);
  EXPECT_FALSE(trigger.pending());
  trigger.added(2);
  trigger.settled(milliseconds(1));
  EXPECT_TRUE(trigger.pending());
  EXPECT_FALSE(trigger.due(false)) << "the interval begins with the end of the last publication";
  clock.advance(milliseconds(100));
  EXPECT_TRUE(trigger.due(false));
  EXPECT_EQ(trigger.taken(), 2U);
}

}  // namespace
}  // namespace paystats::stream
