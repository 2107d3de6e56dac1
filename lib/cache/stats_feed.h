// From a source of stats, lines or messages, to the event loop. A source blocks, so a thread of its
// own reads and decodes it, and hands batches over through a queue of fixed length: where the loop
// falls behind, the reader waits, and with it what writes to us. The loop takes one batch at a
// time and lets what else is ready go first, so a query waits for no more than one batch.
//
//   StatsFeed feed(loop, *source, rejects, clock, progress, {
//       .on_batch = [&](StatsBatch& batch) { return apply(batch); },
//       .on_pause = [&] { ready = true; },
//       .on_end = [&](const base::Result<void>& outcome) { end = outcome; }});
//   if (base::Result<void> started = feed.start(); !started) return started;
//   return loop.run();
//
// The handlers run on the loop's thread, in the order of the input. What is borrowed must outlive
// the feed; its destructor waits for the reader's thread, so end the source first (a stop signal)
// where on_end has not been called.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/progress.h"
#include "base/threads.h"
#include "cache/stats_batch.h"
#include "io/decode_block.h"
#include "io/decode_messages.h"
#include "io/message_source.h"
#include "io/reject_log.h"
#include "io/source.h"
#include "loop/event_loop.h"
#include "record/payment.h"

namespace paystats::cache {

// What says of lines that all those that were there at the start have come.
enum class Pause : uint8_t {
  kSilence,    // nothing comes for StatsFeed::kPause
  kEmptyLine,  // an empty line: a writer that reads for long before its first line says so itself
};

// Where stats come from. Borrows the source.
class StatsInput {
 public:
  StatsInput(io::Source& lines, Pause pause = Pause::kSilence)  // NOLINT(google-explicit-*)
      : lines_(&lines), pause_(pause) {}
  StatsInput(io::MessageSource& messages) : messages_(&messages) {}  // NOLINT(google-explicit-*)

  io::Source* lines() const { return lines_; }
  Pause pause() const { return pause_; }
  io::MessageSource* messages() const { return messages_; }  // one of the two is not null

 private:
  io::Source* lines_ = nullptr;
  io::MessageSource* messages_ = nullptr;
  Pause pause_ = Pause::kSilence;
};

class StatsFeed {
 public:
  static constexpr size_t kBatchesMax = 16;  // in the queue
  // The input pauses when nothing came for so long; at first it is given more time, since a
  // program that feeds us has to start as well.
  static constexpr base::Duration kPause = std::chrono::milliseconds(100);
  static constexpr base::Duration kFirstPause = std::chrono::seconds(1);

  struct Handlers {
    std::function<base::Result<void>(StatsBatch&)> on_batch;  // an error ends the feed with it
    // Once, and not after the end: the pause of lines; of messages, all that were there at
    // the start have been handed over, and again behind each batch that begins anew.
    std::function<void()> on_pause;
    std::function<void(const base::Result<void>&)> on_end;  // once, the last call
  };

  StatsFeed(loop::EventLoop& loop, StatsInput input, io::RejectLog& rejects,
            const base::Clock& clock, base::Progress& progress, Handlers handlers);
  StatsFeed(const StatsFeed&) = delete;
  StatsFeed& operator=(const StatsFeed&) = delete;
  ~StatsFeed();

  // Fails where there can be no thread; call once.
  base::Result<void> start();

  // Read so far, bad ones included. Any thread may ask.
  uint64_t records() const { return records_; }

 private:
  using BatchPtr = std::unique_ptr<StatsBatch>;

  // The reader's side.
  void read_all();
  base::Result<void> read_lines(io::Source& source);
  base::Result<void> take_block(io::BlockDecoder<record::Stats>& decoder, const io::Block& block);
  base::Result<void> read_messages(io::MessageSource& source);
  base::Result<void> take_messages(io::MessageDecoder<record::Stats>& decoder,
                                   const io::MessageBlock& block);
  BatchPtr blank_batch();
  base::Result<void> push(BatchPtr batch);  // waits for room
  void signal_pause();
  void signal_end(base::Result<void> outcome);
  void schedule_locked() PAYSTATS_REQUIRES(mutex_);

  // The loop's side.
  void take_one();
  void finish(const base::Result<void>& outcome);

  loop::EventLoop& loop_;
  const StatsInput input_;
  io::RejectLog& rejects_;
  const base::Clock& clock_;
  base::Progress& progress_;
  const Handlers handlers_;
  loop::EventLoop::Work work_;
  bool finished_ = false;  // the loop's: on_end was called
  std::atomic<uint64_t> records_ = 0;

  base::Mutex mutex_;
  base::CondVar room_;
  std::deque<BatchPtr> full_ PAYSTATS_GUARDED_BY(mutex_);
  std::vector<BatchPtr> blank_ PAYSTATS_GUARDED_BY(mutex_);
  // So many of full_, and then on_pause is to be called.
  std::optional<size_t> before_pause_ PAYSTATS_GUARDED_BY(mutex_);
  bool scheduled_ PAYSTATS_GUARDED_BY(mutex_) = false;  // take_one() has been posted
  bool closed_ PAYSTATS_GUARDED_BY(mutex_) = false;     // nobody takes batches any more
  std::optional<base::Result<void>> end_ PAYSTATS_GUARDED_BY(mutex_);

  base::Thread reader_;  // last: it uses all of the above
};

}  // namespace paystats::cache
