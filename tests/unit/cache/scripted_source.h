// A source whose blocks a test hands out one by one, from another thread.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "io/source.h"

namespace paystats::cache {

class ScriptedSource final : public io::Source {
 public:
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
    if (deadline == base::Instant::max()) {
      changed_.wait(lock, something);
    } else if (!changed_.wait_until(lock, deadline, something)) {
      return io::ReadStatus::kIdle;
    }
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
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> blocks_;
  base::Result<io::ReadStatus> end_ = io::ReadStatus::kEnd;
  bool ended_ = false;
  std::string current_;
  bool begins_ = true;
};

}  // namespace paystats::cache
