#include "http/answer_feed.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>

#include "http/line_link.h"
#include "loop/asio.h"

namespace paystats::http {
namespace {

constexpr base::Duration kCheckInterval = std::chrono::milliseconds(200);
constexpr uint32_t kSmallRowsMax = 100;

struct Question {
  std::string key;  // the request line
  protocol::Query query;
  base::Instant sent{};
};

void tell(const std::vector<AnswerFeed::Answered>& all,
          const base::Result<api::PreparedAnswerPtr>& answer) {
  for (const AnswerFeed::Answered& answered : all) answered(answer);
}

}  // namespace

struct AnswerFeed::Impl : std::enable_shared_from_this<AnswerFeed::Impl> {
  Impl(loop::EventLoop& event_loop, std::string socket_path, const base::Clock& system_clock,
       const AnswerFeedOptions& given, std::function<void()> change)
      : loop(event_loop),
        path(std::move(socket_path)),
        clock(system_clock),
        options(given),
        on_change(std::move(change)),
        retry_timer(loop.context()),
        retry_after(options.retry_least) {}

  void connect();
  void lose();
  void retry_later();
  void watch_on();
  void check_now_and_then();
  bool has_deadlines() const;
  void check_deadlines();
  void ask_if_silent(base::Instant now);
  void end_doubt();
  bool is_overdue(base::Instant now) const;
  void watch_says(std::string line);
  void send(Question question);
  void send_large();
  void take_answer(std::string line);
  base::Result<api::PreparedAnswerPtr> read_answer(std::string line, const Question& question);
  void advance(const api::PreparedAnswer& answer);
  void settle(bool changed);
  void keep(const std::string& key, api::PreparedAnswerPtr answer);
  void forget_prepared();

  loop::EventLoop& loop;
  const std::string path;
  const base::Clock& clock;
  const AnswerFeedOptions options;
  const std::function<void()> on_change;
  std::function<void(size_t)> on_long = [](size_t) {};

  std::shared_ptr<LineLink> watch;
  std::shared_ptr<LineLink> questions;
  bool questions_open = false;
  bool watch_spoke = false;
  bool connected = false;  // both of these
  bool stopped = false;
  base::Instant connecting_since{};
  base::Instant watch_line{};                  // the last one came then
  std::optional<base::Instant> watch_asked{};  // again, and no line has come since
  bool was_overdue = false;                    // at the last check
  loop::asio::steady_timer retry_timer;
  base::Duration retry_after;
  std::unique_ptr<loop::Ticker> checks;  // while has_deadlines()
  bool attended = false;                 // there are clients
  bool doubtful = false;
  std::vector<std::function<void()>> doubters;  // wait for the end of that

  // The newest that any answer has shown, and what the watch has announced. News are the latter
  // alone, at the pace of the cache: were an answer that came first news too, each page that is
  // asked for would make all others be asked for, and so on without a pause.
  api::TotalsState newest;
  api::TotalsState announced;

  std::deque<Question> sent;   // in the order in which they will be answered
  std::deque<Question> large;  // to be sent one by one
  bool large_sent = false;
  base::Instant last_answer{};
  std::unordered_map<std::string, std::vector<Answered>> waiting;
  size_t question_bytes = 0;  // of all that wait

