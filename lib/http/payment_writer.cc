#include "http/payment_writer.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <deque>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/mutex.h"

namespace paystats::http {
namespace {

constexpr base::Duration kCheckInterval = std::chrono::milliseconds(250);
constexpr base::Duration kLastWait = std::chrono::milliseconds(500);  // for a thread that is to end

struct Item {
  uint64_t id = 0;
  api::PostedPayments payments;
  uint64_t bytes = 0;  // that the sink writes for it
};

struct Outcome {
  uint64_t id = 0;
  Posting posting = Posting::kUnknown;
};

}  // namespace

// What the loop's side has of one post.
struct Waiting {
  PaymentWriter::OnOutcome on_outcome;
  base::Instant since;
  uint64_t bytes = 0;
};

// The side of the loop: all on its thread.
struct PaymentWriter::LoopSide {
  loop::EventLoop& loop;
  const base::Clock& clock;
  const PaymentWriterLimits limits;
  const Handlers handlers;
  std::unordered_map<uint64_t, Waiting> waiting{};
  // Posted since the last hand_over(): what many clients send at the same time wakes the thread
  // once.
  std::vector<Item> fresh{};
  bool handing_over = false;  // soon, from the loop
  bool stopping = false;      // nothing is posted any more
  uint64_t next_id = 1;
  uint64_t bytes = 0;
  bool writable = true;
  bool stopped = false;
  std::unique_ptr<loop::Ticker> checks{};
  std::optional<loop::EventLoop::Work> work{};  // the loop lives until on_stopped

  void complete(uint64_t id, Posting posting) {
    const auto found = waiting.find(id);
    if (found == waiting.end()) return;  // has been told kUnknown already
    const OnOutcome on_outcome = std::move(found->second.on_outcome);
    bytes -= found->second.bytes;
    waiting.erase(found);
    on_outcome(posting);
  }

  void complete_all(Posting posting) {
    std::vector<uint64_t> ids;
    ids.reserve(waiting.size());
    for (const auto& [id, entry] : waiting) ids.push_back(id);
    for (const uint64_t id : ids) complete(id, posting);
  }

  void set_writable(bool now, const base::Error* error) {
    if (now == writable) return;
    writable = now;
    if (now) {
      handlers.on_stored_again();
    } else {
      handlers.on_not_stored(*error);
    }
  }

  void end(const base::Result<void>& outcome) {
    complete_all(Posting::kUnknown);
    checks.reset();
    handlers.on_stopped(outcome);
    work.reset();
  }
};

// What both threads have. Lives until the last of them has let go.
struct PaymentWriter::Shared : std::enable_shared_from_this<PaymentWriter::Shared> {
  Shared(std::unique_ptr<io::PaymentSink> payment_sink, uint64_t group_max,
         std::weak_ptr<LoopSide> side, loop::EventLoop& event_loop)
      : sink(std::move(payment_sink)),
        reader_fd(sink->reader_fd()),
        request_is_line(sink->request_is_line()),
        group_bytes_max(group_max),
        loop_side(std::move(side)),
        loop(event_loop) {}

