#include "base/utc_text.h"

#include <gtest/gtest.h>

namespace paystats::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::year;

TEST(UtcText, IsRfc3339InUtcWithMilliseconds) {
  EXPECT_EQ(UtcText(TimeOfDay{}).view(), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(UtcText(TimeOfDay{milliseconds(1'795'938'742'123)}).view(), "2026-11-29T07:52:22.123Z");
  EXPECT_EQ(UtcText(TimeOfDay{sys_days(year(2024) / 2 / 29)} - milliseconds(1)).view(),
            "2024-02-28T23:59:59.999Z");
  EXPECT_EQ(UtcText(TimeOfDay{milliseconds(-1)}).view(), "1969-12-31T23:59:59.999Z");
}

TEST(UtcText, AClockThatIsFarOffIsWrittenInFourDigitsOfTheYear) {
  EXPECT_EQ(UtcText(TimeOfDay{sys_days(year(-30) / 1 / 1)}).view(), "0000-01-01T00:00:00.000Z");
  EXPECT_EQ(UtcText(TimeOfDay{sys_days(year(12'000) / 1 / 1)}).view(), "9999-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace paystats::base
