#include "api/key_response.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace paystats::api {
namespace {

keys::KeyFigures figures() {
  return {.kept = keys::KeyFigures::Kept::kLog,
          .complete = true,
          .instance = 42,
          .keys = 12,
          .keys_young = 5,
          .keys_max = 1000,
          .memory = std::chrono::hours(24)};
}

TEST(KeyResponse, SaysWhatKeysAreWorth) {
  const HttpResponse response = keys_response(figures());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.body,
            "{\"kept\":\"log\",\"instance\":\"000000000000002a\",\"complete\":true,"
            "\"memorySeconds\":86400,\"keys\":12,\"keysYoung\":5,\"keysMax\":1000}\n");
  EXPECT_NE(keys_response({}).body->find("\"kept\":\"no\""), std::string::npos);
  keys::KeyFigures topic = figures();
  topic.kept = keys::KeyFigures::Kept::kTopic;
  EXPECT_NE(keys_response(topic).body->find("\"kept\":\"topic\""), std::string::npos);
  EXPECT_NE(key_unknown_response(topic).body->find("\"horizon\":{\"kept\":\"topic\""),
            std::string::npos);
}

TEST(KeyResponse, AnUnknownKeyIsAProblemWithTheHorizon) {
  const HttpResponse response = key_unknown_response(figures());
  EXPECT_EQ(response.status, 404);
  const auto body = nlohmann::json::parse(*response.body);
  EXPECT_EQ(body["type"], "urn:paystats:problem:key-unknown");
  EXPECT_EQ(body["horizon"]["kept"], "log");
  EXPECT_EQ(body["horizon"]["complete"], true);
  EXPECT_EQ(body["horizon"]["memorySeconds"], 86'400);
  EXPECT_EQ(body["detail"], "no payments have been taken for it in this log");
  keys::KeyFigures partly = figures();
  partly.complete = false;
  const auto detail = [&partly] {
    return nlohmann::json::parse(*key_unknown_response(partly).body)["detail"];
  };
  EXPECT_EQ(detail(), "no payments have been taken for it in this log, or too long ago");
  partly.kept = keys::KeyFigures::Kept::kTopic;
  EXPECT_EQ(detail(), "no payments have been taken for it, or too long ago");
  partly.kept = keys::KeyFigures::Kept::kProcess;
  EXPECT_EQ(detail(),
            "no payments have been taken for it since the server was started, or too long ago");
}

TEST(KeyResponse, WhereKeysAreNotKeptATopicIsToldWhatItNeeds) {
  const HttpResponse of_post = keys_not_kept_response(true, true);
  EXPECT_EQ(of_post.status, 501);
  EXPECT_NE(of_post.body->find("payments were not taken"), std::string::npos);
  EXPECT_NE(of_post.body->find("--requests and --answers"), std::string::npos);
  const HttpResponse of_question = keys_not_kept_response(false, true);
  EXPECT_EQ(of_question.body->find("not taken"), std::string::npos);
  EXPECT_NE(of_question.body->find("--requests and --answers"), std::string::npos);
  for (const bool taking : {false, true}) {
    EXPECT_EQ(keys_not_kept_response(taking, false).body->find("--requests"), std::string::npos);
  }
}

}  // namespace
}  // namespace paystats::api
