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
#include "net/cache_server.h"
#include "net/event_loop.h"
#include "net/socket_claim.h"
#include "unit/net/receive.h"
#include "view/answer.h"
#include "view/view.h"

namespace paystats {

using namespace std::chrono_literals;

inline constexpr auto kLimit = 60s;  // of any wait: reached only by a failure

// Looks until it is so.
inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kLimit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

inline ::testing::AssertionResult holds(std::string_view text, std::string_view part) {
  if (text.find(part) != std::string_view::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << '"' << part << "\" is not in: " << text;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "paystats-net-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A client by plain system calls.
class RawClient {
 public:
  explicit RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    connected_ =
        ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  // The other end of a connection that somebody else has begun.
  explicit RawClient(UniqueFd accepted) : fd_(std::move(accepted)), connected_(true) {}

  bool connected() const { return connected_; }
  int fd() const { return fd_.get(); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  // As much as goes without waiting.
  ssize_t send_now(std::string_view bytes) {
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  void end_sending() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

  // The next line without its newline; nothing at the end, or after `limit`.
  std::optional<std::string> line(std::chrono::milliseconds limit = kLimit) {
    for (;;) {
      const size_t newline = received_.find('\n');
      if (newline != std::string::npos) {
        std::string line = received_.substr(0, newline);
        received_.erase(0, newline + 1);
        return line;
      }
      if (!read_more(limit)) return std::nullopt;
    }
  }

  // Whether the server closes within the limit, whatever it sends before.
  bool closed(std::chrono::milliseconds limit = kLimit) {
    while (read_more(limit)) received_.clear();
    return at_end_;
  }

  ParsedAnswer answer(std::chrono::milliseconds limit = kLimit) {
    const std::optional<std::string> text = line(limit);
    if (!text) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    Result<ParsedAnswer> parsed = parse_answer(*text);
    if (!parsed) ADD_FAILURE() << *text << ": " << parsed.error().message;
    return parsed.value_or(ParsedAnswer{});
  }
  ParsedAnswer ask(std::string_view request) {
    EXPECT_TRUE(send(std::string(request) + "\n"));
    return answer();
  }

 private:
  bool read_more(std::chrono::milliseconds limit) {
    const Received received = receive_some(fd_.get(), received_, limit);
    if (received == Received::kEnd) at_end_ = true;
    return received == Received::kSome;
  }

  UniqueFd fd_;
  bool connected_ = false;
  bool at_end_ = false;
  std::string received_;
};

class RunningCache {
 public:
  explicit RunningCache(const CacheServerOptions& options = quick()) {
    Result<SocketClaim> claim = SocketClaim::take(path());
    if (!claim) {
      ADD_FAILURE() << claim.error().message;
      return;
    }
    server_ = std::make_unique<CacheServer>(loop_, std::move(*claim), view_, clock_, options);
    server_->start();
    thread_ = std::thread([this] {
      const Result<void> done = loop_.run();
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

  std::string path() const { return folder_.file("stats.sock"); }
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
  View& view() { return view_; }
  CacheServer& server() { return *server_; }
  void post(std::function<void()> task) { loop_.post(std::move(task)); }

  void set(const std::string& user, int64_t whole_sum, uint64_t count = 1) {
    on_loop([&] {
      const Stats stats{.user = user,
                        .sum = Decimal::from_nanos(Int128{whole_sum} * 1'000'000'000),
                        .count = count,
                        .at = {}};
      EXPECT_EQ(view_.apply(stats), Applied::kChanged);
      server_->view_changed();
    });
  }
  void set_many(int users) {
    on_loop([&] {
      for (int i = 0; i < users; ++i) {
        const std::string user = "user" + std::to_string(i);
        view_.apply({.user = user, .sum = Decimal::from_nanos(i), .count = 1, .at = {}});
      }
      server_->view_changed();
    });
  }
  size_t connections() {
    return on_loop([&] { return server_->connections(); });
  }
  uint64_t connections_seen() {
    return on_loop([&] { return server_->connections_seen(); });
  }

 private:
  TemporaryFolder folder_;
  const SystemClock clock_;
  View view_{{.instance = 7, .hash_seed = 9, .users_max = 1'000'000}};
  EventLoop loop_;
  std::unique_ptr<CacheServer> server_;
  std::thread thread_;
  std::atomic<bool> ended_ = false;
};

}  // namespace paystats
