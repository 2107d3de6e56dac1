// The HTTP server: connections, their limits and their deadlines. What is allowed and what it means
// is decided in the room api; payments go to a PaymentWriter, totals come from an AnswerFeed.
//
//   HttpServer server(loop, router, rules, feed, writer, clock, {});
//   Result<Listener> listener = Listener::open(loop, *parse_listen_address("127.0.0.1:8080"));
//   server.listen(std::move(*listener));
//   server.start();
//   server.totals_changed();           // when the feed says so
//   server.stop([&] { ... });          // finishes what is in flight, within `stop_timeout`
//
// No client can harm another one: every read and write has a deadline, what a client may send is
// bounded before it is read, and a connection that nobody uses makes room for one that comes. One
// thread, that of the loop. Requests of a connection are answered one by one, in their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "api/posted_payments.h"
#include "api/report.h"
#include "api/router.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/answer_feed.h"
#include "http/listener.h"
#include "http/payment_writer.h"
#include "loop/event_loop.h"

namespace paystats::http {

struct HttpLimits {
  size_t connections_max = 1024;
  base::Duration head_timeout =
      std::chrono::seconds(10);  // from its first byte, or from the connection
  base::Duration body_timeout = std::chrono::seconds(30);
  base::Duration idle_timeout = std::chrono::seconds(60);  // between two requests
  base::Duration write_timeout = std::chrono::seconds(30);
  base::Duration linger_timeout = std::chrono::seconds(1);  // for a refused body that still comes
  base::Duration stop_timeout = std::chrono::seconds(5);
  base::Duration check_interval = std::chrono::seconds(1);     // of the deadlines
  base::Duration comment_interval = std::chrono::seconds(15);  // on a stream where nothing happens
  int send_buffer_bytes = 0;  // of the kernel; 0: as it is. For tests
};

class HttpServer {
 public:
  // All but the values are borrowed.
  HttpServer(loop::EventLoop& loop, const api::Router& router, const api::PaymentRules& rules,
             AnswerFeed& feed, PaymentWriter& writer, const base::Clock& clock,
             const HttpLimits& limits);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  // May be called several times.
  void listen(Listener listener);

  void start();
  void totals_changed();

  // Accepts nobody any more, ends streams, finishes requests in flight; then calls `on_stopped`.
  void stop(std::function<void()> on_stopped);

  api::ServerFigures figures() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace paystats::http
