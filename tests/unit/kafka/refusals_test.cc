#include "kafka/refusals.h"

#include <gtest/gtest.h>

namespace paystats::kafka {
namespace {

TEST(Refusals, AMissingRightIsNamedWithWhatItIsMissingOn) {
  EXPECT_EQ(refusal(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                    {.right = "Write", .topic = "payment-stats"}),
            "not authorized: Write on topic payment-stats");
  EXPECT_EQ(refusal(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, {.right = "Read", .group = "g"}),
            "not authorized: Read on group g");
  EXPECT_EQ(refusal(RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
                    {.right = "Write", .transactional_id = "g.a"}),
            "not authorized: Write on transactional id g.a");
  EXPECT_EQ(refusal(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, {.right = "Read"}),
            "not authorized: Read on this topic");
}

TEST(Refusals, AReasonStandsBeforeKafkasOwnText) {
  EXPECT_EQ(refusal(RD_KAFKA_RESP_ERR_POLICY_VIOLATION, {.right = "Write"}),
            "a policy of the cluster forbids it: Broker: Policy violation");
  EXPECT_TRUE(
      refusal(RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, {.right = "Read"})
          .starts_with("session.timeout.ms must be within group.min.session.timeout.ms and group"));
  EXPECT_EQ(refused_by(RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL), Refused::kEverything);
  EXPECT_EQ(refusal(RD_KAFKA_RESP_ERR__TRANSPORT, {.right = "Write"}),
            "Local: Broker transport failure");
}

TEST(Refusals, WhatMayPassByItselfIsNone) {
  EXPECT_EQ(refused_by(RD_KAFKA_RESP_ERR__TRANSPORT), Refused::kNothing);
  EXPECT_EQ(refused_by(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS), Refused::kNothing);
  EXPECT_EQ(refused_by(RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR), Refused::kNothing);
  EXPECT_EQ(refused_by(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE), Refused::kMessage);
  EXPECT_EQ(refused_by(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), Refused::kEverything);
}

}  // namespace
}  // namespace paystats::kafka
