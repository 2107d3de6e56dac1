#include "record/highway_start.h"

#include <gtest/gtest.h>

namespace paystats::record {
namespace {

// The library's own answer is dozens of ticks.
TEST(HighwayStart, OurDefinitionGoesBeforeTheLibrarys) {
  EXPECT_EQ(hwy::platform::TimerResolution(), 1U);
}

}  // namespace
}  // namespace paystats::record
