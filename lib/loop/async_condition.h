// Lets a coroutine wait until it is told that something has changed. It must look first whether it
// has to wait: what was said before is not kept. One waits at a time; a second one wakes the first.
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
