#include "base/stop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace paystats::base {
namespace {

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Result<std::unique_ptr<StopFlag>> StopFlag::make() {
  UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail(system_error("eventfd", errno));
  return std::unique_ptr<StopFlag>(new StopFlag(std::move(event)));
}

void StopFlag::request() {
  int64_t never = 0;
  if (!first_ms_.compare_exchange_strong(never, now_ms())) return;
  const uint64_t one = 1;
  while (::write(event_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

Duration StopFlag::age() const {
  const int64_t first = first_ms_;
  return std::chrono::milliseconds(first == 0 ? 0 : now_ms() - first);
}

}  // namespace paystats::base
