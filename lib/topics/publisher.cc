#include "topics/publisher.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "io/wait.h"
#include "record/encoder.h"

namespace paystats::topics {

TopicPublisher::TopicPublisher(std::unique_ptr<kafka::StatsWriter> writer,
                               const TopicPublisherOptions& options, TopicParts& parts,
                               OutputWatch& watch, const TopicJobContext& context)
    : writer_(std::move(writer)),
      options_(options),
      parts_(parts),
      watch_(watch),
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
  if (!consumer_->assigned()) return {};
  if (writer_->under_way()) {
    return clock_.now() - begun_at_ < kQuick ? base::Result<void>() : look(true);
  }
  if (base::Result<void> looked = look(); !looked) return looked;
  if (watch_.is_gone()) {
    // A block is read now and then, so that the group still sees a member that is alive.
    if (full()) std::this_thread::sleep_until(watch_.next_look());
    return {};
  }
  if (full()) {
    std::this_thread::sleep_until(not_before_);
  } else if (clock_.now() < not_before_) {
    return {};
  } else if (!trigger_.due(paused) && !urgent_) {
    const bool quiet = paused && !trigger_.pending() && clock_.now() >= offsets_not_before_ &&
                       !context_.cluster.watch().away();
    if (!quiet || !offsets_moved()) return {};
  }
  return begin();
}

base::Result<void> TopicPublisher::look(bool under_way) {
  const base::Result<uint64_t> again = watch_.look(under_way);
  if (!again) return base::fail(again.error());
  publish_again(*again);
  return {};
}

base::Result<void> TopicPublisher::note_delivered() {
  const base::Result<uint64_t> again = watch_.published(writer_->delivered());
  if (!again) return base::fail(again.error());
  publish_again(*again);
  return {};
}

void TopicPublisher::publish_again(uint64_t users) {
  trigger_.added(users);
  if (users > 0) urgent_ = true;
}

// Where each so many records are published, no more are read before that has been done. Nor where
// the rejects would fill a transaction: they all leave with the next one.
bool TopicPublisher::full() const {
  const PendingRejects& pending = context_.pending_rejects;
  return trigger_.records_reached() ||
         pending.lines.size() + rejects_.lines.size() >= options_.totals_per_transaction ||
         pending.bytes + rejects_.bytes >= options_.reject_bytes_max;
}

// What was committed last, or begun with, is another offset than what is to be read next, or is
// signed with another table: a tombstone changes that without a payment.
bool TopicPublisher::offsets_moved() const {
  const std::vector<kafka::GroupConsumer::Position> positions = consumer_->positions();
  return !std::ranges::equal(
      positions, committed_, [this](const auto& position, const auto& before) {
        if (position.partition != before.partition || position.next != before.offset) return false;
        const auto part = parts_.find(position.partition);
        return part == parts_.end() || !before.signature ||
               before.signature->table == part->second.totals.digest();
      });
}

base::Instant TopicPublisher::deadline(bool paused) const {
  if (writer_->under_way()) return base::Instant::max();  // its end wakes the consumer
  if (watch_.is_gone()) return watch_.next_look();
  return std::max(trigger_.deadline(paused), not_before_);
}

base::Result<bool> TopicPublisher::publish_all() {
  if (writer_->under_way()) {
    if (base::Result<bool> settled = settle(); !settled) return settled;
  }
  // Where the first one finds that all is to be published again, a second one does it.
  for (int publications = 0; publications < 2 && (trigger_.pending() || offsets_moved());
       ++publications) {
    if (base::Result<void> looked = look(); !looked) return base::fail(looked.error());
    if (watch_.is_gone()) return false;
    if (base::Result<void> begun = begin(); !begun) return base::fail(begun.error());
    if (!writer_->under_way()) return false;
    if (base::Result<bool> settled = settle(); !settled || !*settled) return settled;
  }
  return !trigger_.pending();
}

base::Result<bool> TopicPublisher::hand_over() {
  const bool has_totals = std::ranges::any_of(
      parts_, [](const auto& part) { return part.second.totals.digest().users > 0; });
  if (!has_totals) return publish_all();
  const io::Waiter waiter(context_.run.stop, clock_);
  const base::Instant limit = clock_.now() + kHandOverMax;
  watch_.look_soon();  // nobody may have asked for a while
  for (;;) {
    base::Result<bool> published = publish_all();
    if (!published || (!*published && !watch_.is_gone())) return published;
    if (base::Result<void> looked = look(); !looked) return base::fail(looked.error());
    if (urgent_ && !watch_.is_gone()) continue;
    if (watch_.is_settled() || clock_.now() >= limit) return published;
    if (base::Result<void> patient = context_.cluster.check_patience(); !patient) {
      return base::fail(patient.error());
    }
    const base::Result<io::Wake> wake = waiter.wait_readable(-1, watch_.next_look());
    if (!wake) return base::fail(wake.error());
  }
}

base::Result<bool> TopicPublisher::leave_mark(int32_t partition, const kafka::MessageMark& mark) {
  if (writer_->under_way()) {
    if (const base::Result<bool> settled = settle(); !settled) return base::fail(settled.error());
  }
  for (const kafka::GroupConsumer::Position& position : consumer_->positions()) {
    if (position.partition != partition) continue;
    kafka::SignedOffset offset = signed_next(position);
    offset.signature->last = mark;
    return consumer_->commit({&offset, 1});
  }
  return false;
}

