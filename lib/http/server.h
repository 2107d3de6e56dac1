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
// No client can harm another one: every read and write has a deadline, what all clients together
// may hold of memory is bounded (see http/limits.h), and a connection that is not used, or whose
// request does not come, makes room for a new one. One thread, that of the loop. Requests of a
// connection are answered one by one, in their order.
#pragma once

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
#include "http/limits.h"
#include "http/listener.h"
#include "http/payment_writer.h"
#include "loop/event_loop.h"

namespace paystats::http {

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
