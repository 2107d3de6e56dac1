#include "http/payment_writer.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "http/writer_thread.h"

namespace paystats::http {
namespace {

constexpr base::Duration kCheckInterval = std::chrono::milliseconds(250);

}  // namespace

// What the loop's side has of one post.
struct Waiting {
  PaymentWriter::OnOutcome on_outcome;
  base::Instant since;
  uint64_t bytes = 0;
  std::string key;
};

// All on the loop's thread.
struct PaymentWriter::LoopSide : std::enable_shared_from_this<LoopSide> {
  LoopSide(loop::EventLoop& event_loop, const base::Clock& a_clock,
           const PaymentWriterLimits& the_limits, Handlers the_handlers)
      : loop(event_loop), clock(a_clock), limits(the_limits), handlers(std::move(the_handlers)) {}

  loop::EventLoop& loop;
  const base::Clock& clock;
  const PaymentWriterLimits limits;
  const Handlers handlers;
  std::unique_ptr<WriterThread> thread{};
  std::unordered_map<uint64_t, Waiting> waiting{};
  // Of posts that were told kUnknown, until the thread has said what became of them.
  std::unordered_map<uint64_t, std::string> uncertain_keys{};
  // Posted since the last hand_over(): what many clients send at the same time wakes the thread
  // once.
  std::vector<WriteItem> fresh{};
  bool handing_over = false;                       // soon, from the loop
  bool stopping = false;                           // nothing is posted any more
  base::Instant last_call = base::Instant::max();  // then nothing waits for its turn any more
  uint64_t next_id = 1;
  uint64_t bytes = 0;
  bool writable = true;
  bool stopped = false;
  std::unique_ptr<loop::Ticker> checks{};
  std::optional<loop::EventLoop::Work> work{};  // the loop lives until on_stopped

  void hand_over();
  void check_waits();
  std::vector<uint64_t> take_back(std::vector<uint64_t> ids);

  void complete(uint64_t id, const PostOutcome& outcome) {
    const auto found = waiting.find(id);
    if (found == waiting.end()) {  // has been told kUnknown already
      uncertain_keys.erase(id);
      return;
    }
    const OnOutcome on_outcome = std::move(found->second.on_outcome);
    bytes -= found->second.bytes;
    waiting.erase(found);
    on_outcome(outcome);
  }
  void complete(uint64_t id, Posting posting) { complete(id, PostOutcome{.posting = posting}); }

  std::vector<uint64_t> all_waiting() const {
    std::vector<uint64_t> ids;
    ids.reserve(waiting.size());
    for (const auto& [id, entry] : waiting) ids.push_back(id);
    return ids;
  }
  void complete_all(Posting posting) {
    for (const uint64_t id : all_waiting()) complete(id, posting);
  }

  void set_writable(const base::Result<void>& written) {
    if (written.has_value() == writable) return;
    writable = written.has_value();
    if (writable) {
      handlers.on_stored_again();
    } else {
      handlers.on_not_stored(written.error());
    }
  }

  void report(const WriterThread::Report& report) {
    if (report.usable && report.wrote) set_writable(report.written);
    for (const WriterThread::Report::Item& item : report.items) complete(item.id, item.outcome);
    if (!report.usable) handlers.on_broken(report.written.error());
  }