base::Result<void> TopicPublisher::forget() {
  base::Result<bool> settled = true;
  if (writer_->under_way()) settled = settle();
  trigger_.taken();
  urgent_ = false;
  watch_.forget();
  context_.pending_rejects = {};
  committed_.clear();
  if (settled || settled.error().kind == base::ErrorKind::kInterrupted) return {};
  return base::fail(settled.error());
}

kafka::SignedOffset TopicPublisher::signed_next(
    const kafka::GroupConsumer::Position& position) const {
  return {.partition = position.partition,
          .offset = position.next,
          .signature = sign(parts_.at(position.partition), position, options_.origin)};
}

base::Result<void> TopicPublisher::begin() {
  begun_at_ = clock_.now();
  if (base::Result<void> safe = context_.rejects.flush(); !safe) return safe;
  records_ = trigger_.taken();
  urgent_now_ = std::exchange(urgent_, false);
  offsets_alone_ = records_ == 0 && !urgent_now_;
  offsets_not_before_ = begun_at_ + kOffsetsAfter;
  next_.clear();
  for (const kafka::GroupConsumer::Position& position : consumer_->positions()) {
    // Nothing is read before all of the table has been written, so that one belongs to the other.
    next_.push_back(signed_next(position));
  }
  rejects_ = std::exchange(context_.pending_rejects, {});
  for (auto& [partition, part] : parts_) {
    part.totals.totals().take_changed(part.leaving);
    part.left = 0;
  }
  const base::Result<bool> written = write_leaving();
  if (!written) return base::fail(written.error());
  if (!*written) return put_back();
  writer_->commit();
  return {};
}

// All but the commit of the last part. False: a part before it did not come about.
base::Result<bool> TopicPublisher::write_leaving() {
  size_t left = 0;
  for (const auto& [partition, part] : parts_) left += part.leaving.size();
  std::map<int32_t, size_t> now;  // of a partition, with the part of now
  const auto begin_part = [&] {
    writer_->begin(left > options_.totals_per_transaction ? committed_ : next_, *consumer_);
  };
  begin_part();
  size_t written = 0;
  for (const auto& [partition, part] : parts_) {
    size_t& with_this_part = now[partition];
    for (const uint32_t user : part.leaving) {
      if (written == options_.totals_per_transaction) {
        writer_->commit();
        base::Result<bool> committed = writer_->wait();
        if (!committed || !*committed) return committed;
        if (base::Result<void> noted = note_delivered(); !noted) return base::fail(noted.error());
        for (const auto& [number, users] : now) parts_.at(number).left = users;
        left -= std::exchange(written, 0);
        begin_part();
      }
      const record::Stats stats = part.totals.stats(user);
      if (stats.at->offset == PartitionTotals::kNothing) {
        --left;  // a tombstone has removed the user since
        continue;
      }
      line_.clear();
      record::append_stats(line_, stats);
      writer_->stats(partition, stats.user, line_);
      ++written;
      ++with_this_part;
    }
  }
  for (const std::string& reject : rejects_.lines) writer_->reject(reject);
  return true;
}

// False: it did not come about, and is to be done again.
base::Result<bool> TopicPublisher::settle() {
  base::Result<bool> committed = writer_->wait();
  if (!committed) {
    // The next owner reads over the same markers, and that is all.
    const bool forgone = offsets_alone_ && committed.error().kind == base::ErrorKind::kInterrupted;
    return forgone ? base::Result<bool>(false) : committed;
  }
  if (!*committed) {
    if (base::Result<void> back = put_back(); !back) return base::fail(back.error());
    return false;
  }
  tell_success();
  std::swap(committed_, next_);
  rejects_ = {};
  if (offsets_alone_) return true;
  trigger_.settled(clock_.now() - begun_at_);
  ++context_.counters.commits;
  if (base::Result<void> noted = note_delivered(); !noted) return base::fail(noted.error());
  return true;
}

// That brokers are away, or the topic, is said by those who look for them.
void TopicPublisher::tell_failing() {
  if (context_.cluster.watch().away() || watch_.is_gone() || offsets_alone_) return;
  const base::Instant now = clock_.now();
  if (!failing_since_ || now - failed_ >= kFailingQuiet) {
    failing_since_ = now;
    failing_told_.reset();
  }
  failed_ = now;
  if (now - failing_told_.value_or(*failing_since_) < kFailingQuiet) return;
  failing_told_ = now;
  const std::string& why = writer_->why();
  context_.run.diagnostics.warning(fmt::format(
      "no publication has come about for {} s, and it is tried again: {}",
      base::whole_seconds(now - *failing_since_), why.empty() ? "offsets were not taken" : why));
}

void TopicPublisher::tell_success() {
  if (failing_told_) {
    context_.run.diagnostics.note(fmt::format("publications come about again, after {} s",
                                              base::whole_seconds(clock_.now() - *failing_since_)));
  }
  failing_since_.reset();
  failing_told_.reset();
}

base::Result<void> TopicPublisher::put_back() {
  ++context_.counters.commits_failed;
  not_before_ = clock_.now() + kRetryAfter;
  context_.run.diagnostics.detail("kafka: published again soon: " + writer_->why());
  if (writer_->is_topic_unknown()) watch_.cannot_publish();
  tell_failing();
  for (auto& [partition, part] : parts_) {
    for (const uint32_t user : part.leaving) part.totals.totals().set_changed(user);
  }
  context_.pending_rejects.put_back(std::exchange(rejects_, {}));
  trigger_.added(records_);
  urgent_ = urgent_ || urgent_now_;
  const base::Result<uint64_t> again = watch_.undone(writer_->delivered());
  if (!again) return base::fail(again.error());
  publish_again(*again);
  return {};
}

}  // namespace paystats::topics
