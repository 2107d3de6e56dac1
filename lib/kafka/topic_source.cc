#include "kafka/topic_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "kafka/input_watch.h"
#include "kafka/partition_reader.h"
#include "kafka/topics.h"

namespace paystats::kafka {
namespace {

constexpr int kFetchWaitMs = 100;
constexpr int kFetchWaitToEndMs = 10;  // the end is told by an answer that holds nothing
constexpr base::Duration kLookForPartitions = std::chrono::seconds(5);
constexpr base::Duration kLookForTopic = std::chrono::seconds(1);
// To make a topic anew and fill it takes a moment: who is done before that has nothing to look for.
constexpr base::Duration kWorthALook = std::chrono::seconds(1);

class TopicSource final : public io::MessageSource {
 public:
  TopicSource(Cluster& cluster, std::string topic, const TopicSourceOptions& options,
              const io::Waiter& waiter)
      : cluster_(cluster), topic_(std::move(topic)), options_(options), waiter_(waiter) {}

  base::Result<void> open(int32_t partitions) {
    const int wait_ms = options_.until_end ? kFetchWaitToEndMs : kFetchWaitMs;
    base::Result<std::unique_ptr<PartitionReader>> reader =
        PartitionReader::open(cluster_, topic_, {.fetch_wait_ms = wait_ms});
    if (!reader) return base::fail(reader.error());
    reader_ = std::move(*reader);
    opened_ = waiter_.clock().now();
    next_look_ = opened_ + kLookForPartitions;
    if (options_.when_lost != WhenLost::kUnwatched) watch_.emplace(cluster_, topic_, waiter_);
    if (base::Result<void> begun = add_up_to(partitions); !begun) return begun;
    at_start_ = 0;
    for (const PartitionPosition& position : reader_->partitions()) {
      at_start_ += static_cast<uint64_t>(position.high - position.low);
    }
    caught_up_ = has_reached_start();
    return {};
  }

  base::Result<io::ReadStatus> read(io::MessageBlock& out, base::Instant deadline) override {
    for (;;) {
      if (waiter_.stop().requested()) return cut_off();
      if (gone_) {
        const base::Result<std::optional<TopicLoss>> loss =
            judge(*std::exchange(gone_, std::nullopt));
        if (!loss) return ended_by(loss.error());
        if (*loss) return lost(**loss, out);
      }
      const bool at_end = options_.until_end && caught_up_;
      if (is_look_due(at_end)) {
        if (const std::optional<TopicLoss> loss = watch_->look()) return lost(*loss, out);
      }
      if (at_end) return io::ReadStatus::kEnd;
      const base::Result<size_t> seen = reader_->take();
      if (!seen) {
        if (watch_) gone_ = reader_->gone();
        if (!gone_) return base::fail(seen.error());
        continue;
      }
      if (*seen > 0) {
        if (watch_) watch_->took(reader_->messages());
        const bool before = std::exchange(caught_up_, caught_up_ || has_reached_start());
        if (give(out)) return io::ReadStatus::kBlock;
        // The last of the start may be no message, but the mark of a transaction's end: a caller
        // that waits until we have caught up must hear of it.
        if (caught_up_ != before && !options_.until_end) return io::ReadStatus::kIdle;
        continue;
      }
      const base::Instant now = waiter_.clock().now();
      if (now >= deadline) return io::ReadStatus::kIdle;
      if (base::Result<void> looked = look_for_partitions(now); !looked)
        return base::fail(looked.error());
      if (gone_) continue;
      base::Instant until = std::min(deadline, next_look_);
      if (watch_) until = std::min(until, watch_->next_look());
      const base::Result<io::Wake> wake = reader_->wait(waiter_, until);
      if (!wake) return base::fail(wake.error());
      if (*wake == io::Wake::kDeadline && until == deadline) return io::ReadStatus::kIdle;
    }
  }

  bool cut_short() const override { return cut_short_; }
  bool caught_up() const override { return caught_up_; }
  uint64_t messages_read() const override { return read_; }
  uint64_t messages_at_start() const override { return at_start_; }

 private:
  // The messages that were taken, or those of them that were there at the start.
  bool give(io::MessageBlock& out) {
    std::span<const io::Message> messages = reader_->messages();
    if (options_.until_end) {
      earlier_.clear();
      for (const io::Message& message : messages) {
        if (message.at.offset < ends_[static_cast<size_t>(message.at.partition)]) {
          earlier_.push_back(message);
        }
      }
      messages = earlier_;
    }
    out = {.messages = messages, .source = topic_};
    return !messages.empty();
  }

  base::Result<void> add_up_to(int32_t partitions) {
    const auto known = static_cast<int32_t>(reader_->partitions().size());
    if (partitions <= known) return {};
    std::vector<int32_t> fresh(static_cast<size_t>(partitions - known));
    std::iota(fresh.begin(), fresh.end(), known);
    if (base::Result<void> begun = reader_->begin(fresh); !begun) return begun;
    ends_.clear();
    for (const PartitionPosition& position : reader_->partitions()) ends_.push_back(position.high);
    return {};
  }

