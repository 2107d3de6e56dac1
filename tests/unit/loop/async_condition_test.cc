#include "loop/async_condition.h"

#include <gtest/gtest.h>

namespace paystats::loop {
namespace {

TEST(AsyncCondition, WhoWaitsGoesOnWhenItIsSaidAndNotBefore) {
  asio::io_context context;
  AsyncCondition condition(context.get_executor());
  bool awake = false;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        co_await condition.wait();
        awake = true;
      },
      asio::detached);
  context.poll();
  EXPECT_FALSE(awake);
  condition.wake();
  context.restart();
  context.poll();
  EXPECT_TRUE(awake);
}

TEST(AsyncCondition, WhatWasSaidBeforeIsNotKept) {
  asio::io_context context;
  AsyncCondition condition(context.get_executor());
  condition.wake();
  bool awake = false;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        co_await condition.wait();
        awake = true;
      },
      asio::detached);
  context.poll();
  EXPECT_FALSE(awake);
}

}  // namespace
}  // namespace paystats::loop
