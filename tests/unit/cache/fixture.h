// A cache server on a real socket in a folder of its own, its loop in a thread, and clients that
// are as rude as a test wants them. Every wait has a limit.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/fd.h"
#include "cache/server.h"
#include "loop/event_loop.h"
#include "protocol/answer.h"
#include "unit/loop/client.h"
#include "unit/support.h"
#include "view/view.h"

namespace paystats::cache {

class RawClient : public loop::UnixClient {
 public:
  explicit RawClient(const std::string& path) : UnixClient(path) {}

  // The other end of a connection that somebody else has begun.
  explicit RawClient(base::UniqueFd accepted) : UnixClient(std::move(accepted), true) {}

  // As much as goes without waiting.
  ssize_t send_now(std::string_view bytes) {
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  void close() { fd_.reset(); }

  // The next line without its newline; nothing at the end.
  std::optional<std::string> line() {
    std::optional<std::string> line = receive_through("\n");
    if (line) line->pop_back();
    return line;
  }

  // Whether the server closes, whatever it sends before.
  bool closed() {
    while (receive()) received_.clear();
    return ended();
  }

  protocol::ParsedAnswer answer() {
    const std::optional<std::string> text = line();
    if (!text) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    base::Result<protocol::ParsedAnswer> parsed = protocol::parse_answer(*text);
    if (!parsed) ADD_FAILURE() << *text << ": " << parsed.error().message;
    return parsed.value_or(protocol::ParsedAnswer{});
  }
  protocol::ParsedAnswer ask(std::string_view request) {
    EXPECT_TRUE(send(std::string(request) + "\n"));
    return answer();
  }
};

class RunningCache {
 public:
  explicit RunningCache(const CacheServerOptions& options = quick()) {
    base::Result<loop::SocketClaim> claim = loop::SocketClaim::take(path());
    if (!claim) {
      ADD_FAILURE() << claim.error().message;
      return;
    }
    server_ = std::make_unique<CacheServer>(loop_, std::move(*claim), view_, clock_, options);
    EXPECT_TRUE(server_->start());
    thread_ = std::thread([this] {
      const base::Result<void> done = loop_.run();
      EXPECT_TRUE(done) << done.error().message;
      ended_ = true;
    });
  }
  ~RunningCache() { stop(); }

  // Deadlines that a test can wait for.
  static CacheServerOptions quick() {
    CacheServerOptions options;
    options.write_timeout = 300ms;
    options.request_timeout = 300ms;
    options.check_interval = 20ms;
    return options;
  }

  std::string path() const { return folder_ / "stats.sock"; }
  RawClient client() const { return RawClient(path()); }

  void stop() {
    if (!thread_.joinable()) return;
    loop_.post([this] { server_->stop(); });
    thread_.join();
  }
  bool ended() const { return ended_; }

  // Runs `task` on the loop and waits for its result.
  template <class Task>
  auto on_loop(Task task) {
    std::packaged_task<decltype(task())()> packaged(std::move(task));
    auto result = packaged.get_future();
    loop_.post([&packaged] { packaged(); });
    return result.get();
  }

  // For tasks of the loop.
  view::View& view() { return *view_; }
  CacheServer& server() { return *server_; }
  void post(std::function<void()> task) { loop_.post(std::move(task)); }

  void set(const std::string& user, int64_t whole_sum, uint64_t count = 1) {
    on_loop([&] {
      const record::Stats stats{
          .user = user,
          .sum = money::Decimal::from_nanos(money::Int128{whole_sum} * 1'000'000'000),
          .count = count,
          .at = {}};
      EXPECT_EQ(view_->apply(stats), view::Applied::kChanged);
      server_->view_changed();
    });
  }
  void set_many(int users) {
    on_loop([&] {
      for (int i = 0; i < users; ++i) {
        const std::string user = "user" + std::to_string(i);
        view_->apply({.user = user, .sum = money::Decimal::from_nanos(i), .count = 1, .at = {}});
      }
      server_->view_changed();
    });
  }
  // As for a topic that was made anew: an empty view of another instance.
  void begin_anew(uint64_t instance) {
    on_loop([&] {
      view_ = make_view(instance);
      server_->begin_anew(view_);
    });
  }
  size_t connections() {
    return on_loop([&] { return server_->connections(); });
  }
  uint64_t connections_seen() {
    return on_loop([&] { return server_->connections_seen(); });
  }

 private:
  TempFolder folder_;
  const base::SystemClock clock_;
  static std::shared_ptr<view::View> make_view(uint64_t instance) {
    return std::make_shared<view::View>(
        view::ViewOptions{.instance = instance, .hash_seed = 9, .users_max = 1'000'000});
  }

  std::shared_ptr<view::View> view_ = make_view(7);
  loop::EventLoop loop_;
  std::unique_ptr<CacheServer> server_;
  std::thread thread_;
  std::atomic<bool> ended_ = false;
};

}  // namespace paystats::cache
