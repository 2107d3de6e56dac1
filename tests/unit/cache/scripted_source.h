// A source whose blocks a test hands out one by one, from another thread. With a time of its own it
// is the clock of its reader as well: a deadline passes when the test says so, and not before.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "io/source.h"

namespace paystats::cache {

class ScriptedSource final : public io::Source, public base::Clock {
 public:
  enum class Time : uint8_t { kSystem, kOwn };

  explicit ScriptedSource(Time time = Time::kSystem) : time_(time) {}

  // kOwn: begins at 0, and goes on by pass() alone.
  base::Instant now() const override {
    const std::lock_guard lock(mutex_);
    return time_ == Time::kOwn ? now_ : base::SystemClock().now();
  }
  // Returns once the reader has been told of a deadline that has passed by this.
  void pass(base::Duration time) {
    std::unique_lock lock(mutex_);
    now_ += time;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !waits_until_ || *waits_until_ > now_; });
  }
  // Until when the reader waits, if it does.
  std::optional<base::Instant> waits_until() const {
    const std::lock_guard lock(mutex_);
    return waits_until_;
  }

  void give(std::string bytes) {
    const std::lock_guard lock(mutex_);
    blocks_.push_back(std::move(bytes));
    changed_.notify_all();
  }
  void end(base::Result<io::ReadStatus> how = io::ReadStatus::kEnd) {
    const std::lock_guard lock(mutex_);
    end_ = std::move(how);
    ended_ = true;
    changed_.notify_all();
  }
  size_t blocks_left() const {
    const std::lock_guard lock(mutex_);
    return blocks_.size();
  }

  base::Result<io::ReadStatus> read(io::Block& out, base::Instant deadline) override {
    std::unique_lock lock(mutex_);
    const auto something = [&] { return !blocks_.empty() || ended_; };
    waits_until_ = deadline;
    if (time_ == Time::kOwn || deadline == io::kForever) {
      changed_.wait(lock, [&] { return something() || deadline <= now_; });
    } else {
      changed_.wait_until(lock, deadline, something);
    }
    waits_until_.reset();
    changed_.notify_all();
    if (!something()) return io::ReadStatus::kIdle;
    if (blocks_.empty()) return end_;
    current_ = std::move(blocks_.front());
    blocks_.pop_front();
    out = io::Block{.bytes = current_,
                    .source = "-",
                    .begins_input = std::exchange(begins_, false),
                    .long_line_bytes = 0};
    return io::ReadStatus::kBlock;
  }

 private:
  const Time time_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> blocks_;
  base::Result<io::ReadStatus> end_ = io::ReadStatus::kEnd;
  bool ended_ = false;
  base::Instant now_{};
  std::optional<base::Instant> waits_until_;
  std::string current_;
  bool begins_ = true;
};

}  // namespace paystats::cache
