#include "requests/topics.h"

#include <gtest/gtest.h>

namespace paystats::requests {
namespace {

kafka::TopicSettings good() {
  return {{"cleanup.policy", "delete"},
          {"message.timestamp.type", "LogAppendTime"},
          {"retention.ms", "172800000"},
          {"retention.bytes", "-1"}};
}

std::vector<std::string> wrong_with(const std::string& name, const std::string& value) {
  kafka::TopicSettings settings = good();
  settings[name] = value;
  std::vector<std::string> names;
  for (const WrongSetting& wrong : wrong_settings(settings, std::chrono::hours(24))) {
    names.push_back(wrong.name + " " + wrong.found + " " + wrong.wanted);
  }
  return names;
}

TEST(RequestTopics, KeysAreSafeForTwiceTheirMemory) {
  EXPECT_TRUE(wrong_settings(good(), std::chrono::hours(24)).empty());
  EXPECT_TRUE(wrong_with("retention.ms", "-1").empty());
  EXPECT_TRUE(wrong_with("retention.ms", "604800000").empty());
  EXPECT_EQ(wrong_with("retention.ms", "172799999"),
            std::vector<std::string>{"retention.ms 172799999 172800000"});
}

TEST(RequestTopics, WhatWouldRemoveAnAnswerEarlierIsWrong) {
  EXPECT_EQ(wrong_with("cleanup.policy", "compact").size(), 1u);
  EXPECT_EQ(wrong_with("cleanup.policy", "compact,delete").size(), 1u);
  EXPECT_EQ(wrong_with("message.timestamp.type", "CreateTime").size(), 1u);
  EXPECT_EQ(wrong_with("retention.bytes", "1000000").size(), 1u);
}

TEST(RequestTopics, AnAnswerIsKeptAsLongAsItsRequest) {
  const auto kept = [](const std::string& ms) {
    kafka::TopicSettings settings = good();
    settings["retention.ms"] = ms;
    return settings;
  };
  EXPECT_TRUE(outlives(kept("200"), kept("200")));
  EXPECT_TRUE(outlives(kept("201"), kept("200")));
  EXPECT_TRUE(outlives(kept("-1"), kept("200")));
  EXPECT_TRUE(outlives(kept("-1"), kept("-1")));
  EXPECT_TRUE(outlives({}, kept("-1")));  // not to be read
  EXPECT_FALSE(outlives(kept("199"), kept("200")));
  EXPECT_FALSE(outlives(kept("200"), kept("-1")));
}

}  // namespace
}  // namespace paystats::requests
