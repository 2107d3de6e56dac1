#include "gen/random_payments.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>

#include "gen/expected.h"
#include "record/decoder.h"

namespace paystats::gen {
namespace {

struct Sum {
  money::Decimal sum;
  uint64_t count = 0;
  bool operator==(const Sum&) const = default;
};

// Reads the lines back with the codec.
std::map<std::string, Sum> totals_of_lines(std::string_view lines) {
  std::map<std::string, Sum> totals;
  record::LineDecoder<record::Payment> decoder(record::FieldNames{});
  record::DecodedLines<record::Payment> decoded;
  while (!lines.empty()) {
    lines.remove_prefix(decoder.decode(lines, decoded));
    EXPECT_TRUE(decoded.rejected.empty());
    for (const auto& row : decoded.rows) {
      Sum& sum = totals[std::string(row.record.user)];
      EXPECT_TRUE(sum.sum.add(row.record.sum));
      ++sum.count;
    }
  }
  return totals;
}

std::map<std::string, Sum> totals_counted(const RandomTotals& totals) {
  std::vector<std::string> names;
  std::map<std::string, Sum> map;
  for (const record::Stats& each : totals.stats(names)) {
    map[std::string(each.user)] = {each.sum, each.count};
  }
  return map;
}

RandomSpec spec_of(uint32_t users, uint32_t skew, std::string_view amount, uint64_t seed) {
  return {.users = users,
          .skew_thousandths = skew,
          .amount = *AmountRange::parse(amount),
          .seed = seed};
}

// These bytes are a promise: a seed gives them on every machine and in every version.
TEST(RandomPayments, TheFirstLinesOfASeedAreWhatTheyAlwaysWere) {
  RandomPayments payments(RandomSpec{});
  EXPECT_EQ(payments.make(5),
            "{\"user\":\"user8\",\"paymentAmt\":52.05}\n"
            "{\"user\":\"user575\",\"paymentAmt\":39.14}\n"
            "{\"user\":\"user698\",\"paymentAmt\":14.36}\n"
            "{\"user\":\"user72\",\"paymentAmt\":38.12}\n"
            "{\"user\":\"user868\",\"paymentAmt\":55.18}\n");
}

// SHA-256 by coreutils.
std::string sha256_of(RandomPayments& payments, uint64_t count) {
  const std::string path = ::testing::TempDir() + "paygen_" + std::to_string(::getpid());
  std::ofstream file(path, std::ios::binary);
  for (; count > 0; count -= 1000) file << payments.make(1000);
  file.close();
  std::string digest(64, ' ');
  FILE* pipe = ::popen(("sha256sum '" + path + "'").c_str(), "r");
  if (pipe == nullptr || std::fread(digest.data(), 1, digest.size(), pipe) != digest.size()) {
    ADD_FAILURE() << "sha256sum did not answer";
  }
  if (pipe != nullptr) ::pclose(pipe);
  std::remove(path.c_str());
  return digest;
}

TEST(RandomPayments, AMillionLinesOfASeedAreTheBytesTheyAlwaysWere) {
  RandomPayments payments(spec_of(50'000, 1000, "0.01:100.00", 1));
  EXPECT_EQ(sha256_of(payments, 1'000'000),
            "4e7d05d823a2e34fe2224d9a7eaa38ba0fb9a05c06055f472cc7bcb0ded42c45");
  RandomPayments others(spec_of(300, 1234, "-5:0.125", UINT64_MAX));
  EXPECT_EQ(sha256_of(others, 100'000),
            "d29ff9b3222161b7f47d95b88fb8de5853cd2bc6ec619ba50b89771ef38980c6");
}

TEST(RandomPayments, HowTheyAreAskedForDoesNotMatter) {
  RandomPayments at_once(RandomSpec{});
  RandomPayments in_parts(RandomSpec{});
  const std::string whole(at_once.make(1000));
  std::string parts;
  for (const uint64_t count : {1u, 0u, 9u, 490u, 500u}) parts += in_parts.make(count);
  EXPECT_EQ(parts, whole);
}

TEST(RandomPayments, AnotherSeedIsAnotherWorkload) {
  RandomPayments one(RandomSpec{});
  RandomPayments two(spec_of(1000, 1000, "0.01:100.00", 2));
  EXPECT_NE(one.make(10), two.make(10));
}

TEST(RandomPayments, EachIsALineThatTheCodecTakesAndTheTotalsAgree) {
  for (const char* amount :
       {"0.01:100.00", "1:5", "0.1", "7", "-5:5", "-0.50:-0.01", "0.000000001:0.000000003",
        "0.000000001:999999999999999.999999999", "-999999999999999.999999999:999999999999999",
        "999999999999999.999999999", "999999999999999", "1:9223372036.854775807",
        "5000000000.000000001:5000000001"}) {
    for (const uint32_t users : {1u, 10u, 5000u}) {
      const RandomSpec spec = spec_of(users, 1000, amount, 42);
      RandomPayments payments(spec);
      RandomTotals totals(spec, payments.users());
      std::string lines;
      for (int i = 0; i < 5; ++i) {
        lines += payments.make(2000);
        totals.advance(2000);
      }
      EXPECT_EQ(totals_of_lines(lines), totals_counted(totals)) << amount;
    }
  }
}

TEST(RandomPayments, AmountsReachBothEndsOfTheirRangeAndKeepItsDecimals) {
  RandomPayments payments(spec_of(1, 0, "-0.1:0.10", 5));
  std::set<std::string> amounts;
  std::string_view lines = payments.make(20'000);
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() + 1);
    const size_t begin = line.rfind(':') + 1;
    amounts.insert(std::string(line.substr(begin, line.size() - begin - 1)));
  }
  EXPECT_EQ(amounts.size(), 21u);
  EXPECT_TRUE(amounts.contains("-0.10"));
  EXPECT_TRUE(amounts.contains("0.10"));
  EXPECT_TRUE(amounts.contains("0.00"));
  EXPECT_FALSE(amounts.contains("-0.00"));
}

TEST(RandomPayments, AmountsAreUniform) {
  RandomPayments payments(spec_of(1, 0, "1:10", 5));
  std::map<std::string, int> counts;
  std::string_view lines = payments.make(50'000);
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() + 1);
    ++counts[std::string(line.substr(line.rfind(':')))];
  }
  EXPECT_EQ(counts.size(), 10u);
  for (const auto& [amount, count] : counts) EXPECT_NEAR(count, 5000, 350) << amount;
}

TEST(RandomPayments, TheLongestLinesOfTheLargestBlockFit) {
  RandomPayments payments(
      spec_of(3'000'000, 0, "-999999999999999.999999999:-999999999999999.999999998", 1));
  const std::string_view lines = payments.make(RandomPayments::kPaymentsMax);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'),
            static_cast<ptrdiff_t>(RandomPayments::kPaymentsMax));
}

TEST(RandomTotals, DrawsThatWereKeptCountAsIfDrawnAgain) {
  const RandomSpec spec = spec_of(500, 1000, "-1.00:7", 3);
  RandomPayments payments(spec);
  RandomTotals drawn_again(spec, payments.users());
  RandomTotals kept(spec, payments.users());
  RandomPayments without(spec);
  ASSERT_TRUE(payments.keep_draws());
  for (const uint64_t count : {1'000u, 1u, 0u, 128u, 129u, 3'000u}) {
    ASSERT_EQ(payments.make(count), without.make(count));
    drawn_again.advance(count);
    kept.add(payments.draws());
  }
  EXPECT_EQ(totals_counted(kept), totals_counted(drawn_again));
  EXPECT_FALSE(RandomPayments(spec_of(5, 0, "1:999999999999999.999999999", 1)).keep_draws());
}

TEST(RandomTotals, ListOnlyWhoHasPaid) {
  const RandomSpec spec = spec_of(1'000'000, 0, "1", 1);
  RandomTotals totals(spec, std::make_shared<ZipfTable>(spec.users, spec.skew_thousandths));
  std::vector<std::string> names;
  EXPECT_TRUE(totals.stats(names).empty());
  totals.advance(3);
  EXPECT_EQ(totals.stats(names).size(), 3u);
}

}  // namespace
}  // namespace paystats::gen
