#include "http/writer_thread.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>
#include <utility>

#include "base/mutex.h"
#include "http/gone_clients.h"
#include "http/probe_pace.h"
#include "http/thread_wake.h"

namespace paystats::http {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr base::Duration kLastWait = milliseconds(500);  // for a thread that is to end
constexpr milliseconds kFollowEach = std::chrono::seconds(1);
constexpr milliseconds kKeysPause = milliseconds(20);  // between two looks whether keys are read

}  // namespace

// What both threads have. Lives until the last of them has let go.
struct WriterThread::Shared : std::enable_shared_from_this<WriterThread::Shared> {
  Shared(std::unique_ptr<io::PaymentSink> payment_sink, uint64_t group_max, Handlers on_loop,
         loop::EventLoop& event_loop)
      : sink(std::move(payment_sink)),
        reader_fd(sink->reader_fd()),
        request_is_line(sink->request_is_line()),
        group_bytes_max(group_max),
        handlers(std::make_shared<const Handlers>(std::move(on_loop))),
        loop(event_loop) {}

  // The thread's.
  void run();
  base::Result<void> write_all();
  enum class Work { kGroup, kProbe, kStop, kAbandoned };
  base::Result<Work> wait_for_work();
  std::optional<Work> next_work(std::optional<milliseconds>& timeout);
  std::vector<WriteItem> take_group(uint64_t bytes_max, Report& report);
  bool write_group();
  bool probe();
  void note(const Report& report);
  base::Result<std::optional<PostOutcome>> put(WriteItem& item, bool& awaits_flush);
  void put_off(std::vector<WriteItem> items);
  bool fail_all(const base::Error& error);
  bool is_work(const WriteItem& item) const {
    return item.key().empty() || SteadyClock::now() >= keys_pause_end;
  }
  void tell(Report report);

  const std::unique_ptr<io::PaymentSink> sink;
  const int reader_fd;
  const bool request_is_line;
  const uint64_t group_bytes_max;
  const std::shared_ptr<const Handlers> handlers;
  ThreadWake wake;
  SteadyClock::time_point keys_pause_end{};  // until then requests with keys wait
  ProbePace pace;

  base::Mutex mutex;
  std::deque<WriteItem> queue PAYSTATS_GUARDED_BY(mutex);
  bool stopping PAYSTATS_GUARDED_BY(mutex) = false;
  // The loop's side is gone: `loop` must not be used any more.
  bool abandoned PAYSTATS_GUARDED_BY(mutex) = false;
  bool finished PAYSTATS_GUARDED_BY(mutex) = false;  // the thread calls the sink no more
  base::CondVar on_finished;
  loop::EventLoop& loop PAYSTATS_GUARDED_BY(mutex);
};

// Hands news over to the loop's thread. The lock keeps the loop alive meanwhile.
void WriterThread::Shared::tell(Report report) {
  const base::MutexLock lock(mutex);
  if (abandoned) return;
  loop.post([to = handlers, report = std::move(report)] { to->on_report(report); });
}

// kGroup: there is something in the queue. kProbe: nothing is, and the last write failed. kStop:
// stopping, and the queue is empty. Nothing: there is nothing to do before `timeout`.
std::optional<WriterThread::Shared::Work> WriterThread::Shared::next_work(
    std::optional<milliseconds>& timeout) {
  const base::MutexLock lock(mutex);
  if (abandoned) return Work::kAbandoned;
  if (std::any_of(queue.begin(), queue.end(), [this](const auto& item) { return is_work(item); }))
    return Work::kGroup;
  if (stopping && queue.empty()) return Work::kStop;
  const SteadyClock::time_point now = SteadyClock::now();
  if (pace.due(now)) return Work::kProbe;
  timeout = pace.wait(now);
  if (sink->keyed() != nullptr) timeout = std::min(kFollowEach, timeout.value_or(kFollowEach));
  if (!queue.empty()) timeout = kKeysPause;
  return std::nullopt;
}

base::Result<WriterThread::Shared::Work> WriterThread::Shared::wait_for_work() {
  for (;;) {
    std::optional<milliseconds> timeout;
    if (const std::optional<Work> work = next_work(timeout)) return *work;
    // What it cannot read now, a request with a key will meet again.
    if (sink->keyed() != nullptr) (void)sink->keyed()->follow();
    if (base::Result<void> woken = wake.wait(reader_fd, timeout); !woken) {
      return base::fail(woken.error());
    }
  }
}

