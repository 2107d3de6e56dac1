#include "stream/publish.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "base/mutex.h"
#include "base/threads.h"
#include "io/stream_sink.h"
#include "record/encoder.h"
#include "totals/rank.h"

namespace paystats::stream {
namespace {

constexpr size_t kWriteBytes = size_t{64} << 10U;
constexpr size_t kPartUsers = size_t{8} << 10U;  // ranked, encoded and written in one go
// In a large table each user is a miss of the cache, or two: they are asked for ahead of use.
constexpr size_t kEntriesAhead = 32;
constexpr size_t kNamesAhead = 16;

// Lines that are made to be written at once, in memory that is used again.
class LineBuffer {
 public:
  void append(const record::Stats& stats) {
    const size_t most = record::stats_bytes_max(stats);
    if (capacity_ - size_ < most) grow(most);
    size_ = static_cast<size_t>(record::write_stats(stats, bytes_.get() + size_) - bytes_.get());
  }
  void clear() { size_ = 0; }
  std::string_view lines() const { return {bytes_.get(), size_}; }

 private:
  void grow(size_t more) {
    capacity_ = std::max(2 * capacity_, size_ + more);
    auto grown = std::make_unique_for_overwrite<char[]>(capacity_);
    std::copy_n(bytes_.get(), size_, grown.get());
    bytes_ = std::move(grown);
  }

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

base::Result<void> write_changes(const totals::Totals& totals, io::Sink& sink) {
  const std::span<const uint32_t> users = totals.changed();
  LineBuffer buffer;
  for (size_t i = 0; i < users.size(); ++i) {
    if (i + kEntriesAhead < users.size()) totals.prefetch_entry(users[i + kEntriesAhead]);
    if (i + kNamesAhead < users.size()) totals.prefetch_name(users[i + kNamesAhead]);
    buffer.append(totals.stats(users[i]));
    if (buffer.lines().size() < kWriteBytes) continue;
    if (base::Result<void> written = sink.write(buffer.lines()); !written) return written;
    buffer.clear();
  }
  return buffer.lines().empty() ? base::Result<void>() : sink.write(buffer.lines());
}

// All users in their order. Each thread takes the next part, makes its lines, and writes them when
// those before are written.
class RankedList {
 public:
  RankedList(const totals::Totals& totals, io::Sink& sink, unsigned threads)
      : totals_(totals),
        sink_(sink),
        threads_(totals.users() <= kPartUsers ? 1 : threads),
        ranking_(totals, threads_) {}

  base::Result<void> write() {
    base::on_threads(threads_, [this](unsigned) { work(); });
    const base::MutexLock lock(mutex_);
    return std::move(written_);
  }

 private:
  void work() {
    LineBuffer buffer;
    for (;;) {
      const size_t part = next_.fetch_add(1);
      if (part * kPartUsers >= ranking_.size()) return;
      buffer.clear();
      make(part, buffer);
      if (!put(part, buffer.lines())) return;
    }
  }

  void make(size_t part, LineBuffer& buffer) {
    const size_t begin = ranking_.part_begin(part * kPartUsers);
    const size_t end = ranking_.part_begin((part + 1) * kPartUsers);
    if (begin >= end) return;  // all of it belongs to the part before
    ranking_.finish(begin, end);
    for (size_t i = begin; i < end; ++i) {
      if (i + kEntriesAhead < end) totals_.prefetch_entry(ranking_.user(i + kEntriesAhead));
      if (i + kNamesAhead < end) totals_.prefetch_name(ranking_.user(i + kNamesAhead));
      const record::Stats stats = totals_.stats(ranking_.user(i));
      // Nothing is left of this user: see MergedTotals::remove().
      if (stats.count > 0) buffer.append(stats);
    }
  }

  bool put(size_t part, std::string_view lines) {
    base::MutexLock lock(mutex_);
    while (turn_ != part && written_) turn_changed_.wait(lock);
    if (!written_) return false;
    if (!lines.empty()) written_ = sink_.write(lines);
    ++turn_;
    turn_changed_.notify_all();
    return written_.has_value();
  }

