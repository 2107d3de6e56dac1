#include "loop/async_condition.h"

#include <gtest/gtest.h>

namespace paystats::loop {
namespace {

// A coroutine that waits on `condition`, as far as it gets by itself.
class AsyncConditionTest : public ::testing::Test {
 protected:
  void wait() {
    asio::co_spawn(
        context,
        [this]() -> asio::awaitable<void> {
          co_await condition.wait();
          awake = true;
        },
        asio::detached);
    context.poll();
  }

  asio::io_context context;
  AsyncCondition condition{context.get_executor()};
  bool awake = false;
};

TEST_F(AsyncConditionTest, WhoWaitsGoesOnWhenItIsSaidAndNotBefore) {
  wait();
  EXPECT_FALSE(awake);
  condition.wake();
  context.restart();
  context.poll();
  EXPECT_TRUE(awake);
}

TEST_F(AsyncConditionTest, WhatWasSaidBeforeIsNotKept) {
  condition.wake();
  wait();
  EXPECT_FALSE(awake);
}

}  // namespace
}  // namespace paystats::loop
