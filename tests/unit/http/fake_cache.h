// The cache's side of its socket as a test plays it: it sees each question of an AnswerFeed, and
// answers when, and what, the test wants. And such a feed, with its loop in a thread.
#pragma once

#include <poll.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "http/answer_feed.h"
#include "http/live_pages.h"
#include "unit/cache/fixture.h"

namespace paystats::http {

// As a client gets it.
inline std::string text_of(const api::StreamEvent& event) {
  return event.head + (event.data ? *event.data : std::string()) + std::string(event.tail);
}

class FakeCache {
 public:
  FakeCache() : claim_(loop::SocketClaim::take(path())) { EXPECT_TRUE(claim_); }

  std::string path() const { return folder_ / "stats.sock"; }

  // The feed's two connections, in the order in which it makes them.
  void accept_feed() {
    questions_.emplace(accept_one());
    watch_.emplace(accept_one());
    EXPECT_TRUE(holds(watch_->line().value_or(""), "watch"));
  }

  std::optional<std::string> question() { return questions_->line(); }
  void reply(uint64_t version, bool ready = true) {
    EXPECT_TRUE(questions_->send(state(version, ready)));
  }
  void announce(uint64_t version, bool ready = true) {
    EXPECT_TRUE(watch_->send(state(version, ready)));
  }
  // The watch is asked for again.
  bool asked_for_watch() { return holds(watch_->line().value_or(""), "watch"); }
  bool left() { return questions_->closed(); }

 private:
  static std::string state(uint64_t version, bool ready) {
    protocol::Envelope envelope;
    envelope.instance = 7;
    envelope.version = version;
    envelope.ready = ready;
    envelope.sum = "0.00";
    envelope.count = "0";
    return protocol::render_answer(envelope, {});
  }
  base::UniqueFd accept_one() const {
    pollfd polled{claim_->listener(), POLLIN, 0};
    EXPECT_EQ(::poll(&polled, 1, static_cast<int>(std::chrono::milliseconds(kLimit).count())), 1);
    return base::UniqueFd(::accept(claim_->listener(), nullptr, nullptr));
  }

  TempFolder folder_;
  base::Result<loop::SocketClaim> claim_;
  std::optional<cache::RawClient> questions_;
  std::optional<cache::RawClient> watch_;
};

// Stands still until it is told to move, and counts who looks at it.
class WatchedClock final : public base::Clock {
 public:
  base::Instant now() const override {
    ++looks_;
    return base::Instant(base::Duration(now_));
  }
  void advance(base::Duration by) { now_ += by.count(); }
  uint64_t looks() const { return looks_; }

 private:
  std::atomic<base::Duration::rep> now_ = std::chrono::nanoseconds(std::chrono::hours(1)).count();
  mutable std::atomic<uint64_t> looks_ = 0;
};

class FedByFakeCache : public ::testing::Test {
 protected:
  // Connected, at version 1.
  FedByFakeCache() {
    loop_.post([this] {
      feed_.attend(true);
      feed_.start();
    });
    thread_ = std::thread([this] { EXPECT_TRUE(loop_.run()); });
    cache_.accept_feed();
    cache_.announce(1);
    EXPECT_TRUE(eventually([&] { return connected(); }));
  }
  ~FedByFakeCache() override {
    on_loop([&] { feed_.stop(); });
    thread_.join();
  }

  void on_loop(const std::function<void()>& task) {
    std::promise<void> done;
    loop_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }
  bool connected() {
    bool connected = false;
    on_loop([&] { connected = feed_.connected(); });
    return connected;
  }
  uint64_t version() {
    uint64_t version = 0;
    on_loop([&] { version = feed_.version(); });
    return version;
  }

  FakeCache cache_;
  std::atomic<int> changes_ = 0;  // that the feed has told of
  WatchedClock clock_;
  loop::EventLoop loop_;
  AnswerFeed feed_{loop_, cache_.path(), clock_, AnswerFeedOptions{}, [this] {
                     ++changes_;
                     pages_.changed();
                   }};
  LivePages pages_{loop_, feed_};
  std::thread thread_;
};

}  // namespace paystats::http
