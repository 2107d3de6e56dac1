#include "loop/async_condition.h"

namespace paystats::loop {

asio::awaitable<void> AsyncCondition::wait() {
  timer_.expires_at(asio::steady_timer::time_point::max());
  co_await timer_.async_wait(use_result);
}

}  // namespace paystats::loop
