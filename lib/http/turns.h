// Fairness between connections that pipeline requests and all others. A connection that has been
// answered a few times and has more requests waits here for its next turn. Turns are given in the
// order in which they were asked for, and between two of them the event loop serves what else is
// ready. So another client waits for one turn at most. Private to this room.
// Tested through http/server.h.
//
//   Turns turns(loop);
//   turns.wait([] { ... });              // called from the loop, when it is its turn
//
// All on the loop's thread. What still waits when this ends is dropped.
#pragma once

#include <functional>
#include <memory>

#include "loop/event_loop.h"

namespace paystats::http {

class Turns {
 public:
  explicit Turns(loop::EventLoop& loop);  // borrowed
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;
  ~Turns();

  void wait(std::function<void()> on_turn);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace paystats::http