  void end(const base::Result<void>& outcome) {
    stopped = true;
    writable = writable && outcome.has_value();
    complete_all(Posting::kUnknown);
    checks.reset();
    handlers.on_stopped(outcome);
    work.reset();
  }
};

PaymentWriter::PaymentWriter(loop::EventLoop& loop, std::unique_ptr<io::PaymentSink> sink,
                             const base::Clock& clock, const PaymentWriterLimits& limits,
                             Handlers handlers)
    : side_(std::make_shared<LoopSide>(loop, clock, limits, std::move(handlers))) {
  const std::weak_ptr<LoopSide> weak = side_;
  side_->thread = std::make_unique<WriterThread>(
      loop, std::move(sink), limits.group_bytes_max,
      WriterThread::Handlers{.on_report =
                                 [weak](const WriterThread::Report& report) {
                                   if (const auto side = weak.lock()) side->report(report);
                                 },
                             .on_end =
                                 [weak](const base::Result<void>& closed) {
                                   if (const auto side = weak.lock()) side->end(closed);
                                 }});
}

PaymentWriter::~PaymentWriter() {
  end();
}

base::Result<void> PaymentWriter::start() {
  side_->work.emplace(side_->loop);
  side_->checks = std::make_unique<loop::Ticker>(side_->loop, kCheckInterval,
                                                 [side = side_.get()] { side->check_waits(); });
  return side_->thread->start();
}

// Of those posts that have waited too long: what has not begun never will. What has begun has been
// handed to the sink, which says nothing.
void PaymentWriter::LoopSide::check_waits() {
  hand_over();
  if (clock.now() >= last_call) {
    for (const uint64_t id : take_back(all_waiting())) complete(id, Posting::kStopped);
  }
  const base::Instant overdue = clock.now() - limits.wait_timeout;
  std::vector<uint64_t> late;
  for (const auto& [id, entry] : waiting) {
    if (entry.since <= overdue) late.push_back(id);
  }
  if (late.empty()) return;
  const std::vector<uint64_t> taken_back = take_back(late);
  for (const uint64_t id : late) {
    const std::string& key = waiting.at(id).key;
    if (!key.empty() && !std::binary_search(taken_back.begin(), taken_back.end(), id)) {
      uncertain_keys.emplace(id, key);
    }
  }
  std::set<std::string_view> begun;  // the keys of posts that have, or may have
  for (const auto& [id, key] : uncertain_keys) begun.insert(key);
  for (const uint64_t id : late) {
    if (!std::binary_search(taken_back.begin(), taken_back.end(), id)) {
      complete(id, Posting::kUnknown);
    } else {
      complete(id, begun.count(waiting.at(id).key) > 0 ? Posting::kKeyUnderWay : Posting::kBusy);
    }
  }
}

std::vector<uint64_t> PaymentWriter::LoopSide::take_back(std::vector<uint64_t> ids) {
  std::sort(ids.begin(), ids.end());
  std::vector<uint64_t> taken = thread->take_back(ids);
  std::sort(taken.begin(), taken.end());  // what was put off stands in front
  return taken;
}

bool PaymentWriter::end() {
  if (!side_->stopping) stop();
  return side_->thread->end();
}

std::optional<uint64_t> PaymentWriter::post(Post post, OnOutcome on_outcome) {
  LoopSide& side = *side_;
  const auto refuse = [&](Posting posting) {
    on_outcome(PostOutcome{.posting = posting});
    return std::nullopt;
  };
  if (side.stopping || side.stopped) return refuse(Posting::kStopped);
  WriteItem item{.id = side.next_id++,
                 .payments = std::move(post.payments),
                 .asked_key = std::move(post.asked_key),
                 .client_fd = post.client_fd,
                 .since = std::chrono::steady_clock::now()};
  const uint64_t bytes = item.payments.memory_bytes() + item.key().size();
  const bool full = side.waiting.size() >= side.limits.posts_max ||
                    (side.bytes + bytes > side.limits.bytes_max && !side.waiting.empty());
  if (full) return refuse(Posting::kBusy);
  side.bytes += bytes;
  side.waiting.emplace(item.id,
                       Waiting{std::move(on_outcome), side.clock.now(), bytes, item.key()});
  if (!item.asks()) {
    item.bytes = side.thread->request_is_line() ? item.payments.request_bytes()
                                                : item.payments.payments_bytes();
  }
  const uint64_t id = item.id;
  side.fresh.push_back(std::move(item));
  if (!std::exchange(side.handing_over, true)) {
    side.loop.post([weak = side.weak_from_this()] {
      if (const auto alive = weak.lock()) alive->hand_over();
    });
  }
  return id;
}

void PaymentWriter::LoopSide::hand_over() {
  handing_over = false;
  std::vector<WriteItem> items = std::exchange(fresh, {});
  if (items.empty() || thread->push(items)) return;
  for (const WriteItem& item : items) complete(item.id, Posting::kStopped);
}

void PaymentWriter::withdraw(uint64_t post) {
  const bool is_fresh =
      std::erase_if(side_->fresh, [&](const WriteItem& item) { return item.id == post; }) > 0;
  if (!is_fresh && side_->thread->take_back({post}).empty()) return;
  side_->loop.post([weak = side_->weak_from_this(), post] {
    if (const auto side = weak.lock()) side->complete(post, Posting::kClientGone);
  });
}

void PaymentWriter::end_waits_after(base::Duration time) {
  side_->last_call = side_->clock.now() + time;
}

void PaymentWriter::stop() {
  side_->stopping = true;
  side_->hand_over();
  side_->thread->stop();
}

bool PaymentWriter::writable() const {
  return side_->writable && !side_->stopped;
}

size_t PaymentWriter::waiting() const {
  return side_->waiting.size();
}

bool PaymentWriter::keeps_keys() const {
  return side_->thread->keeps_keys();
}

keys::KeyFigures PaymentWriter::key_figures() const {
  return side_->thread->key_figures();
}

}  // namespace paystats::http
