// What the thread that writes waits for: to be woken by another thread, a time, or the end of who
// reads its output. Private to this room. Tested through http/payment_writer.h.
//
//   ThreadWake wake;
//   Result<void> opened = wake.open();
//   wake.wake();                                  // from any thread
//   // An error: the reader has gone.
//   Result<void> woken = wake.wait(reader_fd, std::chrono::milliseconds(500));
//
// It is no io::Waiter, which borrows a clock and a stop signal: those may be gone before a thread
// that is stuck.
#pragma once

#include <chrono>
#include <optional>

#include "base/fd.h"
#include "base/result.h"

namespace paystats::http {

class ThreadWake {
 public:
  base::Result<void> open();
  int fd() const { return fd_.get(); }  // can be read from wake() until clear()

  void wake() const;
  void clear() const;
  // Until wake(), until the time has passed, or until the reader of `reader_fd` (-1: none) has
  // gone.
  base::Result<void> wait(int reader_fd, std::optional<std::chrono::milliseconds> timeout) const;

 private:
  base::UniqueFd fd_;
};

}  // namespace paystats::http
