#include "payagg/plan.h"

#include <gtest/gtest.h>

#include <string>

namespace paystats::payagg {
namespace {

std::string refusal(const PayaggOptions& request) {
  const base::Result<AggregatePlan> plan = make_plan(request);
  return plan ? "" : plan.error().message;
}

TEST(Plan, WithoutWordsItIsFinalFromStdinToStdout) {
  const base::Result<AggregatePlan> plan = make_plan({});
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->inputs.size(), 1U);
  EXPECT_EQ(plan->inputs[0].kind, io::Endpoint::Kind::kStdio);
  EXPECT_EQ(plan->output.kind, io::Endpoint::Kind::kStdio);
  EXPECT_EQ(plan->mode, stream::OutputMode::kFinal);
  EXPECT_FALSE(plan->totals.track_changes);
  EXPECT_EQ(plan->fields.user, "user");
  EXPECT_EQ(plan->fields.amount, "paymentAmt");
}

TEST(Plan, FollowIsUpdateUnlessSaidOtherwise) {
  PayaggOptions request;
  request.inputs = {"payments.jsonl"};
  request.follow = true;
  EXPECT_EQ(make_plan(request)->mode, stream::OutputMode::kUpdate);
  EXPECT_TRUE(make_plan(request)->totals.track_changes);
  EXPECT_EQ(make_plan(request)->trigger.interval, std::chrono::milliseconds(100));
  request.output_mode = "complete";
  EXPECT_EQ(make_plan(request)->mode, stream::OutputMode::kComplete);
  request.output_mode = "final";
  EXPECT_NE(refusal(request).find("with --follow there is none"), std::string::npos);
}

TEST(Plan, FollowNeedsAFileAtTheEnd) {
  PayaggOptions request;
  request.follow = true;
  EXPECT_NE(refusal(request).find("--follow needs a file"), std::string::npos);
  request.inputs = {"a", "-"};
  EXPECT_NE(refusal(request).find("--follow needs a file"), std::string::npos);
  request.inputs = {"-", "a"};
  EXPECT_EQ(refusal(request), "");
}

TEST(Plan, AppendIsRefusedWithTheReason) {
  PayaggOptions request;
  request.output_mode = "append";
  EXPECT_NE(refusal(request).find("a total is never finished"), std::string::npos);
  request.output_mode = "Final";
  EXPECT_EQ(refusal(request), "--output-mode Final: not one of final, update, complete");
}

TEST(Plan, TriggersNeedAModeThatTheyCanFire) {
  PayaggOptions request;
  request.trigger = base::Duration::zero();
  EXPECT_NE(refusal(request).find("--trigger has no effect"), std::string::npos);
  request.output_mode = "complete";
  EXPECT_EQ(make_plan(request)->trigger.interval, base::Duration::zero());
  PayaggOptions counted;
  counted.max_records = 5;
  EXPECT_NE(refusal(counted).find("--max-records has no effect"), std::string::npos);
  counted.output_mode = "update";
  EXPECT_EQ(make_plan(counted)->trigger.records_max, 5U);
}

TEST(Plan, AReadyLineNeedsChangesThatAreLines) {
  const auto refused = [](const char* mode, const char* input, const char* output) {
    PayaggOptions request;
    request.ready_line = true;
    request.output_mode = mode;
    request.inputs = {input};
    request.output = output;
    return refusal(request).find("--ready-line is for changes") != std::string::npos;
  };
  EXPECT_TRUE(refused("final", "-", "-"));
  EXPECT_TRUE(refused("complete", "-", "-"));
  EXPECT_TRUE(refused("update", "kafka:payments", "kafka:payment-stats"));
  EXPECT_FALSE(refused("update", "kafka:payments", "-"));
  EXPECT_FALSE(refused("update", "-", "-"));
}

TEST(Plan, JobsNeedPaymentsAndFinal) {
  PayaggOptions request;
  request.jobs = 4;
  EXPECT_EQ(refusal(request), "");
  request.output_mode = "update";
  EXPECT_NE(refusal(request).find("--jobs needs"), std::string::npos);
  request.jobs = 1;
  EXPECT_EQ(refusal(request), "");
  PayaggOptions merge;
  merge.jobs = 2;
  merge.merge = true;
  EXPECT_NE(refusal(merge).find("--jobs needs"), std::string::npos);
}

TEST(Plan, FieldNamesAreOfPaymentsAndTwo) {
  PayaggOptions request;
  request.fields.user = std::string("who");
  EXPECT_EQ(make_plan(request)->fields.user, "who");
  request.fields.amount = std::string("who");
  EXPECT_EQ(refusal(request), "--user-field and --amount-field are the same field: who");
  request.fields.amount = std::string("/what");
  EXPECT_EQ(refusal(request), "--amount-field /what: names that begin with / are reserved");
  request.fields.amount = std::string("what");
  request.merge = true;
  EXPECT_NE(refusal(request).find("with --merge the input is stats"), std::string::npos);
}

TEST(Plan, ATopicIsAnEndpointLikeAnyOther) {
  PayaggOptions request;
  request.inputs = {"kafka:payments"};
  request.output = "kafka:payment-stats";
  request.rejects = "kafka:rejects";
  const base::Result<AggregatePlan> plan = make_plan(request);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->inputs[0].kind, io::Endpoint::Kind::kTopic);
  EXPECT_EQ(plan->output.name, "payment-stats");
  EXPECT_EQ(plan->rejects->name, "rejects");
}

