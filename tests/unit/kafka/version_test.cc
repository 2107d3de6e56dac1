#include "kafka/version.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace paystats::kafka {
namespace {

TEST(LibrdkafkaVersion, IsThreeNumbersAtBuildAndAtLeastTheFloorAtRun) {
  const std::string built = librdkafka_version_at_build();
  EXPECT_EQ(std::count(built.begin(), built.end(), '.'), 2);
  EXPECT_GE(std::stoi(built), 2);
  EXPECT_GE(std::stoi(librdkafka_version_at_run()), 2);
}

}  // namespace
}  // namespace paystats::kafka
