#include "http/probe_pace.h"

#include <gtest/gtest.h>

namespace paystats::http {
namespace {

using std::chrono::seconds;

const ProbePace::Clock::time_point kStart{seconds(1000)};

TEST(ProbePace, OnlyWhatHasFailedIsProbed) {
  ProbePace pace;
  EXPECT_FALSE(pace.due(kStart));
  EXPECT_EQ(pace.wait(kStart), std::nullopt);
  pace.failed(kStart);
  pace.written();
  EXPECT_FALSE(pace.due(kStart + seconds(100)));
}

TEST(ProbePace, ItIsProbedEachSecondUntilAllIsWell) {
  ProbePace pace;
  pace.failed(kStart);
  EXPECT_FALSE(pace.due(kStart));
  EXPECT_EQ(pace.wait(kStart), seconds(1));
  EXPECT_TRUE(pace.due(kStart + seconds(1)));
  EXPECT_EQ(pace.wait(kStart + seconds(5)), seconds(0));
  pace.probed(false, kStart + seconds(1));
  EXPECT_FALSE(pace.due(kStart + seconds(1)));
  EXPECT_TRUE(pace.due(kStart + seconds(2)));
  pace.probed(true, kStart + seconds(2));
  EXPECT_FALSE(pace.due(kStart + seconds(100)));
}

TEST(ProbePace, AProbeThatWasWrongDoublesThePauseUpToAMinute) {
  ProbePace pace;
  pace.failed(kStart);
  for (const int pause : {2, 4, 8, 16, 32, 60, 60}) {
    pace.probed(true, kStart);
    pace.failed(kStart);
    EXPECT_EQ(pace.wait(kStart), seconds(pause));
    pace.failed(kStart);
    EXPECT_EQ(pace.wait(kStart), seconds(pause)) << "there was no probe between";
  }
  pace.written();
  pace.failed(kStart);
  EXPECT_EQ(pace.wait(kStart), seconds(1));
}

}  // namespace
}  // namespace paystats::http
