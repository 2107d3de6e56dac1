#include "cache/server.h"

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cache/connection.h"
#include "loop/asio.h"

namespace paystats::cache {
namespace {

using Acceptor = loop::asio::local::stream_protocol::acceptor;

// Watchers that are woken in one go; between two goes other clients get their turn.
constexpr size_t kWatchersAtOnce = 16;
// How long to leave the clients in the queue when no descriptor is free for them.
constexpr base::Duration kAcceptPause = std::chrono::milliseconds(50);
}  // namespace

struct CacheServer::Impl : std::enable_shared_from_this<CacheServer::Impl> {
  Impl(loop::EventLoop& event_loop, loop::SocketClaim socket_claim,
       std::shared_ptr<view::View> answered, const base::Clock& system_clock,
       const CacheServerOptions& given)
      : loop(event_loop),
        view(std::move(answered)),
        clock(system_clock),
        options(given),
        claim(std::move(socket_claim)),
        acceptor(loop.context()),
        accept_pause(loop.context()),
        watch_pause(loop.context()),
        change(loop.context().get_executor()) {}

  base::Result<void> start();
  void begin_anew(std::shared_ptr<view::View> other);
  void stop();
  void end_if_empty();
  void check_now_and_then();
  bool check_deadlines();
  loop::asio::awaitable<void> accept_clients();
  loop::asio::awaitable<void> tell_watchers();
  void add(CacheConnection::Socket socket);
  void turn_away(CacheConnection::Socket socket) const;
  std::vector<std::shared_ptr<CacheConnection>> all() const {
    return {connections.begin(), connections.end()};
  }

  loop::EventLoop& loop;
  std::shared_ptr<view::View> view;
  const base::Clock& clock;
  const CacheServerOptions options;
  std::optional<loop::SocketClaim> claim;
  Acceptor acceptor;
  loop::asio::steady_timer accept_pause;
  loop::asio::steady_timer watch_pause;
  loop::AsyncCondition change;
  std::unique_ptr<loop::Ticker> checks;  // while a client is waited for
  std::unique_ptr<loop::Ticker> last_call;
  std::unordered_set<std::shared_ptr<CacheConnection>> connections;
  uint64_t seen = 0;
  bool stopping = false;
};

base::Result<void> CacheServer::Impl::start() {
  base::UniqueFd listener = claim->take_listener();
  loop::ErrorCode error;
  acceptor.assign(loop::asio::local::stream_protocol(), listener.get(), error);
  if (error) return base::fail(base::system_error(claim->path(), error.value()));
  listener.release();
  // `this` is kept alive by the completion handlers.
  const auto keep = [self = shared_from_this()](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  };
  loop::asio::co_spawn(loop.context(), accept_clients(), keep);
  loop::asio::co_spawn(loop.context(), tell_watchers(), keep);
  return {};
}

loop::asio::awaitable<void> CacheServer::Impl::accept_clients() {
  while (!stopping) {
    auto [error, socket] = co_await acceptor.async_accept(loop::use_result);
    if (stopping) break;
    if (error == loop::asio::error::connection_aborted) continue;
    if (error) {
      // No descriptor, or no memory: clients that wait are served when others have gone.
      accept_pause.expires_after(kAcceptPause);
      co_await accept_pause.async_wait(loop::use_result);
      continue;
    }
    ++seen;
    if (connections.size() >= options.connections_max) {
      turn_away(std::move(socket));
    } else {
      add(std::move(socket));
    }
  }
}

void CacheServer::Impl::turn_away(CacheConnection::Socket socket) const {
  const std::string answer = protocol::error_answer("too many connections");
  loop::ErrorCode ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(loop::asio::buffer(answer), ignored);
}

void CacheServer::Impl::add(CacheConnection::Socket socket) {
  auto connection = std::make_shared<CacheConnection>(std::move(socket), view, clock, options);
  connections.insert(connection);
  // Weak, since we own it: a loop that is abandoned leaves no ring behind.
  connection->start(
      [weak = weak_from_this()] {
        if (const std::shared_ptr<Impl> self = weak.lock()) self->check_now_and_then();
      },
      [weak = weak_from_this(), key = std::weak_ptr(connection)] {
        const std::shared_ptr<Impl> self = weak.lock();
        if (!self) return;
        self->connections.erase(key.lock());
        self->end_if_empty();
      });
}

loop::asio::awaitable<void> CacheServer::Impl::tell_watchers() {
  uint64_t told_version = view->version();
  uint64_t told_instance = view->instance();
  while (!stopping) {
    if (view->version() == told_version && view->instance() == told_instance) {
      co_await change.wait();
      continue;
    }
    told_version = view->version();
    told_instance = view->instance();
    watch_pause.expires_after(options.watch_interval);
    size_t told = 0;
    for (const auto& connection : all()) {
      if (!connection->watching()) continue;
      connection->view_changed();
      ++told;
      if (told % kWatchersAtOnce == 0) {
        co_await loop::asio::post(loop.context(), loop::asio::use_awaitable);
      }
    }
    if (stopping) break;
    co_await watch_pause.async_wait(loop::use_result);
  }
}

void CacheServer::Impl::check_now_and_then() {
  if (checks) return;
  checks = std::make_unique<loop::Ticker>(loop, options.check_interval, [this] {
    if (!check_deadlines()) checks.reset();
  });
}

// False: nobody is waited for.
bool CacheServer::Impl::check_deadlines() {
  const base::Instant now = clock.now();
  bool waits = false;
  for (const auto& connection : all()) {
    waits = waits || connection->waits();
    if (connection->overdue(now)) connection->close();
  }
  return waits;
}

// A search that is under way goes on in the view that it began in, which lives as long as its
// connection.
void CacheServer::Impl::begin_anew(std::shared_ptr<view::View> other) {
  view = std::move(other);
  for (const auto& connection : all()) connection->close();
  change.wake();
}

void CacheServer::Impl::stop() {
  if (stopping) return;
  stopping = true;
  loop::ErrorCode ignored;
  acceptor.close(ignored);
  accept_pause.cancel();
  watch_pause.cancel();
  change.wake();
  for (const auto& connection : all()) {
    connection->view_changed();
    connection->finish();
  }
  last_call = std::make_unique<loop::Ticker>(loop, options.stop_timeout, [this] {
    for (const auto& connection : all()) connection->close();
  });
  end_if_empty();
}

void CacheServer::Impl::end_if_empty() {
  if (!stopping || !connections.empty()) return;
  checks.reset();
  last_call.reset();
  claim.reset();
}

CacheServer::CacheServer(loop::EventLoop& loop, loop::SocketClaim claim,
                         std::shared_ptr<view::View> view, const base::Clock& clock,
                         const CacheServerOptions& options)
    : impl_(std::make_shared<Impl>(loop, std::move(claim), std::move(view), clock, options)) {}

CacheServer::~CacheServer() = default;

base::Result<void> CacheServer::start() {
  return impl_->start();
}

void CacheServer::view_changed() {
  impl_->change.wake();
}

void CacheServer::begin_anew(std::shared_ptr<view::View> view) {
  impl_->begin_anew(std::move(view));
}

void CacheServer::stop() {
  impl_->stop();
}

size_t CacheServer::connections() const {
  return impl_->connections.size();
}

uint64_t CacheServer::connections_seen() const {
  return impl_->seen;
}

}  // namespace paystats::cache
