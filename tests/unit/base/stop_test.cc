#include "base/stop.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace paystats::base {
namespace {

bool can_be_read(int fd) {
  pollfd polled = {fd, POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1;
}

TEST(StopFlag, ItsRequestCanBeSeenAndWaitedFor) {
  const Result<std::unique_ptr<StopFlag>> flag = StopFlag::make();
  ASSERT_TRUE(flag) << flag.error().message;
  EXPECT_FALSE((*flag)->requested());
  EXPECT_FALSE(can_be_read((*flag)->fd()));
  EXPECT_EQ((*flag)->age(), Duration::zero());
  (*flag)->request();
  (*flag)->request();
  EXPECT_TRUE((*flag)->requested());
  EXPECT_TRUE(can_be_read((*flag)->fd()));
  EXPECT_GE((*flag)->age(), Duration::zero());
}

TEST(StopFlag, EachHasARequestOfItsOwn) {
  const Result<std::unique_ptr<StopFlag>> one = StopFlag::make();
  const Result<std::unique_ptr<StopFlag>> other = StopFlag::make();
  ASSERT_TRUE(one && other);
  (*one)->request();
  EXPECT_FALSE((*other)->requested());
}

}  // namespace
}  // namespace paystats::base
