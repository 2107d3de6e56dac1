#include "base/descriptor_limit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "unit/io/support.h"

namespace paystats::base {
namespace {

// Under this hard limit, in a process of its own, since a hard limit cannot be raised again.
int possible_under(rlim_t hard) {
  return io::in_child([hard] {
    const rlimit limit = {.rlim_cur = std::min<rlim_t>(hard, 8), .rlim_max = hard};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 255;
    return static_cast<int>(raise_descriptor_limit());
  });
}

TEST(DescriptorLimit, LeavesWhatTheToolNeedsForItself) {
  EXPECT_EQ(possible_under(300), 300 - 128);
}

TEST(DescriptorLimit, LeavesHalfOfVeryFew) {
  for (const auto& [hard, possible] :
       {std::pair(256, 128), std::pair(64, 32), std::pair(10, 5), std::pair(1, 1)}) {
    EXPECT_EQ(possible_under(static_cast<rlim_t>(hard)), possible) << hard;
  }
}

TEST(DescriptorLimit, RaisesTheSoftLimitToTheHardOne) {
  const int raised = io::in_child([] {
    const rlimit limit = {.rlim_cur = 8, .rlim_max = 200};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 255;
    raise_descriptor_limit();
    rlimit now = {};
    ::getrlimit(RLIMIT_NOFILE, &now);
    return static_cast<int>(now.rlim_cur);
  });
  EXPECT_EQ(raised, 200);
}

}  // namespace
}  // namespace paystats::base
