#include "cache/stats_feed.h"

#include <string_view>
#include <thread>
#include <utility>

#include "io/wait.h"

namespace paystats::cache {
namespace {

bool has_empty_line(std::string_view lines) {
  return lines.starts_with('\n') || lines.find("\n\n") != lines.npos;
}

// Gives up the processor between two batches: to the other thread, or to a client that has been
// woken by an answer. Left to itself the system lets a busy thread go on until the next tick of its
// clock, four milliseconds on many: so the slowest percent of questions waits half as long.
void yield() {
  std::this_thread::yield();
}

}  // namespace

StatsFeed::StatsFeed(loop::EventLoop& loop, StatsInput input, io::RejectLog& rejects,
                     const base::Clock& clock, base::Progress& progress, Handlers handlers)
    : loop_(loop),
      input_(input),
      rejects_(rejects),
      clock_(clock),
      progress_(progress),
      handlers_(std::move(handlers)),
      work_(loop.work()) {}

StatsFeed::~StatsFeed() {
  {
    const base::MutexLock lock(mutex_);
    closed_ = true;
  }
  room_.notify_all();
  if (reader_.joinable()) reader_.join();
}

base::Result<void> StatsFeed::start() {
  base::Result<base::Thread> reader = base::start_thread([this] { read_all(); });
  if (!reader) return base::fail(reader.error());
  reader_ = std::move(*reader);
  return {};
}

// ---- The reader's thread

void StatsFeed::read_all() {
  signal_end(input_.lines() != nullptr ? read_lines(*input_.lines())
                                       : read_messages(*input_.messages()));
}

base::Result<void> StatsFeed::read_lines(io::Source& source) {
  io::BlockDecoder<record::Stats> decoder(record::FieldNames{}, rejects_);
  const bool by_line = input_.pause() == Pause::kEmptyLine;
  bool paused = false;
  for (io::Block block;;) {
    base::Result<io::ReadStatus> status = source.read(block, clock_.now());
    if (status && *status == io::ReadStatus::kIdle) {
      // About to wait: a reader that follows the rejects is to see them.
      if (base::Result<void> flushed = rejects_.flush(); !flushed) return flushed;
      const base::Duration pause = decoder.records() == 0 ? kFirstPause : kPause;
      status = source.read(block, paused || by_line ? io::kForever : clock_.now() + pause);
    }
    if (!status) return base::fail(status.error());
    if (*status == io::ReadStatus::kEnd) return {};
    const bool is_idle = *status == io::ReadStatus::kIdle;
    if (!is_idle) {
      if (base::Result<void> taken = take_block(decoder, block); !taken) return taken;
    }
    if (!paused && (by_line ? !is_idle && has_empty_line(block.bytes) : is_idle)) {
      paused = true;
      signal_pause();
    }
    if (is_idle) continue;
    progress_.update(decoder.records(), source.bytes_read(), source.bytes_all());
  }
}

base::Result<void> StatsFeed::take_block(io::BlockDecoder<record::Stats>& decoder,
                                         const io::Block& block) {
  base::Result<void> done =
      decoder.decode(block, [&](const io::DecodedChunk<record::Stats>& chunk) {
        records_ += chunk.lines.records;
        if (chunk.lines.rows.empty()) return base::Result<void>();
        BatchPtr batch = blank_batch();
        batch->assign(chunk);
        return push(std::move(batch));
      });
  if (block.long_line_bytes != 0) ++records_;
  return done;
}

base::Result<void> StatsFeed::read_messages(io::MessageSource& source) {
  io::MessageDecoder<record::Stats> decoder(record::FieldNames{}, rejects_);
  bool caught_up = false;
  for (io::MessageBlock block;;) {
    if (!caught_up && source.caught_up()) {
      caught_up = true;
      signal_pause();
    }
    base::Result<io::ReadStatus> status = source.read(block, clock_.now());
    if (status && *status == io::ReadStatus::kIdle) {
      if (base::Result<void> flushed = rejects_.flush(); !flushed) return flushed;
      if (!caught_up && source.caught_up()) continue;  // the look was told so, and the next is not
      status = source.read(block, io::kForever);
    }
    if (!status) return base::fail(status.error());
    if (*status == io::ReadStatus::kEnd) return {};
    if (*status == io::ReadStatus::kIdle) continue;
    if (block.begins_anew) {
      caught_up = false;
      BatchPtr beginning = blank_batch();
      beginning->assign_beginning();
      if (base::Result<void> pushed = push(std::move(beginning)); !pushed) return pushed;
      continue;
    }
    if (base::Result<void> taken = take_messages(decoder, block); !taken) return taken;
    progress_.update(decoder.records(), caught_up ? 0 : source.messages_read(),
                     caught_up ? 0 : source.messages_at_start());
  }
}

base::Result<void> StatsFeed::take_messages(io::MessageDecoder<record::Stats>& decoder,
                                            const io::MessageBlock& block) {
  return decoder.decode(
      block,
      [&](const io::DecodedRun<record::Stats>& run) {
        records_ += run.lines.records;
        if (run.lines.rows.empty()) return base::Result<void>();
        BatchPtr batch = blank_batch();
        batch->assign(run);
        return push(std::move(batch));
      },
      [&](std::span<const io::Message> nulls) {
        records_ += nulls.size();
        BatchPtr batch = blank_batch();
        batch->assign(nulls, block.source);
        return push(std::move(batch));
      });
}

StatsFeed::BatchPtr StatsFeed::blank_batch() {
  const base::MutexLock lock(mutex_);
  if (blank_.empty()) return std::make_unique<StatsBatch>();
  BatchPtr batch = std::move(blank_.back());
  blank_.pop_back();
  return batch;
}

base::Result<void> StatsFeed::push(BatchPtr batch) {
  {
    base::MutexLock lock(mutex_);
    while (full_.size() >= kBatchesMax && !closed_) room_.wait(lock);
    if (closed_)
      return base::fail("nobody takes the input any more", base::ErrorKind::kInterrupted);
    full_.push_back(std::move(batch));
    schedule_locked();
  }
  yield();
  return {};
}

void StatsFeed::signal_pause() {
  const base::MutexLock lock(mutex_);
  before_pause_ = full_.size();
  schedule_locked();
}

void StatsFeed::signal_end(base::Result<void> outcome) {
  const base::MutexLock lock(mutex_);
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
  std::optional<base::Result<void>> end;
  {
    const base::MutexLock lock(mutex_);
    // Not when the queue is empty: with a reader that is always ahead it never is.
    if (before_pause_ == size_t{0}) {
      pause = true;
      before_pause_.reset();
    } else if (!full_.empty()) {
      batch = std::move(full_.front());
      full_.pop_front();
      if (before_pause_) --*before_pause_;
    } else {
      end = end_;
    }
    scheduled_ = false;
    if (!full_.empty() || before_pause_ || (end_ && !end)) schedule_locked();
  }
  if (batch) {
    room_.notify_one();
    yield();  // to clients that have been answered since the last batch
    if (base::Result<void> taken = handlers_.on_batch(*batch); !taken) return finish(taken);
    const base::MutexLock lock(mutex_);
    blank_.push_back(std::move(batch));
  } else if (end) {
    finish(*end);
  } else if (pause) {
    handlers_.on_pause();
  }
}

void StatsFeed::finish(const base::Result<void>& outcome) {
  finished_ = true;
  {
    const base::MutexLock lock(mutex_);
    closed_ = true;
    full_.clear();
  }
  room_.notify_all();
  work_.release();
  handlers_.on_end(outcome);
}

}  // namespace paystats::cache
