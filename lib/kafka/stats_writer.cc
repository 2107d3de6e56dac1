#include "kafka/stats_writer.h"

#include <cassert>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/threads.h"
#include "kafka/producer.h"
#include "kafka/rd.h"
#include "kafka/record_source.h"
#include "kafka/refusals.h"

namespace paystats::kafka {
namespace {

std::string_view without_newline(std::string_view line) {
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  return line;
}

// A thread that does one thing at a time when it is told to.
class WorkThread {
 public:
  WorkThread(std::function<base::Result<CommitOutcome>()> work, std::function<void()> on_settled)
      : work_(std::move(work)), on_settled_(std::move(on_settled)) {}
  WorkThread(const WorkThread&) = delete;
  WorkThread& operator=(const WorkThread&) = delete;
  ~WorkThread() {
    {
      const base::MutexLock lock(mutex_);
      ends_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  base::Result<void> start() {
    base::Result<base::Thread> thread = base::start_thread([this] { run(); });
    if (!thread) return base::fail(thread.error());
    thread_ = std::move(*thread);
    return {};
  }

  void begin() {
    {
      const base::MutexLock lock(mutex_);
      assert(state_ == State::kNothing);
      state_ = State::kWanted;
    }
    changed_.notify_all();
  }

  bool under_way() const {
    const base::MutexLock lock(mutex_);
    return state_ != State::kNothing;
  }
  bool settled() const {
    const base::MutexLock lock(mutex_);
    return state_ == State::kSettled;
  }

  base::Result<CommitOutcome> wait() {
    base::MutexLock lock(mutex_);
    while (state_ != State::kSettled) changed_.wait(lock);
    state_ = State::kNothing;
    return outcome_;
  }

 private:
  void run() {
    base::MutexLock lock(mutex_);
    for (;;) {
      while (!ends_ && state_ != State::kWanted) changed_.wait(lock);
      if (state_ != State::kWanted) return;
      lock.unlock();
      base::Result<CommitOutcome> outcome = work_();
      lock.lock();
      outcome_ = std::move(outcome);
      state_ = State::kSettled;
      lock.unlock();
      changed_.notify_all();
      if (on_settled_) on_settled_();
      lock.lock();
    }
  }

  enum class State { kNothing, kWanted, kSettled };

  const std::function<base::Result<CommitOutcome>()> work_;
  const std::function<void()> on_settled_;
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  State state_ PAYSTATS_GUARDED_BY(mutex_) = State::kNothing;
  base::Result<CommitOutcome> outcome_ PAYSTATS_GUARDED_BY(mutex_) = CommitOutcome::kUndone;
  bool ends_ PAYSTATS_GUARDED_BY(mutex_) = false;
  base::Thread thread_;
};

// What is to be committed together: lines, and how far the input has been read.
struct Publication {
  static constexpr int32_t kReject = -1;
  struct Line {
    int32_t partition = 0;
    uint32_t key_size = 0;
    uint32_t size = 0;
    size_t at = 0;  // in text: the key, and then the line
  };

  std::vector<SignedOffset> next;
  std::shared_ptr<const void> group;  // of the consumer
  std::vector<Line> lines;
  std::string text;

  void add(int32_t partition, std::string_view key, std::string_view line) {
    line = without_newline(line);
    lines.push_back({.partition = partition,
                     .key_size = static_cast<uint32_t>(key.size()),
                     .size = static_cast<uint32_t>(line.size()),
                     .at = text.size()});
    text.append(key).append(line);
  }
};

// Deals the lines of a publication out in rounds, of which none has more for a partition than goes
// into one request. librdkafka 2.0 has one request under way to a partition, and waits for it in a
// loop that takes all of a core if there is more to be sent.
class Rounds {
 public:
  // `overhead_bytes`: what a line brings along beside its key and itself.
  Rounds(const Publication& publication, size_t overhead_bytes)
      : overhead_bytes_(overhead_bytes), lines_(publication.lines) {
    for (const Publication::Line& line : lines_) {
      Lane& lane = lanes_[line.partition];
      if (lane.lines == 0) lane.next = static_cast<size_t>(&line - lines_.data());
      ++lane.lines;
    }
  }

  // Calls `send(line)` for each line of the next round until one fails. False: there was none left.
  template <class Send>
  base::Result<bool> next(Send&& send) {
    bool any = false;
    for (auto& [partition, lane] : lanes_) {
      size_t bytes = 0;
      for (size_t count = 0; count < kLinesMax && lane.lines > 0 && bytes < kBytesMax;) {
        const Publication::Line& line = lines_[lane.next++];
        if (line.partition != partition) continue;
        if (base::Result<void> sent = send(line); !sent) return base::fail(sent.error());
        bytes += line.key_size + line.size + overhead_bytes_;
        ++count;
        --lane.lines;
        any = true;
      }
    }
    return any;
  }

 private:
  // Of a partition and a round. librdkafka's batch.num.messages is 10000, its batch.size 1 MB.
  static constexpr size_t kLinesMax = 8'000;
  static constexpr size_t kBytesMax = 800'000;

  struct Lane {
    size_t next = 0;   // where to look for its next line
    size_t lines = 0;  // that are left
  };
  const size_t overhead_bytes_;
  std::span<const Publication::Line> lines_;
  std::map<int32_t, Lane> lanes_;  // by partition
};

// The headers of the totals of each partition, made once for a publication.
class SourceHeaders {
 public:
  explicit SourceHeaders(const StatsWriterOptions& options) : options_(options) {}

  // `next`, which is borrowed, is committed with it.
  void begin(std::span<const SignedOffset> next) {
    headers_.clear();
    next_ = next;
  }

  const rd_kafka_headers_t* of(int32_t partition) {
    RdHeaders& headers = headers_[partition];
    if (!headers) {
      const std::string text = text_of(partition, last_of(partition));
      headers.reset(rd_kafka_headers_new(1));
      rd_kafka_header_add(headers.get(), kSourceHeader, -1, text.data(),
                          static_cast<ssize_t>(text.size()));
    }
    return headers.get();
  }

  // Of any message, its name and all that frames it among them.
  size_t bytes_max() const {
    constexpr MessageMark kLongest{.offset = INT64_MAX, .timestamp_ms = INT64_MAX, .hash = 0};
    return text_of(INT32_MAX, kLongest).size() + 20;
  }

 private:
  std::optional<MessageMark> last_of(int32_t partition) const {
    for (const SignedOffset& each : next_) {
      if (each.partition == partition && each.signature) return each.signature->last;
    }
    return std::nullopt;
  }

  std::string text_of(int32_t partition, std::optional<MessageMark> last) const {
    RecordSource source = options_.source;
    source.partition = partition;
    source.last = last;
    return record_source_text(source);
  }

  const StatsWriterOptions& options_;
  std::span<const SignedOffset> next_;
  std::unordered_map<int32_t, RdHeaders> headers_;
};

constexpr size_t kLineOverhead = 20;  // of a message, beside key, value and headers

}  // namespace

class StatsWriter::Impl {
 public:
  Impl(StatsWriterOptions stats_options, std::unique_ptr<Producer> opened,
       std::function<void()> on_settled)
      : options(std::move(stats_options)),
        producer(std::move(opened)),
        thread([this] { return publish(); }, std::move(on_settled)) {}

