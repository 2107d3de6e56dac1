#include "agg/topic_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "agg/topic_partition.h"
#include "io/decode_messages.h"
#include "io/wait.h"
#include "kafka/group_consumer.h"
#include "kafka/restore.h"
#include "kafka/stats_writer.h"
#include "record/encoder.h"

namespace paystats {
namespace {

// After a publication that did not come about, so long until it is tried again.
constexpr Duration kRetryAfter = std::chrono::milliseconds(100);
// More totals than these are published in parts. A transaction must end within its time-out, on a
// slow machine as well; one that did not would be made again for ever. Each total is exact by
// itself, so a part is no half truth. With it go the offsets that the group has already, since
// they are what fences a member that has been given up for dead; the new ones go with the last
// part.
constexpr size_t kTotalsPerTransaction = 200'000;
// The client is asked this often how far behind it is.
constexpr Duration kLagInterval = std::chrono::milliseconds(200);

// Publications fall between blocks, so a block is no larger than what is to lie between two.
size_t block_messages(const TriggerOptions& trigger) {
  constexpr uint64_t kMost = 1024;
  return static_cast<size_t>(std::min(trigger.records_max.value_or(kMost), kMost));
}

}  // namespace

class TopicJob::Impl final : public PartitionOwner {
 public:
  Impl(const TopicJobOptions& options, const TopicJobEnds& ends)
      : options_(options),
        ends_(ends),
        clock_(ends.context.clock),
        waiter_(ends.context.stop, ends.context.clock),
        decoder_(options.fields, ends.rejects),
        stats_decoder_(FieldNames{}),
        trigger_(options.trigger, ends.context.clock) {}

  Result<void> run();

 private:
  Result<std::vector<SourceOffset>> on_assigned(
      std::span<const PartitionOffsets> partitions) override;
  Result<void> on_revoked(bool lost) override;
  Result<bool> on_gone(int32_t partition, int64_t wanted, int64_t low) override;

  struct Part {
    PartitionTotals totals;
    int64_t target = 0;  // the end of the partition when it was assigned
  };

  Result<void> restore(std::span<const PartitionOffsets> partitions);
  Result<void> restore_block(const MessageBlock& block);
  Result<void> loop();
  Result<void> take(const MessageBlock& block);
  Result<void> add(const DecodedRun<Payment>& decoded);
  Result<void> check_users() const;
  Result<void> publish_if_due(bool paused);
  Result<bool> publish();
  Result<bool> write_changed();
  Result<void> finish();
  Instant deadline(bool paused) const;
  bool is_behind() const;
  bool all_read() const;
  void count();

