#include "agg/parallel.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "agg/segments.h"

namespace paystats {
namespace {

// Of bad lines that one thread holds back until its turn.
constexpr size_t kHeldLinesMax = 4096;
constexpr size_t kHeldBytesMax = 1 << 20;
constexpr Duration kLookInterval = std::chrono::milliseconds(100);

// What the threads share. Thread-safe.
struct Shared {
  SegmentQueue queue;
  SegmentOrder order;
  RejectLog& rejects;
  std::atomic<uint64_t> records{0};
  std::atomic<uint64_t> bytes{0};

  std::mutex mutex;  // guards what follows
  std::condition_variable ended;
  unsigned running = 0;
  std::optional<Error> error;  // the first one

  // Ends all threads as soon as they look.
  void give_up(Error why) {
    {
      const std::lock_guard lock(mutex);
      if (!error) error = std::move(why);
    }
    queue.close();
    order.close();
  }
};

// One thread's work: its table, its decoder, and the bad lines that wait for their turn.
class Worker {
 public:
  Worker(const ParallelOptions& options, Shared& shared)
      : names_(options.names),
        shared_(shared),
        totals_(options.hash_seed, options.totals),
        decoder_(options.names) {}

  void run() {
    const Result<void> done = work();
    if (!done) shared_.give_up(done.error());
    const std::lock_guard lock(shared_.mutex);
    --shared_.running;
    shared_.ended.notify_all();
  }

  const Totals& totals() const { return totals_; }

 private:
  struct HeldLine {
    std::string text;  // the beginning
    uint64_t bytes = 0;
    uint64_t line = 0;  // from 1, in the segment
    Flaw flaw = Flaw::kNone;
  };

  Result<void> work() {
    for (;;) {
      Result<std::optional<Segment>> segment = shared_.queue.claim();
      if (!segment) return fail(segment.error());
      if (!*segment) return {};
      if (Result<void> done = sum_up(**segment); !done) return done;
    }
  }

  Result<void> sum_up(const Segment& segment) {
    segment_ = &segment;
    lines_before_.reset();
    lines_ = 0;
    reader_.begin(segment);
    for (;;) {
      Block block;
      const Result<bool> more = reader_.next(block);
      if (!more) return fail(more.error());
      if (!*more) break;
      if (Result<void> taken = take(block); !taken) return taken;
    }
    if (!held_.empty()) {
      if (Result<void> told = tell_held(); !told) return told;
    }
    shared_.order.post(segment, lines_);
    shared_.bytes += segment.end - segment.begin;
    return {};
  }

  Result<void> take(const Block& block) {
    lines_ = block.first_line - 1;
    if (block.long_line_bytes != 0) {
      ++lines_;
      ++shared_.records;
      return put_aside(block.first_line, Flaw::kLineTooLong, block.bytes, block.long_line_bytes);
    }
    std::string_view rest = block.bytes;
    while (!rest.empty()) {
      const std::string_view chunk = rest.substr(0, decoder_.decode(rest, decoded_));
      rest.remove_prefix(chunk.size());
      refused_.clear();
      if (Result<void> added = totals_.add(decoded_.rows, refused_); !added) return added;
      if (!refused_.empty()) {
        const std::string_view user = decoded_.rows[refused_[0].row].record.user;
        return fail(fmt::format("user {}: the total does not fit", user));
      }
      for (const auto& bad : decoded_.bad) {
        Result<void> done = put_aside(lines_ + 1 + bad.line, bad.flaw, bad.text, bad.text.size());
        if (!done) return done;
      }
      lines_ += decoded_.lines;
      shared_.records += decoded_.records;
    }
    return {};
  }

  // Once we have our turn, bad lines need not wait.
  Result<void> put_aside(uint64_t line, Flaw flaw, std::string_view text, uint64_t bytes) {
    if (lines_before_) return tell(line, flaw, text, bytes);
    text = text.substr(0, kRejectRecordBytesMax);
    held_bytes_ += text.size();
    held_.push_back({std::string(text), bytes, line, flaw});
    const bool many = held_.size() >= kHeldLinesMax || held_bytes_ >= kHeldBytesMax;
    return many ? tell_held() : Result<void>();
  }

