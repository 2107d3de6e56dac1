#include "base/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace paystats::base {
namespace {

TEST(Threads, EachPartIsDoneOnceAndAllAreDoneAtTheEnd) {
  for (const unsigned threads : {1U, 2U, 9U}) {
    std::vector<std::atomic<int>> done(threads);
    on_threads(threads, [&](unsigned part) { ++done[part]; });
    for (const auto& times : done) EXPECT_EQ(times, 1);
  }
}

TEST(Threads, TheFirstPartIsDoneHere) {
  std::thread::id first;
  on_threads(3, [&](unsigned part) {
    if (part == 0) first = std::this_thread::get_id();
  });
  EXPECT_EQ(first, std::this_thread::get_id());
}

}  // namespace
}  // namespace paystats::base
