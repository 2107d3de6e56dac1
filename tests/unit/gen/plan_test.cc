#include "gen/plan.h"

#include <gtest/gtest.h>

namespace paystats::gen {
namespace {

GenOptions random_options() {
  GenOptions options;
  options.random = 10;
  return options;
}
GenOptions single_options() {
  GenOptions options;
  options.user = "edgar";
  options.amount = "1.0";
  return options;
}
std::string refusal(const GenOptions& options, bool has_inputs = false) {
  const base::Result<Plan> plan = make_plan(options, has_inputs);
  return plan ? "accepted" : plan.error().message;
}

TEST(Plan, WithoutOptionsItIsBatchLines) {
  const base::Result<Plan> plan = make_plan(GenOptions{}, false);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(std::holds_alternative<LinesPlan>(plan->work));
}

TEST(Plan, ARandomWorkloadHasSensibleDefaults) {
  const auto plan = std::get<RandomPlan>(make_plan(random_options(), false)->work);
  EXPECT_EQ(plan.payments, 10u);
  EXPECT_EQ(plan.spec.users, 1000u);
  EXPECT_EQ(plan.spec.skew_thousandths, 1000u);
  EXPECT_EQ(plan.spec.seed, 1u);
  EXPECT_TRUE(plan.spec.amount.low == 1 && plan.spec.amount.high == 10'000);
  EXPECT_EQ(plan.spec.amount.decimals, 2);
}

TEST(Plan, RandomZeroHasNoEnd) {
  GenOptions options;
  options.random = 0;
  EXPECT_FALSE(std::get<RandomPlan>(make_plan(options, false)->work).payments);
}

TEST(Plan, ASinglePaymentIsMadeOnceUnlessADurationOrAVolumeSaysMore) {
  GenOptions options = single_options();
  EXPECT_EQ(std::get<SinglePlan>(make_plan(options, false)->work).payments, 1u);
  options.duration = std::chrono::seconds(1);
  EXPECT_FALSE(std::get<SinglePlan>(make_plan(options, false)->work).payments);
  options.volume = 7;
  EXPECT_EQ(std::get<SinglePlan>(make_plan(options, false)->work).payments, 7u);
}

TEST(Plan, WhatCannotGoTogetherIsRefusedByName) {
  GenOptions both = random_options();
  both.user = "edgar";
  EXPECT_EQ(refusal(both), "--random and --user exclude each other");
  EXPECT_EQ(refusal(random_options(), true), "--random reads no INPUT");
  EXPECT_EQ(refusal(single_options(), true), "--user reads no INPUT");

  GenOptions volume = random_options();
  volume.volume = 1;
  EXPECT_EQ(refusal(volume), "--random and --volume exclude each other");

  GenOptions lonely;
  lonely.users = 1;
  EXPECT_EQ(refusal(lonely), "--users needs --random");
  lonely = {};
  lonely.skew = "1";
  EXPECT_EQ(refusal(lonely), "--skew needs --random");
  lonely = {};
  lonely.seed = 1;
  EXPECT_EQ(refusal(lonely), "--seed needs --random");
  lonely = {};
  lonely.volume = 1;
  EXPECT_EQ(refusal(lonely), "--volume needs --user and --amount");
  lonely = {};
  lonely.amount = "1";
  EXPECT_EQ(refusal(lonely), "--amount needs --user or --random");
  lonely = {};
  lonely.user = "edgar";
  EXPECT_EQ(refusal(lonely), "--user needs --amount");
}

TEST(Plan, LimitsHold) {
  GenOptions options = single_options();
  options.volume = 0;
  EXPECT_EQ(refusal(options), "--volume: must be at least 1");
  options = single_options();
  options.rate = 0;
  EXPECT_EQ(refusal(options), "--rate: must be at least 1");
  options = single_options();
  options.duration = base::Duration(0);
  EXPECT_EQ(refusal(options), "--duration: must be more than 0");
  options = random_options();
  options.users = 0;
  EXPECT_EQ(refusal(options), "--users: must be from 1 to 100000000");
  options.users = uint64_t{kUsersMax} + 1;
  EXPECT_EQ(refusal(options), "--users: must be from 1 to 100000000");
}

TEST(Plan, TheUserIsOneThatEveryReaderTakes) {
  GenOptions options = single_options();
  options.user = "";
  EXPECT_EQ(refusal(options), "--user: must not be empty");
  options.user = std::string(record::kUserBytesMax + 1, 'x');
  EXPECT_EQ(refusal(options), "--user: longer than 1024 bytes");
  options.user = std::string(record::kUserBytesMax, 'x');
  EXPECT_EQ(refusal(options), "accepted");
  options.user = "\xff";
  EXPECT_EQ(refusal(options), "--user: not valid UTF-8");
}

TEST(Plan, AnAmountIsPositiveUnlessAllowed) {
  const std::string not_positive = "--amount: must be more than 0 (--allow-negative lifts that)";
  for (const char* amount : {"0", "-0", "0.00", "-1"}) {
    GenOptions options = single_options();
    options.amount = amount;
    EXPECT_EQ(refusal(options), not_positive) << amount;
    options.allow_negative = true;
    EXPECT_EQ(refusal(options), "accepted") << amount;
  }
  GenOptions options = random_options();
  options.amount = "0:5";
  EXPECT_EQ(refusal(options), not_positive);
  options.allow_negative = true;
  EXPECT_EQ(refusal(options), "accepted");
}

TEST(Plan, AnAmountIsADecimalWithinTheLimits) {
  GenOptions options = single_options();
  options.amount = "1:2";
  EXPECT_EQ(refusal(options), "--amount: a range LO:HI needs --random");
  options.amount = "nan";
  EXPECT_EQ(refusal(options), "--amount: 'nan' is not a decimal number");
  options.amount = "0.1234567891";
  EXPECT_EQ(refusal(options), "--amount: '0.1234567891' has more than 9 decimals");
  options.amount = "1e15";
  EXPECT_EQ(refusal(options), "--amount: '1e15' has more than 15 digits before the point");
  options = random_options();
  options.amount = "2:1";
  EXPECT_EQ(refusal(options), "--amount: the lower bound 2 is more than the upper bound 1");
  options.amount = "1:2:3";
  EXPECT_EQ(refusal(options), "--amount: '2:3' is not a decimal number");
  options.amount = "1:";
  EXPECT_EQ(refusal(options), "--amount: '' is not a decimal number");
}

TEST(AmountRange, HasAsManyDecimalsAsTheFinerBound) {
  const AmountRange range = *AmountRange::parse("0.5:12.250");
  EXPECT_EQ(range.decimals, 3);
  EXPECT_TRUE(range.low == 500 && range.high == 12'250);
  const AmountRange whole = *AmountRange::parse("1:1e2");
  EXPECT_EQ(whole.decimals, 0);
  EXPECT_TRUE(whole.low == 1 && whole.high == 100);
  const AmountRange one = *AmountRange::parse("0.1");
  EXPECT_TRUE(one.low == 1 && one.high == 1);
}

TEST(Skew, IsExactInThousandths) {
  EXPECT_EQ(*parse_skew("1.0"), 1000u);
  EXPECT_EQ(*parse_skew("0"), 0u);
  EXPECT_EQ(*parse_skew("0.5"), 500u);
  EXPECT_EQ(*parse_skew("1.234"), 1234u);
  EXPECT_EQ(*parse_skew("10"), 10'000u);
  for (const char* text : {"1.2345", "-1", "10.001", "one", "", "nan", ".5"}) {
    EXPECT_FALSE(parse_skew(text)) << text;
  }
}

}  // namespace
}  // namespace paystats::gen
