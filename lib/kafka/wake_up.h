// A descriptor that ends a wait for messages: librdkafka writes to it when a queue stops being
// empty, and another thread may as well. So the same poll(2) can watch a stop signal. Only for the
// files of this room. Tested through their users.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/fd.h"
#include "base/result.h"
#include "io/wait.h"
#include "kafka/rd.h"

namespace paystats::kafka {

class WakeUp {
 public:
  base::Result<void> open() {
    event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return event_ ? base::Result<void>() : base::fail(base::system_error("eventfd", errno));
  }

  // REQUIRES: unwatch(), or the end of the queue's client, before this ends: the descriptor must
  // not be written to once it is closed.
  void watch(rd_kafka_queue_t* queue) {
    rd_kafka_queue_io_event_enable(queue, event_.get(), &kOne, sizeof kOne);
  }
  static void unwatch(rd_kafka_queue_t* queue) {
    rd_kafka_queue_io_event_enable(queue, -1, nullptr, 0);
  }

  // For any thread.
  void ring() {
    while (::write(event_.get(), &kOne, sizeof kOne) < 0 && errno == EINTR) {
    }
  }

  // Until a queue has got something, or ring(), or the deadline, or a stop signal.
  base::Result<io::Wake> wait(const io::Waiter& waiter, base::Instant deadline) {
    base::Result<io::Wake> wake = waiter.wait_readable(event_.get(), deadline);
    uint64_t times = 0;
    ssize_t got = 0;
    do {
      got = ::read(event_.get(), &times, sizeof times);
    } while (got < 0 && errno == EINTR);
    // It may have rung since the deadline passed, and a queue rings once until it is empty again.
    if (got > 0 && wake && *wake == io::Wake::kDeadline) wake = io::Wake::kReady;
    return wake;
  }

 private:
  static constexpr uint64_t kOne = 1;
  base::UniqueFd event_;
};

}  // namespace paystats::kafka
