#include "stream/parallel.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/threads.h"
#include "io/input_start.h"
#include "io/record_notices.h"
#include "record/foreign.h"
#include "stream/block_queue.h"
#include "stream/segments.h"
#include "totals/join.h"

namespace paystats::stream {
namespace {

// Of bad lines that one thread holds back until its turn.
constexpr size_t kHeldLinesMax = 4096;
constexpr size_t kHeldBytesMax = 1 << 20;
constexpr base::Duration kLookInterval = std::chrono::milliseconds(100);

// Blocks of a pipe that are on their way, for each thread: one that is decoded and two to be had.
constexpr size_t kBlocksAThread = 3;

// What the threads share. Thread-safe.
struct Shared {
  explicit Shared(const ParallelContext& context)
      : rejects(context.rejects), diagnostics(context.diagnostics) {}

  SegmentQueue* segments = nullptr;  // of the two, the one that there is
  BlockQueue* blocks = nullptr;
  SegmentOrder order;
  io::RejectLog& rejects;
  base::Diagnostics& diagnostics;
  std::atomic<uint64_t> records{0};
  std::atomic<uint64_t> bytes{0};

  base::Mutex mutex;
  base::CondVar ended;
  unsigned running PAYSTATS_GUARDED_BY(mutex) = 0;
  std::optional<base::Error> error PAYSTATS_GUARDED_BY(mutex);  // the first one
  // Set before such an error that says nothing by itself: see ParallelOutcome.
  std::atomic<bool> order_matters{false};

  // Ends all threads as soon as they look.
  void give_up(base::Error why) {
    {
      const base::MutexLock lock(mutex);
      if (!error) error = std::move(why);
    }
    if (segments != nullptr) segments->close();
    if (blocks != nullptr) blocks->close();
    order.close();
  }
  bool failed() {
    const base::MutexLock lock(mutex);
    return error.has_value();
  }
};

// One thread's work: its table, its decoder, and the bad lines that wait for their turn.
class Worker {
 public:
  Worker(const record::FieldNames& fields, Shared& shared, totals::Totals& totals)
      : fields_(fields), shared_(shared), totals_(totals), decoder_(fields) {}

  void run() {
    const base::Result<void> done = shared_.segments != nullptr ? sum_segments() : sum_blocks();
    if (!done) shared_.give_up(done.error());
    const base::MutexLock lock(shared_.mutex);
    --shared_.running;
    shared_.ended.notify_all();
  }

 private:
  struct HeldLine {
    std::string text;  // the beginning
    uint64_t bytes = 0;
    uint64_t line = 0;  // from 1, in the segment
    record::Flaw flaw = record::Flaw::kNone;
    std::optional<record::GroupElement> element;
  };

  using BadLine = record::DecodedLines<record::Payment>::RejectedLine;

  base::Result<void> sum_segments() {
    for (;;) {
      base::Result<std::optional<Segment>> segment = shared_.segments->claim();
      if (!segment) return base::fail(segment.error());
      if (!*segment) return {};
      if (base::Result<void> done = sum_up(**segment); !done) return done;
    }
  }

  // A block is a segment like another.
  base::Result<void> sum_blocks() {
    for (std::optional<BlockItem> item; (item = shared_.blocks->take()).has_value();) {
      const auto file = std::make_shared<SegmentFile>();
      file->source = *item->source;
      const Segment segment{.file = file,
                            .number = item->number,
                            .begin = 0,
                            .end = item->bytes.size(),
                            .begins_file = item->begins_input};
      begin(segment);
      if (base::Result<void> taken = take(item->block()); !taken) return taken;
      if (base::Result<void> done = end(); !done) return done;
      if (shared_.blocks->give_back(std::move(*item))) {
        if (base::Result<void> safe = shared_.rejects.flush(); !safe) return safe;
      }
    }
    return {};
  }

  void begin(const Segment& segment) {
    segment_ = &segment;
    before_.reset();
    lines_ = 0;
    bound_ = {};
  }

  base::Result<void> end() {
    if (!held_.empty()) {
      if (base::Result<void> told = tell_held(); !told) return told;
    }
    bound_.add(totals_.take_bound());
    if (!shared_.order.post(*segment_, {lines_, bound_})) return leave_to_one_thread();
    shared_.bytes += segment_->end - segment_->begin;
    shared_.records += std::exchange(records_, 0);
    return {};
  }

  base::Result<void> sum_up(const Segment& segment) {
    begin(segment);
    reader_.begin(segment);
    for (;;) {
      io::Block block;
      const base::Result<bool> more = reader_.next(block);
      if (!more) return base::fail(more.error());
      if (!*more) break;
      if (block.begins_input && segment.begins_file) {
        base::Result<void> begun = begin_file(segment, block);
        if (!begun) return begun;
      }
      if (base::Result<void> taken = take(block); !taken) return taken;
    }
    return end();
  }

