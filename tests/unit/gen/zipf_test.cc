#include "gen/zipf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "gen/random.h"

namespace paystats::gen {
namespace {

std::vector<uint64_t> draw(const ZipfTable& table, uint32_t users, int draws) {
  Xoshiro256 numbers(7);
  std::vector<uint64_t> counts(users);
  for (int i = 0; i < draws; ++i) ++counts.at(table.rank(numbers.next()));
  return counts;
}

TEST(PowerWeight, IsThePowerToNineDigits) {
  for (const uint32_t skew : {0u, 1u, 500u, 999u, 1000u, 1200u, 2000u, 3333u}) {
    const PowerWeight weight(skew);
    for (uint32_t n = 1; n < kUsersMax; n = n * 3 / 2 + 1) {
      const long double exact = powl(2, 62) * powl(n, -static_cast<long double>(skew) / 1000);
      EXPECT_NEAR(static_cast<long double>(weight(n)), exact, exact / 1e9L + 1)
          << n << " to the " << skew;
    }
  }
}

TEST(PowerWeight, NeverGrowsWithTheRank) {
  const PowerWeight weight(1000);
  for (uint32_t n = 1; n < 100'000; ++n) ASSERT_GE(weight(n), weight(n + 1)) << n;
}

TEST(PowerWeight, OfTheSteepestSkewAndTheLastRankIsNothing) {
  EXPECT_EQ(PowerWeight(kSkewThousandthsMax)(kUsersMax), 0u);
  EXPECT_EQ(PowerWeight(kSkewThousandthsMax)(1), uint64_t{1} << 62);
}

TEST(ZipfTable, TheFirstRanksHaveTheShareThatZipfGivesThem) {
  constexpr uint32_t kUsers = 1000;
  constexpr int kDraws = 2'000'000;
  for (const uint32_t skew : {500u, 1000u, 1200u, 2000u}) {
    const std::vector<uint64_t> counts = draw(ZipfTable(kUsers, skew), kUsers, kDraws);
    double total = 0;
    for (uint32_t n = 1; n <= kUsers; ++n) total += std::pow(n, -(skew / 1000.0));
    for (const uint32_t rank : {0u, 1u, 9u, 99u}) {
      const double share = std::pow(rank + 1, -(skew / 1000.0)) / total;
      const double deviation = std::sqrt(kDraws * share * (1 - share));
      EXPECT_NEAR(static_cast<double>(counts[rank]), kDraws * share, 5 * deviation + 1)
          << "rank " << rank << ", skew " << skew;
    }
  }
}

TEST(ZipfTable, SkewZeroMakesAllAlike) {
  const std::vector<uint64_t> counts = draw(ZipfTable(10, 0), 10, 1'000'000);
  for (const uint64_t count : counts) EXPECT_NEAR(static_cast<double>(count), 1e5, 1500);
}

TEST(ZipfTable, EveryUserOfAMildSkewIsReached) {
  const std::vector<uint64_t> counts = draw(ZipfTable(1000, 1000), 1000, 1'000'000);
  for (const uint64_t count : counts) EXPECT_GT(count, 0u);
}

TEST(ZipfTable, OneUserPaysEverything) {
  const ZipfTable table(1, 1000);
  EXPECT_EQ(table.rank(0), 0u);
  EXPECT_EQ(table.rank(UINT64_MAX), 0u);
}

TEST(ZipfTable, OfAnySizeAndSkewStaysWithinItsUsers) {
  Xoshiro256 numbers(3);
  for (const uint32_t users : {2u, 3u, 7u, 64u, 1000u, 65'537u}) {
    for (const uint32_t skew : {0u, 1u, 1000u, 10'000u}) {
      const ZipfTable table(users, skew);
      for (int i = 0; i < 1000; ++i) ASSERT_LT(table.rank(numbers.next()), users);
      ASSERT_LT(table.rank(UINT64_MAX), users);
    }
  }
}

}  // namespace
}  // namespace paystats::gen
