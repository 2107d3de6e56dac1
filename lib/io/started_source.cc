#include "io/started_source.h"

#include <string>
#include <utility>
#include <vector>

#include "io/input_start.h"

namespace paystats::io {
namespace {

class StartedSource final : public Source {
 public:
  StartedSource(std::unique_ptr<Source> source, bool followed, base::Diagnostics& diagnostics)
      : source_(std::move(source)), followed_(followed), start_(followed, diagnostics) {}

  base::Result<ReadStatus> read(Block& out, base::Instant deadline) override {
    if (state_ == State::kStarted) return source_->read(out, deadline);
    caught_up_ = caught_up();
    while (state_ == State::kLooking) {
      // Of a file that is followed what is there decides: it has no end.
      const bool waits = !followed_ || held_.empty();
      base::Result<ReadStatus> status = source_->read(out, waits ? deadline : base::Instant::min());
      if (!status) return status;
      if (*status == ReadStatus::kBlock) {
        if (base::Result<void> begun = start_.take(out); !begun) return base::fail(begun.error());
        if (start_.known()) {
          state_ = held_.empty() ? State::kStarted : State::kYielding;
          if (held_.empty()) return status;
        } else if (!start_.undecided()) {
          return status;  // empty lines, of which the first may be one that says ready
        }
        hold(out);
      } else if (held_.empty() || (*status == ReadStatus::kIdle && waits)) {
        return status;
      } else {
        state_ = State::kYielding;
      }
    }
    if (yielded_ < held_.size()) {
      const Held& held = held_[yielded_++];
      out = {.bytes = held.bytes,
             .source = held.source,
             .begins_input = held.begins_input,
             .long_line_bytes = held.long_line_bytes};
      return ReadStatus::kBlock;
    }
    held_.clear();
    yielded_ = 0;
    state_ = State::kStarted;
    return source_->read(out, deadline);
  }

  bool cut_short() const override { return source_->cut_short(); }
  base::Result<void> ending() const override { return source_->ending(); }
  bool caught_up() const override {
    return caught_up_ || (yielded_ == held_.size() && source_->caught_up());
  }
  uint64_t bytes_read() const override { return source_->bytes_read(); }
  uint64_t bytes_all() const override { return source_->bytes_all(); }

 private:
  enum class State { kLooking, kYielding, kStarted };

  struct Held {
    std::string bytes;
    std::string source;
    bool begins_input = false;
    uint64_t long_line_bytes = 0;
  };

  void hold(const Block& block) {
    held_.push_back({std::string(block.bytes), std::string(block.source), block.begins_input,
                     block.long_line_bytes});
  }

  const std::unique_ptr<Source> source_;
  const bool followed_;
  InputStart start_;
  State state_ = State::kLooking;
  bool caught_up_ = false;  // at the last read() so far: once is for ever
  std::vector<Held> held_;
  size_t yielded_ = 0;  // of those held; they live until the read after the last one
};

}  // namespace

std::unique_ptr<Source> started_source(std::unique_ptr<Source> source, bool followed,
                                       base::Diagnostics& diagnostics) {
  return std::make_unique<StartedSource>(std::move(source), followed, diagnostics);
}

}  // namespace paystats::io
