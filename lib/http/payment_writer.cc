#include "http/payment_writer.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "http/keyed_posts.h"
#include "http/writer_thread.h"

namespace paystats::http {
namespace {

constexpr base::Duration kCheckInterval = std::chrono::milliseconds(250);
constexpr uint64_t kRoomSteps = 16;

}  // namespace

// What the loop's side has of one post.
struct Waiting {
  PaymentWriter::OnOutcome on_outcome;
  base::Instant since;
  uint64_t bytes = 0;
  std::string key;
  bool asks = false;
  bool elsewhere = false;  // the io::KeyedRequests has it
};

// What has been answered because it waited too long, while it may still be decided.
struct Undecided {
  std::string key;  // of a question: empty
  uint64_t bytes = 0;
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
  std::unique_ptr<KeyedPosts> keyed{};  // may be null
  std::unordered_map<uint64_t, Waiting> waiting{};
  // Until it has been said what became of them.
  std::unordered_map<uint64_t, Undecided> undecided{};
  // Posted since the last hand_over(): what many clients send at the same time wakes the thread
  // once.
  std::vector<WriteItem> fresh{};
  bool handing_over = false;                       // soon, from the loop
  bool stopping = false;                           // nothing is posted any more
  base::Instant last_call = base::Instant::max();  // then nothing waits for its turn any more
  uint64_t next_id = 1;
  uint64_t bytes = 0;  // of what waits, and of what is undecided
  bool writable = true;
  bool keyed_writable = true;  // the last request that the io::KeyedRequests had was taken
  bool keyed_broken = false;
  bool keys_full = false;  // as has been told
  bool stopped = false;
  std::unique_ptr<loop::Ticker> checks{};       // while there is something to be checked
  std::optional<loop::EventLoop::Work> work{};  // the loop lives until on_stopped

  void queue(WriteItem item);
  void hand_over();
  void check_now_and_then();
  void check_waits();
  std::vector<uint64_t> take_back(std::vector<uint64_t> ids);
  std::optional<PostOutcome> hand_elsewhere(WriteItem& item);
  void report_keyed(const std::vector<io::KeyedOutcome>& outcomes);
  PostOutcome outcome_of(const io::KeyedOutcome& outcome, bool asks, std::string_view key) const;
  bool is_under_way(std::string_view key) const;
  void break_keyed(const base::Error& error);

  bool has_room_for(uint64_t more) const {
    if (waiting.size() + undecided.size() >= limits.posts_max) return false;
    return bytes == 0 || bytes + more <= limits.bytes_max;
  }

  void note_keys_full(const PostOutcome& outcome) {
    if (outcome.posting != Posting::kNoRoomForKey || std::exchange(keys_full, true)) return;
    check_now_and_then();
    handlers.on_keys_full(true);
  }

