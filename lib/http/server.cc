#include "http/server.h"

#include <algorithm>
#include <ctime>
#include <utility>
#include <vector>

#include "api/problem.h"
#include "http/connection.h"
#include "http/event_stream.h"
#include "http/live_pages.h"

namespace paystats::http {
namespace {

// How long to leave the clients in the queue when no descriptor is free for them.
constexpr base::Duration kAcceptPause = std::chrono::milliseconds(50);
constexpr base::Duration kNewcomerPause = std::chrono::milliseconds(5);
constexpr base::Duration kSecond = std::chrono::seconds(1);

}  // namespace

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(loop::EventLoop& event_loop, const api::Router& router, const api::PaymentRules& rules,
       AnswerFeed& feed, PaymentWriter& writer, const base::Clock& clock, const HttpLimits& given)
      : loop(event_loop),
        limits(given),
        pages(loop, feed, limits.event_bytes_max),
        bodies(limits.body_bytes_max, limits.quiet_timeout),
        unread(limits.unread_bytes_max),
        clients(limits),
        turns(loop),
        streams(pages, unread, clock, limits, figures_so_far, [this] { ended(); }),
        service{router, rules, feed,   streams, clients, bodies,
                unread, turns, writer, clock,   limits,  figures_so_far} {}

  loop::asio::awaitable<void> accept_clients(std::shared_ptr<Listener> listener);
  void add(HttpConnection::Socket socket);
  void turn_away(HttpConnection::Socket socket);
  void look_after_clients();
  void check_deadlines();
  void housekeeping();
  void ended();
  api::ServerFigures figures() const;
  size_t connections() const { return clients.size() + streams.size(); }
  bool full() const { return connections() >= limits.connections_max; }
  void for_each(const std::function<void(HttpConnection&)>& act) const {
    for (const auto& client : clients.all()) act(static_cast<HttpConnection&>(*client));
  }

  loop::EventLoop& loop;
  const HttpLimits limits;
  api::ServerFigures figures_so_far;
  LivePages pages;
  BodyBudget bodies;  // before those that have a part of it
  UnreadAnswers unread;
  Clients clients;
  Turns turns;
  EventStreams streams;
  HttpService service;
  std::vector<std::shared_ptr<Listener>> listeners;
  // While there are clients: without any, no time wakes this loop, while the cache is there.
  std::unique_ptr<loop::Ticker> checks;
  std::unique_ptr<loop::Ticker> each_second;
  std::unique_ptr<loop::Ticker> last_call;
  std::function<void()> on_stopped;
};

loop::asio::awaitable<void> HttpServer::Impl::accept_clients(std::shared_ptr<Listener> listener) {
  loop::asio::steady_timer pause(loop.context());
  while (!service.stopping) {
    auto [error, socket] = co_await listener->acceptor().async_accept(loop::use_result);
    if (service.stopping) break;
    if (error == loop::asio::error::connection_aborted) continue;
    if (error) {
      // No descriptor, or no memory. Who can give way does; else it is tried again.
      clients.make_room(service.clock.now());
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(loop::use_result);
      continue;
    }
    ++service.figures.connections_seen;
    // Newcomers alone: those behind them wait in the kernel's queue for a moment.
    while (full() && clients.make_room(service.clock.now()) == Clients::Room::kSoon) {
      pause.expires_after(kNewcomerPause);
      co_await pause.async_wait(loop::use_result);
      if (service.stopping) co_return;
    }
    if (full()) {
      turn_away(std::move(socket));
    } else {
      add(std::move(socket));
    }
  }
}

void HttpServer::Impl::turn_away(HttpConnection::Socket socket) {
  ++service.figures.connections_refused;
  loop::ErrorCode ignored;
  socket.non_blocking(true, ignored);
  refuse_at_once(socket, service, api::ProblemType::kBusy, "too many connections");
}

void HttpServer::Impl::add(HttpConnection::Socket socket) {
  look_after_clients();
  auto connection = std::make_shared<HttpConnection>(std::move(socket), service);
  clients.add(connection, service.clock.now());
  // Weak, since we own it: a loop that is abandoned leaves no ring behind.
  connection->start([weak = weak_from_this(), key = std::weak_ptr(connection)] {
    const auto self = weak.lock();
    const auto ended = key.lock();
    if (!self) return;
    if (ended) self->clients.remove(*ended);
    self->ended();
  });
}