  const totals::Totals& totals_;
  base::Mutex mutex_;
  io::Sink& sink_ PAYSTATS_GUARDED_BY(mutex_);
  const unsigned threads_;
  totals::Ranking ranking_;
  std::atomic<size_t> next_{0};
  base::CondVar turn_changed_;
  size_t turn_ PAYSTATS_GUARDED_BY(mutex_) = 0;
  base::Result<void> written_ PAYSTATS_GUARDED_BY(mutex_);
};

// All three modes into a sink that stays open.
class StreamPublisher final : public Publisher {
 public:
  StreamPublisher(std::unique_ptr<io::Sink> sink, OutputMode mode, unsigned threads)
      : sink_(std::move(sink)), mode_(mode), threads_(threads) {}

  base::Result<void> publish(totals::Totals& totals) override {
    if (mode_ == OutputMode::kUpdate) {
      if (base::Result<void> written = write_changes(totals, *sink_); !written) return written;
      totals.clear_changed();
      return {};
    }
    if (mode_ == OutputMode::kFinal) totals.drop_slots();  // no user is looked up any more
    return RankedList(totals, *sink_, threads_).write();
  }
  base::Result<void> mark_ready() override { return sink_->write("\n"); }
  base::Result<void> flush() override { return sink_->flush(); }
  base::Result<void> close() override { return sink_->close(); }
  int reader_fd() const override { return sink_->reader_fd(); }

 private:
  const std::unique_ptr<io::Sink> sink_;
  const OutputMode mode_;
  const unsigned threads_;
};

// kComplete into a file: a new file takes the place of the old one each time.
class SnapshotPublisher final : public Publisher {
 public:
  SnapshotPublisher(io::Endpoint endpoint, std::unique_ptr<io::Sink> first, unsigned threads)
      : endpoint_(std::move(endpoint)), threads_(threads), next_(std::move(first)) {}

  base::Result<void> publish(totals::Totals& totals) override {
    if (!next_) {
      base::Result<std::unique_ptr<io::Sink>> sink =
          io::open_sink(endpoint_, io::FileMode::kReplace);
      if (!sink) return base::fail(sink.error());
      next_ = std::move(*sink);
    }
    base::Result<void> written = RankedList(totals, *next_, threads_).write();
    if (!written) return written;
    const std::unique_ptr<io::Sink> done = std::move(next_);
    return done->close();
  }
  base::Result<void> mark_ready() override { return {}; }
  base::Result<void> flush() override { return {}; }
  base::Result<void> close() override { return {}; }
  int reader_fd() const override { return -1; }

 private:
  const io::Endpoint endpoint_;
  const unsigned threads_;
  std::unique_ptr<io::Sink>
      next_;  // opened at the start, so that a bad path is known before any work
};

}  // namespace

base::Result<std::unique_ptr<Publisher>> open_publisher(const io::Endpoint& endpoint,
                                                        OutputMode mode, unsigned threads) {
  const io::FileMode file_mode =
      mode == OutputMode::kUpdate ? io::FileMode::kAppend : io::FileMode::kReplace;
  base::Result<std::unique_ptr<io::Sink>> sink = io::open_sink(endpoint, file_mode);
  if (!sink) return base::fail(sink.error());
  if (mode == OutputMode::kComplete && endpoint.kind == io::Endpoint::Kind::kFile) {
    const base::Result<bool> special = io::is_special_file(endpoint.name);
    if (!special) return base::fail(special.error());
    if (!*special) return std::make_unique<SnapshotPublisher>(endpoint, std::move(*sink), threads);
  }
  return publish_to(std::move(*sink), mode, threads);
}

std::unique_ptr<Publisher> publish_to(std::unique_ptr<io::Sink> sink, OutputMode mode,
                                      unsigned threads) {
  return std::make_unique<StreamPublisher>(std::move(sink), mode, threads);
}

}  // namespace paystats::stream
