#include "agg/plan.h"

#include <gtest/gtest.h>

#include <string>

namespace paystats {
namespace {

std::string refusal(const AggregateRequest& request) {
  const Result<AggregatePlan> plan = make_plan(request);
  return plan ? "" : plan.error().message;
}

TEST(Plan, WithoutWordsItIsFinalFromStdinToStdout) {
  const Result<AggregatePlan> plan = make_plan({});
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->inputs.size(), 1U);
  EXPECT_EQ(plan->inputs[0].kind, Endpoint::Kind::kStdio);
  EXPECT_EQ(plan->output.kind, Endpoint::Kind::kStdio);
  EXPECT_EQ(plan->mode, OutputMode::kFinal);
  EXPECT_FALSE(plan->totals.track_changes);
  EXPECT_EQ(plan->names.user, "user");
  EXPECT_EQ(plan->names.amount, "paymentAmt");
}

TEST(Plan, FollowIsUpdateUnlessSaidOtherwise) {
  AggregateRequest request;
  request.inputs = {"payments.jsonl"};
  request.follow = true;
  EXPECT_EQ(make_plan(request)->mode, OutputMode::kUpdate);
  EXPECT_TRUE(make_plan(request)->totals.track_changes);
  EXPECT_EQ(make_plan(request)->trigger.interval, std::chrono::milliseconds(100));
  request.output_mode = "complete";
  EXPECT_EQ(make_plan(request)->mode, OutputMode::kComplete);
  request.output_mode = "final";
  EXPECT_NE(refusal(request).find("with --follow there is none"), std::string::npos);
}

TEST(Plan, FollowNeedsAFileAtTheEnd) {
  AggregateRequest request;
  request.follow = true;
  EXPECT_NE(refusal(request).find("--follow needs a file"), std::string::npos);
  request.inputs = {"a", "-"};
  EXPECT_NE(refusal(request).find("--follow needs a file"), std::string::npos);
  request.inputs = {"-", "a"};
  EXPECT_EQ(refusal(request), "");
}

TEST(Plan, AppendIsRefusedWithTheReason) {
  AggregateRequest request;
  request.output_mode = "append";
  EXPECT_NE(refusal(request).find("a total is never finished"), std::string::npos);
  request.output_mode = "Final";
  EXPECT_EQ(refusal(request), "--output-mode Final: not one of final, update, complete");
}

TEST(Plan, TriggersNeedAModeThatTheyCanFire) {
  AggregateRequest request;
  request.trigger = Duration::zero();
  EXPECT_NE(refusal(request).find("--trigger has no effect"), std::string::npos);
  request.output_mode = "complete";
  EXPECT_EQ(make_plan(request)->trigger.interval, Duration::zero());
  AggregateRequest counted;
  counted.max_records = 5;
  EXPECT_NE(refusal(counted).find("--max-records has no effect"), std::string::npos);
  counted.output_mode = "update";
  EXPECT_EQ(make_plan(counted)->trigger.records_max, 5U);
}

TEST(Plan, JobsNeedPaymentsAndFinal) {
  AggregateRequest request;
  request.jobs = 4;
  EXPECT_EQ(refusal(request), "");
  request.output_mode = "update";
  EXPECT_NE(refusal(request).find("--jobs needs"), std::string::npos);
  request.jobs = 1;
  EXPECT_EQ(refusal(request), "");
  AggregateRequest merge;
  merge.jobs = 2;
  merge.merge = true;
  EXPECT_NE(refusal(merge).find("--jobs needs"), std::string::npos);
}

TEST(Plan, FieldNamesAreOfPaymentsAndTwo) {
  AggregateRequest request;
  request.user_field = "who";
  EXPECT_EQ(make_plan(request)->names.user, "who");
  request.amount_field = "who";
  EXPECT_EQ(refusal(request), "--key and --amount are the same field: who");
  request.amount_field = "what";
  request.merge = true;
  EXPECT_NE(refusal(request).find("with --merge the input is stats"), std::string::npos);
}

TEST(Plan, ATopicIsAnEndpointLikeAnyOther) {
  AggregateRequest request;
  request.inputs = {"kafka:payments"};
  request.output = "kafka:payment-stats";
  request.rejects = "kafka:rejects";
  const Result<AggregatePlan> plan = make_plan(request);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->inputs[0].kind, Endpoint::Kind::kTopic);
  EXPECT_EQ(plan->output.name, "payment-stats");
  EXPECT_EQ(plan->rejects->name, "rejects");
}

}  // namespace
}  // namespace paystats
