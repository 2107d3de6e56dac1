#include "http/turns.h"

#include <deque>
#include <utility>

namespace paystats::http {

struct Turns::Impl : std::enable_shared_from_this<Turns::Impl> {
  explicit Impl(loop::EventLoop& event_loop) : loop(event_loop) {}

  void post();
  void give_next();

  loop::EventLoop& loop;
  std::deque<std::function<void()>> waiting;
};

void Turns::Impl::post() {
  loop.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->give_next();
  });
}

void Turns::Impl::give_next() {
  // It stays in the queue until it has had its turn: wait() posts where the queue is empty alone.
  const std::function<void()> on_turn = std::move(waiting.front());
  on_turn();
  waiting.pop_front();
  if (!waiting.empty()) post();
}

Turns::Turns(loop::EventLoop& loop) : impl_(std::make_shared<Impl>(loop)) {}

Turns::~Turns() = default;

void Turns::wait(std::function<void()> on_turn) {
  const bool first = impl_->waiting.empty();
  impl_->waiting.push_back(std::move(on_turn));
  if (first) impl_->post();
}

}  // namespace paystats::http