  // What the file is may show only behind its first block, or its first segment.
  base::Result<void> begin_file(const Segment& segment, io::Block& block) const {
    const size_t bytes_before = block.bytes.size();
    io::InputStart start(false, shared_.diagnostics);
    base::Result<void> begun = start.take(block);
    if (!begun || start.known()) return begun;
    Segment rest = segment;
    rest.end = rest.file->extent.end;
    SegmentReader ahead;
    ahead.begin(rest);
    for (io::Block more; begun && !start.known();) {
      const base::Result<bool> read = ahead.next(more);
      if (!read) return base::fail(read.error());
      if (!*read) return start.end();
      // The first one again, or more: what has been looked at is not looked at twice.
      if (std::exchange(more.begins_input, false)) more.bytes.remove_prefix(bytes_before);
      begun = start.take(more);
    }
    return begun;
  }

  base::Result<void> take(const io::Block& block) {
    if (block.long_line_bytes != 0) {
      ++records_;
      return put_aside({block.bytes, 0, record::Flaw::kLineTooLong}, ++lines_,
                       block.long_line_bytes);
    }
    std::string_view rest = block.bytes;
    while (!rest.empty()) {
      const std::string_view chunk = rest.substr(0, decoder_.decode(rest, decoded_));
      rest.remove_prefix(chunk.size());
      if (decoder_.take_foreign_volume()) {
        io::notice_foreign_volume(shared_.rejects, fields_, segment_->file->source);
      }
      rejected_.clear();
      if (base::Result<void> added = totals_.add(decoded_.rows, rejected_); !added) return added;
      if (!rejected_.empty()) return leave_to_one_thread();
      records_ += decoded_.records;
      for (BadLine& bad : decoded_.rejected) {
        bad.flaw = record::plain_flaw(bad.text, bad.flaw, true, bad.element);
        base::Result<void> done = put_aside(bad, lines_ + 1 + bad.line, bad.text.size());
        if (!done) return done;
      }
      lines_ += decoded_.lines;
    }
    return {};
  }

  // Once we have our turn, bad lines need not wait.
  base::Result<void> put_aside(const BadLine& bad, uint64_t line, uint64_t bytes) {
    const std::string_view text = bad.text.substr(0, record::kRejectRecordBytesMax);
    if (before_) {
      return tell({std::string(text), bytes, line, bad.flaw, bad.element});
    }
    held_bytes_ += text.size();
    held_.push_back({std::string(text), bytes, line, bad.flaw, bad.element});
    const bool many = held_.size() >= kHeldLinesMax || held_bytes_ >= kHeldBytesMax;
    return many ? tell_held() : base::Result<void>();
  }

  base::Result<void> tell_held() {
    before_ = shared_.order.wait_turn(*segment_);
    if (!before_) return base::fail("given up");  // another thread has said why
    for (const HeldLine& held : held_) {
      if (base::Result<void> told = tell(held); !told) return told;
    }
    held_.clear();
    held_bytes_ = 0;
    return {};
  }

  // A reject is told only where all payments so far fit in any order. So those that have been told
  // are the first ones that one thread would tell, whatever is found later.
  base::Result<void> tell(const HeldLine& bad) {
    bound_.add(totals_.take_bound());
    totals::PrefixBound so_far = before_->bound;
    so_far.add(bound_);
    if (!so_far.fits()) return leave_to_one_thread();
    // Before its reject: those accepted are the difference of the two, and never become fewer.
    shared_.records += std::exchange(records_, 0);
    const std::string error = record::describe(bad.flaw, fields_, bad.element);
    return shared_.rejects.add({.source = segment_->file->source,
                                .line = before_->lines + bad.line,
                                .at = {},
                                .error = error,
                                .record = bad.text,
                                .record_bytes = bad.bytes});
  }

  base::Result<void> leave_to_one_thread() {
    shared_.order_matters = true;
    return base::fail("given up");
  }

