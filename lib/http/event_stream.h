// The clients of the live stream. There may be ten thousand of them, which mostly wait: what each
// of them has here is a socket, a place among the watchers of a page and, while it is being sent, a
// share of an event. No coroutine, no timer, no buffer: an event is written from the bytes that all
// share, at once; only a client that cannot take it whole is waited for, and misses what is
// overtaken meanwhile. What is kept for such clients is bounded, see unread_answers.h.
//
//   EventStreams streams(pages, unread, clock, limits, figures, [&] { ... one has ended ... });
//   streams.open(std::move(socket), query);     // behind the head of the response
//   streams.check(clock.now());                 // each second: comments, and clients too slow
//
// Private to this room.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "api/report.h"
#include "base/clock.h"
#include "http/limits.h"
#include "http/live_pages.h"
#include "http/unread_answers.h"
#include "loop/asio_tcp.h"
#include "protocol/query.h"

namespace paystats::http {

class EventStreams {
 public:
  using Socket = loop::asio::ip::tcp::socket;

  // All but the function are borrowed.
  EventStreams(LivePages& pages, UnreadAnswers& unread, const base::Clock& clock,
               const HttpLimits& limits, api::ServerFigures& figures, std::function<void()> on_end);
  EventStreams(const EventStreams&) = delete;
  EventStreams& operator=(const EventStreams&) = delete;
  ~EventStreams();

  // REQUIRES: the socket is non-blocking.
  void open(Socket socket, const protocol::PageQuery& query);

  void check(base::Instant now);
  void close_all();  // `on_end` is called from the loop, for each
  size_t size() const { return streams_.size(); }

 private:
  class Stream;
  void remove(const Stream& stream);

  LivePages& pages_;
  UnreadAnswers& unread_;
  const base::Clock& clock_;
  const HttpLimits& limits_;
  api::ServerFigures& figures_;
  const std::function<void()> on_end_;
  const api::SharedEvent comment_;
  // Shared with the handlers of what they wait for, the last of which removes a stream from here.
  std::vector<std::shared_ptr<Stream>> streams_;
};

}  // namespace paystats::http