PayaggOptions from_topic_to_topic() {
  PayaggOptions request;
  request.inputs = {"kafka:payments"};
  request.output = "kafka:payment-stats";
  return request;
}

TEST(Plan, FromTopicToTopicIsExactlyOnceInAGroupNamedAfterBoth) {
  const base::Result<AggregatePlan> plan = make_plan(from_topic_to_topic());
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->mode, stream::OutputMode::kUpdate);
  EXPECT_EQ(plan->group, "payagg.payments.payment-stats");
  EXPECT_EQ(plan->guarantee, topics::Guarantee::kExactlyOnce);
  EXPECT_EQ(plan->on_data_loss, topics::OnDataLoss::kStop);
  EXPECT_FALSE(plan->instance);
}

TEST(Plan, ATopicReadToWhatIsThereNowEndsInFinalTotals) {
  PayaggOptions request;
  request.inputs = {"kafka:payments"};
  EXPECT_EQ(make_plan(request)->mode, stream::OutputMode::kUpdate);
  request.available_now = true;
  EXPECT_EQ(make_plan(request)->mode, stream::OutputMode::kFinal);
  request.output = "kafka:payment-stats";
  EXPECT_EQ(make_plan(request)->mode, stream::OutputMode::kUpdate);
}

TEST(Plan, WordsOfTheGroupAreChecked) {
  PayaggOptions request = from_topic_to_topic();
  request.guarantee = "at-least-once";
  request.on_data_loss = "continue";
  request.group = "mine";
  request.instance = "pi";
  request.jobs = 3;
  const base::Result<AggregatePlan> plan = make_plan(request);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->guarantee, topics::Guarantee::kAtLeastOnce);
  EXPECT_EQ(plan->on_data_loss, topics::OnDataLoss::kContinue);
  EXPECT_EQ(plan->group, "mine");
  EXPECT_EQ(plan->instance, "pi");
  request.guarantee = "always";
  EXPECT_NE(refusal(request).find("not one of exactly-once, at-least-once"), std::string::npos);
  request.guarantee.reset();
  request.on_data_loss = "pray";
  EXPECT_NE(refusal(request).find("not one of stop, continue"), std::string::npos);
  request.on_data_loss.reset();
  request.group = "";
  EXPECT_NE(refusal(request).find("not empty"), std::string::npos);
}

TEST(Plan, OptionsOfAGroupNeedTopicsAtBothEnds) {
  for (const bool reads : {true, false}) {
    PayaggOptions request;
    if (reads) request.inputs = {"kafka:payments"};
    request.instance = "pi";
    EXPECT_NE(refusal(request).find("--instance is for payagg from topic to topic"),
              std::string::npos);
  }
}

TEST(Plan, WhatATopicCannotDoIsRefused) {
  PayaggOptions request = from_topic_to_topic();
  request.merge = true;
  EXPECT_NE(refusal(request).find("--merge"), std::string::npos);
  request = from_topic_to_topic();
  request.output_mode = "complete";
  EXPECT_NE(refusal(request).find("update alone"), std::string::npos);
  request = from_topic_to_topic();
  request.output = "kafka:payments";
  EXPECT_NE(refusal(request).find("are one topic"), std::string::npos);
  request = from_topic_to_topic();
  request.follow = true;
  EXPECT_NE(refusal(request).find("--follow is for files"), std::string::npos);
  request = {};
  request.output = "kafka:payment-stats";
  EXPECT_NE(refusal(request).find("needs payments from a topic"), std::string::npos);
  request = {};
  request.available_now = true;
  EXPECT_NE(refusal(request).find("--available-now is for a topic"), std::string::npos);
  request = {};
  request.schema_registry_framing = true;
  EXPECT_NE(refusal(request).find("--schema-registry-framing is for payments from a topic"),
            std::string::npos);
  request.inputs = {"kafka:payments"};
  EXPECT_EQ(make_plan(request)->framing, io::Framing::kSchemaRegistry);
  request.merge = true;
  EXPECT_NE(refusal(request).find("--schema-registry-framing"), std::string::npos);
  request = {};
  request.inputs = {"kafka:payments"};
  request.output_mode = "final";
  EXPECT_NE(refusal(request).find("add --available-now"), std::string::npos);
}

}  // namespace
}  // namespace paystats::payagg