// From the front of the queue, without those whose clients have gone, which go into the report.
std::vector<WriteItem> WriterThread::Shared::take_group(uint64_t bytes_max, Report& report) {
  const base::MutexLock lock(mutex);
  std::vector<WriteItem> group;
  std::deque<WriteItem> rest;
  uint64_t bytes = 0;
  bool full = false;
  for (WriteItem& item : queue) {
    full = full || (!group.empty() && bytes + item.bytes > bytes_max);
    if (full || !is_work(item)) {
      rest.push_back(std::move(item));
      continue;
    }
    bytes += item.bytes;
    group.push_back(std::move(item));
  }
  queue = std::move(rest);
  const std::vector<bool> gone = gone_clients(group);
  std::vector<WriteItem> present;
  for (size_t i = 0; i < group.size(); ++i) {
    if (gone[i]) {
      report.items.push_back({group[i].id, {.posting = Posting::kClientGone}});
    } else {
      present.push_back(std::move(group[i]));
    }
  }
  return present;
}

// Back to the front of the queue, until keys of before the start have been read.
void WriterThread::Shared::put_off(std::vector<WriteItem> items) {
  if (items.empty()) return;
  keys_pause_end = SteadyClock::now() + kKeysPause;
  const base::MutexLock lock(mutex);
  queue.insert(queue.begin(), std::make_move_iterator(items.begin()),
               std::make_move_iterator(items.end()));
}

// `awaits_flush`: the outcome holds once flush() has succeeded. Nothing: the keys of before the
// start are still being read.
base::Result<std::optional<PostOutcome>> WriterThread::Shared::put(WriteItem& item,
                                                                   bool& awaits_flush) {
  awaits_flush = true;
  const bool asks = item.asks();
  if (item.key().empty()) {
    if (base::Result<void> put = sink->put(item.payments.request()); !put)
      return base::fail(put.error());
    return PostOutcome{.posting = Posting::kTaken, .payments = item.payments.payments()};
  }
  io::KeyedPayments& keyed = *sink->keyed();
  const base::Result<keys::KeyAnswer> answer =
      asks ? keyed.find(item.key()) : keyed.put_once(item.payments.request());
  if (!answer) return base::fail(answer.error());
  using Kind = keys::KeyAnswer::Kind;
  awaits_flush = answer->under_way || (answer->kind == Kind::kNew && !asks);
  switch (answer->kind) {
    case Kind::kNew:
      if (asks) return PostOutcome{.posting = Posting::kKeyUnknown};
      return PostOutcome{.posting = Posting::kTaken, .payments = item.payments.payments()};
    case Kind::kPaid:
      return PostOutcome{.posting = Posting::kTaken, .payments = answer->count, .repeated = true};
    case Kind::kReused:
      return PostOutcome{.posting = Posting::kKeyReused};
    case Kind::kNoRoom:
      return PostOutcome{.posting = asks ? Posting::kKeyUnknown : Posting::kNoRoomForKey};
    case Kind::kNotReadYet:
      break;
  }
  return std::nullopt;
}

// The turn could not be had: nothing has begun. False: the sink is of no more use.
bool WriterThread::Shared::fail_all(const base::Error& error) {
  Report report;
  report.wrote = true;
  report.written = base::fail(error);
  report.usable = sink->aftermath() != io::PaymentSink::Aftermath::kBroken;
  for (const WriteItem& item : take_group(UINT64_MAX, report)) {
    report.items.push_back({item.id, {.posting = Posting::kNotStored}});
  }
  const bool usable = report.usable;
  note(report);
  tell(std::move(report));
  return usable;
}

void WriterThread::Shared::note(const Report& report) {
  if (!report.wrote) return;
  report.written ? pace.written() : pace.failed(SteadyClock::now());
}

// Whether what failed would go well now, under the same rules as a write. A post that comes
// meanwhile ends the wait for the turn: it will tell. False: the sink is of no more use.
bool WriterThread::Shared::probe() {
  const base::Result<io::Turn> turn = sink->begin(wake.fd());
  if (turn && !turn->mine) {
    wake.clear();
    return true;
  }
  const base::Result<bool> well = turn ? sink->probe() : base::fail(turn.error());
  if (turn) sink->abandon();
  pace.probed(well && *well, SteadyClock::now());
  Report report;
  report.wrote = true;
  if (!well) {
    report.written = base::fail(well.error());
    report.usable = sink->aftermath() != io::PaymentSink::Aftermath::kBroken;
  }
  const bool usable = report.usable;
  if (!usable || (well && *well)) tell(std::move(report));
  return usable;
}

