#include "io/endpoint.h"

#include <gtest/gtest.h>

namespace paystats::io {
namespace {

using Kind = Endpoint::Kind;

TEST(Endpoint, ADashIsStdinOrStdout) {
  const base::Result<Endpoint> endpoint = Endpoint::parse("-");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->kind, Kind::kStdio);
  EXPECT_EQ(endpoint->name, "-");
}

TEST(Endpoint, AnythingElseIsAPath) {
  for (const char* text : {"payments.jsonl", "/dev/null", "./-", "./kafka:name", "Kafka:x", "--"}) {
    const base::Result<Endpoint> endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->kind, Kind::kFile) << text;
    EXPECT_EQ(endpoint->name, text);
  }
}

TEST(Endpoint, KafkaColonNamesATopic) {
  const base::Result<Endpoint> endpoint = Endpoint::parse("kafka:payment-stats_v1.A");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->kind, Kind::kTopic);
  EXPECT_EQ(endpoint->name, "payment-stats_v1.A");
  EXPECT_TRUE(Endpoint::parse("kafka:" + std::string(249, 'a')));
}

TEST(Endpoint, WhatKafkaWouldNotTakeAsATopicIsRefused) {
  for (const std::string text :
       {"kafka:", "kafka:.", "kafka:..", "kafka:a/b", "kafka:a b", "kafka:\xc3\xa4", "kafka:a:b"}) {
    const base::Result<Endpoint> endpoint = Endpoint::parse(text);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_NE(endpoint.error().message.find("not a topic name"), std::string::npos);
  }
  EXPECT_FALSE(Endpoint::parse("kafka:" + std::string(250, 'a')));
}

TEST(Endpoint, AnEmptyNameIsRefused) {
  EXPECT_FALSE(Endpoint::parse(""));
}

TEST(Inputs, NoInputMeansStdin) {
  const auto inputs = parse_inputs({});
  ASSERT_TRUE(inputs);
  ASSERT_EQ(inputs->size(), 1u);
  EXPECT_EQ(inputs->front().kind, Kind::kStdio);
}

TEST(Inputs, FilesAndStdinMayStandTogether) {
  const auto inputs = parse_inputs({"a", "-", "b", "a"});
  ASSERT_TRUE(inputs);
  EXPECT_EQ(inputs->size(), 4u);
}

TEST(Inputs, StdinCanBeReadOnlyOnce) {
  EXPECT_FALSE(parse_inputs({"-", "a", "-"}));
}

TEST(Inputs, OneTopicIsNeverMixed) {
  EXPECT_TRUE(parse_inputs({"kafka:payments"}));
  EXPECT_FALSE(parse_inputs({"kafka:payments", "a"}));
  EXPECT_FALSE(parse_inputs({"-", "kafka:payments"}));
  EXPECT_FALSE(parse_inputs({"kafka:payments", "kafka:more"}));
}

TEST(Inputs, ABadOneIsRefused) {
  EXPECT_FALSE(parse_inputs({"a", ""}));
}

}  // namespace
}  // namespace paystats::io
