#include "io/stream_source.h"

#include <algorithm>
#include <optional>

#include "io/fd_io.h"
#include "io/line_splitter.h"

namespace paystats::io {
namespace {

constexpr base::Duration kSilence = std::chrono::milliseconds(500);
constexpr base::Duration kReadOnMax = std::chrono::seconds(5);

class StreamSource final : public Source {
 public:
  StreamSource(int fd, base::UniqueFd owner, std::string name, OnStop on_stop, const Waiter& waiter)
      : fd_(fd),
        owner_(std::move(owner)),
        on_stop_(on_stop),
        waiter_(waiter),
        lines_(std::move(name)) {
    widen_pipe(fd_);
  }

  base::Result<ReadStatus> read(Block& out, base::Instant deadline) override {
    for (;;) {
      if (lines_.next(out)) return ReadStatus::kBlock;
      if (state_ == State::kEnd) return ReadStatus::kEnd;
      if (state_ == State::kLastLine) {
        state_ = State::kEnd;
        cut_short_ = waiter_.stop().requested();
        return lines_.last(out) ? ReadStatus::kBlock : ReadStatus::kEnd;
      }
      base::Result<Wake> wake = wait(deadline);
      if (!wake) return base::fail(wake.error());
      if (*wake == Wake::kDeadline) return ReadStatus::kIdle;
      if (*wake == Wake::kStop) {
        // A line that had only begun to come is no record.
        state_ = State::kEnd;
        cut_short_ = true;
        return ReadStatus::kEnd;
      }
      const base::Result<void> filled = fill();
      if (!filled) return base::fail(filled.error());
    }
  }

  bool cut_short() const override { return cut_short_; }
  uint64_t bytes_read() const override { return bytes_read_; }

 private:
  enum class State { kReading, kLastLine, kEnd };

  // kStop: the input is to end now.
  base::Result<Wake> wait(base::Instant deadline) {
    const base::Clock& clock = waiter_.clock();
    if (!read_on_until_) {
      base::Result<Wake> wake = waiter_.wait_readable(fd_, deadline);
      if (!wake || *wake != Wake::kStop || on_stop_ == OnStop::kEndAtOnce) return wake;
      read_on_until_ = clock.now() + kReadOnMax;
      silent_until_ = silence_end();
    }
    const base::Instant until = std::min(*read_on_until_, silent_until_);
    if (clock.now() >= *read_on_until_) return Wake::kStop;
    base::Result<Wake> wake = waiter_.wait_readable_despite_stop(fd_, std::min(until, deadline));
    if (!wake) return wake;
    if (*wake == Wake::kReady) silent_until_ = silence_end();
    return *wake == Wake::kDeadline && until <= deadline ? Wake::kStop : *wake;
  }

  base::Instant silence_end() const {
    return on_stop_ == OnStop::kReadToItsEnd ? kForever : waiter_.clock().now() + kSilence;
  }

  base::Result<void> fill() {
    const auto n = read_available(fd_, lines_.space(), LineSplitter::kReadBytes,
                                  lines_.source() == "-" ? "stdin" : lines_.source());
    if (!n) return base::fail(n.error());
    if (!n->has_value()) return {};
    if (**n == 0) state_ = State::kLastLine;
    lines_.add(**n);
    bytes_read_ += **n;
    return {};
  }

  const int fd_;
  const base::UniqueFd owner_;
  const OnStop on_stop_;
  const Waiter& waiter_;
  LineSplitter lines_;
  State state_ = State::kReading;
  bool cut_short_ = false;
  uint64_t bytes_read_ = 0;
  std::optional<base::Instant> read_on_until_;  // set once a stop signal has come
  base::Instant silent_until_{};
};

}  // namespace

std::unique_ptr<Source> stream_source(int fd, base::UniqueFd owner, std::string name,
                                      OnStop on_stop, const Waiter& waiter) {
  return std::make_unique<StreamSource>(fd, std::move(owner), std::move(name), on_stop, waiter);
}

}  // namespace paystats::io