  const record::FieldNames fields_;
  Shared& shared_;
  totals::Totals& totals_;
  record::LineDecoder<record::Payment> decoder_;
  record::DecodedLines<record::Payment> decoded_;
  std::vector<totals::Totals::RejectedRow> rejected_;
  SegmentReader reader_;
  const Segment* segment_ = nullptr;
  uint64_t lines_ = 0;                    // of the segment, so far
  totals::PrefixBound bound_;             // likewise, but for what the table holds
  uint64_t records_ = 0;                  // not yet among those shared
  std::optional<SegmentFigures> before_;  // what comes before it, once we have our turn
  std::vector<HeldLine> held_;
  size_t held_bytes_ = 0;
};

Counters counters_of(const Shared& shared, uint64_t bytes, uint64_t users) {
  const uint64_t rejected = shared.rejects.count();
  return {.records_accepted = std::max(shared.records.load(), rejected) - rejected,
          .records_rejected = rejected,
          .bytes_read = bytes,
          .users = users,
          .triggers = 0,
          .caught_up = true};
}

// The threads, each with a table of its own: the first one's is that of the result.
class Workers {
 public:
  Workers(const ParallelOptions& options, Shared& shared, totals::Totals& totals)
      : shared_(shared), totals_(totals) {
    for (unsigned i = 0; i < options.jobs; ++i) {
      if (i > 0)
        others_.push_back(std::make_unique<totals::Totals>(options.hash_seed, options.totals));
      totals::Totals& table = i == 0 ? totals : *others_.back();
      workers_.push_back(std::make_unique<Worker>(options.fields, shared, table));
    }
    shared.running = options.jobs;
    start();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() {
    for (base::Thread& thread : threads_) thread.join();
  }

  // True once all of them have ended; false at the deadline.
  bool wait_for(base::Duration time) {
    base::MutexLock lock(shared_.mutex);
    const base::Instant deadline = std::chrono::steady_clock::now() + time;
    while (shared_.running > 0 && shared_.ended.wait_until(lock, deadline)) {
    }
    return shared_.running == 0;
  }

  // Waits for them and adds their tables up.
  base::Result<void> finish() {
    for (base::Thread& thread : threads_) thread.join();
    threads_.clear();
    {
      const base::MutexLock lock(shared_.mutex);
      if (shared_.error) return base::fail(*shared_.error);
    }
    const auto threads = static_cast<unsigned>(workers_.size());
    workers_.clear();
    return totals::join_tables(totals_, std::move(others_), threads);
  }

 private:
  // Goes on with fewer threads where there cannot be as many: the tables of the others stay empty.
  void start() {
    for (const auto& worker : workers_) {
      base::Result<base::Thread> thread = base::start_thread([&each = *worker] { each.run(); });
      if (thread) {
        threads_.push_back(std::move(*thread));
        continue;
      }
      if (threads_.empty()) shared_.give_up(thread.error());
      const base::MutexLock lock(shared_.mutex);
      shared_.running -= static_cast<unsigned>(workers_.size() - threads_.size());
      return;
    }
  }

  Shared& shared_;
  totals::Totals& totals_;
  std::vector<std::unique_ptr<totals::Totals>> others_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<base::Thread> threads_;
};

// What the thread that reads has to do beside: figures, and rejects that must not lie about.
class Reading {
 public:
  Reading(io::Source& source, BlockQueue& queue, Shared& shared, const ParallelContext& context)
      : source_(source), queue_(queue), shared_(shared), context_(context), looked_(now()) {}

  base::Result<void> run() {
    io::Block block;
    for (;;) {
      base::Result<io::ReadStatus> status = source_.read(block, now());
      // About to wait: what has been found out must leave, here or in the last thread at work.
      if (status && *status == io::ReadStatus::kIdle && queue_.reader_rests()) {
        if (base::Result<void> safe = context_.rejects.flush(); !safe) return safe;
      }
      while (status && *status == io::ReadStatus::kIdle) {
        if (shared_.failed()) return {};
        show();
        status = source_.read(block, now() + kLookInterval);
      }
      if (!status) return base::fail(status.error());
      if (*status == io::ReadStatus::kEnd || !queue_.put(block)) return {};
      if (now() - looked_ < kLookInterval) continue;
      show();
      if (base::Result<void> safe = context_.rejects.flush(); !safe) return safe;
    }
  }

 private:
  base::Instant now() const { return context_.waiter.clock().now(); }
  void show() {
    looked_ = now();
    context_.metrics.update(counters_of(shared_, source_.bytes_read(), 0));
    context_.progress.update(shared_.records, source_.bytes_read(), source_.bytes_all());
  }

  io::Source& source_;
  BlockQueue& queue_;
  Shared& shared_;
  const ParallelContext& context_;
  base::Instant looked_;
};

}  // namespace

base::Result<ParallelOutcome> aggregate_files(const std::vector<io::Endpoint>& inputs,
                                              const ParallelOptions& options,
                                              const ParallelContext& context,
                                              totals::Totals& totals) {
  SegmentQueue queue(inputs, options.segment_bytes, context.waiter, context.diagnostics);
  Shared shared(context);
  shared.segments = &queue;
  Workers workers(options, shared, totals);
  while (!workers.wait_for(kLookInterval)) {
    context.metrics.update(counters_of(shared, shared.bytes, 0));
    context.progress.update(shared.records, shared.bytes, options.bytes_all);
  }
  if (base::Result<void> done = workers.finish(); !done) {
    if (!shared.order_matters) return base::fail(done.error());
    queue.rewind_stdin();
    return ParallelOutcome{.counters = {}, .order_matters = true};
  }
  return ParallelOutcome{.counters = counters_of(shared, shared.bytes, totals.users()),
                         .cut_short = queue.cut_short()};
}

base::Result<ParallelOutcome> aggregate_blocks(io::Source& source, const ParallelOptions& options,
                                               const ParallelContext& context,
                                               totals::Totals& totals) {
  BlockQueue queue(options.jobs * kBlocksAThread);
  Shared shared(context);
  shared.blocks = &queue;
  Workers workers(options, shared, totals);
  const base::Result<void> read = Reading(source, queue, shared, context).run();
  if (!read) shared.give_up(read.error());
  queue.finish();
  if (base::Result<void> done = workers.finish(); !done) {
    if (!shared.order_matters) return base::fail(done.error());
    return base::fail("totals may not fit: --jobs 1 counts what does, and rejects the rest");
  }
  return ParallelOutcome{.counters = counters_of(shared, source.bytes_read(), totals.users()),
                         .cut_short = source.cut_short()};
}

}  // namespace paystats::stream
