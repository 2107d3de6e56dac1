#include "gen/random.h"

#include <gtest/gtest.h>

#include <vector>

namespace paystats::gen {
namespace {

// From the authors' C code.
TEST(SplitMix64, GivesTheNumbersOfTheReference) {
  SplitMix64 numbers(1234567);
  for (const uint64_t expected : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                  4593380528125082431u, 16408922859458223821u}) {
    EXPECT_EQ(numbers.next(), expected);
  }
}

TEST(Xoshiro256, GivesTheNumbersOfTheReference) {
  Xoshiro256 numbers(std::array<uint64_t, 4>{1, 2, 3, 4});
  const std::vector<uint64_t> reference = {11520u,
                                           0u,
                                           1509978240u,
                                           1215971899390074240u,
                                           1216172134540287360u,
                                           607988272756665600u,
                                           16172922978634559625u,
                                           8476171486693032832u,
                                           10595114339597558777u,
                                           2904607092377533576u};
  for (const uint64_t expected : reference) {
    EXPECT_EQ(numbers.next(), expected);
  }
}

TEST(ScaleTo, ReachesBothEndsAndNothingBeyond) {
  EXPECT_EQ(scale_to(0, 10), 0u);
  EXPECT_EQ(scale_to(UINT64_MAX, 10), 9u);
  EXPECT_EQ(scale_to(UINT64_MAX, 1), 0u);
  EXPECT_EQ(scale_to(UINT64_MAX, UINT64_MAX), UINT64_MAX - 1);
}

}  // namespace
}  // namespace paystats::gen
