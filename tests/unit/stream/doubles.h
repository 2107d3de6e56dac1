// Doubles for the loop: a source whose blocks come at set times of a clock that nobody waits for,
// and a sink that remembers what came when.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "io/sink.h"
#include "io/source.h"

namespace paystats::stream {

inline int64_t ms_of(const base::ManualClock& clock) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock.now().time_since_epoch())
      .count();
}

class TimedSource final : public io::Source {
 public:
  struct Item {
    int64_t at_ms = 0;
    std::string lines;           // nothing: only `then` happens
    std::function<void()> then;  // a look at the world at that time
  };

  // Ends at `end_ms`. The clock is moved by waiting.
  TimedSource(base::ManualClock& clock, std::vector<Item> items, int64_t end_ms)
      : clock_(clock), items_(std::move(items)), end_ms_(end_ms) {}

  base::Result<io::ReadStatus> read(io::Block& out, base::Instant deadline) override {
    for (;;) {
      const bool ended = next_ == items_.size();
      const base::Instant due{std::chrono::milliseconds(ended ? end_ms_ : items_[next_].at_ms)};
      if (due > clock_.now() && deadline < due) {
        if (deadline > clock_.now()) clock_.advance(deadline - clock_.now());
        return io::ReadStatus::kIdle;
      }
      if (due > clock_.now()) clock_.advance(due - clock_.now());
      if (ended) return io::ReadStatus::kEnd;
      Item& item = items_[next_++];
      if (item.then) item.then();
      if (item.lines.empty()) continue;
      out = io::Block{item.lines, "-", std::exchange(begins_, false), 0};
      return io::ReadStatus::kBlock;
    }
  }
  bool cut_short() const override { return cut_short_; }
  bool caught_up() const override { return next_ >= caught_up_after_; }

  void set_caught_up_after(size_t items) { caught_up_after_ = items; }
  void set_cut_short() { cut_short_ = true; }

 private:
  base::ManualClock& clock_;
  std::vector<Item> items_;
  const int64_t end_ms_;
  size_t next_ = 0;
  bool begins_ = true;
  size_t caught_up_after_ = 0;
  bool cut_short_ = false;
};

// What a RememberingSink was given: "120: <lines>", "120: flush", "120: close". Flushes of nothing
// are left out.
using Memory = std::vector<std::string>;

class RememberingSink final : public io::Sink {
 public:
  RememberingSink(const base::ManualClock& clock, Memory& memory)
      : clock_(clock), memory_(memory) {}

  base::Result<void> write(std::string_view lines) override {
    if (error_) return base::fail(*error_);
    dirty_ = true;
    note(lines);
    return {};
  }
  base::Result<void> flush() override {
    if (std::exchange(dirty_, false)) note("flush");
    return {};
  }
  base::Result<void> close() override {
    note("close");
    return {};
  }
  void break_with(base::Error error) { error_ = std::move(error); }

 private:
  void note(std::string_view what) {
    memory_.push_back(std::to_string(ms_of(clock_)) + ": " + std::string(what));
  }

  const base::ManualClock& clock_;
  Memory& memory_;
  std::optional<base::Error> error_;
  bool dirty_ = false;
};

}  // namespace paystats::stream
