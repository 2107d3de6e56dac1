// That work is to end: what a loop asks for, and can wait for together with its input.
//
//   wait_for_either(input, stop.fd());     // the descriptor is readable once it is requested
//   if (stop.requested()) ...
//
// A tool ends by a signal (see stop_signal.h). A thread that has to go on while its tool finishes
// what is under way has a StopFlag, which the tool sets when its time has come.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace paystats::base {

class Stop {
 public:
  virtual ~Stop() = default;

  virtual bool requested() const = 0;
  virtual Duration age() const = 0;  // since the request, to the millisecond; zero without one
  virtual int fd() const = 0;        // readable from the request on; never read from it
};

// Of any thread.
class StopFlag final : public Stop {
 public:
  static Result<std::unique_ptr<StopFlag>> make();

  void request();

  bool requested() const override { return first_ms_ != 0; }
  Duration age() const override;
  int fd() const override { return event_.get(); }

 private:
  explicit StopFlag(UniqueFd event) : event_(std::move(event)) {}

  const UniqueFd event_;
  std::atomic<int64_t> first_ms_{0};
};

}  // namespace paystats::base
