#include "kafka/static_names.h"

#include <gtest/gtest.h>

namespace paystats::kafka {
namespace {

// As Kafka makes it for a static member: the name, a dash, and a UUID.
constexpr const char* kUuid = "3f0c9a7e-52b1-4d0e-9f3a-0123456789ab";

TEST(StaticNames, TheNameIsInTheIdThatTheBrokerMakes) {
  EXPECT_EQ(instance_of(std::string("host.0-") + kUuid), "host.0");
}

TEST(StaticNames, ANameMayHaveDashesAndLookLikeAnId) {
  EXPECT_EQ(instance_of(std::string("pay-agg-0-") + kUuid), "pay-agg-0");
  EXPECT_EQ(instance_of(std::string("-") + kUuid), "");
  EXPECT_EQ(instance_of(std::string("--") + kUuid), "-");
  const std::string name = std::string("a-") + kUuid;
  EXPECT_EQ(instance_of(name + "-" + kUuid), name);
}

TEST(StaticNames, AnIdOfAnotherFormHasNone) {
  EXPECT_EQ(instance_of(""), "");
  EXPECT_EQ(instance_of(kUuid), "");
  EXPECT_EQ(instance_of(std::string("host_") + kUuid), "");
  EXPECT_EQ(instance_of("host-3f0c9a7e52b14d0e9f3a0123456789ab00000"), "");
  EXPECT_EQ(instance_of("host-3f0c9a7e-52b1-4d0e-9f3a-0123456789a"), "");
  EXPECT_EQ(instance_of("host-3f0c9a7e-52b1-4d0e-9f3a-0123456789ag"), "");
  EXPECT_EQ(instance_of("host-3f0c9a7e-52b1-4d0e-9f3a-0123456789abc"), "");
}

}  // namespace
}  // namespace paystats::kafka
