#include "topics/publisher.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "record/encoder.h"

namespace paystats::topics {

TopicPublisher::TopicPublisher(std::unique_ptr<kafka::StatsWriter> writer,
                               const TopicPublisherOptions& options, TopicParts& parts,
                               const TopicJobContext& context)
    : writer_(std::move(writer)),
      options_(options),
      parts_(parts),
      context_(context),
      clock_(context.run.clock),
      trigger_(options.trigger, context.run.clock) {}

void TopicPublisher::assigned(std::vector<kafka::SignedOffset> starts) {
  std::ranges::sort(starts, {}, &kafka::SignedOffset::partition);
  committed_ = std::move(starts);
}

base::Result<void> TopicPublisher::publish_if_due(bool paused) {
  if (writer_->settled() || (writer_->under_way() && full())) {
    if (const base::Result<bool> settled = settle(); !settled) return base::fail(settled.error());
  }
  if (writer_->under_way() || !consumer_->assigned()) return {};
  if (full()) {
    std::this_thread::sleep_until(not_before_);
  } else if (clock_.now() < not_before_) {
    return {};
  } else if (!trigger_.due(paused)) {
    const bool quiet = paused && !trigger_.pending() && clock_.now() >= offsets_not_before_ &&
                       !context_.cluster.watch().away();
    if (!quiet || !offsets_moved()) return {};
  }
  return begin();
}

// Where each so many records are published, no more are read before that has been done. Nor where
// the rejects would fill a transaction: they all leave with the next one.
bool TopicPublisher::full() const {
  const PendingRejects& pending = context_.pending_rejects;
  return trigger_.records_reached() ||
         pending.lines.size() + rejects_.lines.size() >= options_.totals_per_transaction ||
         pending.bytes + rejects_.bytes >= options_.reject_bytes_max;
}

// What was committed last, or begun with, is another offset than what is to be read next.
bool TopicPublisher::offsets_moved() const {
  const std::vector<kafka::GroupConsumer::Position> positions = consumer_->positions();
  return !std::ranges::equal(positions, committed_, [](const auto& position, const auto& before) {
    return position.partition == before.partition && position.next == before.offset;
  });
}

base::Instant TopicPublisher::deadline(bool paused) const {
  if (writer_->under_way()) return base::Instant::max();  // its end wakes the consumer
  return std::max(trigger_.deadline(paused), not_before_);
}

base::Result<bool> TopicPublisher::publish_all() {
  if (writer_->under_way()) {
    if (base::Result<bool> settled = settle(); !settled) return settled;
  }
  if (!trigger_.pending() && !offsets_moved()) return true;
  if (base::Result<void> begun = begin(); !begun) return base::fail(begun.error());
  return writer_->under_way() ? settle() : base::Result<bool>(false);
}

base::Result<void> TopicPublisher::forget() {
  base::Result<bool> settled = true;
  if (writer_->under_way()) settled = settle();
  trigger_.taken();
  context_.pending_rejects = {};
  committed_.clear();
  if (settled || settled.error().kind == base::ErrorKind::kInterrupted) return {};
  return base::fail(settled.error());
}

base::Result<void> TopicPublisher::begin() {
  begun_at_ = clock_.now();
  if (base::Result<void> safe = context_.rejects.flush(); !safe) return safe;
  records_ = trigger_.taken();
  offsets_alone_ = records_ == 0;
  offsets_not_before_ = begun_at_ + kOffsetsAfter;
  next_.clear();
  for (const kafka::GroupConsumer::Position& position : consumer_->positions()) {
    // Nothing is read before all of the table has been written, so that one belongs to the other.
    next_.push_back({.partition = position.partition,
                     .offset = position.next,
                     .signature = sign(parts_.at(position.partition), options_.origin)});
  }
  rejects_ = std::exchange(context_.pending_rejects, {});
  for (auto& [partition, part] : parts_) part.totals.totals().take_changed(part.leaving);
  const base::Result<bool> written = write_leaving();
  if (!written) return base::fail(written.error());
  if (*written) {
    writer_->commit();
  } else {
    put_back();
  }
  return {};
}

// All but the commit of the last part. False: a part before it did not come about.
base::Result<bool> TopicPublisher::write_leaving() {
  size_t left = 0;
  for (const auto& [partition, part] : parts_) left += part.leaving.size();
  const auto begin_part = [&] {
    writer_->begin(left > options_.totals_per_transaction ? committed_ : next_, *consumer_);
  };
  begin_part();
  size_t written = 0;
  for (const auto& [partition, part] : parts_) {
    for (const uint32_t user : part.leaving) {
      if (written == options_.totals_per_transaction) {
        writer_->commit();
        base::Result<bool> committed = writer_->wait();
        if (!committed || !*committed) return committed;
        left -= std::exchange(written, 0);
        begin_part();
      }
      const record::Stats stats = part.totals.stats(user);
      line_.clear();
      record::append_stats(line_, stats);
      writer_->stats(partition, stats.user, line_);
      ++written;
    }
  }
  for (const std::string& reject : rejects_.lines) writer_->reject(reject);
  return true;
}

// False: it did not come about, and is to be done again.
base::Result<bool> TopicPublisher::settle() {
  base::Result<bool> committed = writer_->wait();
  if (!committed) {
    // The next owner reads over the same marks, and that is all.
    const bool forgone = offsets_alone_ && committed.error().kind == base::ErrorKind::kInterrupted;
    return forgone ? base::Result<bool>(false) : committed;
  }
  if (!*committed) {
    put_back();
    return false;
  }
  std::swap(committed_, next_);
  rejects_ = {};
  if (offsets_alone_) return true;
  trigger_.settled(clock_.now() - begun_at_);
  ++context_.counters.commits;
  return true;
}

void TopicPublisher::put_back() {
  ++context_.counters.commits_failed;
  not_before_ = clock_.now() + kRetryAfter;
  context_.run.diagnostics.detail("kafka: published again soon: " + writer_->why());
  for (auto& [partition, part] : parts_) {
    for (const uint32_t user : part.leaving) part.totals.totals().set_changed(user);
  }
  context_.pending_rejects.put_back(std::exchange(rejects_, {}));
  trigger_.added(records_);
}

}  // namespace paystats::topics