  Result<void> tell_held() {
    lines_before_ = shared_.order.wait_turn(*segment_);
    if (!lines_before_) return fail("given up");  // another thread has said why
    for (const HeldLine& held : held_) {
      Result<void> told = tell(held.line, held.flaw, held.text, held.bytes);
      if (!told) return told;
    }
    held_.clear();
    held_bytes_ = 0;
    return {};
  }

  Result<void> tell(uint64_t line, Flaw flaw, std::string_view text, uint64_t bytes) {
    const std::string error = describe(flaw, names_);
    return shared_.rejects.add({.source = segment_->file->source,
                                .line = *lines_before_ + line,
                                .at = {},
                                .error = error,
                                .record = text,
                                .record_bytes = bytes});
  }

  const FieldNames names_;
  Shared& shared_;
  Totals totals_;
  LineDecoder<Payment> decoder_;
  DecodedLines<Payment> decoded_;
  std::vector<Totals::Refused> refused_;
  SegmentReader reader_;
  const Segment* segment_ = nullptr;
  uint64_t lines_ = 0;                    // of the segment, so far
  std::optional<uint64_t> lines_before_;  // in its file before it, once we have our turn
  std::vector<HeldLine> held_;
  size_t held_bytes_ = 0;
};

Counters counters_of(const Shared& shared, uint64_t users) {
  const uint64_t rejected = shared.rejects.count();
  return {.records_accepted = std::max(shared.records.load(), rejected) - rejected,
          .records_rejected = rejected,
          .bytes_read = shared.bytes.load(),
          .users = users,
          .triggers = 0,
          .caught_up = true};
}

// Waits for the threads and tells meanwhile how far they are.
void look_on(Shared& shared, const ParallelEnds& ends, uint64_t bytes_all) {
  std::unique_lock lock(shared.mutex);
  while (!shared.ended.wait_for(lock, kLookInterval, [&] { return shared.running == 0; })) {
    lock.unlock();
    ends.metrics.update(counters_of(shared, 0));
    ends.progress.update(shared.records, shared.bytes, bytes_all);
    lock.lock();
  }
}

}  // namespace

Result<ParallelEnd> aggregate_files(const std::vector<Endpoint>& inputs,
                                    const ParallelOptions& options, const ParallelEnds& ends,
                                    Totals& totals) {
  const uint64_t bytes_all = bytes_of_regular_files(inputs).value_or(0);
  Shared shared{.queue = {inputs, options.segment_bytes, ends.waiter, ends.diagnostics},
                .order = {},
                .rejects = ends.rejects,
                .mutex = {},
                .ended = {},
                .error = {}};
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned i = 0; i < options.jobs; ++i) {
    workers.push_back(std::make_unique<Worker>(options, shared));
  }
  std::vector<std::thread> threads;
  shared.running = options.jobs;
  for (const auto& worker : workers) {
    try {
      threads.emplace_back([&worker] { worker->run(); });
    } catch (const std::system_error& error) {
      shared.give_up({std::string("a thread could not be started: ") + error.what()});
      const std::lock_guard lock(shared.mutex);
      shared.running -= options.jobs - static_cast<unsigned>(threads.size());
      break;
    }
  }
  look_on(shared, ends, bytes_all);
  for (std::thread& thread : threads) thread.join();
  if (shared.error) return fail(*shared.error);

  for (std::unique_ptr<Worker>& worker : workers) {
    if (Result<void> added = totals.absorb(worker->totals()); !added) return fail(added.error());
    worker.reset();
  }
  return ParallelEnd{.counters = counters_of(shared, totals.users()),
                     .cut_short = shared.queue.cut_short()};
}

std::optional<uint64_t> bytes_of_regular_files(const std::vector<Endpoint>& inputs) {
  uint64_t bytes = 0;
  for (const Endpoint& input : inputs) {
    struct stat status = {};
    const int known = input.kind == Endpoint::Kind::kStdio  ? ::fstat(STDIN_FILENO, &status)
                      : input.kind == Endpoint::Kind::kFile ? ::stat(input.name.c_str(), &status)
                                                            : -1;
    if (known != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    bytes += static_cast<uint64_t>(status.st_size);
  }
  return bytes;
}

}  // namespace paystats
