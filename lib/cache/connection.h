// One client of the cache's socket: a coroutine that reads requests and makes their answers, and
// one that writes answers out, for a watcher also those that nobody asked for. Private to this
// room; see cache/server.h for what a client can rely on. Tested through cache/server.h.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "cache/server.h"
#include "loop/asio.h"
#include "loop/async_condition.h"
#include "protocol/answer.h"
#include "protocol/query.h"
#include "view/view.h"

namespace paystats::cache {

class CacheConnection : public std::enable_shared_from_this<CacheConnection> {
 public:
  using Socket = loop::asio::local::stream_protocol::socket;

  // `clock` is borrowed.
  CacheConnection(Socket socket, std::shared_ptr<view::View> view, const base::Clock& clock,
                  const CacheServerOptions& options);

  // Serves the client until one of the two sides ends it; calls `on_closed` as the last thing, and
  // `on_wait` whenever it begins to wait for the client to do what it may be overdue with.
  void start(std::function<void()> on_wait, std::function<void()> on_closed);

  void view_changed();  // a watcher will hear of it
  bool watching() const { return watch_.has_value(); }
  void finish();  // answers what has arrived, sends the last state, closes
  void close();   // at once
  bool waits() const { return write_begun_ || line_begun_; }
  bool overdue(base::Instant now) const;

 private:
  loop::asio::awaitable<void> read_requests();
  loop::asio::awaitable<void> write_answers();
  loop::asio::awaitable<void> answer_lines();
  loop::asio::awaitable<void> answer_line(std::string_view line);
  loop::asio::awaitable<protocol::Answer> make_answer(
      protocol::Query query);  // of the version that there is at the call
  loop::asio::awaitable<void> watch_peer_close();
  loop::asio::awaitable<bool> send_some();
  void spawn(loop::asio::awaitable<void> (CacheConnection::*part)());
  void part_ended();
  void send(protocol::Answer answer);
  void sent(size_t bytes);
  void refuse(std::string_view why);
  void end_watch();
  bool may_end() const;

  Socket socket_;
  const std::shared_ptr<view::View> view_;
  const base::Clock& clock_;
  const CacheServerOptions options_;
  std::function<void()> on_wait_;
  std::function<void()> on_closed_;
  int parts_running_ = 0;

  // Of the reading part.
  std::string input_;  // received and not yet answered: at most one request and one read more
  std::optional<base::Instant> line_begun_;  // a line has begun, and its end is being waited for
  bool reading_done_ = false;
  bool finishing_ = false;

  // Of the writing part. Answers are shared with others; only their unsent ends count as ours.
  std::deque<protocol::Answer> unsent_;
  size_t unsent_bytes_ = 0;
  size_t front_sent_ = 0;                     // bytes of unsent_.front() that have gone out
  std::optional<base::Instant> write_begun_;  // a write waits for the client since then

  std::optional<protocol::PageQuery> watch_;
  uint64_t watch_number_ = 0;   // tells it from those before and after it
  uint64_t watch_version_ = 0;  // what the client has at least, or is being sent
  bool watch_due_ = false;

  loop::AsyncCondition to_write_;  // the writing part has something to look at
  loop::AsyncCondition has_room_;  // the reading part may go on
};

}  // namespace paystats::cache
