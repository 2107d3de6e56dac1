// Turns of connections that have more to do than others need wait for: in their order, one for each
// look of the loop at what else is ready. So however many connections have sent requests one behind
// another, what stands between two requests of others is one turn. Private to this room.
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