  // Answers at this instance and version, the one that was used last in front.
  struct Kept {
    std::string key;
    api::PreparedAnswerPtr answer;
  };
  std::list<Kept> kept;
  std::unordered_map<std::string, std::list<Kept>::iterator> kept_by_key;
  uint64_t kept_bytes = 0;
};

void AnswerFeed::Impl::connect() {
  connecting_since = clock.now();
  check_now_and_then();
  const std::weak_ptr<Impl> weak = weak_from_this();
  const auto on_close = [weak](const base::Error&) {
    if (const auto self = weak.lock()) self->lose();
  };
  questions = LineLink::open(loop.context(), path,
                             {.on_open =
                                  [weak] {
                                    const auto self = weak.lock();
                                    if (!self) return;
                                    self->questions_open = true;
                                    self->settle(false);
                                  },
                              .on_line =
                                  [weak](std::string line) {
                                    const auto self = weak.lock();
                                    if (self) self->take_answer(std::move(line));
                                  },
                              .on_close = on_close,
                              .on_long =
                                  [weak](size_t bytes) {
                                    if (const auto self = weak.lock()) self->on_long(bytes);
                                  }});
  watch = LineLink::open(loop.context(), path,
                         {.on_open =
                              [weak] {
                                if (const auto self = weak.lock()) self->watch_on();
                              },
                          .on_line =
                              [weak](std::string line) {
                                const auto self = weak.lock();
                                if (self) self->watch_says(std::move(line));
                              },
                          .on_close = on_close});
}

// The cache answers at once, also on a connection that watches already.
void AnswerFeed::Impl::watch_on() {
  protocol::PageQuery one_row;
  one_row.limit = 1;
  one_row.watch = true;
  watch->send(protocol::request_line(one_row));
}

// One of the two connections has ended, so both do: half a cache is none.
void AnswerFeed::Impl::lose() {
  const bool was_connected = std::exchange(connected, false);
  questions_open = false;
  watch_spoke = false;
  watch_asked.reset();
  was_overdue = false;
  on_long(0);
  for (auto* link : {&watch, &questions}) {
    if (*link) (*link)->close();
    link->reset();
  }
  forget_prepared();
  sent.clear();
  large.clear();
  large_sent = false;
  question_bytes = 0;
  const auto abandoned = std::exchange(waiting, {});
  const base::Result<api::PreparedAnswerPtr> away = base::fail("the cache is away");
  for (const auto& [key, all] : abandoned) tell(all, away);
  if (was_connected) on_change();
  end_doubt();
  if (!stopped) retry_later();
}

void AnswerFeed::Impl::retry_later() {
  retry_timer.expires_after(retry_after);
  retry_after = std::min(2 * retry_after, options.retry_max);
  retry_timer.async_wait([weak = weak_from_this()](loop::ErrorCode error) {
    const auto self = weak.lock();
    if (!error && self && !self->stopped) self->connect();
  });
}

void AnswerFeed::Impl::check_now_and_then() {
  if (checks || stopped) return;
  checks = std::make_unique<loop::Ticker>(loop, kCheckInterval, [this] {
    check_deadlines();
    if (!has_deadlines()) checks.reset();
  });
}

bool AnswerFeed::Impl::has_deadlines() const {
  const bool connecting = watch != nullptr && !connected;
  return !stopped && (attended || connecting || watch_asked || !sent.empty());
}

// Twice in a row: where this process has been stopped itself, what the cache has said meanwhile is
// read between the two.
void AnswerFeed::Impl::check_deadlines() {
  const base::Instant now = clock.now();
  const bool overdue = is_overdue(now);
  if (overdue && std::exchange(was_overdue, true)) return lose();
  was_overdue = overdue;
  if (attended) ask_if_silent(now);
}

void AnswerFeed::Impl::ask_if_silent(base::Instant now) {
  if (!watch_spoke || watch_asked || now - watch_line < options.silence_max) return;
  watch_asked = now;
  watch_on();
}

void AnswerFeed::Impl::end_doubt() {
  doubtful = false;
  const auto told = std::exchange(doubters, {});
  for (const auto& known : told) known();
}

bool AnswerFeed::Impl::is_overdue(base::Instant now) const {
  if (watch_asked && now - *watch_asked >= options.watch_timeout) return true;
  const base::Instant latest = now - options.answer_timeout;
  const bool connecting = watch != nullptr && !connected;
  // The cache takes one question after the other: the next one's time begins when the one before
  // it has been answered, or many slow ones would look like a cache that says nothing.
  const bool silent = !sent.empty() && std::max(sent.front().sent, last_answer) <= latest;
  return silent || (connecting && connecting_since <= latest);
}

void AnswerFeed::Impl::watch_says(std::string line) {
  const base::Result<api::PreparedAnswer> answer =
      api::prepare_answer(std::move(line), protocol::PageQuery{});
  if (!answer) return lose();  // too many connections, say: it is tried again later
  watch_spoke = true;
  watch_line = clock.now();
  watch_asked.reset();
  advance(*answer);
  const api::TotalsState before = std::exchange(announced, answer->totals);
  settle(announced != before);
  end_doubt();
}

// The state that an answer shows may be newer than what was known.
void AnswerFeed::Impl::advance(const api::PreparedAnswer& answer) {
  const api::TotalsState shown = answer.totals;
  const bool older = shown.instance == newest.instance && shown.version < newest.version;
  if (older || shown == newest) return;
  forget_prepared();
  newest = shown;
}

void AnswerFeed::Impl::settle(bool changed) {
  if (!connected && questions_open && watch_spoke) {
    connected = true;
    retry_after = options.retry_least;
    changed = true;
  }
  if (connected && changed) on_change();
}

void AnswerFeed::Impl::send(Question question) {
  question.sent = clock.now();
  questions->send(question.key);
  sent.push_back(std::move(question));
  check_now_and_then();
}

void AnswerFeed::Impl::send_large() {
  if (large_sent || large.empty()) return;
  large_sent = true;
  send(std::move(large.front()));
  large.pop_front();
}

void AnswerFeed::Impl::take_answer(std::string line) {
  if (sent.empty()) return lose();  // nobody asked: this is no cache
  last_answer = clock.now();
  const base::Result<api::PreparedAnswerPtr> answer = read_answer(std::move(line), sent.front());
  const auto asked = waiting.extract(sent.front().key);
  question_bytes -= sent.front().key.size();
  if (!is_small(sent.front().query)) large_sent = false;
  sent.pop_front();
  send_large();
  if (asked) tell(asked.mapped(), answer);
}

base::Result<api::PreparedAnswerPtr> AnswerFeed::Impl::read_answer(std::string line,
                                                                   const Question& question) {
  base::Result<api::PreparedAnswer> parsed = api::prepare_answer(std::move(line), question.query);
  if (!parsed) return base::fail(parsed.error());
  advance(*parsed);
  auto answer = std::make_shared<const api::PreparedAnswer>(std::move(*parsed));
  if (answer->totals == newest && connected) keep(question.key, answer);
  return answer;
}

void AnswerFeed::Impl::keep(const std::string& key, api::PreparedAnswerPtr answer) {
  // One that is larger than all that may be kept would only displace the others.
  if (kept_by_key.contains(key) || answer->body->size() > options.answer_bytes_max) return;
  kept_bytes += answer->body->size();
  kept.push_front({key, std::move(answer)});
  kept_by_key.emplace(key, kept.begin());
  while (kept.size() > options.answers_max || kept_bytes > options.answer_bytes_max) {
    kept_bytes -= kept.back().answer->body->size();
    kept_by_key.erase(kept.back().key);
    kept.pop_back();
  }
}

void AnswerFeed::Impl::forget_prepared() {
  kept.clear();
  kept_by_key.clear();
  kept_bytes = 0;
}

AnswerFeed::AnswerFeed(loop::EventLoop& loop, std::string path, const base::Clock& clock,
                       const AnswerFeedOptions& options, std::function<void()> on_change)
    : impl_(std::make_shared<Impl>(loop, std::move(path), clock, options, std::move(on_change))) {}

AnswerFeed::~AnswerFeed() {
  stop();
}

void AnswerFeed::on_long_answer(std::function<void(size_t)> on_long) {
  impl_->on_long = std::move(on_long);
}

void AnswerFeed::start() {
  impl_->connect();
}

void AnswerFeed::stop() {
  if (std::exchange(impl_->stopped, true)) return;
  impl_->checks.reset();
  impl_->retry_timer.cancel();
  impl_->lose();
}

void AnswerFeed::attend(bool clients) {
  Impl& feed = *impl_;
  if (std::exchange(feed.attended, clients) == clients || !clients || feed.stopped) return;
  feed.check_now_and_then();
  const base::Instant now = feed.clock.now();
  feed.doubtful = feed.connected && now - feed.watch_line >= feed.options.silence_max;
  feed.ask_if_silent(now);
}

bool AnswerFeed::in_doubt() const {
  return impl_->doubtful;
}

void AnswerFeed::await_word(std::function<void()> known) {
  assert(impl_->doubtful);
  impl_->doubters.push_back(std::move(known));
}

bool AnswerFeed::connected() const {
  return impl_->connected;
}

bool AnswerFeed::ready() const {
  return impl_->connected && impl_->newest.ready;
}

uint64_t AnswerFeed::instance() const {
  return impl_->newest.instance;
}

uint64_t AnswerFeed::version() const {
  return impl_->newest.version;
}

bool AnswerFeed::overtaken(const api::PreparedAnswer& answer) const {
  const api::TotalsState& news = impl_->announced;
  return answer.totals.instance != news.instance || answer.totals.version < news.version;
}

api::PreparedAnswerPtr AnswerFeed::prepared(const protocol::Query& query) {
  if (!impl_->connected || impl_->doubtful) return nullptr;
  const auto found = impl_->kept_by_key.find(protocol::request_line(query));
  if (found == impl_->kept_by_key.end()) return nullptr;
  impl_->kept.splice(impl_->kept.begin(), impl_->kept, found->second);
  return found->second->answer;
}

void AnswerFeed::ask(const protocol::Query& query, Answered answered) {
  if (!impl_->connected) return answered(base::fail("the cache is away"));
  std::string key = protocol::request_line(query);
  const auto same = impl_->waiting.find(key);
  if (same != impl_->waiting.end()) return same->second.push_back(std::move(answered));
  if (impl_->waiting.size() >= impl_->options.questions_max ||
      impl_->question_bytes + key.size() > impl_->options.question_bytes_max) {
    return answered(base::fail("too many questions at once"));
  }
  impl_->waiting[key].push_back(std::move(answered));
  impl_->question_bytes += key.size();
  if (is_small(query)) return impl_->send({std::move(key), query});
  impl_->large.push_back({std::move(key), query});
  impl_->send_large();
}

bool AnswerFeed::is_small(const protocol::Query& query) {
  const auto* const page = std::get_if<protocol::PageQuery>(&query);
  return page == nullptr || page->limit <= kSmallRowsMax;
}

}  // namespace paystats::http
