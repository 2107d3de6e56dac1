// One loop for everything that waits: sockets, timers, the stop signal, and work that other threads
// hand in.
//
//   EventLoop loop;
//   if (Result<void> opened = loop.open(); !opened) ...
//   CacheServer server(loop, std::move(claim), view, clock, {});
//   ReadableWatch on_stop(loop, stop.fd(), [&] { server.stop(); });
//   loop.run();                       // until nothing is left to wait for
//
// Whatever is made of a loop is used on the thread that runs it, and destroyed before it. Only
// post() may be called from any thread.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/result.h"

namespace boost::asio {
class io_context;
}

namespace paystats::loop {

class EventLoop {
 public:
  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop();

  // Takes the descriptors that the loop waits with. Without it the first thing that is made of the
  // loop does so, and throws where there are none.
  base::Result<void> open();

  // Runs what is ready and waits for more, until nothing is left to wait for. An exception of
  // a library comes back as an error.
  base::Result<void> run();

  // Runs `task` on the loop, soon, after what is ready now. Any thread may call it; tasks of one
  // thread run in order. A loop that nothing else keeps running ends without them.
  void post(std::function<void()> task);

  // Keeps run() from ending while it is held, for work that other threads will post.
  class Work {
   public:
    explicit Work(EventLoop& loop);
    Work(Work&&) noexcept;
    Work& operator=(Work&&) noexcept;
    ~Work();
    void release();

   private:
    struct Guard;
    std::unique_ptr<Guard> guard_;
  };
  Work work() { return Work(*this); }

  // For the rooms that see Asio: see loop/asio.h.
  boost::asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Calls `task` once, as soon as `fd` can be read (at once where it can be already). `fd` is only
// looked at: it stays as it is, open or blocking. Forgets it when destroyed. Where no descriptor is
// left to wait with, it looks ten times a second instead.
class ReadableWatch {
 public:
  ReadableWatch(EventLoop& loop, int fd, std::function<void()> task);
  ~ReadableWatch();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Calls `task` on the loop each `interval`, until destroyed. Late calls are not made up for.
class Ticker {
 public:
  Ticker(EventLoop& loop, base::Duration interval, std::function<void()> task);
  ~Ticker();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace paystats::loop
