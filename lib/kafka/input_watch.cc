#include "kafka/input_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "kafka/client.h"
#include "kafka/ends.h"
#include "kafka/range_reader.h"

namespace paystats::kafka {
namespace {

constexpr base::Duration kPause = std::chrono::milliseconds(200);
constexpr base::Duration kCountTimeout = std::chrono::milliseconds(500);

}  // namespace

InputWatch::InputWatch(Cluster& cluster, std::string topic, const io::Waiter& waiter,
                       base::Duration interval, std::optional<base::Duration> patience)
    : cluster_(cluster),
      topic_(std::move(topic)),
      waiter_(waiter),
      interval_(interval),
      patience_(patience) {}

void InputWatch::took(std::span<const io::Message> messages) {
  if (messages.empty()) return;
  last_ = {.partition = messages.back().at.partition, .mark = mark_of(messages.back())};
  if (!held_) held_ = last_;
  if (next_look_ == io::kForever) next_look_ = waiter_.clock().now() + interval_;
}

// One that is not there has been removed, or compacted away, or lies behind an end that has gone
// back, which the next fetch tells.
std::optional<TopicLoss> InputWatch::look() {
  next_look_ = io::kForever;
  if (!held_) return std::nullopt;
  const int64_t offset = held_->mark.offset;
  cluster_.context().diagnostics.detail(
      fmt::format("{}: partition {}: the message at offset {} is looked at again",
                  topic_label(topic_), held_->partition, offset));
  const OffsetRange range{.partition = held_->partition, .from = offset, .to = offset + 1};
  std::optional<MessageMark> found;
  const base::Instant begun = waiter_.clock().now();
  const base::Instant deadline = patience_ ? begun + *patience_ : io::kForever;
  base::Result<void> read = read_ranges(
      cluster_, topic_, {&range, 1},
      [&found](const io::MessageBlock& block) {
        for (const io::Message& message : block.messages) found = mark_of(message);
        return base::Result<void>();
      },
      nullptr, deadline);
  const bool out_of_time = !found && waiter_.clock().now() >= deadline;
  if (!read || out_of_time) {
    if (!read) cluster_.context().diagnostics.detail(read.error().message);
    next_look_ = waiter_.clock().now() + interval_;
    return std::nullopt;
  }
  if (found && *found != held_->mark) {
    return TopicLoss{.what = fmt::format("{}: partition {}: another message is at offset {} than "
                                         "was read there: the topic has been made anew, or cut",
                                         topic_label(topic_), held_->partition, offset),
                     .partition = held_->partition,
                     .mark = held_->mark};
  }
  held_ = last_;
  return std::nullopt;
}

base::Result<std::optional<TopicLoss>> InputWatch::judge(const PartitionGone& gone,
                                                         Client& client) {
  const base::Result<int32_t> partitions = count_partitions(std::max(gone.partition, 0), client);
  if (!partitions) return base::fail(partitions.error());
  const std::string topic = topic_label(topic_);
  if (*partitions == 0) {
    return TopicLoss{.what = fmt::format("{}: the topic has been deleted", topic), .deleted = true};
  }
  const std::string place = fmt::format("{}: partition {}", topic, gone.partition);
  if (*partitions <= gone.partition) {
    return TopicLoss{.what =
                         fmt::format("{} is there no more: the topic has been made anew", place)};
  }
  base::Result<std::vector<PartitionEnds>> ends =
      ends_of_partitions(cluster_, topic_, {&gone.partition, 1});
  if (ends && ends->front().high < gone.next) {
    if (base::Result<void> paused = waiter_.pause(kLookAgain); !paused)
      return base::fail(paused.error());
    ends = ends_of_partitions(cluster_, topic_, {&gone.partition, 1});
  }
  if (!ends) return base::fail(ends.error());
  const auto& [id, low, high] = ends->front();
  if (high < gone.next) {
    return TopicLoss{.what = fmt::format("{}: it was read up to offset {}, and ends at offset {} "
                                         "now: the topic has been made anew, or cut",
                                         place, gone.next, high)};
  }
  if (std::optional<TopicLoss> other = look()) return other;
  if (gone.next < low) {
    return TopicLoss{.what = fmt::format("{}: reading goes on at offset {}, but the first that is "
                                         "still there is at offset {}: those between have been "
                                         "removed unread",
                                         place, gone.next, low)};
  }
  if (base::Result<void> paused = waiter_.pause(kPause); !paused) return base::fail(paused.error());
  return std::nullopt;
}

// How many there are: more than `wanted`, or for a while no more than that.
base::Result<int32_t> InputWatch::count_partitions(int32_t wanted, Client& client) {
  base::Instant missing_since = base::Instant::max();
  for (;;) {
    const base::Instant now = waiter_.clock().now();
    const std::optional<int32_t> count =
        client.count_partitions(topic_, milliseconds(kCountTimeout));
    if (!count) {
      missing_since = base::Instant::max();
      (void)client.probe_brokers();  // so that the user is told where none answers
      if (base::Result<void> patient = cluster_.check_patience(); !patient) {
        return base::fail(patient.error());
      }
    } else {
      if (*count > wanted) return *count;
      missing_since = std::min(missing_since, now);
      if (now - missing_since >= kUnknownGrace) return *count;
    }
    if (base::Result<void> paused = waiter_.pause(kPause); !paused)
      return base::fail(paused.error());
  }
}

}  // namespace paystats::kafka