  const TopicJobOptions& options_;
  const TopicJobEnds ends_;
  const Clock& clock_;
  const Waiter waiter_;
  MessageDecoder<Payment> decoder_;
  LineDecoder<Stats> stats_decoder_;
  Trigger trigger_;
  std::map<int32_t, Part> parts_;  // that are assigned
  std::unique_ptr<StatsWriter> writer_;
  std::unique_ptr<GroupConsumer> consumer_;
  Instant not_before_{};  // after a publication that did not come about
  Instant counted_{};
  std::vector<SourceOffset> committed_;   // of the group: what is to be read next
  std::vector<Totals::Refused> refused_;  // reused
  std::string line_;                      // reused
  bool was_assigned_ = false;
};

Result<void> TopicJob::Impl::run() {
  // The writer first: it clears what a predecessor of this name has left open, which otherwise
  // hides the newest totals and offsets from us.
  std::optional<std::string> transactional_id;
  if (options_.guarantee == Guarantee::kExactlyOnce) {
    transactional_id = options_.group + "." + options_.instance;
  }
  Result<std::unique_ptr<StatsWriter>> writer =
      StatsWriter::open(ends_.cluster, {.source_topic = options_.names.payments,
                                        .topic = options_.names.stats,
                                        .rejects_topic = options_.rejects_topic,
                                        .transactional_id = std::move(transactional_id)});
  if (!writer) return fail(writer.error());
  writer_ = std::move(*writer);
  Result<std::unique_ptr<GroupConsumer>> consumer =
      GroupConsumer::open(ends_.cluster,
                          {.topic = options_.names.payments,
                           .group = options_.group,
                           .instance = options_.instance,
                           .block_messages = block_messages(options_.trigger)},
                          *this, waiter_);
  if (!consumer) return fail(consumer.error());
  consumer_ = std::move(*consumer);

  // Beyond this point both ends are open.
  const Result<void> looped = loop();
  Result<void> done = looped ? finish() : looped;
  consumer_->close();
  count();
  return done;
}

Result<void> TopicJob::Impl::loop() {
  for (;;) {
    MessageBlock block;
    Result<ReadStatus> status = consumer_->read(block, clock_.now());
    if (status && *status == ReadStatus::kIdle) {
      if (all_read()) return {};
      const bool paused = !is_behind();
      if (Result<void> done = publish_if_due(paused); !done) return done;
      if (Result<void> done = ends_.rejects.flush(); !done) return done;
      count();
      status = consumer_->read(block, deadline(paused));
    }
    // A signal during a restore leaves a part of a table, which goes with it.
    if (!status && status.error().kind == ErrorKind::kInterrupted) return {};
    if (!status) return fail(status.error());
    if (*status == ReadStatus::kEnd) return {};
    if (*status == ReadStatus::kBlock) {
      if (Result<void> taken = take(block); !taken) return taken;
    }
    if (Result<void> done = publish_if_due(false); !done) return done;
    if (clock_.now() - counted_ >= kLagInterval) count();
  }
}

Result<void> TopicJob::Impl::take(const MessageBlock& block) {
  uint64_t bytes = 0;
  for (const Message& message : block.messages) bytes += message.value ? message.value->size() : 0;
  ends_.counters.bytes += bytes;
  const uint64_t before = decoder_.records();
  Result<void> taken =
      decoder_.decode(block, [this](const DecodedRun<Payment>& decoded) { return add(decoded); });
  // Rejects count as well: the offsets have to move on behind them, too.
  trigger_.added(decoder_.records() - before);
  return taken ? check_users() : taken;
}

// Rows of one partition after the other, as they come.
Result<void> TopicJob::Impl::add(const DecodedRun<Payment>& decoded) {
  std::span<const Totals::Row> rows(decoded.lines.rows);
  while (!rows.empty()) {
    const int32_t partition = decoded.messages[rows.front().line].at.partition;
    size_t run = 1;
    while (run < rows.size() && decoded.messages[rows[run].line].at.partition == partition) ++run;
    PartitionTotals& totals = parts_.at(partition).totals;
    const uint64_t skipped = totals.skipped();
    refused_.clear();
    if (Result<void> added = totals.add(rows.first(run), decoded.messages, refused_); !added) {
      return added;
    }
    for (const Totals::Refused& refused : refused_) {
      Result<void> put_aside = decoder_.reject(decoded, rows[refused.row].line, refused.flaw);
      if (!put_aside) return put_aside;
    }
    const uint64_t twice = totals.skipped() - skipped;
    ends_.counters.skipped += twice;
    ends_.counters.accepted += run - refused_.size() - twice;
    rows = rows.subspan(run);
  }
  return {};
}

// Each table has the limit by itself; together they must keep it, too.
Result<void> TopicJob::Impl::check_users() const {
  uint64_t users = 0;
  for (const auto& [partition, part] : parts_) users += part.totals.totals().users();
  if (users <= options_.users_max) return {};
  return fail(fmt::format("more than {} users: raise --users-max if there is the memory",
                          options_.users_max));
}

Result<void> TopicJob::Impl::publish_if_due(bool paused) {
  if (!trigger_.due(paused) && !trigger_.records_reached()) return {};
  if (clock_.now() < not_before_ || !consumer_->assigned()) return {};
  const Result<bool> published = publish();
  return published ? Result<void>() : fail(published.error());
}

// False: a part of it did not come about.
Result<bool> TopicJob::Impl::write_changed() {
  size_t written = 0;
  for (const auto& [partition, part] : parts_) {
    for (const uint32_t user : part.totals.totals().changed()) {
      const Stats stats = part.totals.stats(user);
      line_.clear();
      append_stats(line_, stats);
      if (Result<void> sent = writer_->stats(partition, stats.user, line_); !sent) {
        return fail(sent.error());
      }
      if (++written % kTotalsPerTransaction != 0) continue;
      Result<bool> committed = writer_->commit(committed_, *consumer_);
      if (!committed || !*committed) return committed;
      if (Result<void> begun = writer_->begin(); !begun) return fail(begun.error());
    }
  }
  for (const std::string& reject : ends_.pending_rejects) {
    if (Result<void> sent = writer_->reject(reject); !sent) return fail(sent.error());
  }
  return true;
}

// False: it did not come about, and is to be done again from what the tables say.
Result<bool> TopicJob::Impl::publish() {
  const Instant begin = clock_.now();
  if (Result<void> safe = ends_.rejects.flush(); !safe) return fail(safe.error());
  if (Result<void> begun = writer_->begin(); !begun) return fail(begun.error());
  Result<bool> committed = write_changed();
  if (!committed) return committed;
  std::vector<SourceOffset> next;
  for (const GroupConsumer::Position& position : consumer_->positions()) {
    next.push_back({position.partition, position.next});
  }
  if (*committed) committed = writer_->commit(next, *consumer_);
  if (!committed) return committed;
  if (!*committed) {
    ++ends_.counters.commits_failed;
    not_before_ = clock_.now() + kRetryAfter;
    ends_.context.diagnostics.detail("kafka: published again soon: " + writer_->why());
    return false;
  }
  for (auto& [partition, part] : parts_) part.totals.totals().clear_changed();
  ends_.pending_rejects.clear();
  committed_ = std::move(next);
  trigger_.fired(clock_.now() - begin);
  ++ends_.counters.commits;
  return true;
}

Result<void> TopicJob::Impl::finish() {
  while (trigger_.pending() && consumer_->assigned()) {
    const Result<bool> published = publish();
    if (!published && published.error().kind == ErrorKind::kInterrupted) {
      ends_.context.diagnostics.warning(
          "the last totals were not published: no broker answered in time; the next start makes "
          "them again");
      return {};
    }
    if (!published) return fail(published.error());
    if (*published) break;
    // Who has been fenced, or lost his partitions meanwhile, hears of it here.
    if (ends_.context.stop.requested()) return {};
    MessageBlock none;
    const Result<ReadStatus> read = consumer_->read(none, clock_.now() + kRetryAfter);
    if (!read) return fail(read.error());
    if (*read == ReadStatus::kBlock) {
      if (Result<void> taken = take(none); !taken) return taken;
    }
  }
  return {};
}

Instant TopicJob::Impl::deadline(bool paused) const {
  return std::min(std::max(trigger_.deadline(paused), not_before_),
                  clock_.now() + kLagInterval * 5);
}

// A queue that is empty while the partitions have more is no pause of the input.
bool TopicJob::Impl::is_behind() const {
  for (const GroupConsumer::Position& position : consumer_->positions()) {
    if (!position.at_end && position.high > position.next) return true;
  }
  return false;
}

// With available_now: all that was there when the partitions were assigned.
bool TopicJob::Impl::all_read() const {
  if (!options_.available_now || !was_assigned_) return false;
  for (const GroupConsumer::Position& position : consumer_->positions()) {
    const auto part = parts_.find(position.partition);
    if (part == parts_.end()) return false;
    if (position.next < part->second.target && !position.at_end) return false;
  }
  return true;
}

void TopicJob::Impl::count() {
  counted_ = clock_.now();
  uint64_t users = 0;
  for (const auto& [partition, part] : parts_) users += part.totals.totals().users();
  uint64_t lag = 0;
  bool caught_up = was_assigned_;
  for (const GroupConsumer::Position& position : consumer_->positions()) {
    if (!position.at_end) lag += static_cast<uint64_t>(position.high - position.next);
    const auto part = parts_.find(position.partition);
    caught_up = caught_up && part != parts_.end() &&
                (position.at_end || position.next >= part->second.target);
  }
  ends_.counters.users = users;
  ends_.counters.lag = lag;
  ends_.counters.partitions = parts_.size();
  ends_.counters.caught_up = caught_up;
}

Result<std::vector<SourceOffset>> TopicJob::Impl::on_assigned(
    std::span<const PartitionOffsets> partitions) {
  parts_.clear();
  was_assigned_ = true;
  if (Result<void> restored = restore(partitions); !restored) return fail(restored.error());
  std::vector<SourceOffset> starts;
  for (const PartitionOffsets& offsets : partitions) {
    const PartitionTotals& totals = parts_.at(offsets.partition).totals;
    const Result<TopicStart> start = choose_start({.partition = offsets.partition,
                                                   .low = offsets.low,
                                                   .high = offsets.high,
                                                   .committed = offsets.committed,
                                                   .has_totals = totals.totals().users() > 0,
                                                   .newest_total = totals.newest_restored()},
                                                  options_.names, options_.on_data_loss);
    if (!start) return fail(start.error());
    if (!start->warning.empty()) ends_.context.diagnostics.warning(start->warning);
    ends_.context.diagnostics.detail(fmt::format("kafka:{}: partition {} from offset {}, {} users",
                                                 options_.names.payments, offsets.partition,
                                                 start->offset, totals.totals().users()));
    starts.push_back({offsets.partition, start->offset});
  }
  committed_ = starts;
  return starts;
}

Result<void> TopicJob::Impl::restore(std::span<const PartitionOffsets> partitions) {
  std::vector<int32_t> numbers;
  for (const PartitionOffsets& each : partitions) {
    numbers.push_back(each.partition);
    parts_.emplace(
        each.partition,
        Part{.totals = PartitionTotals(each.partition, options_.hash_seed,
                                       {.users_max = options_.users_max, .track_changes = true}),
             .target = each.high});
  }
  if (numbers.empty()) return {};
  Result<void> read = read_back(
      ends_.cluster, {options_.names.stats, numbers},
      [this](const MessageBlock& block) { return restore_block(block); },
      [this](uint64_t done, uint64_t all) {
        ends_.counters.restored = done;
        ends_.counters.to_restore = all;
      });
  if (!read) return read;
  for (auto& [partition, part] : parts_) part.totals.restored();
  return {};
}

Result<void> TopicJob::Impl::restore_block(const MessageBlock& block) {
  for (const Message& message : block.messages) {
    PartitionTotals& totals = parts_.at(message.at.partition).totals;
    if (!message.value) {
      totals.remove(message.key);
      continue;
    }
    const auto refuse = [&](std::string_view why) {
      return fail(fmt::format("kafka:{}: partition {}, offset {}: {}", options_.names.stats,
                              message.at.partition, message.at.offset, why));
    };
    Stats stats;
    const Flaw flaw = stats_decoder_.decode_one(*message.value, stats);
    if (flaw != Flaw::kNone) {
      return refuse("not a stats record: " + describe(flaw, FieldNames{}) +
                    "; totals go to a topic of their own");
    }
    if (!stats.at) {
      return refuse(
          "stats without an offset: another program writes to this topic; payagg needs one of its "
          "own");
    }
    if (stats.at->partition != message.at.partition) {
      return refuse(fmt::format("stats of partition {}; payagg needs a topic of its own",
                                stats.at->partition));
    }
    if (Result<void> restored = totals.restore(stats); !restored) return restored;
  }
  return {};
}

Result<void> TopicJob::Impl::on_revoked(bool lost) {
  Result<void> outcome;
  if (!lost && trigger_.pending()) {
    // Whoever is next begins where this ends. If it does not come about he reads a little more.
    const Result<bool> published = publish();
    if (!published && published.error().kind != ErrorKind::kInterrupted) {
      outcome = fail(published.error());
    }
  }
  ends_.pending_rejects.clear();
  parts_.clear();
  trigger_.fired();  // there is nothing left to publish
  ends_.context.diagnostics.detail(fmt::format("kafka:{}: partitions {}", options_.names.payments,
                                               lost ? "lost" : "given back"));
  return outcome;
}

Result<bool> TopicJob::Impl::on_gone(int32_t partition, int64_t wanted, int64_t low) {
  const std::string gap = describe_gap(options_.names, partition, wanted, low);
  if (options_.on_data_loss == OnDataLoss::kStop) {
    return fail(gap + "; --on-data-loss continue goes on without them");
  }
  ends_.context.diagnostics.warning(gap);
  return true;
}

TopicJob::TopicJob(const TopicJobOptions& options, const TopicJobEnds& ends)
    : impl_(std::make_unique<Impl>(options, ends)) {}
TopicJob::~TopicJob() = default;

Result<void> TopicJob::run() {
  return impl_->run();
}

}  // namespace paystats