  // librdkafka stops fetching a topic that brokers do not know, and says nothing to its reader.
  base::Result<void> look_for_partitions(base::Instant now) {
    if (now < next_look_) return {};
    next_look_ = now + kLookForPartitions;
    const std::optional<int32_t> count = reader_->count_partitions();
    if (!count) return {};
    const std::span<const PartitionPosition> known = reader_->partitions();
    if (watch_ && static_cast<size_t>(*count) < known.size()) {
      gone_ = {.partition = known.back().id, .next = known.back().next};
    }
    return options_.until_end ? base::Result<void>() : add_up_to(*count);
  }

  // Notes as well how much has been read.
  bool has_reached_start() {
    read_ = 0;
    bool all = true;
    for (const PartitionPosition& position : reader_->partitions()) {
      read_ += static_cast<uint64_t>(position.next - position.low);
      all = all && (position.reached_high() || position.at_end);
    }
    return all;
  }

  bool is_look_due(bool at_end) const {
    if (!watch_) return false;
    const base::Instant now = waiter_.clock().now();
    return now >= watch_->next_look() || (at_end && now - opened_ >= kWorthALook);
  }

  // Where nothing is lost it is read on.
  base::Result<std::optional<TopicLoss>> judge(const PartitionGone& gone) {
    base::Result<std::optional<TopicLoss>> loss = watch_->judge(gone, reader_->client());
    if (!loss || *loss) return loss;
    if (base::Result<void> on = reader_->go_on(); !on) return base::fail(on.error());
    return loss;
  }

  base::Result<io::ReadStatus> lost(const TopicLoss& loss, io::MessageBlock& out) {
    switch (options_.when_lost) {
      case WhenLost::kBeginAgain: {
        const base::Result<void> begun = begin_again(loss);
        if (!begun) return ended_by(begun.error());
        out = {.messages = {}, .source = topic_, .begins_anew = true};
        return io::ReadStatus::kBlock;
      }
      case WhenLost::kMustNotGoOn:
        return base::fail(
            fmt::format("{}; what was counted is not what is there: start {} again{}, and it "
                        "counts all that is there",
                        loss.what, cluster_.context().diagnostics.tool(),
                        loss.deleted ? " once there is a topic" : ""),
            base::ErrorKind::kMustNotGoOn);
      default:
        return base::fail(loss.what + "; read it again");
    }
  }

  // What it holds is dropped by the caller, and the topic read as at the start.
  base::Result<void> begin_again(const TopicLoss& loss) {
    base::Diagnostics& diagnostics = cluster_.context().diagnostics;
    diagnostics.warning(loss.what + (loss.deleted ? "; waiting until it is there again"
                                                  : "; it is read again from its beginning"));
    caught_up_ = false;
    watch_.reset();
    reader_.reset();
    for (;;) {
      const base::Result<std::optional<int32_t>> partitions = find_topic(cluster_, topic_);
      if (!partitions) return base::fail(partitions.error());
      if (*partitions) {
        if (loss.deleted) {
          diagnostics.warning(topic_label(topic_) +
                              ": the topic is there again, and is read from its beginning");
        }
        return open(**partitions);
      }
      if (base::Result<void> paused = waiter_.pause(kLookForTopic); !paused) return paused;
    }
  }

  base::Result<io::ReadStatus> cut_off() {
    cut_short_ = true;
    return io::ReadStatus::kEnd;
  }

  // A stop signal is no error, whatever it has interrupted.
  base::Result<io::ReadStatus> ended_by(const base::Error& error) {
    if (error.kind == base::ErrorKind::kInterrupted) return cut_off();
    return base::fail(error);
  }

  Cluster& cluster_;
  const std::string topic_;
  const TopicSourceOptions options_;
  const io::Waiter& waiter_;
  std::unique_ptr<PartitionReader> reader_;
  std::optional<InputWatch> watch_;
  std::optional<PartitionGone> gone_;  // what it means is to be judged
  std::vector<io::Message> earlier_;   // memory of give()
  std::vector<int64_t> ends_;          // by partition: where it ended at the start
  base::Instant opened_{};
  base::Instant next_look_{};
  uint64_t read_ = 0;
  uint64_t at_start_ = 0;
  bool caught_up_ = false;
  bool cut_short_ = false;
};

}  // namespace

base::Result<std::unique_ptr<io::MessageSource>> open_topic_source(
    Cluster& cluster, const std::string& topic, const TopicSourceOptions& options,
    const io::Waiter& waiter) {
  const base::Result<int32_t> partitions = require_topic(cluster, {.name = topic});
  if (!partitions) return base::fail(partitions.error());
  auto source = std::make_unique<TopicSource>(cluster, topic, options, waiter);
  if (base::Result<void> opened = source->open(*partitions); !opened)
    return base::fail(opened.error());
  return source;
}

}  // namespace paystats::kafka
