#include "net/stats_feed.h"

#include <exception>
#include <functional>
#include <utility>

#include "io/wait.h"

namespace paystats {
namespace {

bool visits(std::string_view part, std::string_view whole) {
  const std::less_equal<const char*> not_after;
  return not_after(whole.data(), part.data()) &&
         not_after(part.data() + part.size(), whole.data() + whole.size());
}

}  // namespace

void StatsBatch::assign(const DecodedChunk<Stats>& chunk) {
  bytes = chunk.bytes;
  source = chunk.source;
  first_line = chunk.first_line;
  size_t decoded_bytes = 0;
  for (const auto& row : chunk.lines.rows) {
    if (!visits(row.record.user, chunk.bytes)) decoded_bytes += row.record.user.size();
  }
  decoded.clear();
  decoded.reserve(decoded_bytes);  // it must not move below
  rows.clear();
  for (const auto& row : chunk.lines.rows) {
    Stats record = row.record;
    const std::string_view user = record.user;
    if (visits(user, chunk.bytes)) {
      const auto at = static_cast<size_t>(user.data() - chunk.bytes.data());
      record.user = std::string_view(bytes).substr(at, user.size());
    } else {
      const size_t at = decoded.size();
      decoded += user;
      record.user = std::string_view(decoded).substr(at, user.size());
    }
    rows.push_back({record, row.line});
  }
}

Reject StatsBatch::reject(const Row& row, std::string_view error) const {
  const std::string_view text = nth_line(bytes, row.line);
  return {.source = source,
          .line = first_line + row.line,
          .at = {},
          .error = error,
          .record = text,
          .record_bytes = text.size()};
}

StatsFeed::StatsFeed(EventLoop& loop, Source& source, RejectLog& rejects, const Clock& clock,
                     Progress& progress, Handlers handlers)
    : loop_(loop),
      source_(source),
      rejects_(rejects),
      clock_(clock),
      progress_(progress),
      handlers_(std::move(handlers)),
      work_(loop.work()) {}

StatsFeed::~StatsFeed() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  room_.notify_all();
  if (reader_.joinable()) reader_.join();
}

void StatsFeed::start() {
  reader_ = std::thread([this] { read_all(); });
}

// ---- The reader's thread

void StatsFeed::read_all() {
  try {
    signal_end(read_blocks());
  } catch (const std::exception& e) {
    signal_end(fail(std::string("input: ") + e.what()));
  }
}

Result<void> StatsFeed::read_blocks() {
  BlockDecoder<Stats> decoder(FieldNames{}, rejects_);
  bool paused = false;
  for (Block block;;) {
    Result<ReadStatus> status = source_.read(block, clock_.now());
    if (status && *status == ReadStatus::kIdle) {
      // About to wait: whoever follows the rejects is to see them.
      if (Result<void> flushed = rejects_.flush(); !flushed) return flushed;
      const Duration pause = decoder.records() == 0 ? kFirstPause : kPause;
      status = source_.read(block, paused ? kForever : clock_.now() + pause);
    }
    if (!status) return fail(status.error());
    if (*status == ReadStatus::kEnd) return {};
    if (*status == ReadStatus::kIdle) {
      paused = true;
      signal_pause();
      continue;
    }
    if (Result<void> taken = take_block(decoder, block); !taken) return taken;
    progress_.update(decoder.records(), source_.bytes_read(), source_.bytes_all());
  }
}

Result<void> StatsFeed::take_block(BlockDecoder<Stats>& decoder, const Block& block) {
  Result<void> done = decoder.decode(block, [&](const DecodedChunk<Stats>& chunk) {
    records_ += chunk.lines.records;
    if (chunk.lines.rows.empty()) return Result<void>();
    BatchPtr batch = blank_batch();
    batch->assign(chunk);
    return push(std::move(batch));
  });
  if (block.long_line_bytes != 0) ++records_;
  return done;
}

StatsFeed::BatchPtr StatsFeed::blank_batch() {
  const std::lock_guard lock(mutex_);
  if (blank_.empty()) return std::make_unique<StatsBatch>();
  BatchPtr batch = std::move(blank_.back());
  blank_.pop_back();
  return batch;
}

Result<void> StatsFeed::push(BatchPtr batch) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return full_.size() < kBatchesMax || closed_; });
  if (closed_) return fail("nobody takes the input any more", ErrorKind::kInterrupted);
  full_.push_back(std::move(batch));
  schedule_locked();
  return {};
}

void StatsFeed::signal_pause() {
  const std::lock_guard lock(mutex_);
  pause_ = true;
  schedule_locked();
}

void StatsFeed::signal_end(Result<void> outcome) {
  const std::lock_guard lock(mutex_);
  end_ = std::move(outcome);
  schedule_locked();
}

void StatsFeed::schedule_locked() {
  if (scheduled_ || closed_) return;
  scheduled_ = true;
  loop_.post([this] { take_one(); });
}

// ---- The loop's thread

void StatsFeed::take_one() {
  if (finished_) return;
  BatchPtr batch;
  bool pause = false;
  std::optional<Result<void>> end;
  {
    const std::lock_guard lock(mutex_);
    if (!full_.empty()) {
      batch = std::move(full_.front());
      full_.pop_front();
    } else {
      pause = std::exchange(pause_, false);
      end = end_;
    }
    scheduled_ = false;
    if (!full_.empty() || pause_ || (end_ && !end)) schedule_locked();
  }
  if (batch) {
    room_.notify_one();
    if (Result<void> taken = handlers_.on_batch(*batch); !taken) return finish(taken);
    const std::lock_guard lock(mutex_);
    blank_.push_back(std::move(batch));
  } else if (end) {
    finish(*end);
  } else if (pause) {
    handlers_.on_pause();
  }
}

void StatsFeed::finish(const Result<void>& outcome) {
  finished_ = true;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    full_.clear();
  }
  room_.notify_all();
  work_.release();
  handlers_.on_end(outcome);
}

}  // namespace paystats
