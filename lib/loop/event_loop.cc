#include "loop/event_loop.h"

#include <poll.h>
#include <sys/epoll.h>

#include <exception>
#include <utility>

#include "base/fd.h"
#include "loop/asio.h"

namespace paystats::loop {

namespace {

// Of a descriptor that cannot be waited for.
constexpr base::Duration kLookInterval = std::chrono::milliseconds(100);

bool readable_now(int fd) {
  pollfd look = {.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&look, 1, 0) > 0;
}

}  // namespace

struct EventLoop::Impl {
  asio::io_context context{1};  // one thread runs it; others may post
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

base::Result<void> EventLoop::open() {
  try {
    // Whatever waits makes Asio open its descriptors; the loop keeps them.
    const asio::steady_timer first(impl_->context);
  } catch (const boost::system::system_error& e) {
    return base::fail(base::system_error("event loop", e.code().value()));
  }
  return {};
}

base::Result<void> EventLoop::run() {
  try {
    impl_->context.run();
  } catch (const std::exception& e) {
    return base::fail(std::string("event loop: ") + e.what());
  }
  return {};
}

void EventLoop::post(std::function<void()> task) {
  asio::post(impl_->context, std::move(task));
}

asio::io_context& EventLoop::context() {
  return impl_->context;
}

struct EventLoop::Work::Guard {
  explicit Guard(asio::io_context& context) : guard(context.get_executor()) {}
  asio::executor_work_guard<asio::io_context::executor_type> guard;
};

EventLoop::Work::Work(EventLoop& loop) : guard_(std::make_unique<Guard>(loop.context())) {}
EventLoop::Work::Work(Work&&) noexcept = default;
EventLoop::Work& EventLoop::Work::operator=(Work&&) noexcept = default;
EventLoop::Work::~Work() = default;
void EventLoop::Work::release() {
  guard_.reset();
}

// ---- ReadableWatch

struct ReadableWatch::Impl {
  // Asio would set O_NONBLOCK on `fd` itself, and with that on everybody else's copy of it. Hence
  // an epoll set of our own, which can be read when `fd` can.
  Impl(EventLoop& loop, int fd) : descriptor(loop.context()) {
    base::UniqueFd set(::epoll_create1(EPOLL_CLOEXEC));
    if (!set) return;
    epoll_event event = {};
    event.events = EPOLLIN;
    if (::epoll_ctl(set.get(), EPOLL_CTL_ADD, fd, &event) != 0) return;
    ErrorCode error;
    descriptor.assign(set.get(), error);
    if (!error) set.release();
  }
  asio::posix::stream_descriptor descriptor;
  std::unique_ptr<Ticker> looks;
};

ReadableWatch::ReadableWatch(EventLoop& loop, int fd, std::function<void()> task)
    : impl_(std::make_unique<Impl>(loop, fd)) {
  if (!impl_->descriptor.is_open()) {
    impl_->looks = std::make_unique<Ticker>(loop, kLookInterval,
                                            [impl = impl_.get(), fd, task = std::move(task)] {
                                              if (!readable_now(fd)) return;
                                              impl->looks.reset();
                                              task();
                                            });
    return;
  }
  impl_->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                               [task = std::move(task)](ErrorCode error) {
                                 if (!error) task();
                               });
}

ReadableWatch::~ReadableWatch() = default;

// ---- Ticker

struct Ticker::Impl {
  Impl(EventLoop& loop, base::Duration each, std::function<void()> call)
      : timer(loop.context()), interval(each), task(std::move(call)) {}

  // The handler holds `self` weakly: a Ticker may be destroyed by its own task, or after its timer
  // has expired and before the handler ran.
  static void wait(const std::shared_ptr<Impl>& self) {
    self->timer.expires_after(self->interval);
    self->timer.async_wait([weak = std::weak_ptr<Impl>(self)](ErrorCode error) {
      const std::shared_ptr<Impl> alive = weak.lock();
      if (error || !alive) return;
      alive->task();
      if (weak.use_count() > 1) wait(alive);
    });
  }

  asio::steady_timer timer;
  const base::Duration interval;
  const std::function<void()> task;
};

Ticker::Ticker(EventLoop& loop, base::Duration interval, std::function<void()> task)
    : impl_(std::make_shared<Impl>(loop, interval, std::move(task))) {
  Impl::wait(impl_);
}

Ticker::~Ticker() = default;

}  // namespace paystats::loop
