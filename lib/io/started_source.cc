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
    if (state_ == State::kLooking) {
      base::Result<ReadStatus> status = look(out, deadline);
      if (!status || state_ != State::kYielding) return status;
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

  // Reads until it is known what the input is, and then yields what was held back.
  base::Result<ReadStatus> look(Block& out, base::Instant deadline) {
    for (;;) {
      // Of a log that is followed what was there at the start decides: it has no end, and is not
      // refused for what comes later.
      const bool is_all = followed_ && source_->caught_up();
      if (is_all && !held_.empty()) return yield_held();
      base::Result<ReadStatus> status = source_->read(out, deadline);
      if (!status) return status;
      if (*status == ReadStatus::kIdle) return status;
      if (*status == ReadStatus::kEnd) return held_.empty() ? status : yield_held();
      if (base::Result<void> begun = start_.take(out, is_all); !begun) {
        return base::fail(begun.error());
      }
      if (start_.known() && held_.empty()) {
        state_ = State::kStarted;
        return status;
      }
      if (!start_.known() && !start_.undecided()) {
        return status;  // empty lines, of which the first may be one that says ready
      }
      hold(out);
      if (start_.known()) return yield_held();
    }
  }

  // kBlock stands for those that are held.
  base::Result<ReadStatus> yield_held() {
    if (base::Result<void> ended = start_.end(); !ended) return base::fail(ended.error());
    state_ = State::kYielding;
    return ReadStatus::kBlock;
  }

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