// One turn of the sink. False: the sink is of no more use.
bool WriterThread::Shared::write_group() {
  const base::Result<io::Turn> turn = sink->begin(wake.fd());
  if (!turn) return fail_all(turn.error());
  if (!turn->mine) {
    wake.clear();
    return true;
  }
  Report report;
  std::vector<WriteItem> group = take_group(std::min(group_bytes_max, turn->room_bytes), report);
  std::vector<WriteItem> too_soon;
  std::vector<size_t> awaiting;  // in the report: what the flush decides
  base::Result<void>& written = report.written;
  for (WriteItem& item : group) {
    PostOutcome outcome = {.posting = Posting::kNotStored};
    bool awaits_flush = false;
    if (written) {
      const base::Result<std::optional<PostOutcome>> put_it = put(item, awaits_flush);
      if (put_it && !*put_it) {
        too_soon.push_back(std::move(item));
        continue;
      }
      if (put_it) outcome = **put_it;
      if (!put_it) written = base::fail(put_it.error());
      report.wrote = report.wrote || awaits_flush;
    }
    if (awaits_flush) awaiting.push_back(report.items.size());
    report.items.push_back({item.id, outcome});
  }
  put_off(std::move(too_soon));  // before the flush: they have not begun, and can be taken back
  if (written) {
    written = sink->flush();
    report.wrote = report.wrote || !written;
  } else {
    sink->abandon();
  }
  using Aftermath = io::PaymentSink::Aftermath;
  const Aftermath aftermath = written ? Aftermath::kUndone : sink->aftermath();
  report.usable = aftermath != Aftermath::kBroken;
  for (const size_t i : awaiting) {
    if (written) break;
    report.items[i].outcome = {.posting = aftermath == Aftermath::kUndone ? Posting::kNotStored
                                                                          : Posting::kUnknown};
  }
  const bool usable = report.usable;
  note(report);
  if (!report.items.empty() || report.wrote) tell(std::move(report));
  return usable;
}

base::Result<void> WriterThread::Shared::write_all() {
  for (;;) {
    const base::Result<Work> work = wait_for_work();
    if (!work) {
      Report report;
      report.written = base::fail(work.error());
      report.usable = false;
      tell(std::move(report));
      return base::fail(work.error());
    }
    if (*work == Work::kStop) return sink->close();
    if (*work == Work::kAbandoned) return base::fail("nobody waits for the payments any more");
    if (!(*work == Work::kProbe ? probe() : write_group())) {
      return base::fail("payments could not be written");
    }
  }
}

void WriterThread::Shared::run() {
  const base::Result<void> outcome = write_all();
  Report unwritten;
  {
    const base::MutexLock lock(mutex);
    stopping = true;
    for (const WriteItem& item : queue) {
      unwritten.items.push_back({item.id, {.posting = Posting::kStopped}});
    }
    queue.clear();
    finished = true;
    on_finished.notify_all();
  }
  if (!unwritten.items.empty()) tell(std::move(unwritten));
  const base::MutexLock lock(mutex);
  if (!abandoned) loop.post([to = handlers, outcome] { to->on_end(outcome); });
}

WriterThread::WriterThread(loop::EventLoop& loop, std::unique_ptr<io::PaymentSink> sink,
                           uint64_t group_bytes_max, Handlers handlers)
    : shared_(
          std::make_shared<Shared>(std::move(sink), group_bytes_max, std::move(handlers), loop)) {}

WriterThread::~WriterThread() {
  end();
}

base::Result<void> WriterThread::start() {
  if (base::Result<void> opened = shared_->wake.open(); !opened) return opened;
  base::Result<base::Thread> thread = base::start_thread([shared = shared_] { shared->run(); });
  if (!thread) return base::fail(thread.error());
  thread_ = std::move(*thread);
  return {};
}

bool WriterThread::push(std::vector<WriteItem>& items) {
  {
    const base::MutexLock lock(shared_->mutex);
    if (shared_->stopping) return false;
    std::move(items.begin(), items.end(), std::back_inserter(shared_->queue));
  }
  shared_->wake.wake();
  return true;
}

std::vector<uint64_t> WriterThread::take_back(const std::vector<uint64_t>& ids) {
  std::vector<uint64_t> taken;
  const base::MutexLock lock(shared_->mutex);
  std::erase_if(shared_->queue, [&](const WriteItem& item) {
    const bool wanted = std::binary_search(ids.begin(), ids.end(), item.id);
    if (wanted) taken.push_back(item.id);
    return wanted;
  });
  return taken;
}

void WriterThread::stop() {
  {
    const base::MutexLock lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->wake.wake();
}

bool WriterThread::end() {
  if (!thread_.joinable()) return !detached_;
  stop();
  base::MutexLock lock(shared_->mutex);
  shared_->abandoned = true;
  shared_->wake.wake();
  const auto deadline = SteadyClock::now() + kLastWait;
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

bool WriterThread::request_is_line() const {
  return shared_->request_is_line;
}

bool WriterThread::keeps_keys() const {
  return shared_->sink->keyed() != nullptr;
}

keys::KeyFigures WriterThread::key_figures() const {
  const io::KeyedPayments* const keyed = shared_->sink->keyed();
  return keyed == nullptr ? keys::KeyFigures() : keyed->figures();
}

}  // namespace paystats::http