void HttpServer::Impl::look_after_clients() {
  if (!checks) {
    checks = std::make_unique<loop::Ticker>(loop, limits.check_interval, [this] {
      check_deadlines();
      if (connections() == 0) checks.reset();
    });
  }
  if (each_second) return;
  housekeeping();
  service.feed.attend(true);
  each_second = std::make_unique<loop::Ticker>(loop, kSecond, [this] {
    housekeeping();
    if (connections() > 0) return;
    service.feed.attend(false);
    each_second.reset();
  });
}

void HttpServer::Impl::check_deadlines() {
  const base::Instant now = service.clock.now();
  for_each([now](HttpConnection& connection) { connection.check_deadline(now); });
  streams.check(now);
}

void HttpServer::Impl::housekeeping() {
  service.date = api::http_date(static_cast<int64_t>(std::time(nullptr)));
  service.pages.tidy();
}

void HttpServer::Impl::ended() {
  if (!service.stopping || connections() > 0 || !on_stopped) return;
  checks.reset();
  each_second.reset();
  last_call.reset();
  std::exchange(on_stopped, {})();
}

api::ServerFigures HttpServer::Impl::figures() const {
  api::ServerFigures figures = service.figures;
  figures.cache_connected = service.feed.connected();
  figures.cache_ready = service.feed.ready();
  figures.cache_version = service.feed.version();
  figures.output_writable = service.writer.writable();
  figures.posts_waiting = service.writer.waiting();
  figures.posts_undecided = service.writer.undecided();
  figures.keys = service.writer.key_figures();
  figures.connections = connections();
  figures.streams = streams.size();
  return figures;
}

HttpServer::HttpServer(loop::EventLoop& loop, const api::Router& router,
                       const api::PaymentRules& rules, AnswerFeed& feed, PaymentWriter& writer,
                       const base::Clock& clock, const HttpLimits& limits)
    : impl_(std::make_shared<Impl>(loop, router, rules, feed, writer, clock, limits)) {
  impl_->service.now = [impl = impl_.get()] { return impl->figures(); };
  feed.on_long_answer([weak = std::weak_ptr(impl_)](size_t bytes) {
    if (const auto impl = weak.lock()) impl->unread.coming(bytes);
  });
  impl_->housekeeping();
}

HttpServer::~HttpServer() {
  impl_->service.stopping = true;
  for (const auto& listener : impl_->listeners) {
    loop::ErrorCode ignored;
    listener->acceptor().close(ignored);
  }
  impl_->for_each([](HttpConnection& connection) { connection.close(); });
  impl_->streams.close_all();
}

void HttpServer::listen(Listener listener) {
  impl_->listeners.push_back(std::make_shared<Listener>(std::move(listener)));
}

void HttpServer::start() {
  for (const auto& listener : impl_->listeners) {
    loop::asio::co_spawn(
        impl_->loop.context(), [impl = impl_, listener] { return impl->accept_clients(listener); },
        [impl = impl_](const std::exception_ptr& thrown) {
          if (thrown) std::rethrow_exception(thrown);
        });
  }
}

void HttpServer::totals_changed() {
  impl_->pages.changed();
  if (!impl_->each_second) impl_->service.pages.tidy();  // of answers that are older now
}

void HttpServer::stop(std::function<void()> on_stopped) {
  if (impl_->service.stopping) return;
  impl_->service.stopping = true;
  impl_->on_stopped = std::move(on_stopped);
  for (const auto& listener : impl_->listeners) {
    loop::ErrorCode ignored;
    listener->acceptor().close(ignored);
  }
  impl_->for_each([](HttpConnection& connection) { connection.finish(); });
  impl_->streams.close_all();
  impl_->last_call = std::make_unique<loop::Ticker>(
      impl_->loop, impl_->service.limits.stop_timeout, [impl = impl_] {
        impl->for_each([&](HttpConnection& connection) {
          connection.close();
          impl->clients.remove(connection);
        });
        impl->ended();
      });
  // Not from within this call, however little there is to wait for.
  impl_->loop.post([impl = impl_] { impl->ended(); });
}

api::ServerFigures HttpServer::figures() const {
  return impl_->figures();
}

}  // namespace paystats::http