  bool exactly_once() const { return options.transactional_id.has_value(); }

  const StatsWriterOptions options;
  DeliveredRanges delivered;  // before the producer, which tells it
  const std::unique_ptr<Producer>
      producer;             // the thread's from commit() to wait(), as is the other
  Publication publication;  // the same
  GroupConsumer* consumer = nullptr;
  SourceHeaders headers{options};  // the thread's
  WorkThread thread;               // last: it ends before the others

 private:
  base::Result<CommitOutcome> publish();
};

base::Result<CommitOutcome> StatsWriter::Impl::publish() {
  delivered.clear();
  if (base::Result<void> begun = producer->begin(); !begun) return base::fail(begun.error());
  if (exactly_once()) {
    base::Result<void> added = producer->add_offsets(
        {.topic = options.source.topic,
         .next = publication.next,
         .group = static_cast<const rd_kafka_consumer_group_metadata_t*>(publication.group.get()),
         .group_name = consumer->group()});
    if (!added) return base::fail(added.error());
  }
  headers.begin(publication.next);
  const std::string_view text = publication.text;
  const auto send = [&](const Publication::Line& line) {
    const bool is_reject = line.partition == Publication::kReject;
    return producer->send({.topic = is_reject ? *options.rejects_topic : options.topic,
                           .partition = is_reject ? RD_KAFKA_PARTITION_UA : line.partition,
                           .key = text.substr(line.at, line.key_size),
                           .value = text.substr(line.at + line.key_size, line.size),
                           .headers = is_reject ? nullptr : headers.of(line.partition),
                           .delivered = is_reject ? nullptr : &delivered});
  };
  for (Rounds rounds(publication, kLineOverhead + headers.bytes_max());;) {
    const base::Result<bool> any = rounds.next(send);
    if (!any) return base::fail(any.error());
    if (!*any) break;
    if (base::Result<void> waited = producer->wait_delivered(); !waited) {
      return base::fail(waited.error());
    }
  }
  base::Result<CommitOutcome> outcome = producer->commit();
  // Totals that are refused once are refused again: they are of no other size or place next time.
  if (outcome && *outcome != CommitOutcome::kCommitted &&
      refused_by(producer->error()) != Refused::kNothing) {
    return base::fail("kafka: the totals cannot be published: " + producer->why());
  }
  return outcome;
}

StatsWriter::StatsWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StatsWriter::~StatsWriter() = default;

base::Result<std::unique_ptr<StatsWriter>> StatsWriter::open(Cluster& cluster,
                                                             StatsWriterOptions options,
                                                             std::function<void()> on_settled) {
  // What waits for the broker is bounded: about 600 bytes each beside the line itself,
  // half of them its header.
  base::Result<std::unique_ptr<Producer>> producer =
      Producer::open(cluster, {.transactional_id = options.transactional_id,
                               .defaults = {{"queue.buffering.max.messages", "50000"}},
                               .awaited_topic = options.topic});
  if (!producer) return base::fail(producer.error());
  auto impl =
      std::make_unique<Impl>(std::move(options), std::move(*producer), std::move(on_settled));
  if (base::Result<void> started = impl->thread.start(); !started)
    return base::fail(started.error());
  return std::unique_ptr<StatsWriter>(new StatsWriter(std::move(impl)));
}

void StatsWriter::begin(std::span<const SignedOffset> next, GroupConsumer& consumer) {
  impl_->consumer = &consumer;
  impl_->publication = {.next = {next.begin(), next.end()},
                        .group = impl_->exactly_once() ? consumer.group_metadata() : nullptr,
                        .lines = {},
                        .text = {}};
}

void StatsWriter::stats(int32_t partition, std::string_view user, std::string_view line) {
  impl_->publication.add(partition, user, line);
}

void StatsWriter::reject(std::string_view line) {
  impl_->publication.add(Publication::kReject, {}, line);
}

void StatsWriter::commit() {
  impl_->thread.begin();
}

bool StatsWriter::under_way() const {
  return impl_->thread.under_way();
}

bool StatsWriter::settled() const {
  return impl_->thread.settled();
}

base::Result<bool> StatsWriter::wait() {
  const base::Result<CommitOutcome> outcome = impl_->thread.wait();
  impl_->publication.lines = {};
  impl_->publication.text = {};
  if (!outcome) return base::fail(outcome.error());
  if (*outcome != CommitOutcome::kCommitted) return false;
  if (impl_->exactly_once()) return true;
  // Stats first, then the offsets: what lies between is read again, and skipped for each user. A
  // member that may not commit any more is about to hear of it.
  return impl_->consumer->commit(impl_->publication.next);
}

std::span<const DeliveredRange> StatsWriter::delivered() const {
  return impl_->delivered.ranges();
}

void StatsWriter::look_for_partitions() {
  static_cast<void>(impl_->producer->has_leaders(impl_->options.topic));
}

const std::string& StatsWriter::why() const {
  return impl_->producer->why();
}

bool StatsWriter::is_topic_unknown() const {
  return impl_->producer->awaits_topic();
}

}  // namespace paystats::kafka
