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

namespace paystats {

class ScriptedSource final : public Source, public Clock {
 public:
  enum class Time : uint8_t { kSystem, kOwn };

  explicit ScriptedSource(Time time = Time::kSystem) : time_(time) {}

  // kOwn: begins at 0, and goes on by pass() alone.
  Instant now() const override {
    const std::lock_guard lock(mutex_);
    return time_ == Time::kOwn ? now_ : SystemClock().now();
  }
  // Returns once the reader has been told of a deadline that has passed by this.
  void pass(Duration time) {
    std::unique_lock lock(mutex_);
    now_ += time;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !waits_until_ || *waits_until_ > now_; });
  }
  // Until when the reader waits, if it does.
  std::optional<Instant> waits_until() const {
    const std::lock_guard lock(mutex_);
    return waits_until_;
  }

  void give(std::string bytes) {
    const std::lock_guard lock(mutex_);
    blocks_.push_back(std::move(bytes));
    changed_.notify_all();
  }
  void end(Result<ReadStatus> how = ReadStatus::kEnd) {
    const std::lock_guard lock(mutex_);
    end_ = std::move(how);
    ended_ = true;
    changed_.notify_all();
  }
  size_t blocks_left() const {
    const std::lock_guard lock(mutex_);
    return blocks_.size();
  }

  Result<ReadStatus> read(Block& out, Instant deadline) override {
    std::unique_lock lock(mutex_);
    const auto something = [&] { return !blocks_.empty() || ended_; };
    waits_until_ = deadline;
    if (time_ == Time::kOwn || deadline == kForever) {
      changed_.wait(lock, [&] { return something() || deadline <= now_; });
    } else {
      changed_.wait_until(lock, deadline, something);
    }
    waits_until_.reset();
    changed_.notify_all();
    if (!something()) return ReadStatus::kIdle;
    if (blocks_.empty()) return end_;
    current_ = std::move(blocks_.front());
    blocks_.pop_front();
    out = Block{.bytes = current_,
                .source = "-",
                .begins_input = std::exchange(begins_, false),
                .long_line_bytes = 0};
    return ReadStatus::kBlock;
  }

 private:
  const Time time_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> blocks_;
  Result<ReadStatus> end_ = ReadStatus::kEnd;
  bool ended_ = false;
  Instant now_{};
  std::optional<Instant> waits_until_;
  std::string current_;
  bool begins_ = true;
};

}  // namespace paystats
