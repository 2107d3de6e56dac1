#include "base/threads.h"

#include <cerrno>
#include <system_error>

namespace paystats::base {

Result<Thread> start_thread(std::function<void()> work) {
  try {
    return Thread(std::thread(std::move(work)));
  } catch (const std::system_error& e) {
    Error error = system_error("thread", e.code().value());
    if (e.code().value() == EAGAIN) error.message += " (see ulimit -u)";
    return fail(std::move(error));
  }
}

unsigned processors() {
  return std::thread::hardware_concurrency();
}

}  // namespace paystats::base