  // From any thread.
  void wake() const {
    const uint64_t one = 1;
    while (::write(wake_fd.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
  }

  // The thread's.
  void run();
  base::Result<void> write_all();
  enum class Work { kGroup, kStop, kAbandoned };
  base::Result<Work> wait_for_work();
  base::Result<void> wait_woken() const;
  std::vector<Item> take_group();
  bool write_group(std::vector<Item> group);
  void tell(std::function<void(LoopSide&)> news);

  const std::unique_ptr<io::PaymentSink> sink;
  const int reader_fd;
  const bool request_is_line;
  const uint64_t group_bytes_max;
  const std::weak_ptr<LoopSide> loop_side;
  base::UniqueFd wake_fd;

  base::Mutex mutex;
  std::deque<Item> queue PAYSTATS_GUARDED_BY(mutex);
  bool stopping PAYSTATS_GUARDED_BY(mutex) = false;
  // The loop's side is gone: `loop` must not be used any more.
  bool abandoned PAYSTATS_GUARDED_BY(mutex) = false;
  bool finished PAYSTATS_GUARDED_BY(mutex) = false;  // the thread calls the sink no more
  base::CondVar on_finished;
  loop::EventLoop& loop PAYSTATS_GUARDED_BY(mutex);
};

// Hands news over to the loop's thread. The lock keeps the loop alive meanwhile.
void PaymentWriter::Shared::tell(std::function<void(LoopSide&)> news) {
  const base::MutexLock lock(mutex);
  if (abandoned) return;
  loop.post([weak = loop_side, news = std::move(news)] {
    if (const std::shared_ptr<LoopSide> side = weak.lock()) news(*side);
  });
}

// Until wake(), or until the reader of the output has gone. Without an io::Waiter: that borrows a
// clock and a stop signal, which may be gone before this thread.
base::Result<void> PaymentWriter::Shared::wait_woken() const {
  std::array<pollfd, 2> polled{{{reader_fd, 0, 0}, {wake_fd.get(), POLLIN, 0}}};
  while (::poll(polled.data(), polled.size(), -1) < 0) {
    if (errno != EINTR) return base::fail(base::system_error("poll", errno));
  }
  if ((polled[0].revents & POLLNVAL) != 0) return base::fail(base::system_error("output", EBADF));
  if (polled[0].revents != 0) return base::fail(base::system_error("output", EPIPE));
  uint64_t ignored = 0;
  while (::read(wake_fd.get(), &ignored, sizeof ignored) < 0 && errno == EINTR) {
  }
  return {};
}

// kGroup: there is something in the queue. kStop: stopping, and the queue is empty.
base::Result<PaymentWriter::Shared::Work> PaymentWriter::Shared::wait_for_work() {
  for (;;) {
    {
      const base::MutexLock lock(mutex);
      if (abandoned) return Work::kAbandoned;
      if (!queue.empty()) return Work::kGroup;
      if (stopping) return Work::kStop;
    }
    if (base::Result<void> woken = wait_woken(); !woken) return base::fail(woken.error());
  }
}

std::vector<Item> PaymentWriter::Shared::take_group() {
  const base::MutexLock lock(mutex);
  std::vector<Item> group;
  uint64_t bytes = 0;
  while (!queue.empty()) {
    const uint64_t more = queue.front().bytes;
    if (!group.empty() && bytes + more > group_bytes_max) break;
    bytes += more;
    group.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  return group;
}

// False: the sink is of no more use.
bool PaymentWriter::Shared::write_group(std::vector<Item> group) {
  base::Result<void> written;
  for (Item& item : group) {
    written = sink->put(item.payments.request());
    if (!written) break;
  }
  if (written) written = sink->flush();
  using Aftermath = io::PaymentSink::Aftermath;
  const Aftermath aftermath = written ? Aftermath::kUndone : sink->aftermath();
  const bool usable = aftermath != Aftermath::kBroken;
  const Posting posting = written                           ? Posting::kTaken
                          : aftermath == Aftermath::kUndone ? Posting::kNotStored
                                                            : Posting::kUnknown;
  std::vector<Outcome> outcomes;
  outcomes.reserve(group.size());
  for (const Item& item : group) outcomes.push_back({item.id, posting});
  tell([outcomes = std::move(outcomes), written, usable](LoopSide& side) {
    if (usable) side.set_writable(written.has_value(), written ? nullptr : &written.error());
    for (const Outcome& outcome : outcomes) side.complete(outcome.id, outcome.posting);
    if (!usable) side.handlers.on_broken(written.error());
  });
  return usable;
}

base::Result<void> PaymentWriter::Shared::write_all() {
  for (;;) {
    const base::Result<Work> work = wait_for_work();
    if (!work) {
      tell([error = work.error()](LoopSide& side) { side.handlers.on_broken(error); });
      return base::fail(work.error());
    }
    if (*work == Work::kStop) return sink->close();
    if (*work == Work::kAbandoned) return base::fail("nobody waits for the payments any more");
    if (!write_group(take_group())) return base::fail("payments could not be written");
  }
}

void PaymentWriter::Shared::run() {
  const base::Result<void> outcome = write_all();
  std::deque<Item> unwritten;
  {
    const base::MutexLock lock(mutex);
    stopping = true;
    unwritten.swap(queue);
    finished = true;
    on_finished.notify_all();
  }
  tell([unwritten = std::make_shared<std::deque<Item>>(std::move(unwritten)),
        outcome](LoopSide& side) {
    side.stopped = true;
    side.writable = side.writable && outcome.has_value();
    for (const Item& item : *unwritten) side.complete(item.id, Posting::kStopped);
    side.end(outcome);
  });
}

PaymentWriter::PaymentWriter(loop::EventLoop& loop, std::unique_ptr<io::PaymentSink> sink,
                             const base::Clock& clock, const PaymentWriterLimits& limits,
                             Handlers handlers)
    : loop_side_(std::make_shared<LoopSide>(LoopSide{
          .loop = loop, .clock = clock, .limits = limits, .handlers = std::move(handlers)})) {
  shared_ = std::make_shared<Shared>(std::move(sink), limits.group_bytes_max, loop_side_, loop);
}

base::Result<void> PaymentWriter::start() {
  shared_->wake_fd.reset(::eventfd(0, EFD_CLOEXEC));
  if (!shared_->wake_fd) return base::fail(base::system_error("eventfd", errno));
  loop_side_->work.emplace(loop_side_->loop);
  loop_side_->checks =
      std::make_unique<loop::Ticker>(loop_side_->loop, kCheckInterval, [this] { check_waits(); });
  base::Result<base::Thread> thread = base::start_thread([shared = shared_] { shared->run(); });
  if (!thread) return base::fail(thread.error());
  thread_ = std::move(*thread);
  return {};
}

void PaymentWriter::check_waits() {
  LoopSide& side = *loop_side_;
  hand_over(side, *shared_);
  const base::Instant overdue = side.clock.now() - side.limits.wait_timeout;
  std::vector<uint64_t> late;
  for (const auto& [id, entry] : side.waiting) {
    if (entry.since <= overdue) late.push_back(id);
  }
  if (late.empty()) return;
  std::sort(late.begin(), late.end());
  std::vector<uint64_t> taken_back;
  {
    const base::MutexLock lock(shared_->mutex);
    std::erase_if(shared_->queue, [&](const Item& item) {
      const bool is_late = std::binary_search(late.begin(), late.end(), item.id);
      if (is_late) taken_back.push_back(item.id);
      return is_late;
    });
  }
  for (const uint64_t id : taken_back) side.complete(id, Posting::kBusy);
  // What is left has been handed to the sink, which says nothing.
  for (const uint64_t id : late) side.complete(id, Posting::kUnknown);
}

PaymentWriter::~PaymentWriter() {
  end();
}

bool PaymentWriter::end() {
  if (!thread_.joinable()) return !detached_;
  stop();
  base::MutexLock lock(shared_->mutex);
  shared_->abandoned = true;
  const auto deadline = std::chrono::steady_clock::now() + kLastWait;
  while (!shared_->finished && shared_->on_finished.wait_until(lock, deadline)) {
  }
  const bool finished = shared_->finished;
  lock.unlock();
  if (finished) {
    thread_.join();
  } else {
    thread_.detach();
    detached_ = true;
  }
  return finished;
}

void PaymentWriter::post(api::PostedPayments payments, OnOutcome on_outcome) {
  LoopSide& side = *loop_side_;
  if (side.stopping || side.stopped) return on_outcome(Posting::kStopped);
  const uint64_t bytes = payments.memory_bytes();
  const bool full = side.waiting.size() >= side.limits.posts_max ||
                    (side.bytes + bytes > side.limits.bytes_max && !side.waiting.empty());
  if (full) return on_outcome(Posting::kBusy);
  const uint64_t id = side.next_id++;
  side.bytes += bytes;
  side.waiting.emplace(id, Waiting{std::move(on_outcome), side.clock.now(), bytes});
  const uint64_t written =
      shared_->request_is_line ? payments.request_bytes() : payments.payments_bytes();
  side.fresh.push_back({id, std::move(payments), written});
  if (std::exchange(side.handing_over, true)) return;
  side.loop.post([shared = shared_, weak = std::weak_ptr(loop_side_)] {
    if (const auto alive = weak.lock()) hand_over(*alive, *shared);
  });
}

void PaymentWriter::hand_over(LoopSide& side, Shared& shared) {
  side.handing_over = false;
  std::vector<Item> fresh = std::exchange(side.fresh, {});
  bool taken = false;
  {
    const base::MutexLock lock(shared.mutex);
    taken = !shared.stopping;
    if (taken) std::move(fresh.begin(), fresh.end(), std::back_inserter(shared.queue));
  }
  if (taken) return shared.wake();
  for (const Item& item : fresh) side.complete(item.id, Posting::kStopped);
}

void PaymentWriter::stop() {
  loop_side_->stopping = true;
  hand_over(*loop_side_, *shared_);
  {
    const base::MutexLock lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->wake();
}

bool PaymentWriter::writable() const {
  return loop_side_->writable && !loop_side_->stopped;
}

size_t PaymentWriter::waiting() const {
  return loop_side_->waiting.size();
}

}  // namespace paystats::http
