#include "kafka/topic_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "kafka/partition_reader.h"
#include "kafka/topics.h"

namespace paystats::kafka {
namespace {

constexpr int kFetchWaitMs = 100;
constexpr int kFetchWaitToEndMs = 10;  // the end is told by an answer that holds nothing
constexpr base::Duration kLookForPartitions = std::chrono::seconds(5);

class TopicSource final : public io::MessageSource {
 public:
  TopicSource(std::unique_ptr<PartitionReader> reader, std::string topic,
              const TopicSourceOptions& options, const io::Waiter& waiter)
      : reader_(std::move(reader)),
        topic_(std::move(topic)),
        until_end_(options.until_end),
        waiter_(waiter),
        next_look_(waiter.clock().now() + kLookForPartitions) {}

  base::Result<void> begin(int32_t partitions) {
    if (base::Result<void> begun = add_up_to(partitions); !begun) return begun;
    for (const PartitionPosition& position : reader_->partitions()) {
      at_start_ += static_cast<uint64_t>(position.high - position.low);
    }
    caught_up_ = has_reached_start();
    return {};
  }

  base::Result<io::ReadStatus> read(io::MessageBlock& out, base::Instant deadline) override {
    for (;;) {
      if (waiter_.stop().requested()) {
        cut_short_ = true;
        return io::ReadStatus::kEnd;
      }
      if (until_end_ && caught_up_) return io::ReadStatus::kEnd;
      const base::Result<size_t> seen = reader_->take();
      if (!seen) return base::fail(seen.error());
      if (*seen > 0) {
        const bool before = std::exchange(caught_up_, caught_up_ || has_reached_start());
        if (give(out)) return io::ReadStatus::kBlock;
        // The last of the start may be no message, but the mark of a transaction's end: a caller
        // that waits until we have caught up must hear of it.
        if (caught_up_ != before && !until_end_) return io::ReadStatus::kIdle;
        continue;
      }
      const base::Instant now = waiter_.clock().now();
      if (now >= deadline) return io::ReadStatus::kIdle;
      if (base::Result<void> looked = look_for_partitions(now); !looked)
        return base::fail(looked.error());
      const base::Instant until = until_end_ ? deadline : std::min(deadline, next_look_);
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
    if (until_end_) {
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

  base::Result<void> look_for_partitions(base::Instant now) {
    if (until_end_ || now < next_look_) return {};
    next_look_ = now + kLookForPartitions;
    return add_up_to(reader_->count_partitions());
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

  const std::unique_ptr<PartitionReader> reader_;
  const std::string topic_;
  const bool until_end_;
  const io::Waiter& waiter_;
  std::vector<io::Message> earlier_;  // memory of give()
  std::vector<int64_t> ends_;         // by partition: where it ended at the start
  base::Instant next_look_;
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
  const int wait_ms = options.until_end ? kFetchWaitToEndMs : kFetchWaitMs;
  base::Result<std::unique_ptr<PartitionReader>> reader =
      PartitionReader::open(cluster, topic, {.fetch_wait_ms = wait_ms});
  if (!reader) return base::fail(reader.error());
  auto source = std::make_unique<TopicSource>(std::move(*reader), topic, options, waiter);
  if (base::Result<void> begun = source->begin(*partitions); !begun)
    return base::fail(begun.error());
  return source;
}

}  // namespace paystats::kafka
