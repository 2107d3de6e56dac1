// Lets coroutines of one loop wait until it is said that something has changed. A coroutine that
// waits must look first whether it has to: what was said before is not kept.
#pragma once

#include "loop/asio.h"

namespace paystats::loop {

class AsyncCondition {
 public:
  explicit AsyncCondition(const asio::any_io_executor& executor) : timer_(executor) {}
  asio::awaitable<void> wait();
  void wake() { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
};

}  // namespace paystats::loop
