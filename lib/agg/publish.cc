#include "agg/publish.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agg/rank.h"
#include "io/stream_sink.h"
#include "record/encoder.h"

namespace paystats {
namespace {

constexpr size_t kWriteBytes = size_t{64} << 10U;
// In a large table each user is a miss of the cache, or two: they are asked for ahead of use.
constexpr size_t kEntriesAhead = 32;
constexpr size_t kNamesAhead = 16;

// Without `all`, a user of whom nothing is left (see MergedTotals::remove()) is left out.
Result<void> write_users(const Totals& totals, std::span<const uint32_t> users, Sink& sink,
                         bool all) {
  std::string lines;
  for (size_t i = 0; i < users.size(); ++i) {
    if (i + kEntriesAhead < users.size()) totals.prefetch_entry(users[i + kEntriesAhead]);
    if (i + kNamesAhead < users.size()) totals.prefetch_name(users[i + kNamesAhead]);
    const Stats stats = totals.stats(users[i]);
    if (stats.count == 0 && !all) continue;
    append_stats(lines, stats);
    if (lines.size() < kWriteBytes) continue;
    if (Result<void> written = sink.write(lines); !written) return written;
    lines.clear();
  }
  return lines.empty() ? Result<void>() : sink.write(lines);
}

// All three modes into a sink that stays open.
class StreamPublisher final : public Publisher {
 public:
  StreamPublisher(std::unique_ptr<Sink> sink, OutputMode mode)
      : sink_(std::move(sink)), mode_(mode) {}

  Result<void> publish(Totals& totals) override {
    if (mode_ != OutputMode::kUpdate) return write_users(totals, ranked(totals), *sink_, false);
    if (Result<void> written = write_users(totals, totals.changed(), *sink_, true); !written) {
      return written;
    }
    totals.clear_changed();
    return {};
  }
  Result<void> flush() override { return sink_->flush(); }
  Result<void> close() override { return sink_->close(); }
  int reader_fd() const override { return sink_->reader_fd(); }

 private:
  const std::unique_ptr<Sink> sink_;
  const OutputMode mode_;
};

// kComplete into a file: a new file takes the place of the old one each time.
class SnapshotPublisher final : public Publisher {
 public:
  SnapshotPublisher(Endpoint endpoint, std::unique_ptr<Sink> first)
      : endpoint_(std::move(endpoint)), next_(std::move(first)) {}

  Result<void> publish(Totals& totals) override {
    if (!next_) {
      Result<std::unique_ptr<Sink>> sink = open_sink(endpoint_, FileMode::kReplace);
      if (!sink) return fail(sink.error());
      next_ = std::move(*sink);
    }
    Result<void> written = write_users(totals, ranked(totals), *next_, false);
    if (!written) return written;
    const std::unique_ptr<Sink> done = std::move(next_);
    return done->close();
  }
  Result<void> flush() override { return {}; }
  Result<void> close() override { return {}; }
  int reader_fd() const override { return -1; }

 private:
  const Endpoint endpoint_;
  std::unique_ptr<Sink> next_;  // opened at the start, so that a bad path is known before any work
};

}  // namespace

Result<std::unique_ptr<Publisher>> open_publisher(const Endpoint& endpoint, OutputMode mode) {
  const FileMode file_mode = mode == OutputMode::kUpdate ? FileMode::kAppend : FileMode::kReplace;
  Result<std::unique_ptr<Sink>> sink = open_sink(endpoint, file_mode);
  if (!sink) return fail(sink.error());
  if (mode == OutputMode::kComplete && endpoint.kind == Endpoint::Kind::kFile) {
    const Result<bool> special = is_special_file(endpoint.name);
    if (!special) return fail(special.error());
    if (!*special) return std::make_unique<SnapshotPublisher>(endpoint, std::move(*sink));
  }
  return publish_to(std::move(*sink), mode);
}

std::unique_ptr<Publisher> publish_to(std::unique_ptr<Sink> sink, OutputMode mode) {
  return std::make_unique<StreamPublisher>(std::move(sink), mode);
}

}  // namespace paystats
