#include "kafka/stats_writer.h"

#include <cassert>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "kafka/producer.h"

namespace paystats {
namespace {

std::string_view without_newline(std::string_view line) {
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  return line;
}

// A thread that does one thing at a time when it is told to: waits for a producer's commit.
class CommitThread {
 public:
  CommitThread(Producer& producer, std::function<void()> on_settled)
      : producer_(producer), on_settled_(std::move(on_settled)) {}
  CommitThread(const CommitThread&) = delete;
  CommitThread& operator=(const CommitThread&) = delete;
  ~CommitThread() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> start() {
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& error) {
      return fail(std::string("a thread could not be started: ") + error.what());
    }
    return {};
  }

  void commit() {
    {
      const std::lock_guard lock(mutex_);
      assert(state_ == State::kNothing);
      state_ = State::kWanted;
    }
    changed_.notify_all();
  }

  bool under_way() const {
    const std::lock_guard lock(mutex_);
    return state_ != State::kNothing;
  }
  bool settled() const {
    const std::lock_guard lock(mutex_);
    return state_ == State::kSettled;
  }

  Result<CommitOutcome> wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return state_ == State::kSettled; });
    state_ = State::kNothing;
    return outcome_;
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return ends_ || state_ == State::kWanted; });
      if (state_ != State::kWanted) return;
      lock.unlock();
      Result<CommitOutcome> outcome = producer_.commit();
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

  Producer& producer_;  // ours from kWanted to kSettled
  const std::function<void()> on_settled_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  State state_ = State::kNothing;
  Result<CommitOutcome> outcome_ = CommitOutcome::kUndone;
  bool ends_ = false;
  std::thread thread_;  // not guarded: of the owner
};

}  // namespace

class StatsWriter::Impl {
 public:
  Impl(StatsWriterOptions stats_options, std::unique_ptr<Producer> opened,
       std::function<void()> on_settled)
      : options(std::move(stats_options)),
        producer(std::move(opened)),
        thread(*producer, std::move(on_settled)) {}

  bool exactly_once() const { return options.transactional_id.has_value(); }

  const StatsWriterOptions options;
  const std::unique_ptr<Producer> producer;
  std::vector<SourceOffset> next;  // of what was begun
  GroupConsumer* consumer = nullptr;
  CommitThread thread;  // last: it ends before the producer
};

StatsWriter::StatsWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StatsWriter::~StatsWriter() = default;

Result<std::unique_ptr<StatsWriter>> StatsWriter::open(Cluster& cluster, StatsWriterOptions options,
                                                       std::function<void()> on_settled) {
  Result<std::unique_ptr<Producer>> producer =
      Producer::open(cluster, {.transactional_id = options.transactional_id, .defaults = {}});
  if (!producer) return fail(producer.error());
  auto impl =
      std::make_unique<Impl>(std::move(options), std::move(*producer), std::move(on_settled));
  if (Result<void> started = impl->thread.start(); !started) return fail(started.error());
  return std::unique_ptr<StatsWriter>(new StatsWriter(std::move(impl)));
}

Result<void> StatsWriter::begin(std::span<const SourceOffset> next, GroupConsumer& consumer) {
  impl_->next.assign(next.begin(), next.end());
  impl_->consumer = &consumer;
  if (Result<void> begun = impl_->producer->begin(); !begun) return begun;
  if (!impl_->exactly_once()) return {};
  return impl_->producer->add_offsets(
      {.topic = impl_->options.source_topic,
       .next = impl_->next,
       .group = static_cast<const rd_kafka_consumer_group_metadata_t*>(consumer.group_metadata())});
}

Result<void> StatsWriter::stats(int32_t partition, std::string_view user, std::string_view line) {
  return impl_->producer->send({.topic = impl_->options.topic,
                                .partition = partition,
                                .key = user,
                                .value = without_newline(line)});
}

Result<void> StatsWriter::reject(std::string_view line) {
  return impl_->producer->send(
      {.topic = *impl_->options.rejects_topic, .value = without_newline(line)});
}

void StatsWriter::commit() {
  impl_->thread.commit();
}

bool StatsWriter::under_way() const {
  return impl_->thread.under_way();
}

bool StatsWriter::settled() const {
  return impl_->thread.settled();
}

Result<bool> StatsWriter::wait() {
  const Result<CommitOutcome> outcome = impl_->thread.wait();
  if (!outcome) return fail(outcome.error());
  if (*outcome != CommitOutcome::kCommitted) return false;
  if (impl_->exactly_once()) return true;
  // Stats first, then the offsets: what lies between is read again, and skipped for each user. Who
  // may not commit any more is about to hear of it.
  return impl_->consumer->commit(impl_->next);
}

const std::string& StatsWriter::why() const {
  return impl_->producer->why();
}

}  // namespace paystats
