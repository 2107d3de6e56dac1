#include "http/keyed_posts.h"

#include <utility>

#include "base/mutex.h"

namespace paystats::http {

// What the threads of the io::KeyedRequests have of us: it lives as long as any of them may call.
struct KeyedPosts::Shared {
  Shared(loop::EventLoop& event_loop, Handlers on_loop)
      : handlers(std::move(on_loop)), loop(event_loop) {}

  // The lock keeps the loop alive meanwhile.
  void post(std::function<void()> task) {
    const base::MutexLock lock(mutex);
    if (!abandoned) loop.post(std::move(task));
  }

  const Handlers handlers;
  base::Mutex mutex;
  // `loop` must not be used any more.
  bool abandoned PAYSTATS_GUARDED_BY(mutex) = false;
  loop::EventLoop& loop PAYSTATS_GUARDED_BY(mutex);
};

KeyedPosts::KeyedPosts(loop::EventLoop& loop, std::unique_ptr<io::KeyedRequests> requests,
                       Handlers handlers)
    : requests_(std::move(requests)),
      shared_(std::make_shared<Shared>(loop, std::move(handlers))) {}

KeyedPosts::~KeyedPosts() {
  end();
}

base::Result<void> KeyedPosts::start() {
  base::Result<void> started = requests_->start(
      {.on_outcomes =
           [shared = shared_](std::vector<io::KeyedOutcome> outcomes) {
             shared->post([shared, outcomes = std::move(outcomes)] {
               shared->handlers.on_outcomes(outcomes);
             });
           },
       .on_takes_again =
           [shared = shared_] { shared->post([shared] { shared->handlers.on_takes_again(); }); },
       .on_broken =
           [shared = shared_](const base::Error& error) {
             shared->post([shared, error] { shared->handlers.on_broken(error); });
           }});
  started_ = started.has_value();
  return started;
}

std::optional<io::KeyedOutcome> KeyedPosts::submit(uint64_t id, const record::Request& request) {
  return requests_->submit(id, request);
}

std::optional<io::KeyedOutcome> KeyedPosts::ask(uint64_t id, std::string_view key) {
  return requests_->ask(id, key);
}

keys::KeyFigures KeyedPosts::figures() const {
  return requests_->figures();
}

bool KeyedPosts::end() {
  if (std::exchange(started_, false)) stuck_ = !requests_->stop();
  const base::MutexLock lock(shared_->mutex);
  shared_->abandoned = true;
  return !stuck_;
}

PostOutcome post_outcome(const io::KeyedOutcome& outcome, bool asks) {
  using Kind = io::KeyedOutcome::Kind;
  switch (outcome.kind) {
    case Kind::kPaid:
      return {.posting = Posting::kTaken, .payments = outcome.count, .repeated = asks};
    case Kind::kRepeated:
      return {.posting = Posting::kTaken, .payments = outcome.count, .repeated = true};
    case Kind::kReused:
      return {.posting = Posting::kKeyReused};
    case Kind::kKeyUnknown:
      return {.posting = Posting::kKeyUnknown};
    case Kind::kNoRoom:
      return {.posting = Posting::kNoRoomForKey};
    case Kind::kNotTaken:
      return {.posting = Posting::kTimedOut};
    case Kind::kRefused:
      return {.posting = Posting::kNotStored};
    case Kind::kUncertain:
      break;
  }
  return {.posting = asks ? Posting::kTimedOut : Posting::kUnknown};
}

}  // namespace paystats::http