  void complete(uint64_t id, const PostOutcome& outcome) {
    const auto found = waiting.find(id);
    if (found == waiting.end()) {
      if (const auto told = undecided.find(id); told != undecided.end()) {
        bytes -= told->second.bytes;
        undecided.erase(told);
      }
      return;
    }
    const OnOutcome on_outcome = std::move(found->second.on_outcome);
    bytes -= found->second.bytes;
    waiting.erase(found);
    note_keys_full(outcome);
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

  // In steps that are worth a word: room for a few keys is soon taken again.
  void look_for_room_for_keys() {
    if (!keys_full) return;
    const keys::KeyFigures figures = key_figures();
    const uint64_t step = std::max<uint64_t>(1, figures.keys_max / kRoomSteps);
    if (figures.keys_young + step > figures.keys_max) return;
    keys_full = false;
    handlers.on_keys_full(false);
  }

  keys::KeyFigures key_figures() const { return keyed ? keyed->figures() : thread->key_figures(); }

  void set_keyed_writable(bool now) {
    if (std::exchange(keyed_writable, now) == now) return;
    if (now) {
      handlers.on_stored_again();
    } else {
      handlers.on_not_stored({"no broker takes requests that have an idempotency key"});
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
                             Handlers handlers, std::unique_ptr<io::KeyedRequests> keyed)
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
  if (!keyed) return;
  side_->keyed = std::make_unique<KeyedPosts>(
      loop, std::move(keyed),
      KeyedPosts::Handlers{.on_outcomes =
                               [weak](const std::vector<io::KeyedOutcome>& outcomes) {
                                 if (const auto side = weak.lock()) side->report_keyed(outcomes);
                               },
                           .on_takes_again =
                               [weak] {
                                 if (const auto side = weak.lock()) side->set_keyed_writable(true);
                               },
                           .on_broken =
                               [weak](const base::Error& error) {
                                 if (const auto side = weak.lock()) side->break_keyed(error);
                               }});
}

PaymentWriter::~PaymentWriter() {
  end();
}

base::Result<void> PaymentWriter::start() {
  side_->work.emplace(side_->loop);
  if (side_->keyed) {
    if (base::Result<void> started = side_->keyed->start(); !started) return started;
  }
  return side_->thread->start();
}

// An idle server is not woken for this.
void PaymentWriter::LoopSide::check_now_and_then() {
  if (checks || stopped) return;
  checks = std::make_unique<loop::Ticker>(loop, kCheckInterval, [this] {
    check_waits();
    if (waiting.empty() && !keys_full) checks.reset();
  });
}

// Of those posts that have waited too long: what has not begun never will. What has begun has been
// handed to the sink, or to the io::KeyedRequests, which says nothing.
void PaymentWriter::LoopSide::check_waits() {
  look_for_room_for_keys();
  hand_over();
  const bool ending = clock.now() >= last_call;
  if (ending) {
    for (const uint64_t id : take_back(all_waiting())) complete(id, Posting::kStopped);
  }
  const base::Instant overdue = clock.now() - limits.wait_timeout;
  std::vector<uint64_t> late;
  for (const auto& [id, entry] : waiting) {
    if (entry.since <= overdue || (ending && entry.elsewhere)) late.push_back(id);
  }
  if (late.empty()) return;
  const std::vector<uint64_t> taken_back = take_back(late);
  for (const uint64_t id : late) {
    const Waiting& entry = waiting.at(id);
    const bool begun = !std::binary_search(taken_back.begin(), taken_back.end(), id);
    if (entry.elsewhere || (begun && !entry.key.empty())) {
      undecided.emplace(id, Undecided{entry.asks ? std::string() : entry.key, entry.bytes});
      bytes += entry.bytes;
    }
  }
  std::set<std::string_view> begun;  // the keys of posts that have, or may have
  for (const auto& [id, entry] : undecided) {
    if (!entry.key.empty()) begun.insert(entry.key);
  }
  for (const uint64_t id : late) {
    if (!std::binary_search(taken_back.begin(), taken_back.end(), id)) {
      complete(id, Posting::kUnknown);
    } else {
      complete(id,
               begun.count(waiting.at(id).key) > 0 ? Posting::kKeyUnderWay : Posting::kTimedOut);
    }
  }
}

// Of `ids` those that take nothing, now or later. A question never does.
std::vector<uint64_t> PaymentWriter::LoopSide::take_back(std::vector<uint64_t> ids) {
  std::sort(ids.begin(), ids.end());
  std::vector<uint64_t> taken = thread->take_back(ids);
  for (const uint64_t id : ids) {
    const Waiting& entry = waiting.at(id);
    if (entry.elsewhere && entry.asks) taken.push_back(id);
  }
  std::sort(taken.begin(), taken.end());  // what was put off stands in front
  return taken;
}

bool PaymentWriter::end() {
  if (!side_->stopping) stop();
  const bool keyed_ended = !side_->keyed || side_->keyed->end();
  return side_->thread->end() && keyed_ended;
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
  if (!side.has_room_for(bytes)) return refuse(Posting::kBusy);
  const bool elsewhere = side.keyed != nullptr && !item.key().empty();
  if (elsewhere) {
    if (const std::optional<PostOutcome> outcome = side.hand_elsewhere(item)) {
      side.note_keys_full(*outcome);
      on_outcome(*outcome);
      return std::nullopt;
    }
  }
  side.bytes += bytes;
  side.waiting.emplace(item.id, Waiting{std::move(on_outcome), side.clock.now(), bytes, item.key(),
                                        item.asks(), elsewhere});
  side.check_now_and_then();
  const uint64_t id = item.id;
  if (!elsewhere) side.queue(std::move(item));
  return id;
}

void PaymentWriter::LoopSide::queue(WriteItem item) {
  if (!item.asks()) {
    item.bytes =
        thread->request_is_line() ? item.payments.request_bytes() : item.payments.payments_bytes();
  }
  fresh.push_back(std::move(item));
  if (std::exchange(handing_over, true)) return;
  loop.post([weak = weak_from_this()] {
    if (const auto alive = weak.lock()) alive->hand_over();
  });
}

// Nothing: it has begun, and its outcome comes later.
std::optional<PostOutcome> PaymentWriter::LoopSide::hand_elsewhere(WriteItem& item) {
  if (keyed_broken) return PostOutcome{.posting = Posting::kStopped};
  const std::optional<io::KeyedOutcome> outcome =
      item.asks() ? keyed->ask(item.id, item.key())
                  : keyed->submit(item.id, item.payments.request());
  if (!outcome) return std::nullopt;
  return outcome_of(*outcome, item.asks(), item.key());
}

void PaymentWriter::LoopSide::report_keyed(const std::vector<io::KeyedOutcome>& outcomes) {
  using Kind = io::KeyedOutcome::Kind;
  for (const io::KeyedOutcome& outcome : outcomes) {
    if (outcome.kind != Kind::kUncertain) set_keyed_writable(outcome.kind != Kind::kNotTaken);
    const auto found = waiting.find(outcome.id);
    if (found == waiting.end()) {
      complete(outcome.id, post_outcome(outcome, false));  // has been answered already
    } else {
      complete(outcome.id, outcome_of(outcome, found->second.asks, found->second.key));
    }
  }
}

// That nothing is known of a key is the last word only where none of its requests may still be
// taken.
PostOutcome PaymentWriter::LoopSide::outcome_of(const io::KeyedOutcome& outcome, bool asks,
                                                std::string_view key) const {
  using Kind = io::KeyedOutcome::Kind;
  const bool open = outcome.kind == Kind::kKeyUnknown || outcome.kind == Kind::kUncertain;
  if (asks && open && is_under_way(key)) return {.posting = Posting::kKeyUnderWay};
  return post_outcome(outcome, asks);
}

bool PaymentWriter::LoopSide::is_under_way(std::string_view key) const {
  const auto is_of_key = [key](const auto& item) { return item.second.key == key; };
  if (std::any_of(undecided.begin(), undecided.end(), is_of_key)) return true;
  return std::any_of(waiting.begin(), waiting.end(), [&](const auto& item) {
    return item.second.elsewhere && !item.second.asks && is_of_key(item);
  });
}

// What it has not decided is told that nobody knows, as of a sink that breaks.
void PaymentWriter::LoopSide::break_keyed(const base::Error& error) {
  if (std::exchange(keyed_broken, true)) return;
  for (const uint64_t id : all_waiting()) {
    const auto found = waiting.find(id);
    if (found == waiting.end() || !found->second.elsewhere) continue;
    complete(id, found->second.asks ? Posting::kStopped : Posting::kUnknown);
  }
  handlers.on_broken(error);
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
  return side_->writable && side_->keyed_writable && !side_->keyed_broken && !side_->stopped;
}

size_t PaymentWriter::waiting() const {
  return side_->waiting.size();
}

size_t PaymentWriter::undecided() const {
  return side_->undecided.size();
}

bool PaymentWriter::keeps_keys() const {
  return side_->keyed != nullptr || side_->thread->keeps_keys();
}

keys::KeyFigures PaymentWriter::key_figures() const {
  return side_->key_figures();
}

}  // namespace paystats::http
