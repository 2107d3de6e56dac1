#include "loop/async_condition.h"

#include <gtest/gtest.h>

namespace paystats::loop {
namespace {

TEST(AsyncCondition, AllThatWaitGoOnWhenItIsSaidAndNotBefore) {
  asio::io_context context;
  AsyncCondition condition(context.get_executor());
  int awake = 0;
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
          co_await condition.wait();
          ++awake;
        },
        asio::detached);
  }
  context.poll();
  EXPECT_EQ(awake, 0);
  condition.wake();
  context.restart();
  context.poll();
  EXPECT_EQ(awake, 3);
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
